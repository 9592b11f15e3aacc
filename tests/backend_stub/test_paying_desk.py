"""What agents and payers do about a payment, and money that goes back by itself (R-302 to R-308, R-607)."""

from collections.abc import Iterator

import pytest

from backend_stub.app import BackendConfig
from backend_stub.domain.vehicle import VehicleRecord
from contracts.acts.agent import LookUpPayment, ResendLink
from contracts.acts.payer import OpenSession
from contracts.acts.provider import ReportCapture
from contracts.bench import AtHotline, AtPaymentPage, PaymentOutcome
from contracts.errors import ErrorCode
from contracts.messages import OrderState, SubmitOrder
from tests.backend_stub.instants import in_melbourne
from tests.backend_stub.refund_shop import AuRefundShop, RefundActs, RefundShop
from tests.backend_stub.shop import DAY, MINUTE, NUMBER, SECOND, VIN, lines


@pytest.fixture
def shop() -> Iterator[RefundShop]:
    """A backend in China whose car has an owner with a name."""
    shop = RefundShop()
    yield shop
    shop.close()


@pytest.fixture
def au_shop() -> Iterator[AuRefundShop]:
    """A backend in Australia."""
    shop = AuRefundShop()
    yield shop
    shop.close()


def told(shop: RefundActs) -> dict[str, object]:
    """What an agent says of the newest order."""
    shop.agent(LookUpPayment())
    found = [entry for entry in shop.book.entries if entry.kind == "payment_status"][-1]
    return {"order": found.state, **found.data}


@pytest.mark.req("R-302", "R-604")
def test_whoever_holds_the_link_can_pay_and_nobody_asks_who_it_is(shop: RefundShop) -> None:
    number = shop.accepted("RTTI", sms_number="15900000002").number
    shop.payer(OpenSession(order=number, provider="Tenpay"))
    shop.provider(ReportCapture(order=number))
    assert shop.order(number).state is OrderState.PAID
    payments = str([entry.data for entry in shop.book.entries if entry.kind == "payment"])
    assert NUMBER not in payments
    assert VIN not in payments


@pytest.mark.req("R-303")
def test_only_the_markets_providers_are_open(shop: RefundShop) -> None:
    number = shop.accepted("RTTI").number
    card = AtPaymentPage(act=OpenSession(order=number, provider="Card"))
    assert shop.refusal(card) is ErrorCode.PROVIDER_UNSUPPORTED
    shop.payer(OpenSession(order=number))
    assert shop.backend.store.payments.all()[0].provider == "AliPay"
    assert shop.refusal(AtPaymentPage(act=OpenSession(order=number))) is ErrorCode.INVALID_STATE


@pytest.mark.req("R-306", "R-308")
@pytest.mark.parametrize("line", ["", "10101018", "1010 1018"])
def test_10101018_sends_the_same_link_again(shop: RefundShop, line: str) -> None:
    order = shop.accepted("RTTI")
    shop.pay(order.number, PaymentOutcome.DECLINE)
    shop.agent(ResendLink(order=order.number, line=line))
    assert [sms.url for sms in shop.phone] == [shop.phone[0].url] * 2
    assert shop.view(order.number).deadline_ms == order.deadline_ms


@pytest.mark.req("R-306", "R-308")
def test_no_other_line_does_and_nobody_once_it_is_paid(shop: RefundShop) -> None:
    number = shop.accepted("RTTI").number
    elsewhere = AtHotline(act=ResendLink(order=number, line="400-800-6666"))
    assert shop.refusal(elsewhere) is ErrorCode.USE_HOTLINE
    shop.pay(number)
    assert shop.refusal(AtHotline(act=ResendLink(order=number))) is ErrorCode.INVALID_STATE
    assert len(shop.phone) == 1


@pytest.mark.req("R-301", "R-306")
def test_where_no_link_is_sent_none_is_sent_again(au_shop: AuRefundShop) -> None:
    number = au_shop.order_in_portal("RTTI")
    assert au_shop.refusal(AtHotline(act=ResendLink(order=number))) is ErrorCode.INVALID_STATE


@pytest.mark.req("R-307")
def test_an_agent_sees_how_it_truly_stands(shop: RefundShop) -> None:
    number = shop.accepted("RTTI").number
    before = shop.backend.audit()
    assert told(shop)["order"] == "AWAITING_PAYMENT"
    assert shop.backend.audit() == before
    shop.pay(number, PaymentOutcome.SILENT)
    lost = told(shop)
    assert (lost["order"], lost["payment"], lost["captured_minor"]) == ("PAYING", "PENDING", 0)
    shop.advance(15 * MINUTE)
    found = told(shop)
    assert (found["order"], found["payment"], found["captured_minor"]) == ("FULFILLED", "CAPTURED", 15000)
    shop.refund(number)
    shop.advance(60 * DAY)
    paid_out = told(shop)
    assert (paid_out["refunded_minor"], paid_out["refunds"]) == (13000, "RTTI PAID_OUT")


@pytest.mark.req("R-307")
def test_purchases_from_the_car_are_on_the_mobile_platform_and_the_portals_on_the_web(
    shop: RefundShop, au_shop: AuRefundShop
) -> None:
    shop.accepted("RTTI")
    assert told(shop)["platform"] == "mobile"
    shop.restart_after(SECOND)
    assert told(shop)["platform"] == "mobile"
    au_shop.order_in_portal("RTTI")
    au_shop.restart_after(SECOND)
    assert told(au_shop)["platform"] == "web"


@pytest.mark.req("R-307", "R-512")
def test_nobody_answers_at_night_where_the_hotline_has_hours(au_shop: AuRefundShop) -> None:
    au_shop.order_in_portal("RTTI")
    au_shop.advance_to(in_melbourne("2026-05-01 18:00"))
    assert au_shop.refusal(AtHotline(act=LookUpPayment())) is ErrorCode.HOTLINE_CLOSED


# Automatic returns


@pytest.mark.req("R-607", "R-304")
def test_a_wrong_amount_is_returned_at_once_whole_and_without_a_request(shop: RefundShop) -> None:
    number = shop.accepted("RTTI").number
    shop.pay(number, PaymentOutcome.WRONG_AMOUNT)
    returned_whole_at_once(shop, number, 14900)


@pytest.mark.req("R-607", "R-305")
def test_so_is_a_second_payment(shop: RefundShop) -> None:
    number = shop.paid("RTTI")
    shop.provider(ReportCapture(order=number, transaction="second"))
    returned_whole_at_once(shop, number, 15000)


@pytest.mark.req("R-607", "R-210")
def test_so_is_the_money_of_a_cancelled_order(shop: RefundShop) -> None:
    number = shop.accepted("RTTI").number
    shop.payer(OpenSession(order=number))
    shop.cancel(number)
    shop.provider(ReportCapture(order=number, after_cancel_s=0))
    returned_whole_at_once(shop, number, 15000)
    shop.advance(5 * MINUTE)
    shop.provider(ReportCapture(order=number, transaction="second", after_cancel_s=-0.001))
    returned_whole_at_once(shop, number, 30000)


@pytest.mark.req("R-607", "R-212")
def test_so_is_money_captured_too_late_with_the_fee(shop: RefundShop) -> None:
    number = shop.accepted("RTTI").number
    shop.payer(OpenSession(order=number))
    shop.advance(DAY + MINUTE)
    shop.provider(ReportCapture(order=number, after_order_s=86_400.001))
    returned_whole_at_once(shop, number, 15000)


def returned_whole_at_once(shop: RefundShop, number: str, minor: int) -> None:
    ledger = shop.backend.audit().ledger
    assert sum(entry.returned_minor for entry in ledger) == minor
    assert all(entry.returned_minor in (0, entry.captured_minor) for entry in ledger)
    assert ledger[-1].reported_at_ms == shop.now
    assert shop.refunds(number) == ()
    assert shop.journal("refund") == []
    assert shop.balances()


# Which order is meant


@pytest.mark.req("R-307")
def test_a_car_that_is_named_is_the_one_whose_order_is_meant() -> None:
    other = "WBATEST0000000002"
    cars = tuple(VehicleRecord(vin=vin, contract_number=NUMBER) for vin in (VIN, other))
    shop = RefundActs(config=BackendConfig(vehicles=cars))
    first = shop.accepted("RTTI").number
    request = SubmitOrder(
        key="b", sent_at_ms=shop.now, client_order_id="1", lines=lines("RTTI"), list_version=1
    )
    shop.give(request, vin=other)
    shop.payer(OpenSession(car=VIN))
    assert shop.order(first).state is OrderState.PAYING
    shop.provider(ReportCapture(car=VIN))
    assert shop.order(first).state is OrderState.PAID
    elsewhere = AtPaymentPage(act=OpenSession(car=other, order=first))
    assert shop.refusal(elsewhere) is ErrorCode.UNKNOWN_ORDER
    shop.close()
