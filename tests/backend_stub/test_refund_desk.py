"""Refunds at 10101018: who may ask, what comes back, what becomes of the service (R-601 to R-603)."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from backend_stub.domain.refund import RefundState
from backend_stub.errors import BackendError
from contracts.acts.agent import ApproveRefund, RequestRefund
from contracts.acts.bmw import AnnounceEnd
from contracts.acts.dealer import DeactivateVehicle
from contracts.bench import AtDealer, AtHotline, HoldActivation, PaymentOutcome
from contracts.errors import ErrorCode
from contracts.messages import EntitlementState, OrderState
from tests.backend_stub.refund_shop import RefundShop
from tests.backend_stub.shop import DAY, NUMBER, START, VIN, shanghai

OTHER_NUMBER = "15900000002"
DAY_SEVEN_ENDS = shanghai("2026-05-09 00:00")
"""The day after day seven: services are bought on 1 May 2026 at 10:00."""


@pytest.fixture
def shop() -> Iterator[RefundShop]:
    """A backend in China whose car has an owner with a name."""
    shop = RefundShop()
    yield shop
    shop.close()


# Who may ask


@pytest.mark.req("R-601")
@pytest.mark.parametrize(
    "said",
    [
        {},
        {"vin": VIN, "number": OTHER_NUMBER},
        {"vin": VIN, "number": NUMBER},
    ],
    ids=["the truth", "the number of the order", "the registered number"],
)
def test_who_knows_order_vin_and_number_may_ask(shop: RefundShop, said: dict[str, Any]) -> None:
    number = shop.active("RTTI", sms_number=OTHER_NUMBER)
    shop.request(number, "RTTI", **said)
    assert shop.the_refund(number).state is RefundState.VERIFYING


@pytest.mark.req("R-601")
@pytest.mark.parametrize(
    "said",
    [
        {"vin": "WBATEST0000000002"},
        {"number": "13800000009"},
        {"number": ""},
        {"vin": "", "number": ""},
        {"vin": VIN, "number": "+8613800000001"},
    ],
)
def test_who_says_something_wrong_is_refused_without_being_told_what(
    shop: RefundShop, said: dict[str, Any]
) -> None:
    number = shop.active("RTTI")
    before = shop.backend.audit().orders[0].state
    command = AtHotline(act=RequestRefund(order=number, **said))
    with pytest.raises(BackendError, match="do not belong together") as refused:
        shop.command(command)
    assert refused.value.code is ErrorCode.VERIFICATION_FAILED
    assert [each.state for each in shop.refunds(number)] == [RefundState.REJECTED]
    assert shop.journal("refund") == [(f"{number}/RTTI", "REJECTED")]
    assert shop.order(number).state is before
    assert shop.journal("refusal")[-1] == ("agent.request_refund", "VERIFICATION_FAILED")


@pytest.mark.req("R-601")
def test_an_order_nobody_has_is_no_more_than_a_failed_verification(shop: RefundShop) -> None:
    assert shop.refused_request("CN-999999") is ErrorCode.VERIFICATION_FAILED


@pytest.mark.req("R-601")
def test_who_was_rejected_may_call_again(shop: RefundShop) -> None:
    number = shop.active("RTTI")
    with pytest.raises(BackendError, match="VERIFICATION_FAILED"):
        shop.request(number, number="13800000009")
    shop.refund(number)
    assert [each.state for each in shop.refunds(number)] == [RefundState.REJECTED, RefundState.VERIFIED]
    assert shop.balances()


@pytest.mark.req("R-601")
@pytest.mark.parametrize("act", [RequestRefund(line="400-800-6666"), ApproveRefund(line="400-800-6666")])
def test_another_line_gives_no_money_back(shop: RefundShop, act: RequestRefund | ApproveRefund) -> None:
    shop.active("RTTI")
    assert shop.refusal(AtHotline(act=act)) is ErrorCode.USE_HOTLINE


# How much


@pytest.mark.req("R-602")
@pytest.mark.parametrize(
    ("at_ms", "minor"),
    [(DAY_SEVEN_ENDS - 1, 13000), (DAY_SEVEN_ENDS, 13000 - 13000 * 9 // 92)],
    ids=["23:59:59.999", "a millisecond later"],
)
def test_day_seven_ends_at_midnight(shop: RefundShop, at_ms: int, minor: int) -> None:
    number = shop.active("RTTI")
    shop.advance_to(at_ms)
    shop.request(number)
    assert shop.the_refund(number).amount_minor == minor


@pytest.mark.req("R-602")
def test_day_seven_is_counted_from_the_local_date_of_capture() -> None:
    late_in_the_evening = RefundShop(shanghai("2026-05-01 23:59"))
    number = late_in_the_evening.active("RTTI")
    late_in_the_evening.advance_to(shanghai("2026-05-09 00:00"))
    late_in_the_evening.request(number)
    assert late_in_the_evening.the_refund(number).amount_minor == 13000 - 13000 * 9 // 92
    late_in_the_evening.close()


@pytest.mark.req("R-602")
def test_what_was_asked_for_is_not_used_any_further_while_it_waits(shop: RefundShop) -> None:
    number = shop.active("RTTI")
    shop.advance_to(DAY_SEVEN_ENDS - 1)
    shop.request(number)
    shop.advance(60 * DAY)
    shop.approve(number)
    refund = shop.the_refund(number)
    assert (refund.amount_minor, refund.usage_date.isoformat()) == (13000, "2026-05-08")


@pytest.mark.req("R-602", "R-401")
@pytest.mark.parametrize(("wait_ms", "minor"), [(DAY, 13000), (DAY + 1, 15000)])
def test_the_fee_comes_back_only_of_a_line_that_is_overdue(
    shop: RefundShop, wait_ms: int, minor: int
) -> None:
    shop.command(HoldActivation(held=True))
    number = shop.paid("RTTI")
    shop.advance(wait_ms)
    shop.refund(number)
    assert shop.the_refund(number).amount_minor == minor
    assert shop.entitlements("RTTI")[0].state is EntitlementState.TERMINATED
    shop.command(HoldActivation(held=False))
    shop.advance(2 * DAY)
    assert shop.entitlements("RTTI")[0].state is EntitlementState.TERMINATED
    assert shop.order(number).state is OrderState.REFUNDED
    assert shop.balances()


@pytest.mark.req("R-602", "R-401")
def test_once_it_is_activated_a_late_line_keeps_its_fee(shop: RefundShop) -> None:
    shop.command(HoldActivation(held=True))
    number = shop.paid("RTTI")
    shop.advance(3 * DAY)
    shop.command(HoldActivation(held=False))
    shop.request(number)
    assert shop.the_refund(number).amount_minor == 13000


@pytest.mark.req("R-602", "R-401", "R-501")
def test_an_extension_of_what_is_overdue_keeps_its_fee(shop: RefundShop) -> None:
    shop.command(HoldActivation(held=True))
    first, second = shop.paid("RTTI"), shop.paid(("RTTI", 6))
    shop.advance(DAY + 1)
    shop.refund(second)
    shop.refund(first)
    assert shop.the_refund(second).amount_minor == 26000
    assert shop.the_refund(first).amount_minor == 15000


@pytest.mark.req("R-602", "R-511")
def test_a_line_that_was_ended_before_it_ever_came_gives_its_fee_back(shop: RefundShop) -> None:
    shop.command(HoldActivation(held=True))
    number = shop.paid("RTTI")
    shop.advance(2 * DAY)
    shop.end_service()
    shop.advance(20 * DAY)
    shop.refund(number)
    assert shop.the_refund(number).amount_minor == 15000


@pytest.mark.req("R-602", "R-513")
def test_what_bmw_has_ended_at_midnight_was_used_to_the_day_before(shop: RefundShop) -> None:
    number = shop.active("RTTI")
    shop.bmw(AnnounceEnd(service="RTTI", last_day=date(2026, 6, 15)))
    shop.advance_to(shanghai("2026-06-20 12:00"))
    shop.refund(number)
    assert shop.the_refund(number).usage_date == date(2026, 6, 15)
    assert shop.the_refund(number).amount_minor == 6500


@pytest.mark.req("R-511", "R-602")
def test_after_a_termination_use_counts_to_that_day(shop: RefundShop) -> None:
    number = shop.active("RTTI")
    shop.advance_to(shanghai("2026-06-15 12:00"))
    shop.end_service()
    shop.advance(40 * DAY)
    shop.refund(number)
    assert shop.the_refund(number).amount_minor == 13000 - 13000 * 46 // 92
    assert shop.entitlements("RTTI")[0].state is EntitlementState.TERMINATED
    assert shop.order(number).state is OrderState.REFUNDED


@pytest.mark.req("R-511", "R-602")
def test_a_dealers_deactivation_leaves_the_refund_open(shop: RefundShop) -> None:
    number = shop.active("RTTI")
    shop.command(AtDealer(act=DeactivateVehicle(confirmed=True)))
    shop.refund(number)
    assert shop.the_refund(number).amount_minor == 13000
    assert shop.entitlements("RTTI")[0].state is EntitlementState.DEACTIVATED


@pytest.mark.req("R-603")
def test_what_is_used_up_gives_nothing_back(shop: RefundShop) -> None:
    number = shop.active("RTTI")
    shop.advance_to(shanghai("2026-07-31 00:00"))
    assert shop.refused_request(number) is ErrorCode.NOTHING_REFUNDABLE
    shop.advance(30 * DAY)
    assert shop.refused_request(number) is ErrorCode.NOTHING_REFUNDABLE
    assert shop.order(number).state is OrderState.FULFILLED


@pytest.mark.req("R-603")
def test_what_was_never_paid_gives_nothing_back(shop: RefundShop) -> None:
    number = shop.accepted("RTTI").number
    assert shop.refused_request(number) is ErrorCode.NOTHING_REFUNDABLE
    shop.pay(number, PaymentOutcome.WRONG_AMOUNT)
    assert shop.refused_request(number) is ErrorCode.NOTHING_REFUNDABLE
    assert shop.refused_request(number, "PREMIUM") is ErrorCode.NOTHING_REFUNDABLE


# Line by line


@pytest.mark.req("R-603", "R-602")
def test_lines_are_refunded_one_by_one(shop: RefundShop) -> None:
    number = shop.active("RTTI", ("CONCIERGE", 12), "PREMIUM")
    shop.refund(number, "CONCIERGE")
    assert shop.order(number).state is OrderState.PARTLY_REFUNDED
    assert shop.booked("CONCIERGE").state is EntitlementState.TERMINATED
    assert shop.booked("RTTI").state is EntitlementState.ACTIVE
    version = shop.view(number).version
    shop.refund(number, "PREMIUM")
    assert shop.order(number).state is OrderState.PARTLY_REFUNDED
    assert shop.view(number).version > version
    shop.refund(number)
    assert shop.order(number).state is OrderState.REFUNDED
    assert [each.amount_minor for each in shop.refunds(number)] == [97000, 43000, 13000]
    assert shop.balances()


@pytest.mark.req("R-603")
def test_what_is_refunded_or_asked_for_is_not_refunded_again(shop: RefundShop) -> None:
    number = shop.active("RTTI", "PREMIUM")
    shop.request(number, "RTTI")
    assert shop.refused_request(number, "RTTI") is ErrorCode.ALREADY_REFUNDED
    shop.approve(number)
    assert shop.refused_request(number, "RTTI") is ErrorCode.ALREADY_REFUNDED
    assert shop.refused_approval(number, "RTTI") is ErrorCode.ALREADY_REFUNDED
    assert shop.refused_approval(number) is ErrorCode.ALREADY_REFUNDED
    shop.advance(60 * DAY)
    assert shop.the_refund(number).state is RefundState.PAID_OUT
    assert shop.refused_request(number, "RTTI") is ErrorCode.ALREADY_REFUNDED
    shop.refund(number)
    assert shop.refused_request(number) is ErrorCode.ALREADY_REFUNDED
    assert shop.balances()


@pytest.mark.req("R-603")
def test_nothing_is_approved_that_nobody_asked_for(shop: RefundShop) -> None:
    number = shop.active("RTTI")
    assert shop.refused_approval(number) is ErrorCode.INVALID_STATE
    with pytest.raises(BackendError, match="VERIFICATION_FAILED"):
        shop.request(number, vin="WBATEST0000000002")
    assert shop.refused_approval(number) is ErrorCode.INVALID_STATE


@pytest.mark.req("R-603")
def test_all_lines_that_nobody_asked_for_are_meant_when_none_is_named(shop: RefundShop) -> None:
    number = shop.active("RTTI", "PREMIUM")
    shop.request(number, "PREMIUM")
    shop.request(number)
    assert [each.service for each in shop.refunds(number)] == ["PREMIUM", "RTTI"]
    shop.approve(number)
    assert shop.order(number).state is OrderState.REFUNDED


# What is left


@pytest.mark.req("R-603", "R-511")
def test_the_record_of_a_refunded_order_stays(shop: RefundShop) -> None:
    number = shop.active("RTTI")
    shop.refund(number)
    history = [entry.state for entry in shop.backend.store.orders.history(number)]
    assert history[-3:] == [OrderState.PAID, OrderState.FULFILLED, OrderState.REFUNDED]
    assert shop.view(number).state is OrderState.REFUNDED
    assert shop.cancel(number).code is ErrorCode.USE_HOTLINE


@pytest.mark.req("R-603", "R-404")
def test_the_car_is_told_in_one_snapshot(shop: RefundShop) -> None:
    number = shop.active("RTTI")
    before = len(shop.snapshots())
    shop.request(number)
    assert len(shop.snapshots()) == before
    shop.approve(number)
    assert len(shop.snapshots()) == before + 1


@pytest.mark.req("R-601", "R-832")
def test_nothing_of_a_caller_is_journalled(shop: RefundShop) -> None:
    number = shop.active("RTTI")
    shop.request(number, "RTTI", vin=VIN, number=NUMBER)
    shop.approve(number)
    shop.change_payee(number)
    told = str([(entry.key, entry.data) for entry in shop.book.entries])
    for secret in (VIN, NUMBER, "6222 0001"):
        assert secret not in told


@pytest.mark.req("R-602")
def test_the_journal_tells_amount_and_dates(shop: RefundShop) -> None:
    number = shop.active("RTTI")
    shop.refund(number)
    entry = [entry for entry in shop.book.entries if entry.kind == "refund"][-1]
    assert (entry.key, entry.state) == (f"{number}/RTTI", "VERIFIED")
    assert entry.data == {
        "amount_minor": 13000,
        "currency": "CNY",
        "ground": "request",
        "used_through": "2026-05-01",
        "payout_on": "2026-06-05",
        "payee": "paying account",
    }
    assert START < shop.now
