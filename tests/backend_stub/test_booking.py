"""From a paid line to a booked service: activation, dates, extension, end, and what the car is told."""

import pytest

from backend_stub.app import BackendConfig
from backend_stub.domain.vehicle import VehicleRecord
from contracts.bench import HoldActivation, PaymentOutcome
from contracts.messages import EntitlementState, OrderState
from tests.backend_stub.shop import DAY, MINUTE, NUMBER, SECOND, VIN, Shop, shanghai

S = EntitlementState
ACTIVATION = 20 * SECOND


def shop_at(text: str) -> Shop:
    """A shop on which it is this wall-clock time in China."""
    return Shop(shanghai(text))


@pytest.mark.req("R-401")
def test_a_paid_service_activates_by_itself(shop: Shop) -> None:
    number = shop.paid("RTTI", "CONCIERGE")
    assert shop.booked("RTTI").state is S.PENDING
    shop.advance(ACTIVATION - 1)
    assert shop.booked("RTTI").state is S.PENDING
    assert shop.order(number).state is OrderState.PAID
    shop.advance(1)
    assert shop.booked("RTTI").state is shop.booked("CONCIERGE").state is S.ACTIVE
    assert shop.order(number).state is OrderState.FULFILLED


@pytest.mark.req("R-401")
def test_the_alarm_is_raised_a_millisecond_after_24_hours(shop: Shop) -> None:
    shop.command(HoldActivation(held=True))
    shop.paid("RTTI")
    shop.advance(DAY)
    assert not shop.booked("RTTI").overdue
    shop.advance(1)
    assert shop.booked("RTTI").overdue
    assert shop.booked("RTTI").state is S.PENDING
    assert shop.entitlements("RTTI")[0].overdue


@pytest.mark.req("R-401", "R-402")
def test_an_overdue_activation_begins_its_term_on_the_day_it_happens() -> None:
    shop = shop_at("2015-05-01 12:00")
    shop.command(HoldActivation(held=True))
    shop.paid("RTTI")
    shop.advance(3 * DAY)
    shop.command(HoldActivation(held=False))
    view = shop.booked("RTTI")
    assert (view.state, view.overdue) == (S.ACTIVE, False)
    assert (view.booked_from, view.booked_until) == ("2015-05-04", "2015-08-03")
    shop.close()


@pytest.mark.req("R-401", "R-402")
def test_activation_that_is_late_but_not_overdue_keeps_the_day_of_capture() -> None:
    shop = shop_at("2015-05-01 12:00")
    shop.command(HoldActivation(held=True))
    shop.paid("RTTI")
    shop.advance(DAY)
    shop.command(HoldActivation(held=False))
    assert shop.booked("RTTI").booked_from == "2015-05-01"
    shop.close()


@pytest.mark.req("R-401")
def test_releasing_activation_early_still_waits_for_its_time(shop: Shop) -> None:
    shop.command(HoldActivation(held=True))
    shop.paid("RTTI")
    shop.command(HoldActivation(held=False))
    assert shop.booked("RTTI").state is S.PENDING
    shop.advance(ACTIVATION)
    assert shop.booked("RTTI").state is S.ACTIVE


@pytest.mark.req("R-401")
def test_activation_and_its_hold_survive_a_restart(shop: Shop) -> None:
    shop.command(HoldActivation(held=True))
    shop.paid("RTTI")
    shop.restart_after(MINUTE)
    assert shop.entitlements("RTTI")[0].state is S.PENDING
    shop.command(HoldActivation(held=False))
    assert shop.entitlements("RTTI")[0].state is S.ACTIVE


@pytest.mark.req("R-401", "R-402")
def test_a_backend_that_was_down_over_the_24_hours_activates_as_of_its_return() -> None:
    shop = shop_at("2015-05-01 12:00")
    shop.paid("RTTI")
    shop.restart_after(2 * DAY)
    [entitlement] = shop.entitlements("RTTI")
    assert entitlement.state is S.ACTIVE
    assert entitlement.periods[0].first_day.isoformat() == "2015-05-03"
    shop.close()


@pytest.mark.req("R-402", "R-403")
def test_three_months_bought_on_1_may_2015_are_valid_all_of_31_july() -> None:
    shop = shop_at("2015-05-01 23:59")
    shop.paid("RTTI")
    shop.advance(2 * MINUTE)
    view = shop.booked("RTTI")
    assert (view.booked_from, view.booked_until) == ("2015-05-01", "2015-07-31")
    shop.advance_to(shanghai("2015-08-01 00:00") - 1)
    assert shop.booked("RTTI").state is S.ACTIVE
    shop.advance(1)
    assert shop.booked("RTTI").state is S.EXPIRED
    shop.close()


@pytest.mark.req("R-403")
def test_the_end_survives_a_restart() -> None:
    shop = shop_at("2015-05-01 12:00")
    shop.paid("RTTI")
    shop.advance(MINUTE)
    shop.restart_after(100 * DAY)
    assert shop.booked("RTTI").state is S.EXPIRED
    shop.close()


@pytest.mark.req("R-404", "R-406")
def test_every_change_the_car_should_see_is_a_snapshot_with_a_higher_revision(shop: Shop) -> None:
    shop.paid("RTTI")
    shop.advance(MINUTE)
    revisions = [snapshot.revision for snapshot in shop.snapshots()]
    assert revisions == sorted(set(revisions))
    states = [
        [view.state for view in snapshot.entitlements if view.service == "RTTI"]
        for snapshot in shop.snapshots()
    ]
    assert states[-2:] == [[S.PENDING], [S.ACTIVE]]


@pytest.mark.req("R-404")
def test_activation_needs_no_coverage_and_its_snapshot_waits_in_the_outbox(shop: Shop) -> None:
    shop.paid("RTTI")
    shop.advance(MINUTE)
    waiting = shop.backend.outbox_depth
    assert shop.booked("RTTI").state is S.ACTIVE
    shop.kill()
    shop.start()
    assert shop.backend.outbox_depth >= waiting


@pytest.mark.req("R-406")
def test_revisions_rise_over_a_restart(shop: Shop) -> None:
    _, before = shop.sync()
    shop.restart_after(SECOND)
    _, after = shop.sync()
    assert after.revision > before.revision


@pytest.mark.req("R-004", "R-405")
def test_booked_services_begin_with_the_standard_ones_without_a_date(shop: Shop) -> None:
    _, snapshot = shop.sync()
    assert [(view.service, view.origin, view.state, view.booked_until) for view in snapshot.entitlements] == [
        ("EMERGENCY_CALL", "STANDARD", S.ACTIVE, None),
        ("TELESERVICES", "STANDARD", S.ACTIVE, None),
        ("BASE", "CONTRACT", S.ACTIVE, "2029-04-30"),
    ]
    assert snapshot.ecall_available
    assert snapshot.contract_number == NUMBER


@pytest.mark.req("R-405")
def test_unpaid_orders_are_no_booked_services(shop: Shop) -> None:
    shop.accepted("RTTI")
    _, snapshot = shop.sync()
    assert "RTTI" not in [view.service for view in snapshot.entitlements]
    assert [order.state for order in snapshot.orders] == [OrderState.AWAITING_PAYMENT]


@pytest.mark.req("R-405")
def test_before_activation_a_service_has_no_dates(shop: Shop) -> None:
    shop.paid("RTTI")
    assert (shop.booked("RTTI").booked_from, shop.booked("RTTI").booked_until) == (None, None)


def test_a_car_whose_base_package_has_ended_starts_with_it_expired() -> None:
    from datetime import date

    car = VehicleRecord(
        vin=VIN, contract_number=NUMBER, first_activation=date(2012, 1, 1), base_package_months=12
    )
    shop = Shop(config=BackendConfig(vehicles=(car,)))
    assert shop.booked("BASE").state is S.EXPIRED
    shop.close()


@pytest.mark.req("R-501")
def test_buying_an_active_service_extends_it_at_once_without_a_gap() -> None:
    shop = shop_at("2015-05-01 12:00")
    shop.paid("RTTI")
    shop.advance(MINUTE)
    number = shop.paid(("RTTI", 6))
    assert shop.booked("RTTI").booked_until == "2016-01-31"
    assert shop.order(number).state is OrderState.FULFILLED
    [entitlement] = shop.entitlements("RTTI")
    assert [(p.first_day.isoformat(), p.last_day.isoformat()) for p in entitlement.periods] == [
        ("2015-05-01", "2015-07-31"),
        ("2015-08-01", "2016-01-31"),
    ]
    shop.advance_to(shanghai("2015-08-02 00:00"))
    assert shop.booked("RTTI").state is S.ACTIVE
    shop.advance_to(shanghai("2016-02-01 00:00"))
    assert shop.booked("RTTI").state is S.EXPIRED
    shop.close()


@pytest.mark.req("R-501")
def test_a_second_purchase_while_pending_extends_the_computed_end() -> None:
    shop = shop_at("2015-05-01 12:00")
    first = shop.paid("RTTI")
    second = shop.paid("RTTI")
    assert shop.order(second).state is OrderState.FULFILLED
    assert shop.order(first).state is OrderState.PAID
    shop.advance(MINUTE)
    assert shop.booked("RTTI").booked_until == "2015-10-31"
    assert shop.order(first).state is OrderState.FULFILLED
    shop.close()


@pytest.mark.req("R-402", "R-501")
def test_a_service_that_waits_beyond_its_computed_end_is_extended_and_not_booked_twice() -> None:
    shop = shop_at("2015-05-01 12:00")
    shop.command(HoldActivation(held=True))
    shop.paid("RTTI")
    shop.advance_to(shanghai("2015-08-01 00:00"))
    shop.paid("RTTI")
    shop.command(HoldActivation(held=False))
    shop.advance(MINUTE)
    assert len(shop.entitlements("RTTI")) == 1
    assert (shop.booked("RTTI").booked_from, shop.booked("RTTI").booked_until) == ("2015-08-01", "2016-01-31")
    shop.close()


@pytest.mark.req("R-501", "R-502")
def test_a_purchase_on_the_last_day_extends_and_one_at_midnight_begins_anew() -> None:
    for paid_at, expected in (
        (shanghai("2015-08-01 00:00") - 1, ("2015-05-01", "2015-10-31", 1)),
        (shanghai("2015-08-01 00:00"), ("2015-08-01", "2015-10-31", 2)),
    ):
        shop = shop_at("2015-05-01 12:00")
        shop.paid("RTTI")
        shop.advance_to(paid_at)
        shop.paid("RTTI")
        shop.advance(MINUTE)
        view = shop.booked("RTTI")
        assert view.state is S.ACTIVE
        assert (view.booked_from, view.booked_until, len(shop.entitlements("RTTI"))) == expected
        shop.close()


@pytest.mark.req("R-502")
def test_a_last_day_capture_that_is_reported_later_revives_the_service() -> None:
    shop = shop_at("2015-05-01 12:00")
    shop.paid("RTTI")
    shop.advance_to(shanghai("2015-08-01 00:00") - 1)
    order = shop.accepted("RTTI")
    shop.pay(order.number, PaymentOutcome.LATE, delay_ms=MINUTE)
    shop.advance(1)
    assert shop.booked("RTTI").state is S.EXPIRED
    shop.advance(MINUTE)
    assert shop.booked("RTTI").state is S.ACTIVE
    assert shop.booked("RTTI").booked_until == "2015-10-31"
    assert shop.order(order.number).state is OrderState.FULFILLED
    shop.close()


@pytest.mark.req("R-105", "R-501")
def test_other_services_are_bought_without_renewing_and_packages_may_overlap(shop: Shop) -> None:
    shop.paid("RTTI")
    shop.paid("PREMIUM")
    shop.advance(MINUTE)
    assert shop.booked("RTTI").state is shop.booked("PREMIUM").state is S.ACTIVE


@pytest.mark.req("R-503")
def test_nothing_is_charged_when_a_term_ends() -> None:
    shop = shop_at("2015-05-01 12:00")
    shop.paid("RTTI")
    shop.advance(200 * DAY)
    assert len(shop.backend.audit().ledger) == 1
    shop.close()


@pytest.mark.req("R-002")
def test_a_jump_of_the_clock_lets_everything_happen_at_its_instant() -> None:
    shop = shop_at("2015-05-01 12:00")
    shop.paid("RTTI")
    unpaid = shop.accepted("CONCIERGE")
    shop.advance(365 * DAY)
    assert shop.entitlements("RTTI")[0].periods[0].first_day.isoformat() == "2015-05-01"
    history = shop.backend.store.orders.history(unpaid.number)
    assert history[-1].at_ms == unpaid.deadline_ms + 1
    assert shop.booked("RTTI").state is S.EXPIRED
    shop.close()
