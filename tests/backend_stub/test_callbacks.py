"""Providers report signed; what is not genuine is ignored and logged, without effect (R-305, R-831)."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from backend_stub.adapters.tables import SHARED_KEYS
from backend_stub.domain import callback as callbacks
from backend_stub.domain.callback import CALLBACK_KEY, Callback, CallbackKind
from contracts.acts.payer import OpenSession
from contracts.acts.provider import ReportCapture, ReportDecline, Signature
from contracts.bench import AtProvider, PaymentOutcome
from contracts.errors import ErrorCode
from contracts.messages import CancelReason, OrderState
from tests.backend_stub.refund_shop import RefundShop
from tests.backend_stub.shop import DAY, MINUTE, SECOND

NOT_GOOD = (Signature.WRONG, Signature.MISSING)


@pytest.fixture
def shop() -> Iterator[RefundShop]:
    """A backend in China whose car has an owner with a name."""
    shop = RefundShop()
    yield shop
    shop.close()


def paying(shop: RefundShop, *services: str) -> str:
    """Number of an order whose payer is at the provider's."""
    number = shop.accepted(*(services or ("RTTI",))).number
    shop.payer(OpenSession(order=number))
    return number


def capture(shop: RefundShop, number: str, **what: Any) -> None:
    shop.provider(ReportCapture(order=number, **what))


def deliver(shop: RefundShop, body: bytes, signature: str) -> None:
    """Somebody sends bytes to where providers report."""

    async def send() -> None:
        with shop.backend.change() as uow:
            shop.backend.callbacks.receive(uow, body, signature)

    shop.run(send())


def ignored(shop: RefundShop) -> list[object]:
    """Why reports were ignored."""
    return [entry.data["why"] for entry in shop.book.entries if entry.kind == "callback"]


@pytest.mark.req("R-831", "R-303")
def test_a_signed_capture_pays_the_order(shop: RefundShop) -> None:
    number = paying(shop)
    assert shop.order(number).state is OrderState.PAYING
    capture(shop, number)
    assert shop.order(number).state is OrderState.PAID
    assert shop.journal("callback") == []
    assert shop.balances()


@pytest.mark.req("R-831")
@pytest.mark.parametrize(
    ("signature", "why"), [(Signature.WRONG, "bad signature"), (Signature.MISSING, "no signature")]
)
def test_a_capture_that_is_not_signed_is_ignored_and_logged(
    shop: RefundShop, signature: Signature, why: str
) -> None:
    number = paying(shop)
    before = shop.backend.audit()
    capture(shop, number, signature=signature)
    assert shop.backend.audit() == before
    assert shop.journal("callback") == [("provider", "ignored")]
    assert ignored(shop) == [why]


@pytest.mark.req("R-831", "R-307")
def test_money_whose_report_was_forged_on_the_way_is_found_by_asking(shop: RefundShop) -> None:
    number = paying(shop)
    capture(shop, number, signature=Signature.WRONG)
    shop.advance(15 * MINUTE)
    assert shop.order(number).state is OrderState.FULFILLED
    assert shop.balances()


@pytest.mark.req("R-831", "R-304", "R-307")
def test_so_is_a_wrong_amount_to_the_minor_unit(shop: RefundShop) -> None:
    number = paying(shop)
    capture(shop, number, signature=Signature.MISSING, amount_minor=14999)
    shop.advance(15 * MINUTE)
    assert shop.order(number).state is OrderState.PAYMENT_FAILED
    assert shop.order(number).returned_minor == 14999
    assert shop.balances()


@pytest.mark.req("R-831")
@pytest.mark.parametrize("signature", NOT_GOOD)
def test_a_decline_that_is_not_signed_is_ignored(shop: RefundShop, signature: Signature) -> None:
    number = paying(shop)
    shop.provider(ReportDecline(order=number, signature=signature))
    assert shop.order(number).state is OrderState.PAYING
    shop.provider(ReportDecline(order=number))
    assert shop.order(number).state is OrderState.PAYMENT_FAILED


@pytest.mark.req("R-831")
def test_the_key_is_drawn_once_and_survives_a_restart(shop: RefundShop) -> None:
    key = shop.backend.store.keys.get(CALLBACK_KEY)
    assert key is not None
    assert len(key) >= 43
    number = paying(shop)
    shop.restart_after(SECOND)
    assert shop.backend.store.keys.get(CALLBACK_KEY) == key
    capture(shop, number)
    assert shop.order(number).state is OrderState.PAID
    assert key not in str([(entry.key, entry.data) for entry in shop.book.entries])


@pytest.mark.req("R-831")
def test_whatever_somebody_sends_nothing_happens(shop: RefundShop) -> None:
    paying(shop)
    before = shop.backend.audit()

    @settings(max_examples=60, deadline=None)
    @given(body=st.binary(max_size=200), signature=st.text(max_size=90))
    def send(body: bytes, signature: str) -> None:
        deliver(shop, body, signature)

    send()
    assert shop.backend.audit() == before
    assert set(shop.journal("callback")) == {("provider", "ignored")}


@pytest.mark.req("R-831")
def test_whatever_a_provider_signs_nothing_breaks(shop: RefundShop) -> None:
    paying(shop)
    before = shop.backend.audit()
    key = shop.backend.store.keys.get(CALLBACK_KEY)
    assert key is not None
    stranger = Callback(kind=CallbackKind.CAPTURED, at_ms=shop.now, session="nobody's", transaction_id="t")
    bounce = Callback(kind=CallbackKind.PAYOUT_BOUNCED, at_ms=shop.now, refund_id=999)
    bodies = [b"", b"null", b"\xff", b"{}", callbacks.write(stranger), callbacks.write(bounce)]
    for body in bodies:
        deliver(shop, body, callbacks.sign(key, body, shop.now))
    assert shop.backend.audit() == before
    assert ignored(shop) == ["malformed"] * 4 + ["unknown session", "no such payout"]


@pytest.mark.req("R-831", "R-305")
def test_a_genuine_report_that_is_replayed_takes_effect_once(shop: RefundShop) -> None:
    number = paying(shop)
    payment = shop.backend.store.payments.newest_of(number)
    assert payment is not None
    report = Callback(
        kind=CallbackKind.CAPTURED,
        at_ms=shop.now,
        session=payment.session,
        transaction_id="t-1",
        amount_minor=15000,
        currency="CNY",
    )
    sent = shop.backend.provider.signed(report, shop.now)
    for _ in range(3):
        deliver(shop, sent.body, sent.signature)
        shop.advance(MINUTE)
    assert len(shop.backend.audit().ledger) == 1
    assert shop.journal("payment")[-2:] == [(payment.payment_id, "REPEATED")] * 2
    assert shop.balances()


# What a provider may say of its own accord


@pytest.mark.req("R-211")
@pytest.mark.parametrize(
    ("after_order_s", "state"), [(86_400, OrderState.FULFILLED), (86_400.001, OrderState.CANCELLED)]
)
def test_the_instant_of_capture_decides_at_24_hours_to_the_millisecond(
    shop: RefundShop, after_order_s: float, state: OrderState
) -> None:
    shop.accepted("RTTI")
    shop.advance(DAY - MINUTE)
    number = shop.backend.store.orders.all()[0].number
    shop.payer(OpenSession(order=number))
    shop.advance(2 * MINUTE)
    assert shop.order(number).cancel_reason is CancelReason.TIMEOUT
    capture(shop, number, after_order_s=after_order_s)
    assert shop.order(number).state is state
    assert shop.backend.audit().ledger[0].captured_at_ms == shop.order(number).accepted_at_ms + round(
        after_order_s * 1000
    )
    assert shop.balances()


@pytest.mark.req("R-210")
@pytest.mark.parametrize(
    ("after_cancel_s", "state"), [(-0.001, OrderState.FULFILLED), (0, OrderState.CANCELLING)]
)
def test_the_instant_of_capture_decides_against_a_cancellation(
    shop: RefundShop, after_cancel_s: float, state: OrderState
) -> None:
    number = paying(shop)
    shop.advance(SECOND)
    shop.cancel(number)
    shop.advance(MINUTE)
    capture(shop, number, after_cancel_s=after_cancel_s)
    assert shop.order(number).state is state
    assert shop.balances()


@pytest.mark.req("R-304")
@pytest.mark.parametrize(
    "what", [{"amount_minor": 14999}, {"amount_minor": 15001}, {"amount_minor": 0}, {"currency": "AUD"}]
)
def test_a_wrong_amount_or_currency_goes_back_whole(shop: RefundShop, what: dict[str, Any]) -> None:
    number = paying(shop)
    capture(shop, number, **what)
    order = shop.order(number)
    assert order.state is OrderState.PAYMENT_FAILED
    assert order.returned_minor == order.captured_minor == what.get("amount_minor", 15000)
    assert shop.balances()


@pytest.mark.req("R-305")
def test_another_transaction_for_a_paid_order_goes_back_and_the_same_one_does_nothing(
    shop: RefundShop,
) -> None:
    number = paying(shop)
    capture(shop, number)
    capture(shop, number)
    assert shop.order(number).returned_minor == 0
    capture(shop, number, transaction="another")
    assert shop.order(number).returned_minor == 15000
    assert len(shop.entitlements("RTTI")[0].periods) == 1
    assert shop.balances()


@pytest.mark.req("R-305", "R-604")
def test_another_transaction_for_a_refunded_order_goes_back_too(shop: RefundShop) -> None:
    number = paying(shop)
    capture(shop, number)
    shop.refund(number)
    shop.advance(60 * DAY)
    capture(shop, number, transaction="another")
    assert shop.order(number).state is OrderState.REFUNDED
    assert shop.order(number).returned_minor == 15000
    assert shop.balances()


@pytest.mark.req("R-210", "R-831")
def test_a_provider_speaks_of_a_session_and_never_of_what_is_to_come(shop: RefundShop) -> None:
    number = shop.accepted("RTTI").number
    assert shop.refusal(AtProvider(act=ReportCapture(order=number))) is ErrorCode.INVALID_STATE
    assert shop.refusal(AtProvider(act=ReportDecline(order=number))) is ErrorCode.INVALID_STATE
    shop.payer(OpenSession(order=number))
    early = ReportCapture(order=number, after_order_s=3600)
    assert shop.refusal(AtProvider(act=early)) is ErrorCode.BAD_MESSAGE
    uncancelled = ReportCapture(order=number, after_cancel_s=0)
    assert shop.refusal(AtProvider(act=uncancelled)) is ErrorCode.INVALID_STATE


@pytest.mark.req("R-831")
def test_a_payers_decision_travels_signed_as_well(shop: RefundShop) -> None:
    number = shop.accepted("RTTI").number
    session = shop.open_session(number)
    shop.decide(session, PaymentOutcome.APPROVE, delay_ms=MINUTE)
    # A provider that shares no key with the backend cannot sign.
    shop.backend.store.sql.write(delete(SHARED_KEYS))
    shop.advance(MINUTE)
    assert shop.order(number).state is OrderState.PAYING
    assert ignored(shop) == ["bad signature"]
