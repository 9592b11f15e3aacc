"""Invoices: Unicom's in China, GST tax invoices in Australia (R-310, R-611)."""

from collections.abc import Iterator
from typing import Any

import pytest

from backend_stub.domain.invoice import Invoice, InvoiceLine, render
from contracts.acts.payer import OpenSession, SetInvoice
from contracts.acts.provider import ReportCapture
from contracts.bench import AtPaymentPage, PaymentOutcome
from contracts.errors import ErrorCode
from contracts.messages import OrderState
from tests.backend_stub.instants import in_shanghai
from tests.backend_stub.refund_shop import AuRefundShop, RefundShop
from tests.backend_stub.shop import DAY, MINUTE, SECOND

TITLE = "Harbour Tea Trading"
ADDRESS = "Room 8\n1 Example Road, Shanghai"


@pytest.fixture
def shop() -> Iterator[RefundShop]:
    """A backend in China."""
    shop = RefundShop()
    yield shop
    shop.close()


@pytest.fixture
def au_shop() -> Iterator[AuRefundShop]:
    """A backend in Australia."""
    shop = AuRefundShop()
    yield shop
    shop.close()


def wish(number: str, **wishes: Any) -> SetInvoice:
    said: dict[str, Any] = {"order": number, "title": TITLE, "address": ADDRESS, **wishes}
    return SetInvoice(**said)


def paying(shop: RefundShop) -> str:
    number = shop.accepted("RTTI", ("PREMIUM", 12)).number
    shop.payer(OpenSession(order=number))
    return number


def invoice(shop: RefundShop | AuRefundShop, number: str) -> Invoice:
    found = shop.backend.store.invoices.of_order(number)
    assert found is not None
    return found


@pytest.mark.req("R-611")
def test_unicom_writes_what_was_wished_while_paying(shop: RefundShop) -> None:
    number = paying(shop)
    shop.payer(wish(number))
    assert shop.backend.store.invoices.of_order(number) is None
    shop.pay(number)
    written = invoice(shop, number)
    assert (written.issuer, written.category) == ("China Unicom", "Tele-service Service Fee")
    assert (written.title, written.address) == (TITLE, ADDRESS)
    assert (written.amount_minor, written.tax_minor, written.currency) == (175000, 0, "CNY")
    assert [(line.service, line.months) for line in written.lines] == [("RTTI", 3), ("PREMIUM", 12)]


@pytest.mark.req("R-611")
def test_the_last_wish_counts_and_survives_a_decline_and_a_restart(shop: RefundShop) -> None:
    number = paying(shop)
    shop.payer(wish(number, title="Somebody"))
    shop.payer(wish(number))
    shop.pay(number, PaymentOutcome.DECLINE)
    shop.restart_after(SECOND)
    shop.pay(number)
    assert invoice(shop, number).title == TITLE


@pytest.mark.req("R-611")
def test_there_is_an_invoice_without_any_wish(shop: RefundShop) -> None:
    number = shop.paid("RTTI")
    written = invoice(shop, number)
    assert (written.number, written.title, written.address) == (f"INV-{number}", "", "")
    assert ("CN-000001", "issued") in shop.journal("invoice")


@pytest.mark.req("R-611")
@pytest.mark.parametrize(
    ("wishes", "code"),
    [
        ({"vat": True}, ErrorCode.VAT_INVOICE_UNAVAILABLE),
        ({"category": "Stationery"}, ErrorCode.INVOICE_CATEGORY_FIXED),
        ({"category": ""}, ErrorCode.INVOICE_CATEGORY_FIXED),
        ({"title": " "}, ErrorCode.DATA_MISSING),
        ({"address": ""}, ErrorCode.DATA_MISSING),
    ],
)
def test_what_cannot_be_had_is_refused(shop: RefundShop, wishes: dict[str, Any], code: ErrorCode) -> None:
    number = paying(shop)
    assert shop.refusal(AtPaymentPage(act=wish(number, **wishes))) is code
    shop.pay(number)
    assert invoice(shop, number).title == ""


@pytest.mark.req("R-611")
def test_the_fixed_category_may_be_said(shop: RefundShop) -> None:
    number = paying(shop)
    shop.payer(wish(number, category="Tele-service Service Fee"))
    shop.pay(number)
    assert invoice(shop, number).title == TITLE


@pytest.mark.req("R-611")
def test_it_is_said_while_paying_and_at_no_other_time(shop: RefundShop) -> None:
    number = shop.accepted("RTTI").number
    said = AtPaymentPage(act=wish(number))
    assert shop.refusal(said) is ErrorCode.INVALID_STATE
    shop.pay(number, PaymentOutcome.DECLINE)
    assert shop.refusal(said) is ErrorCode.INVALID_STATE
    shop.payer(OpenSession(order=number))
    shop.cancel(number)
    assert shop.order(number).state is OrderState.CANCELLING
    assert shop.refusal(said) is ErrorCode.INVALID_STATE
    paid = shop.backend.store.orders
    shop.advance(5 * MINUTE)
    later = shop.paid("RTTI")
    assert paid.get(later) is not None
    assert shop.refusal(AtPaymentPage(act=wish(later))) is ErrorCode.INVALID_STATE


@pytest.mark.req("R-611", "R-304", "R-210")
def test_money_that_went_back_has_no_invoice(shop: RefundShop) -> None:
    number = shop.accepted("RTTI").number
    shop.pay(number, PaymentOutcome.WRONG_AMOUNT)
    assert shop.backend.store.invoices.of_order(number) is None
    shop.pay(number)
    assert invoice(shop, number).amount_minor == 15000


@pytest.mark.req("R-611", "R-212")
def test_its_date_is_the_local_date_of_capture_however_late_that_is_reported(shop: RefundShop) -> None:
    number = paying(shop)
    shop.advance_to(in_shanghai("2026-05-02 00:00:00.000"))
    shop.provider(ReportCapture(order=number, after_order_s=14 * 3600 - 0.001))
    assert invoice(shop, number).issued_on.isoformat() == "2026-05-01"


@pytest.mark.req("R-611", "R-603")
def test_it_stays_when_the_money_is_refunded(shop: RefundShop) -> None:
    number = shop.active("RTTI")
    before = invoice(shop, number)
    shop.refund(number)
    shop.advance(60 * DAY)
    assert invoice(shop, number) == before


@pytest.mark.req("R-310")
def test_a_tax_invoice_shows_gst_line_by_line(au_shop: AuRefundShop) -> None:
    number = au_shop.order_in_portal("RTTI", ("CONCIERGE", 12))
    au_shop.pay_by_card(number)
    written = invoice(au_shop, number)
    assert (written.category, written.currency) == ("GST tax invoice", "AUD")
    assert written.lines == (InvoiceLine("RTTI", 3, 4950, 450), InvoiceLine("CONCIERGE", 12, 33000, 3000))
    assert (written.amount_minor, written.tax_minor) == (37950, 3450)


@pytest.mark.req("R-310")
def test_where_tax_is_added_a_tax_invoice_is_what_there_is(au_shop: AuRefundShop) -> None:
    number = au_shop.order_in_portal("RTTI")
    au_shop.payer(OpenSession(order=number))
    au_shop.payer(wish(number, vat=True))
    au_shop.pay_by_card(number)
    assert invoice(au_shop, number).title == TITLE


@pytest.mark.req("R-310", "R-611")
def test_an_invoice_reads_like_one(au_shop: AuRefundShop, shop: RefundShop) -> None:
    number = au_shop.order_in_portal("RTTI", ("CONCIERGE", 12))
    au_shop.pay_by_card(number)
    assert render(invoice(au_shop, number)).splitlines() == [
        "GST tax invoice",
        "Issued by BMW Australia",
        f"No. INV-{number}",
        "Date 2026-05-01",
        f"Order {number}",
        "",
        "Real Time Traffic Information, 3 months          A$45.00",
        "  tax                                             A$4.50",
        "Concierge Service, 12 months                    A$300.00",
        "  tax                                            A$30.00",
        "-" * 56,
        "Total                                           A$379.50",
        "  of which tax                                   A$34.50",
    ]
    chinese = paying(shop)
    shop.payer(wish(chinese))
    shop.pay(chinese)
    text = render(invoice(shop, chinese))
    assert f"To {TITLE}\nRoom 8\n1 Example Road, Shanghai\n" in text
    assert "tax" not in text
    assert "Total                                          ¥1,750.00" in text


@pytest.mark.req("R-611", "R-832")
def test_neither_title_nor_address_is_journalled(shop: RefundShop) -> None:
    number = paying(shop)
    shop.payer(wish(number))
    shop.pay(number)
    told = str([(entry.key, entry.data) for entry in shop.book.entries])
    assert TITLE not in told
    assert "Room 8" not in told
