"""Money back where the market refunds none: statutory remedies and ends by BMW (R-513, R-606, D-33)."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from backend_stub.domain.refund import RefundGround, RefundState
from contracts.acts.agent import GrantStatutoryRemedy, LookUpPayment, RequestRefund
from contracts.acts.bmw import AnnounceEnd
from contracts.acts.dealer import DeactivateVehicle
from contracts.acts.portal import Disconnect
from contracts.bench import AtDealer, AtHotline, AtPortal
from contracts.errors import ErrorCode
from contracts.messages import EntitlementState, OrderState
from tests.backend_stub.instants import in_melbourne, in_shanghai
from tests.backend_stub.refund_shop import AuRefundShop, RefundShop
from tests.backend_stub.renewal_shop import USER
from tests.backend_stub.shop import DAY, MINUTE

REASON = "consumer guarantee: traffic data failed for weeks"


@pytest.fixture
def shop() -> Iterator[AuRefundShop]:
    """A backend in Australia whose driver has an account."""
    shop = AuRefundShop()
    yield shop
    shop.close()


def active(shop: AuRefundShop, service: str = "RTTI", months: int = 3) -> str:
    """Number of an order whose service has just been activated."""
    shop.booked_service(service, months)
    return shop.backend.store.orders.all()[-1].number


@pytest.mark.req("R-606", "R-512")
def test_a_customer_who_ends_a_service_gets_nothing_back(shop: AuRefundShop) -> None:
    number = active(shop)
    assert shop.refused_request(number) is ErrorCode.NOTHING_REFUNDABLE
    shop.end_service()
    assert shop.refused_request(number) is ErrorCode.NOTHING_REFUNDABLE
    assert shop.order(number).kept_minor == 4950
    assert shop.order(number).state is OrderState.FULFILLED
    assert shop.refunds(number) == ()


@pytest.mark.req("R-606", "R-514")
def test_a_deactivation_gives_nothing_back(shop: AuRefundShop) -> None:
    number = active(shop)
    shop.command(AtDealer(act=DeactivateVehicle(confirmed=True)))
    shop.advance(60 * DAY)
    assert shop.order(number).kept_minor == 4950


@pytest.mark.req("R-606", "R-713")
def test_a_car_that_is_sold_takes_its_services_along_and_gives_nothing_back(shop: AuRefundShop) -> None:
    number = active(shop)
    sold = Disconnect(user=USER, personal_data_deleted=True, buyer_informed=True)
    shop.command(AtPortal(act=sold))
    assert shop.refused_request(number) is ErrorCode.NOTHING_REFUNDABLE
    shop.advance(30 * DAY)
    assert shop.order(number).kept_minor == 4950
    assert shop.booked("RTTI").state is EntitlementState.ACTIVE


@pytest.mark.req("R-606")
def test_the_law_gives_back_what_the_agent_says_with_a_reason(shop: AuRefundShop) -> None:
    number = active(shop)
    shop.end_service()
    shop.remedy(number, reason=REASON, amount_minor=2000)
    refund = shop.the_refund(number)
    assert (refund.ground, refund.state, refund.amount_minor) == (
        RefundGround.STATUTORY,
        RefundState.VERIFIED,
        2000,
    )
    assert refund.reason == REASON
    assert refund.payout_ms == in_melbourne("2026-06-05 00:00")
    shop.advance_to(in_melbourne("2026-06-05 00:00"))
    assert shop.order(number).kept_minor == 2950
    assert shop.balances()


@pytest.mark.req("R-604", "R-606")
def test_the_payout_day_begins_by_the_clock_on_the_wall_after_summer_time_has_come() -> None:
    shop = AuRefundShop(in_melbourne("2026-09-10 10:00"))
    number = active(shop)
    shop.remedy(number, reason=REASON)
    assert shop.the_refund(number).payout_ms == in_melbourne("2026-10-15 00:00")
    shop.close()


@pytest.mark.req("R-606")
def test_without_an_amount_all_of_the_line_comes_back_tax_included_and_the_service_ends(
    shop: AuRefundShop,
) -> None:
    number = active(shop)
    shop.remedy(number, reason=REASON)
    assert shop.the_refund(number).amount_minor == 4950
    assert shop.booked("RTTI").state is EntitlementState.TERMINATED
    assert shop.order(number).state is OrderState.REFUNDED
    again = GrantStatutoryRemedy(order=number, service="RTTI", reason=REASON)
    assert shop.refusal(AtHotline(act=again)) is ErrorCode.ALREADY_REFUNDED


@pytest.mark.req("R-606")
@pytest.mark.parametrize(
    ("how", "code"),
    [
        ({"reason": ""}, ErrorCode.DATA_MISSING),
        ({"reason": " \t"}, ErrorCode.DATA_MISSING),
        ({"reason": REASON, "amount_minor": 4951}, ErrorCode.BAD_MESSAGE),
        ({"reason": REASON, "amount_minor": -1}, ErrorCode.BAD_MESSAGE),
        ({"reason": REASON, "amount_minor": 0}, ErrorCode.NOTHING_REFUNDABLE),
        ({"reason": REASON, "service": "PREMIUM"}, ErrorCode.NOTHING_REFUNDABLE),
        ({"reason": REASON, "line": "10101018"}, ErrorCode.USE_HOTLINE),
    ],
)
def test_an_override_has_a_reason_and_a_bound(
    shop: AuRefundShop, how: dict[str, Any], code: ErrorCode
) -> None:
    number = active(shop)
    said: dict[str, Any] = {"order": number, "service": "RTTI", **how}
    assert shop.refusal(AtHotline(act=GrantStatutoryRemedy(**said))) is code


@pytest.mark.req("R-606", "R-512")
@pytest.mark.parametrize(
    ("at", "code"),
    [
        ("2026-05-02 08:59:59.999", ErrorCode.HOTLINE_CLOSED),
        ("2026-05-02 18:00:00.000", ErrorCode.HOTLINE_CLOSED),
    ],
)
def test_nobody_answers_outside_the_hours(shop: AuRefundShop, at: str, code: ErrorCode) -> None:
    number = active(shop)
    shop.advance_to(in_melbourne(at))
    remedy = GrantStatutoryRemedy(order=number, service="RTTI", reason=REASON)
    assert shop.refusal(AtHotline(act=remedy)) is code
    assert shop.refusal(AtHotline(act=LookUpPayment(order=number))) is code
    assert shop.refusal(AtHotline(act=RequestRefund(order=number))) is code


@pytest.mark.req("R-606")
def test_where_refunds_are_asked_for_there_is_no_override() -> None:
    shop = RefundShop()
    number = shop.active("RTTI")
    remedy = GrantStatutoryRemedy(order=number, service="RTTI", reason=REASON)
    assert shop.refusal(AtHotline(act=remedy)) is ErrorCode.INVALID_STATE
    shop.close()


# BMW ends a service


@pytest.mark.req("R-513", "R-606")
def test_who_ends_a_service_gives_back_what_is_left_with_its_tax(shop: AuRefundShop) -> None:
    number = active(shop)
    shop.bmw(AnnounceEnd(service="RTTI", last_day=date(2026, 6, 15), refund=True))
    shop.advance_to(in_melbourne("2026-06-16 00:00") - 1)
    assert shop.refunds(number) == ()
    shop.advance(1)
    refund = shop.the_refund(number)
    assert (refund.ground, refund.amount_minor) == (RefundGround.PROVIDER_END, 4950 - 4950 * 46 // 92)
    assert refund.usage_date == date(2026, 6, 15)
    assert shop.booked("RTTI").state is EntitlementState.TERMINATED
    assert shop.order(number).state is OrderState.REFUNDED
    shop.advance(60 * DAY)
    assert shop.order(number).kept_minor == 2475
    assert shop.balances()


@pytest.mark.req("R-513", "R-606")
def test_by_default_it_gives_nothing_back(shop: AuRefundShop) -> None:
    number = active(shop)
    shop.bmw(AnnounceEnd(service="RTTI", last_day=date(2026, 6, 15)))
    shop.advance_to(in_melbourne("2026-06-16 00:01"))
    assert shop.booked("RTTI").state is EntitlementState.TERMINATED
    assert shop.refunds(number) == ()


@pytest.mark.req("R-513", "R-606")
def test_every_period_that_is_left_comes_back() -> None:
    shop = RefundShop()
    first, second = shop.active("RTTI"), shop.active(("RTTI", 6))
    shop.bmw(AnnounceEnd(service="RTTI", last_day=date(2026, 6, 15), refund=True))
    shop.advance_to(in_shanghai("2026-06-16 00:00"))
    assert shop.the_refund(first).amount_minor == 7500
    assert shop.the_refund(second).amount_minor == 28000
    assert [shop.order(each).state for each in (first, second)] == [OrderState.REFUNDED] * 2
    shop.advance(60 * DAY)
    assert shop.balances()
    shop.close()


@pytest.mark.req("R-513", "R-603")
def test_a_line_whose_money_is_asked_for_already_is_left_out() -> None:
    shop = RefundShop()
    number = shop.active("RTTI")
    shop.bmw(AnnounceEnd(service="RTTI", last_day=date(2026, 6, 15), refund=True))
    shop.request(number)
    shop.advance_to(in_shanghai("2026-06-16 00:00"))
    assert [each.amount_minor for each in shop.refunds(number)] == [13000]
    shop.approve(number)
    assert shop.balances()
    shop.close()


@pytest.mark.req("R-505", "R-606")
def test_a_renewal_that_was_charged_counts_like_any_other_line(shop: AuRefundShop) -> None:
    active(shop)
    shop.auto_renew(True)
    shop.advance_to(in_melbourne("2026-07-31 12:00") + MINUTE)
    number = shop.backend.store.orders.all()[-1].number
    shop.remedy(number, reason=REASON)
    assert shop.booked("RTTI").booked_until == "2026-07-31"
    assert shop.order(number).state is OrderState.REFUNDED
    assert shop.balances()
