"""The charge at 00:00 of the last day: once, at the current price, over jumps and restarts."""

from collections.abc import Iterator
from datetime import date

import pytest

from backend_stub.domain.data_flow import DataCategory, Flow, Purpose, Recipient
from backend_stub.errors import BackendError
from backend_stub.service.audit import OrderAudit
from contracts.acts.bmw import (
    AnnounceEnd,
    ChangePriceList,
    SubstituteService,
    SuspendServices,
    TerminateServices,
)
from contracts.bench import AtBmw, Pay
from contracts.errors import ErrorCode
from contracts.messages import CancelReason, EntitlementState, OrderState
from tests.backend_stub.instants import in_melbourne
from tests.backend_stub.renewal_shop import AuShop
from tests.backend_stub.shop import DAY, HOUR, MINUTE

S = EntitlementState
CHARGE = in_melbourne("2026-07-31 00:00")
END = in_melbourne("2026-08-01 00:00")


@pytest.fixture
def au_shop() -> Iterator[AuShop]:
    """A shop in which the car has RTTI from 1 May to 31 July 2026."""
    shop = AuShop()
    assert shop.booked_service().booked_until == "2026-07-31"
    yield shop
    shop.close()


def renewals(shop: AuShop) -> list[OrderAudit]:
    """Orders that nobody has placed."""
    return [order for order in shop.backend.audit().orders if order.client_order_id.startswith("renewal")]


@pytest.mark.req("R-505")
@pytest.mark.parametrize("choice", ["auto", "notice"])
def test_the_charge_is_made_at_midnight_of_the_last_day_and_extends(au_shop: AuShop, choice: str) -> None:
    if choice == "auto":
        au_shop.auto_renew(True)
    else:
        au_shop.notice()
    au_shop.advance_to(CHARGE - 1)
    assert renewals(au_shop) == []
    au_shop.advance(1)
    [order] = renewals(au_shop)
    assert (order.state, order.amount_minor, order.kept_minor) == (OrderState.FULFILLED, 4950, 4950)
    assert [(line.service, line.months, line.tax_minor) for line in order.lines] == [("RTTI", 3, 450)]
    view = au_shop.booked("RTTI")
    assert (view.state, view.booked_until) == (S.ACTIVE, "2026-10-31")
    assert view.auto_renew is (choice == "auto")


@pytest.mark.req("R-505")
def test_auto_renew_goes_on_term_by_term_and_a_notice_renews_once(au_shop: AuShop) -> None:
    au_shop.booked_service("CONCIERGE")
    au_shop.auto_renew(True)
    au_shop.notice("CONCIERGE")
    au_shop.advance_to(in_melbourne("2027-02-01 00:00"))
    assert au_shop.booked("RTTI").booked_until == "2027-04-30"
    assert (au_shop.booked("CONCIERGE").state, au_shop.booked("CONCIERGE").booked_until) == (
        S.EXPIRED,
        "2026-10-31",
    )
    assert len(renewals(au_shop)) == 4


@pytest.mark.req("R-505", "R-103")
def test_the_current_price_is_charged_with_its_tax(au_shop: AuShop) -> None:
    au_shop.auto_renew(True)
    au_shop.command(AtBmw(act=ChangePriceList(percent=20)))
    au_shop.advance_to(CHARGE)
    [order] = renewals(au_shop)
    assert (order.amount_minor, order.lines[0].tax_minor) == (5940, 540)


@pytest.mark.req("R-505")
def test_switched_off_a_millisecond_before_nothing_is_charged(au_shop: AuShop) -> None:
    au_shop.auto_renew(True)
    au_shop.advance_to(CHARGE - 1)
    au_shop.auto_renew(False)
    au_shop.advance_to(END)
    assert renewals(au_shop) == []
    assert au_shop.booked("RTTI").state is S.EXPIRED


@pytest.mark.req("R-505")
def test_switched_on_a_millisecond_before_it_is_charged_and_at_midnight_it_is_too_late(
    au_shop: AuShop,
) -> None:
    au_shop.advance_to(CHARGE - 1)
    au_shop.auto_renew(True)
    au_shop.advance(1)
    assert len(renewals(au_shop)) == 1
    other = AuShop()
    other.booked_service()
    other.advance_to(CHARGE)
    with pytest.raises(BackendError) as refused:
        other.auto_renew(True)
    assert refused.value.code is ErrorCode.RENEWAL_WINDOW_CLOSED
    other.close()


@pytest.mark.req("R-505", "R-309")
@pytest.mark.parametrize("choice", ["auto", "notice"])
def test_a_refused_charge_is_not_tried_again_and_the_service_expires_that_midnight(
    au_shop: AuShop, choice: str
) -> None:
    if choice == "auto":
        au_shop.auto_renew(True)
    else:
        au_shop.notice()
    au_shop.card(approves=False)
    au_shop.advance_to(CHARGE)
    [refused] = renewals(au_shop)
    assert (refused.state, refused.kept_minor) == (OrderState.PAYMENT_FAILED, 0)
    au_shop.card(approves=True)
    au_shop.advance_to(END - 1)
    assert (au_shop.booked("RTTI").state, au_shop.booked("RTTI").auto_renew) == (S.ACTIVE, False)
    au_shop.advance(1)
    assert au_shop.booked("RTTI").state is S.EXPIRED
    au_shop.advance(30 * DAY)
    [order] = renewals(au_shop)
    assert (order.state, order.cancel_reason) == (OrderState.CANCELLED, CancelReason.TIMEOUT)
    assert au_shop.booked("RTTI").state is S.EXPIRED


@pytest.mark.req("R-505")
def test_nobody_can_pay_a_refused_renewal_by_hand(au_shop: AuShop) -> None:
    au_shop.auto_renew(True)
    au_shop.card(approves=False)
    au_shop.advance_to(CHARGE + 1)
    [order] = renewals(au_shop)
    with pytest.raises(BackendError) as refused:
        au_shop.command(Pay(order_number=order.number, provider="Card"))
    assert refused.value.code is ErrorCode.INVALID_STATE


@pytest.mark.req("R-505")
def test_after_a_refused_charge_the_service_can_be_bought_anew(au_shop: AuShop) -> None:
    au_shop.auto_renew(True)
    au_shop.card(approves=False)
    au_shop.advance_to(END)
    view = au_shop.booked_service()
    assert (view.booked_from, view.auto_renew) == ("2026-08-01", False)


@pytest.mark.req("R-505")
def test_a_charge_is_an_order_like_any_other(au_shop: AuShop) -> None:
    au_shop.auto_renew(True)
    au_shop.advance_to(CHARGE)
    [order] = renewals(au_shop)
    assert order.number == "AU-000002"
    states = [entry.state for entry in au_shop.backend.store.orders.history(order.number)]
    assert states == [
        OrderState.AWAITING_PAYMENT,
        OrderState.PAYING,
        OrderState.PAID,
        OrderState.FULFILLED,
    ]
    [entry] = [entry for entry in au_shop.backend.audit().ledger if entry.order_number == order.number]
    assert (entry.captured_minor, entry.captured_at_ms) == (4950, CHARGE)
    assert Flow(DataCategory.ORDER, Recipient.PROVIDER_AU, Purpose.PROCESSING) in au_shop.flows()
    assert au_shop.phone == []


@pytest.mark.req("R-505", "R-002")
def test_a_jump_of_a_year_charges_every_term_at_its_own_midnight(au_shop: AuShop) -> None:
    au_shop.auto_renew(True)
    au_shop.advance_to(in_melbourne("2027-05-01 00:00") - 1)
    captured = [entry.captured_at_ms for entry in au_shop.backend.audit().ledger][1:]
    assert captured == [
        in_melbourne("2026-07-31 00:00"),
        in_melbourne("2026-10-31 00:00"),
        in_melbourne("2027-01-31 00:00"),
        in_melbourne("2027-04-30 00:00"),
    ]


@pytest.mark.req("R-505")
def test_the_charge_survives_a_restart_before_it(au_shop: AuShop) -> None:
    au_shop.auto_renew(True)
    au_shop.restart_after(MINUTE)
    au_shop.advance_to(CHARGE)
    assert len(renewals(au_shop)) == 1
    au_shop.restart_after(MINUTE)
    au_shop.advance(HOUR)
    assert len(renewals(au_shop)) == 1


@pytest.mark.req("R-505")
def test_a_backend_that_was_down_at_midnight_charges_when_it_is_back_on_the_last_day(au_shop: AuShop) -> None:
    au_shop.auto_renew(True)
    au_shop.advance_to(CHARGE - HOUR)
    au_shop.restart_after(25 * HOUR - 1)
    assert au_shop.now == END - 1
    [order] = renewals(au_shop)
    assert order.state is OrderState.FULFILLED
    assert au_shop.booked("RTTI").booked_until == "2026-10-31"


@pytest.mark.req("R-505", "R-309")
def test_a_backend_that_is_back_after_the_end_charges_nothing_for_an_expired_service(au_shop: AuShop) -> None:
    au_shop.auto_renew(True)
    au_shop.advance_to(CHARGE - HOUR)
    au_shop.restart_after(25 * HOUR)
    assert au_shop.now == END
    assert renewals(au_shop) == []
    assert au_shop.booked("RTTI").state is S.EXPIRED
    assert ("RTTI", "dropped") in au_shop.journal("renewal")


@pytest.mark.req("R-505")
def test_a_store_order_moves_the_charge_to_the_new_last_day(au_shop: AuShop) -> None:
    au_shop.auto_renew(True)
    au_shop.pay_by_card(au_shop.order_in_portal(("RTTI", 6)))
    au_shop.advance_to(CHARGE)
    assert renewals(au_shop) == []
    au_shop.advance_to(in_melbourne("2027-01-31 00:00"))
    [order] = renewals(au_shop)
    assert order.lines[0].months == 6
    assert au_shop.booked("RTTI").booked_until == "2027-07-31"


@pytest.mark.req("R-505", "R-513")
@pytest.mark.parametrize(
    ("last_day", "charges"), [(date(2026, 7, 31), 0), (date(2026, 8, 1), 1), (date(2026, 9, 30), 1)]
)
def test_nobody_is_charged_for_a_term_of_which_an_announced_end_leaves_nothing(
    au_shop: AuShop, last_day: date, charges: int
) -> None:
    au_shop.auto_renew(True)
    au_shop.command(AtBmw(act=AnnounceEnd(service="RTTI", last_day=last_day)))
    au_shop.advance_to(CHARGE)
    assert len(renewals(au_shop)) == charges


@pytest.mark.req("R-505", "R-104")
def test_a_substituted_service_is_renewed_under_its_new_name(au_shop: AuShop) -> None:
    au_shop.auto_renew(True)
    au_shop.command(AtBmw(act=SubstituteService(service="RTTI", by="RTTI_PLUS")))
    au_shop.advance_to(CHARGE)
    [order] = renewals(au_shop)
    assert (order.lines[0].service, order.state) == ("RTTI_PLUS", OrderState.FULFILLED)
    assert au_shop.booked("RTTI_PLUS").booked_until == "2026-10-31"


@pytest.mark.req("R-505", "R-517")
def test_a_service_that_was_terminated_is_not_charged(au_shop: AuShop) -> None:
    au_shop.auto_renew(True)
    au_shop.command(AtBmw(act=TerminateServices(services=("RTTI",))))
    au_shop.advance_to(END)
    assert renewals(au_shop) == []


@pytest.mark.req("R-505")
def test_a_suspended_service_is_charged_and_stays_suspended(au_shop: AuShop) -> None:
    au_shop.auto_renew(True)
    au_shop.command(AtBmw(act=SuspendServices(services=("RTTI",))))
    au_shop.advance_to(CHARGE)
    assert len(renewals(au_shop)) == 1
    assert (au_shop.booked("RTTI").state, au_shop.booked("RTTI").booked_until) == (S.SUSPENDED, "2026-10-31")


@pytest.mark.req("R-504")
def test_a_store_order_fulfils_a_notice_that_was_given_before(au_shop: AuShop) -> None:
    au_shop.notice()
    au_shop.pay_by_card(au_shop.order_in_portal("RTTI"))
    au_shop.advance_to(in_melbourne("2026-11-01 00:00"))
    assert renewals(au_shop) == []
    assert au_shop.booked("RTTI").state is S.EXPIRED


@pytest.mark.req("R-505")
@pytest.mark.parametrize(
    ("activated", "charged", "booked_until"),
    [
        # The last day is the one on which clocks go back, then the one on which they go forward.
        ("2026-01-06 12:00", "2026-04-05 00:00", "2026-07-05"),
        ("2026-07-05 12:00", "2026-10-04 00:00", "2027-01-04"),
        # Ends at the ends of months that lack the day.
        ("2026-11-30 12:00", "2027-02-28 00:00", "2027-05-31"),
        ("2027-11-30 12:00", "2028-02-29 00:00", "2028-05-31"),
    ],
)
def test_the_charge_finds_its_midnight_where_calendars_are_odd(
    activated: str, charged: str, booked_until: str
) -> None:
    shop = AuShop(in_melbourne(activated))
    shop.booked_service()
    shop.auto_renew(True)
    shop.advance_to(in_melbourne(charged) - 1)
    assert renewals(shop) == []
    shop.advance(1)
    assert len(renewals(shop)) == 1
    assert shop.booked("RTTI").booked_until == booked_until
    shop.close()
