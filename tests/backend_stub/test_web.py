"""The payer's pages, over ASGI and over a loopback socket."""

import asyncio
import re
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest
from starlette.applications import Starlette

from backend_stub.web.pages import make_web
from backend_stub.web.server import serve_web
from contracts.acts.agent import ApproveRefund, RequestRefund
from contracts.bench import AtHotline, PaymentOutcome
from contracts.messages import OrderState
from tests.backend_stub.shop import DAY, MINUTE, NUMBER, VIN, Shop


class Page(NamedTuple):
    status: int
    headers: dict[str, str]
    text: str


class Browser:
    """A payer's browser on the pages of a shop; follows redirects as browsers do."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.web: Starlette = make_web(lambda: shop.backend)

    def get(self, path: str) -> Page:
        return self.ask("GET", path)

    def post(self, path: str, **fields: str) -> Page:
        page = self.ask("POST", path, urlencode(fields).encode())
        return self.get(page.headers["location"]) if page.status == 303 else page

    def ask(self, method: str, path: str, body: bytes = b"") -> Page:
        sent: list[dict[str, Any]] = []
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": b"",
            "headers": [(b"content-type", b"application/x-www-form-urlencoded")],
        }

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(dict(message))

        self.shop.run(self.web(scope, receive, send))
        self.shop.advance(0)
        headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return Page(sent[0]["status"], headers, b"".join(each.get("body", b"") for each in sent[1:]).decode())


@pytest.fixture
def browser(shop: Shop) -> Browser:
    return Browser(shop)


def link(shop: Shop) -> str:
    """Path of the newest payment link on the phone."""
    return "/pay/" + shop.phone[-1].url.rpartition("/")[2]


def provider_of(page: Page) -> str:
    """Path of the provider's page a form posts to."""
    match = re.search(r'action="(/provider/[^"]+)"', page.text)
    assert match is not None
    return match[1]


def state(shop: Shop) -> OrderState:
    return shop.backend.audit().orders[-1].state


@pytest.mark.req("R-301")
def test_the_phone_shows_the_message_and_its_link(shop: Shop, browser: Browser) -> None:
    assert "No messages yet" in browser.get("/phone").text
    shop.accepted("RTTI")
    page = browser.get("/phone")
    assert f'href="{shop.phone[0].url}"' in page.text
    assert "138****0001" in page.text
    assert NUMBER not in page.text
    assert browser.get("/").headers["location"] == "/phone"


@pytest.mark.req("R-302")
def test_the_payment_page_shows_the_order_and_never_its_owner(shop: Shop, browser: Browser) -> None:
    order = shop.accepted("RTTI", ("CONCIERGE", 12))
    page = browser.get(link(shop))
    assert page.status == 200
    for shown in (order.number, "Real Time Traffic Information", "¥150.00", "12 months", "¥1,150.00"):
        assert shown in page.text
    for hidden in (VIN, NUMBER, "138****", order.client_order_id):
        assert hidden not in page.text
    assert "2026‑05‑02 10:00" in page.text
    assert "<svg" in page.text


@pytest.mark.req("R-302", "R-303")
def test_a_third_party_pays_through_the_forwarded_link(shop: Shop, browser: Browser) -> None:
    shop.accepted("RTTI")
    provider = browser.post(link(shop), provider="AliPay")
    assert state(shop) is OrderState.PAYING
    assert "¥150.00" in provider.text
    after = browser.post(provider_of(provider), outcome="approve")
    assert state(shop) is OrderState.PAID
    assert ">Paid<" in after.text
    assert "Pay ¥" not in after.text


@pytest.mark.req("R-302")
def test_looking_at_the_link_begins_nothing(shop: Shop, browser: Browser) -> None:
    shop.accepted("RTTI")
    browser.get(link(shop))
    assert browser.ask("HEAD", link(shop), b"provider=AliPay").status == 200
    assert state(shop) is OrderState.AWAITING_PAYMENT
    path = provider_of(browser.post(link(shop), provider="AliPay"))
    assert browser.ask("HEAD", path, b"outcome=approve").status == 200
    assert state(shop) is OrderState.PAYING


@pytest.mark.req("R-302", "R-306")
def test_an_old_message_leads_to_the_pages_where_they_are_now(shop: Shop, browser: Browser) -> None:
    shop.accepted("RTTI")
    shop.restart_after(MINUTE)
    shop.backend.public_url = "http://127.0.0.1:9090"
    [href] = re.findall(r'href="(http[^"]+)"', browser.get("/phone").text)
    assert href == f"http://127.0.0.1:9090{link(shop)}"


@pytest.mark.req("R-302", "R-307")
def test_who_pays_twice_reads_what_has_become_of_the_order(shop: Shop, browser: Browser) -> None:
    shop.accepted("RTTI")
    path = provider_of(browser.post(link(shop), provider="AliPay"))
    for headline in ("Payment in progress", "Paid"):
        again = browser.post(link(shop), provider="AliPay")
        assert again.status == 409
        assert "This order cannot be paid now" in again.text
        assert headline in again.text
        assert "payer starts" not in again.text
        if state(shop) is OrderState.PAYING:
            browser.post(path, outcome="approve")


@pytest.mark.req("R-302")
def test_after_completion_the_link_shows_status_and_history(shop: Shop, browser: Browser) -> None:
    order = shop.accepted("RTTI")
    shop.pay(order.number, PaymentOutcome.WRONG_AMOUNT)
    shop.advance(MINUTE)
    shop.pay(order.number)
    shop.advance(MINUTE)
    page = browser.get(link(shop))
    history = page.text[page.text.index("History") :]
    found = re.findall(r"<span>(.*?)</span>", history)
    assert found == [
        "Waiting for payment",
        "Payment in progress",
        "Payment failed",
        "¥149.00 returned in full (wrong amount)",
        "Payment in progress",
        "Paid",
        "Active in the car",
    ]


@pytest.mark.req("R-303")
def test_another_provider_is_refused_with_those_there_are(shop: Shop, browser: Browser) -> None:
    shop.accepted("RTTI")
    page = browser.post(link(shop), provider="Card")
    assert page.status == 409
    assert "pay with AliPay or Tenpay" in page.text
    assert state(shop) is OrderState.AWAITING_PAYMENT


@pytest.mark.req("R-306")
def test_a_declined_payment_can_be_tried_again_on_the_same_page(shop: Shop, browser: Browser) -> None:
    shop.accepted("RTTI")
    failed = browser.post(provider_of(browser.post(link(shop), provider="Tenpay")), outcome="decline")
    assert "Payment failed" in failed.text
    assert "with AliPay" in failed.text
    browser.post(provider_of(browser.post(link(shop), provider="AliPay")), outcome="approve")
    assert state(shop) is OrderState.PAID


@pytest.mark.req("R-307")
def test_who_left_the_provider_finds_the_way_back(shop: Shop, browser: Browser) -> None:
    shop.accepted("RTTI")
    path = provider_of(browser.post(link(shop), provider="AliPay"))
    page = browser.get(link(shop))
    assert f'href="{path}"' in page.text
    assert 'http-equiv="refresh"' in page.text
    again = browser.post(link(shop), provider="Tenpay")
    assert again.status == 409
    shop.advance(15 * MINUTE)
    assert "Payment failed" in browser.get(link(shop)).text
    over = browser.post(path, outcome="approve")
    assert over.status == 409
    assert "This payment has been decided" in over.text


def test_the_bench_can_let_a_payment_go_wrong(shop: Shop, browser: Browser) -> None:
    shop.accepted("RTTI")
    path = provider_of(browser.post(link(shop), provider="AliPay"))
    assert browser.post(path, outcome="late", delay_s="60").status == 200
    assert state(shop) is OrderState.PAYING
    shop.advance(MINUTE)
    assert state(shop) is not OrderState.PAYING


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"outcome": "steal"}, "choose to pay or to decline"),
        ({}, "choose to pay or to decline"),
        ({"outcome": "approve", "delay_s": "soon"}, "the delay is a number of seconds"),
        ({"outcome": "approve", "delay_s": "9999999"}, "the delay is a number of seconds"),
        ({"outcome": "approve", "delay_s": "9" * 5000}, "the delay is a number of seconds"),
    ],
)
def test_a_form_that_makes_no_sense_changes_nothing(
    shop: Shop, browser: Browser, fields: dict[str, str], told: str
) -> None:
    shop.accepted("RTTI")
    page = browser.post(provider_of(browser.post(link(shop), provider="AliPay")), **fields)
    assert page.status == 400
    assert told in page.text
    assert state(shop) is OrderState.PAYING


@pytest.mark.req("R-211")
def test_an_order_that_is_over_cannot_be_paid(shop: Shop, browser: Browser) -> None:
    shop.accepted("RTTI")
    shop.advance(DAY + 1)
    page = browser.get(link(shop))
    assert "not paid in time" in page.text
    assert "Pay ¥" not in page.text
    assert browser.post(link(shop), provider="AliPay").status == 409


@pytest.mark.req("R-209")
def test_while_an_order_is_being_cancelled_the_page_says_so(shop: Shop, browser: Browser) -> None:
    order = shop.accepted("RTTI")
    shop.open_session(order.number)
    shop.cancel(order.number)
    assert "Being cancelled" in browser.get(link(shop)).text


@pytest.mark.parametrize("path", ["/pay/nonsense", "/provider/nonsense", "/nothing"])
def test_a_wrong_link_says_what_to_do(browser: Browser, path: str) -> None:
    page = browser.get(path)
    assert page.status == 404
    assert "10101018" in page.text
    assert browser.ask("POST", path).status == 404


def test_a_backend_that_is_down_says_that_nothing_is_lost(shop: Shop) -> None:
    def nobody() -> Any:
        raise LookupError("the backend is not running now")

    browser = Browser(shop)
    browser.web = make_web(nobody)
    assert browser.get("/phone").status == 503
    assert browser.get("/nothing").status == 503


@pytest.mark.req("R-832")
def test_pages_keep_their_address_to_themselves(shop: Shop, browser: Browser) -> None:
    shop.accepted("RTTI")
    for path in ("/phone", link(shop), "/pay/nonsense"):
        headers = browser.get(path).headers
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert "default-src 'none'" in headers["content-security-policy"]


def test_no_page_asks_for_anything_from_elsewhere(shop: Shop, browser: Browser) -> None:
    shop.accepted("RTTI")
    path = provider_of(browser.post(link(shop), provider="AliPay"))
    for page in (browser.get("/phone"), browser.get(link(shop)), browser.get(path)):
        assert "<script" not in page.text
        loaded = re.findall(r'(?:<link[^>]*href|src)="([^"]+)"', page.text)
        assert loaded == ["/style.css", "data:,"]
    css = browser.get("/style.css")
    assert css.headers["content-type"].startswith("text/css")
    assert "url(" not in css.text
    assert "@import" not in css.text


def test_what_comes_from_outside_is_shown_as_text(shop: Shop, browser: Browser) -> None:
    shop.accepted("RTTI")
    page = browser.post(link(shop), provider="<script>alert(1)</script>")
    assert "<script>" not in page.text


async def test_the_pages_are_served_on_a_free_loopback_port() -> None:
    async def hello(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"hello"})

    web = Starlette()
    web.mount("/hello", hello)
    server = await serve_web(web)
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"GET /hello/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = await reader.read()
        writer.close()
        assert answer.startswith(b"HTTP/1.1 200")
        assert b"hello" in answer
        with pytest.raises(OSError, match="in use"):
            await serve_web(web, "127.0.0.1", server.port)
    finally:
        await server.close()


async def test_the_pages_are_for_this_computer_only() -> None:
    with pytest.raises(ValueError, match="this computer only"):
        await serve_web(Starlette(), "0.0.0.0")


@pytest.mark.req("R-302", "R-604")
def test_a_refund_is_in_the_orders_history_and_its_page_stays(shop: Shop, browser: Browser) -> None:
    number = shop.paid("RTTI")
    shop.advance(MINUTE)
    shop.command(AtHotline(act=RequestRefund(order=number)))
    shop.command(AtHotline(act=ApproveRefund(order=number)))
    page = browser.get(link(shop))
    assert "Refunded" in page.text
    assert "¥130.00 refunded" not in page.text
    shop.advance(60 * DAY)
    page = browser.get(link(shop))
    assert page.status == 200
    assert "¥130.00 refunded" in page.text
