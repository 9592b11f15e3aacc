"""Routes of the payer's pages: `/phone`, `/pay/{token}`, `/provider/{session}`.

A payment link works for whoever holds it; its pages show the order and never its owner (R-302).
"""

import re
from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from backend_stub.domain.address import mask_address
from backend_stub.domain.calendar import local_text
from backend_stub.domain.catalogue import service_name
from backend_stub.domain.money import Money
from backend_stub.domain.order import Order, is_payable
from backend_stub.errors import BackendError
from backend_stub.service.ports.provider import ProviderSession
from backend_stub.web.ports import WebBackend
from backend_stub.web.texts import STATE_NAMES, story
from contracts.bench import PaymentOutcome
from contracts.errors import ErrorCode
from contracts.messages import OrderState

FOLLOW_S = 3
"""How often a page that waits for something looks again."""

MAX_DELAY_S = 7 * 24 * 3600
_DELAY = re.compile(r"[0-9]{1,9}")

_HEADERS = {
    # The address of a page is its key: it must not leave in a Referer, nor stay in a cache.
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'"
    ),
}

_TROUBLE = (
    (PaymentOutcome.LATE, "Pay; the confirmation comes minutes later"),
    (PaymentOutcome.DUPLICATE, "Pay; the confirmation comes twice"),
    (PaymentOutcome.SILENT, "Pay; the confirmation is lost"),
    (PaymentOutcome.WRONG_AMOUNT, "Pay a wrong amount"),
)

_RETURNED = {ErrorCode.AMOUNT_MISMATCH: " (wrong amount)", "already paid": " (already paid)"}

FindBackend = Callable[[], WebBackend]
Handler = Callable[[Request], Awaitable[Response]]


def make_web(backend: WebBackend | FindBackend) -> Starlette:
    """The pages of `backend`, or of whichever one a function finds at the time (it may restart)."""
    pages = Pages(backend if callable(backend) else lambda: backend)
    return Starlette(
        routes=[
            Route("/", pages.home),
            Route("/phone", pages.phone),
            Route("/pay/{token}", pages.pay, methods=["GET", "POST"]),
            Route("/provider/{session}", pages.provider, methods=["GET", "POST"]),
            Route("/style.css", pages.style),
        ],
        exception_handlers={
            HTTPException: pages.failed,
            BackendError: pages.refused,
            LookupError: pages.down,
        },
    )


class Pages:
    """Handlers of all routes. Every one runs on the event loop: the books have one connection."""

    def __init__(self, find: FindBackend) -> None:
        self._find = find
        self._environment = Environment(
            loader=PackageLoader("backend_stub.web"), autoescape=True, undefined=StrictUndefined
        )
        self._environment.filters["whole"] = _whole
        self._css = files("backend_stub.web").joinpath("static/style.css").read_text(encoding="utf-8")

    async def home(self, request: Request) -> Response:
        """The phone is where everything begins."""
        return RedirectResponse("/phone", headers=_HEADERS)

    async def style(self, request: Request) -> Response:
        """The one style sheet."""
        return Response(self._css, media_type="text/css", headers={"Cache-Control": "max-age=60"})

    async def phone(self, request: Request) -> Response:
        """The inbox: every text message that has arrived, newest first."""
        backend = self._find()
        zone = backend.profile.zone
        messages = [
            {
                "text": sms.text,
                # Where the pages are now: the message may be older than this life of the program.
                "url": backend.link_of(sms.token) if sms.order_number else "",
                "number": mask_address(sms.number),
                "at": local_text(sms.arrived_at_ms or sms.sent_at_ms, zone),
            }
            for sms in backend.store.sms.arrived()
        ]
        return self._page("phone.html", messages=messages, follow_s=FOLLOW_S)

    async def pay(self, request: Request) -> Response:
        """The payment page of one order; posting it opens a session at a provider."""
        backend = self._find()
        order = backend.store.orders.by_token(request.path_params["token"])
        if order is None:
            raise HTTPException(404)
        if request.method != "POST":
            return self._pay_page(backend, order)
        provider = str((await request.form()).get("provider", ""))
        try:
            with backend.change() as uow:
                fresh = backend.store.orders.get(order.number) or order
                session = backend.payments.open_session(uow, fresh, provider)
        except BackendError as error:
            now = backend.store.orders.get(order.number) or order
            if error.code is ErrorCode.INVALID_STATE:
                error = BackendError(error.code, "This order cannot be paid now; below is how it stands.")
            return self._pay_page(backend, now, error)
        return _see(f"/provider/{session}")

    async def provider(self, request: Request) -> Response:
        """The scripted provider: the payer approves, declines or leaves; the bench may let it go wrong."""
        backend = self._find()
        session = backend.payments.provider.get(request.path_params["session"])
        order = backend.store.orders.get(session.order_number) if session else None
        if session is None or order is None:
            raise HTTPException(404)
        if request.method != "POST":
            return self._provider_page(session, order)
        form = await request.form()
        outcome, delay_ms = _decision(str(form.get("outcome", "")), str(form.get("delay_s", "")))
        try:
            with backend.change() as uow:
                backend.payments.decide(uow, session.session, outcome, delay_ms)
        except BackendError as error:
            return self._provider_page(session, order, error)
        return _see(f"/pay/{order.token}")

    async def failed(self, request: Request, error: Exception) -> Response:
        """A page that does not exist, and what to do about it."""
        code = error.status_code if isinstance(error, HTTPException) else 500
        if code != 404:
            return self._page(
                "message.html", status=code, title="That did not work", text="Go back and try again."
            )
        try:
            hotline = self._find().profile.hotline
        except LookupError as nobody:
            return await self.down(request, nobody)
        return self._page(
            "message.html",
            status=404,
            title="This link leads nowhere",
            text="Check that the whole link was copied from the text message. If it was, ask"
            f" {hotline} to send it again.",
        )

    async def refused(self, request: Request, error: Exception) -> Response:
        """A form that asks for something there is not."""
        detail = error.detail if isinstance(error, BackendError) else ""
        return self._page("message.html", status=400, title="That cannot be done", text=detail)

    async def down(self, request: Request, error: Exception) -> Response:
        """The backend is not running now."""
        return self._page(
            "message.html",
            status=503,
            title="Back in a moment",
            text="The store is being restarted. Nothing is lost; load this page again.",
        )

    def _pay_page(self, backend: WebBackend, order: Order, error: BackendError | None = None) -> Response:
        zone = backend.profile.zone
        payment = backend.store.payments.newest_of(order.number)
        session = backend.payments.provider.get(payment.session) if payment else None
        is_undecided = (
            order.state is OrderState.PAYING
            and session is not None
            and session.outcome is None
            and not session.closed
        )
        is_waiting = order.state in (OrderState.PAYING, OrderState.CANCELLING, OrderState.PAID)
        return self._page(
            "pay.html",
            status=409 if error else 200,
            error=error.detail if error else "",
            number=order.number,
            lines=[
                (service_name(line.service), line.months, str(Money(line.amount_minor, order.currency)))
                for line in order.lines
            ],
            total=str(Money(order.amount_minor, order.currency)),
            story=story(order, backend.profile),
            providers=backend.profile.providers if is_payable(order) else (),
            open_session=session.session if session and is_undecided else "",
            open_provider=session.provider if session else "",
            history=self._history(backend, order, zone),
            hotline=backend.profile.hotline,
            qr=_qr(backend.link_of(order.token)) if is_payable(order) else "",
            token=order.token,
            follow_s=FOLLOW_S if is_waiting else 0,
        )

    def _history(self, backend: WebBackend, order: Order, zone: str) -> list[tuple[str, str]]:
        """States and money of an order, oldest first."""
        told = [
            (entry.at_ms, n, _state_line(entry.state, entry.reason))
            for n, entry in enumerate(backend.store.orders.history(order.number))
        ]
        for entry in backend.store.payments.ledger():
            if entry.order_number == order.number and entry.returned_minor:
                amount = Money(entry.returned_minor, entry.currency)
                why = _RETURNED.get(entry.reason, "")
                told.append((entry.reported_at_ms, len(told), f"{amount} returned in full{why}"))
        for payout in backend.store.refunds.payouts():
            if payout.order_number == order.number:
                amount = Money(payout.amount_minor, payout.currency)
                told.append((payout.paid_out_at_ms, len(told), f"{amount} refunded"))
        return [(local_text(at_ms, zone), line) for at_ms, _, line in sorted(told)]

    def _provider_page(
        self, session: ProviderSession, order: Order, error: BackendError | None = None
    ) -> Response:
        return self._page(
            "provider.html",
            status=409 if error else 200,
            error=error.detail if error else "",
            provider=session.provider,
            number=session.order_number,
            amount=str(Money(session.amount_minor, session.currency)),
            is_over=session.closed or session.outcome is not None,
            session=session.session,
            token=order.token,
            trouble=_TROUBLE,
        )

    def _page(self, template: str, status: int = 200, **values: Any) -> HTMLResponse:
        html = self._environment.get_template(template).render(values)
        return HTMLResponse(html, status_code=status, headers=_HEADERS)


def _see(path: str) -> Response:
    """RFC 9110, section 15.4.4: look there, with GET."""
    return RedirectResponse(path, status_code=303, headers=_HEADERS)


def _decision(outcome: str, delay_s: str) -> tuple[PaymentOutcome, int]:
    """What a provider's form says. Raises BackendError naming the field."""
    try:
        chosen = PaymentOutcome(outcome)
    except ValueError:
        raise BackendError(ErrorCode.BAD_MESSAGE, "choose to pay or to decline") from None
    if not delay_s:
        return chosen, 0
    if not (_DELAY.fullmatch(delay_s) and int(delay_s) <= MAX_DELAY_S):
        raise BackendError(ErrorCode.BAD_MESSAGE, "the delay is a number of seconds, at most a week")
    return chosen, int(delay_s) * 1000


def _state_line(state: OrderState, reason: str) -> str:
    why = {"timeout": " (not paid in time)", "owner": " (new owner)"}.get(reason, "")
    return f"{STATE_NAMES[state]}{why}"


def _whole(text: str) -> str:
    """The text with hyphens at which no line breaks: order numbers and dates stay whole."""
    return text.replace("-", "\N{NON-BREAKING HYPHEN}")


def _qr(link: str) -> str:
    """The link as an inline SVG, for another phone's camera."""
    import segno

    svg: str = segno.make(link, error="m").svg_inline(scale=4, border=2, omitsize=True)
    return svg
