"""Extension or fresh term: the instant of capture decides, whenever it is reported (R-501, R-502)."""

import pytest

from backend_stub.domain.payment import Transaction
from contracts.acts.bmw import ChangePriceList, LiftSuspension, SuspendServices, TerminateServices
from contracts.bench import AtBmw, HoldActivation
from contracts.messages import EntitlementState, OrderState
from tests.backend_stub.instants import in_shanghai
from tests.backend_stub.shop import DAY, HOUR, MINUTE, SECOND, Shop

S = EntitlementState
BOUGHT = in_shanghai("2015-05-01 12:00")
END = in_shanghai("2015-08-01 00:00")
"""RTTI bought for three months on 1 May 2015 is valid all of 31 July."""


def capture(shop: Shop, *, captured_ms: int, reported_ms: int, months: int = 3) -> str:
    """An order placed an hour before the end, captured and reported at these instants."""
    shop.advance_to(END - HOUR)
    order = shop.accepted(("RTTI", months))
    session = shop.open_session(order.number)
    shop.advance_to(reported_ms)
    shop.report(
        Transaction(
            transaction_id=f"transaction of {order.number}",
            session=session,
            captured_minor=order.amount_minor,
            currency=order.currency,
            at_ms=captured_ms,
        )
    )
    shop.advance(MINUTE)
    return order.number


def shown(shop: Shop) -> tuple[EntitlementState, str | None, str | None, int]:
    view = shop.booked("RTTI")
    return view.state, view.booked_from, view.booked_until, len(shop.entitlements("RTTI"))


EXTENDED = (S.ACTIVE, "2015-05-01", "2015-10-31", 1)
ANEW = (S.ACTIVE, "2015-08-01", "2015-10-31", 2)


@pytest.mark.req("R-502")
@pytest.mark.parametrize(
    ("captured", "reported_later_ms", "expected"),
    [
        (END - HOUR, 0, EXTENDED),
        (END - 1, 0, EXTENDED),
        (END - 1, 1, EXTENDED),
        (END - 1, 10 * HOUR, EXTENDED),
        (END - HOUR, HOUR, EXTENDED),
        (END, 0, ANEW),
        (END, 1, ANEW),
        (END, 10 * HOUR, ANEW),
        (END + 1, 0, ANEW),
        (END + 10 * HOUR, 0, ANEW),
    ],
)
def test_the_capture_instant_decides_whenever_it_is_reported(
    captured: int, reported_later_ms: int, expected: tuple[EntitlementState, str, str, int]
) -> None:
    shop = Shop(BOUGHT)
    shop.paid("RTTI")
    number = capture(shop, captured_ms=captured, reported_ms=captured + reported_later_ms)
    assert shown(shop) == expected
    assert shop.order(number).state is OrderState.FULFILLED
    shop.close()


@pytest.mark.req("R-502", "R-402")
def test_a_fresh_term_reported_two_days_late_is_overdue_and_begins_with_its_activation() -> None:
    shop = Shop(BOUGHT)
    shop.paid("RTTI")
    capture(shop, captured_ms=END, reported_ms=END + 2 * DAY)
    assert shown(shop)[:2] == (S.ACTIVE, "2015-08-03")
    shop.close()


@pytest.mark.req("R-502")
def test_what_was_expired_and_revived_ends_again_at_its_new_end() -> None:
    shop = Shop(BOUGHT)
    shop.paid("RTTI")
    shop.advance_to(END - HOUR)
    capture(shop, captured_ms=END - 1, reported_ms=END + HOUR)
    assert shop.booked("RTTI").state is S.ACTIVE
    shop.advance_to(in_shanghai("2015-11-01 00:00") - 1)
    assert shop.booked("RTTI").state is S.ACTIVE
    shop.advance(1)
    assert shop.booked("RTTI").state is S.EXPIRED
    shop.close()


@pytest.mark.req("R-502")
def test_a_backend_that_was_down_over_the_end_still_goes_by_the_capture() -> None:
    shop = Shop(BOUGHT)
    shop.paid("RTTI")
    shop.advance_to(END - HOUR)
    order = shop.accepted("RTTI")
    session = shop.open_session(order.number)
    shop.restart_after(2 * HOUR)
    assert shop.booked("RTTI").state is S.EXPIRED
    shop.report(
        Transaction(
            transaction_id="late",
            session=session,
            captured_minor=order.amount_minor,
            currency=order.currency,
            at_ms=END - 1,
        )
    )
    assert shown(shop) == EXTENDED
    shop.close()


@pytest.mark.req("R-502", "R-103")
def test_the_ordered_price_stays_when_the_list_changes_before_the_capture() -> None:
    shop = Shop(BOUGHT)
    shop.paid("RTTI")
    shop.advance_to(END - HOUR)
    order = shop.accepted("RTTI")
    shop.command(AtBmw(act=ChangePriceList(percent=50)))
    shop.pay(order.number)
    assert shop.order(order.number).kept_minor == 15000
    assert shown(shop) == EXTENDED
    shop.close()


@pytest.mark.req("R-501")
def test_extensions_queue_and_the_term_is_counted_from_the_last_queued_end() -> None:
    shop = Shop(in_shanghai("2015-11-30 12:00"))
    shop.paid("RTTI")
    shop.advance(MINUTE)
    shop.paid("RTTI")
    shop.paid(("RTTI", 12))
    [entitlement] = shop.entitlements("RTTI")
    assert [(str(p.first_day), str(p.last_day)) for p in entitlement.periods] == [
        ("2015-11-30", "2016-02-29"),
        ("2016-03-01", "2016-05-31"),
        ("2016-06-01", "2017-05-31"),
    ]
    shop.close()


@pytest.mark.req("R-501")
def test_a_suspended_service_is_extended_and_stays_suspended() -> None:
    shop = Shop(BOUGHT)
    shop.paid("RTTI")
    shop.advance(MINUTE)
    shop.command(AtBmw(act=SuspendServices(services=("RTTI",))))
    shop.paid("RTTI")
    assert (shop.booked("RTTI").state, shop.booked("RTTI").booked_until) == (S.SUSPENDED, "2015-10-31")
    shop.command(AtBmw(act=LiftSuspension(services=("RTTI",))))
    assert shop.booked("RTTI").state is S.ACTIVE
    shop.close()


@pytest.mark.req("R-501", "R-402")
def test_a_terminated_service_is_bought_anew() -> None:
    shop = Shop(BOUGHT)
    shop.paid("RTTI")
    shop.advance(MINUTE)
    shop.command(AtBmw(act=TerminateServices(services=("RTTI",))))
    shop.advance(9 * DAY)
    shop.paid("RTTI")
    shop.advance(MINUTE)
    assert shown(shop) == (S.ACTIVE, "2015-05-10", "2015-08-09", 2)
    shop.close()


@pytest.mark.req("R-501", "R-401")
def test_extensions_of_a_service_that_waits_move_with_its_activation() -> None:
    shop = Shop(BOUGHT)
    shop.command(HoldActivation(held=True))
    shop.paid("RTTI")
    shop.paid("RTTI")
    shop.advance(3 * DAY)
    shop.command(HoldActivation(held=False))
    shop.advance(SECOND)
    [entitlement] = shop.entitlements("RTTI")
    assert [(str(p.first_day), str(p.last_day)) for p in entitlement.periods] == [
        ("2015-05-04", "2015-08-03"),
        ("2015-08-04", "2015-11-03"),
    ]
    shop.close()


@pytest.mark.req("R-503")
def test_no_chinese_order_appears_that_nobody_has_placed() -> None:
    shop = Shop(BOUGHT)
    shop.paid("RTTI")
    shop.advance_to(END + 400 * DAY)
    audit = shop.backend.audit()
    assert len(audit.orders) == len(audit.ledger) == 1
    assert shop.booked("RTTI").state is S.EXPIRED
    shop.close()
