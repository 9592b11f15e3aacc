"""Renewal as pure rules: windows, switches, charges and the base package, to the millisecond."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend_stub.domain import calendar, renewal
from backend_stub.domain.entitlement import Entitlement, Origin, Period, RenewalChoice, extend
from backend_stub.domain.market import AU, CN, MarketProfile
from backend_stub.domain.vehicle import VehicleRecord
from backend_stub.errors import BackendError
from contracts.errors import ErrorCode
from contracts.messages import EntitlementState
from tests.backend_stub.instants import in_melbourne

S, C = EntitlementState, RenewalChoice
VIN = "WBATEST0000000001"


def term(
    last_day: date,
    *,
    state: EntitlementState = S.ACTIVE,
    service: str = "RTTI",
    choice: RenewalChoice = C.NONE,
) -> Entitlement:
    """A service of three months that ends with `last_day`."""
    return Entitlement(
        entitlement_id=1,
        vin=VIN,
        service=service,
        origin=Origin.STORE,
        state=state,
        renewal=choice,
        periods=(
            Period(
                order_number="AU-000001",
                months=3,
                captured_at_ms=0,
                first_day=calendar.days_before(last_day, 90),
                last_day=last_day,
                fresh=True,
            ),
        ),
    )


def refusal_of_order(entitlement: Entitlement, at_ms: int) -> BackendError:
    with pytest.raises(BackendError) as refused:
        renewal.check_notices(("PREMIUM", "RTTI"), (entitlement,), at_ms, AU)
    return refused.value


def refusal_of_notice(entitlement: Entitlement, profile: MarketProfile) -> ErrorCode:
    with pytest.raises(BackendError) as refused:
        renewal.with_notice(entitlement, 0, profile)
    return refused.value.code


def refusal_of_auto_renew(entitlement: Entitlement, profile: MarketProfile) -> ErrorCode:
    with pytest.raises(BackendError) as refused:
        renewal.with_auto_renew(entitlement, True, 0, profile)
    return refused.value.code


ENDS = (
    (date(2026, 7, 31), "2026-06-20 00:00"),
    # Clocks go back on 5 April, and forward on 4 October, 2026.
    (date(2026, 5, 17), "2026-04-06 00:00"),
    (date(2026, 5, 16), "2026-04-05 00:00"),
    (date(2026, 11, 15), "2026-10-05 00:00"),
    (date(2026, 11, 14), "2026-10-04 00:00"),
    (date(2016, 4, 11), "2016-03-01 00:00"),
    (date(2027, 1, 10), "2026-11-30 00:00"),
)


@pytest.mark.req("R-504")
@pytest.mark.parametrize(("last_day", "closed_from"), ENDS)
def test_notice_is_in_time_through_the_whole_42nd_day_before_the_end(
    last_day: date, closed_from: str
) -> None:
    closes_ms = in_melbourne(closed_from)
    entitlement = term(last_day)
    renewal.check_notices(("RTTI",), (entitlement,), closes_ms - 1, AU)
    assert renewal.with_notice(entitlement, closes_ms - 1, AU).renewal is C.NOTICE
    refused = refusal_of_order(entitlement, closes_ms)
    assert refused.code is ErrorCode.RENEWAL_WINDOW_CLOSED
    with pytest.raises(BackendError) as late:
        renewal.with_notice(entitlement, closes_ms, AU)
    assert late.value.code is ErrorCode.RENEWAL_WINDOW_CLOSED


@pytest.mark.req("R-504")
def test_the_refusal_shows_the_last_date_and_offers_auto_renew() -> None:
    refused = refusal_of_order(term(date(2026, 7, 31)), in_melbourne("2026-07-01 12:00"))
    assert "until 2026-06-19" in refused.detail
    assert "auto-renew can be switched on in the Portal until 2026-07-31 00:00" in refused.detail


@pytest.mark.req("R-504")
def test_the_refusal_offers_nothing_that_is_on_already_or_over() -> None:
    on = refusal_of_order(term(date(2026, 7, 31), choice=C.AUTO), in_melbourne("2026-07-30 23:59"))
    assert "auto-renew is on" in on.detail
    over = refusal_of_order(term(date(2026, 7, 31)), in_melbourne("2026-07-31 00:00"))
    assert "switched on" not in over.detail


@pytest.mark.req("R-504")
@pytest.mark.parametrize("state", [S.EXPIRED, S.TERMINATED, S.DEACTIVATED, S.PENDING])
def test_what_is_not_running_to_an_end_has_no_window(state: EntitlementState) -> None:
    entitlement = term(date(2026, 7, 31), state=state)
    renewal.check_notices(("RTTI",), (entitlement,), in_melbourne("2026-07-31 12:00"), AU)
    assert renewal.last_day_for_notice(entitlement, AU) is None


@pytest.mark.req("R-504")
def test_a_suspended_service_has_the_same_window() -> None:
    suspended = term(date(2026, 7, 31), state=S.SUSPENDED)
    assert (
        refusal_of_order(suspended, in_melbourne("2026-06-20 00:00")).code is ErrorCode.RENEWAL_WINDOW_CLOSED
    )


@pytest.mark.req("R-504")
def test_the_window_follows_the_last_queued_end() -> None:
    entitlement = extend(term(date(2026, 7, 31)), "AU-000002", 3, 0)
    assert entitlement.booked_until == date(2026, 10, 31)
    assert renewal.last_day_for_notice(entitlement, AU) == date(2026, 9, 19)
    renewal.check_notices(("RTTI",), (entitlement,), in_melbourne("2026-09-20 00:00") - 1, AU)
    assert (
        refusal_of_order(entitlement, in_melbourne("2026-09-20 00:00")).code
        is ErrorCode.RENEWAL_WINDOW_CLOSED
    )


@pytest.mark.req("R-501", "R-503", "R-504")
def test_where_a_service_is_bought_again_at_any_time_there_is_no_window_and_no_choice() -> None:
    entitlement = term(date(2026, 7, 31))
    renewal.check_notices(
        ("RTTI",), (entitlement,), calendar.end_of_validity_ms(date(2026, 7, 31), CN.zone), CN
    )
    assert renewal.renews_itself(entitlement, 0, CN) is None
    assert refusal_of_notice(entitlement, CN) is ErrorCode.NOT_ELIGIBLE
    assert refusal_of_auto_renew(entitlement, CN) is ErrorCode.NOT_ELIGIBLE


@pytest.mark.req("R-505")
def test_auto_renew_is_off_unless_somebody_switches_it_on() -> None:
    assert term(date(2026, 7, 31)).renewal is C.NONE
    assert renewal.renews_itself(term(date(2026, 7, 31)), 0, AU) is False


@pytest.mark.req("R-505")
@pytest.mark.parametrize(
    ("last_day", "charged"),
    [
        (date(2026, 7, 31), "2026-07-31 00:00"),
        (date(2026, 4, 5), "2026-04-05 00:00"),
        (date(2026, 10, 4), "2026-10-04 00:00"),
        (date(2016, 2, 29), "2016-02-29 00:00"),
    ],
)
def test_auto_renew_can_be_switched_until_the_charge_at_midnight_of_the_last_day(
    last_day: date, charged: str
) -> None:
    charge_ms = in_melbourne(charged)
    assert renewal.charge_at_ms(last_day, AU) == charge_ms
    on = renewal.with_auto_renew(term(last_day), True, charge_ms - 1, AU)
    assert on.renewal is C.AUTO
    assert renewal.renews_itself(on, charge_ms - 1, AU) is True
    assert renewal.with_auto_renew(on, False, charge_ms - 1, AU).renewal is C.NONE
    for switched in (True, False):
        with pytest.raises(BackendError) as refused:
            renewal.with_auto_renew(on, switched, charge_ms, AU)
        assert refused.value.code is ErrorCode.RENEWAL_WINDOW_CLOSED
    assert renewal.renews_itself(on, charge_ms, AU) is False


@pytest.mark.req("R-504", "R-505")
def test_a_notice_stays_given_when_auto_renew_comes_and_goes() -> None:
    entitlement = renewal.with_notice(term(date(2026, 7, 31)), 0, AU)
    both = renewal.with_auto_renew(entitlement, True, 0, AU)
    assert both.renewal is C.BOTH
    assert renewal.with_auto_renew(both, False, 0, AU).renewal is C.NOTICE


@pytest.mark.req("R-504", "R-505")
@pytest.mark.parametrize(
    ("before", "after"), [(C.NONE, C.NONE), (C.NOTICE, C.NONE), (C.AUTO, C.AUTO), (C.BOTH, C.AUTO)]
)
def test_an_extension_fulfils_a_notice_and_leaves_auto_renew_on(
    before: RenewalChoice, after: RenewalChoice
) -> None:
    assert extend(term(date(2026, 7, 31), choice=before), "AU-000002", 3, 0).renewal is after


@pytest.mark.req("R-505")
@pytest.mark.parametrize("state", [S.EXPIRED, S.TERMINATED, S.DEACTIVATED])
def test_what_has_ended_has_no_choice_any_more(state: EntitlementState) -> None:
    entitlement = term(date(2026, 7, 31), state=state)
    assert refusal_of_notice(entitlement, AU) is ErrorCode.INVALID_STATE
    assert refusal_of_auto_renew(entitlement, AU) is ErrorCode.INVALID_STATE


@pytest.mark.req("R-505")
def test_standard_services_and_base_packages_are_not_renewed() -> None:
    standard = replace(term(date(2026, 7, 31), service="EMERGENCY_CALL"), origin=Origin.STANDARD, periods=())
    for entitlement in (standard, term(date(2026, 7, 31), service="BASE")):
        assert renewal.renews_itself(entitlement, 0, AU) is None
        with pytest.raises(BackendError) as refused:
            renewal.with_auto_renew(entitlement, True, 0, AU)
        assert refused.value.code is ErrorCode.NOT_ELIGIBLE


LAST_DAY = date(2026, 7, 31)


@pytest.mark.req("R-505")
@pytest.mark.parametrize("choice", [C.AUTO, C.NOTICE, C.BOTH])
def test_a_charge_is_for_the_same_term_and_on_the_last_day_alone(choice: RenewalChoice) -> None:
    entitlement = term(LAST_DAY, choice=choice)
    begins, ends = in_melbourne("2026-07-31 00:00"), in_melbourne("2026-08-01 00:00")
    assert renewal.charge_of(entitlement, begins - 1, AU) is None
    assert renewal.charge_of(entitlement, begins, AU) == renewal.Charge("RTTI", 3)
    assert renewal.charge_of(entitlement, ends - 1, AU) == renewal.Charge("RTTI", 3)
    assert renewal.charge_of(entitlement, ends, AU) is None


@pytest.mark.req("R-505")
@pytest.mark.parametrize("state", [S.PENDING, S.EXPIRED, S.TERMINATED, S.DEACTIVATED])
def test_only_a_running_service_is_charged(state: EntitlementState) -> None:
    entitlement = term(LAST_DAY, state=state, choice=C.AUTO)
    assert renewal.charge_of(entitlement, in_melbourne("2026-07-31 00:00"), AU) is None


@pytest.mark.req("R-505")
def test_nothing_is_charged_without_a_choice() -> None:
    assert renewal.charge_due_ms(term(LAST_DAY), AU) is None
    assert renewal.charge_of(term(LAST_DAY), in_melbourne("2026-07-31 00:00"), AU) is None


@pytest.mark.req("R-505")
def test_the_same_term_is_that_of_the_period_that_ends() -> None:
    entitlement = extend(term(date(2026, 4, 30), choice=C.AUTO), "AU-000002", 12, 0)
    assert entitlement.booked_until == date(2027, 4, 30)
    assert renewal.charge_of(entitlement, in_melbourne("2027-04-30 00:00"), AU) == renewal.Charge("RTTI", 12)


@pytest.mark.req("R-504", "R-505")
@given(st.dates(date(2012, 1, 1), date(2060, 12, 31)))
@settings(max_examples=60)
def test_notice_closes_41_days_before_the_charge_whatever_clocks_do(last_day: date) -> None:
    entitlement = term(last_day)
    until = renewal.last_day_for_notice(entitlement, AU)
    assert until is not None
    charge_ms = renewal.charge_at_ms(last_day, AU)
    assert calendar.local_date(charge_ms, AU.zone) == last_day
    assert calendar.local_date(charge_ms - 1, AU.zone) == calendar.days_before(last_day, 1)
    days = (charge_ms - calendar.end_of_validity_ms(until, AU.zone)) / calendar.DAY_MS
    assert round(days) == 41
    assert abs(days - 41) <= 1 / 24


# The base package


def car(purchased_on: date | None) -> VehicleRecord:
    return VehicleRecord(vin=VIN, purchased_on=purchased_on)


def base(last_day: date, state: EntitlementState = S.ACTIVE) -> Entitlement:
    return replace(term(last_day, state=state, service="BASE"), origin=Origin.CONTRACT)


NOON = calendar.local_midnight_ms(date(2016, 2, 29), CN.zone) + 12 * calendar.HOUR_MS


def not_eligible(vehicle: VehicleRecord, *packages: Entitlement) -> str:
    with pytest.raises(BackendError) as refused:
        renewal.extended_base_package(vehicle, packages, NOON, CN)
    assert refused.value.code is ErrorCode.NOT_ELIGIBLE
    return refused.value.detail


@pytest.mark.req("R-506")
def test_a_car_bought_on_30_april_2015_is_extended_and_one_of_1_may_is_not() -> None:
    running = base(date(2016, 3, 31))
    before, after = renewal.extended_base_package(car(date(2015, 4, 30)), (running,), NOON, CN)
    assert before is running
    assert (after.state, after.booked_until) == (S.ACTIVE, date(2017, 3, 31))
    assert "2015-05-01" in not_eligible(car(date(2015, 5, 1)), running)
    assert "2015-05-01" in not_eligible(car(None), running)


@pytest.mark.req("R-506")
def test_the_extension_runs_from_the_day_after_the_end_through_the_last_day_itself() -> None:
    last_day = date(2016, 2, 29)
    _, after = renewal.extended_base_package(car(date(2014, 1, 1)), (base(last_day),), NOON, CN)
    assert [period.first_day for period in after.periods[1:]] == [date(2016, 3, 1)]
    assert after.booked_until == date(2017, 2, 28)


@pytest.mark.req("R-506")
def test_the_extension_of_an_ended_package_runs_from_the_request() -> None:
    ended = base(date(2015, 3, 31), S.EXPIRED)
    before, after = renewal.extended_base_package(car(date(2014, 1, 1)), (ended,), NOON, CN)
    assert before is None
    assert (after.state, after.origin, after.booked_from) == (S.ACTIVE, Origin.CONTRACT, date(2016, 2, 29))
    assert after.booked_until == date(2017, 2, 28)


@pytest.mark.req("R-506")
def test_the_extension_is_given_once_per_car() -> None:
    vehicle = car(date(2014, 1, 1))
    running = base(date(2016, 3, 31))
    _, extended = renewal.extended_base_package(vehicle, (running,), NOON, CN)
    assert "already" in not_eligible(vehicle, extended)
    ended = base(date(2015, 3, 31), S.EXPIRED)
    _, second = renewal.extended_base_package(vehicle, (ended,), NOON, CN)
    assert "already" in not_eligible(vehicle, ended, second)
    assert "already" in not_eligible(vehicle, ended, replace(second, state=S.EXPIRED))


@pytest.mark.req("R-506")
def test_there_must_be_a_base_package_that_has_ended_by_itself_or_not_at_all() -> None:
    vehicle = car(date(2014, 1, 1))
    not_eligible(vehicle)
    not_eligible(vehicle, base(date(2016, 3, 31), S.TERMINATED))
    not_eligible(vehicle, base(date(2016, 3, 31), S.DEACTIVATED))


@pytest.mark.req("R-506")
def test_another_market_knows_no_such_extension() -> None:
    with pytest.raises(BackendError) as refused:
        renewal.extended_base_package(car(date(2014, 1, 1)), (base(date(2016, 3, 31)),), NOON, AU)
    assert refused.value.code is ErrorCode.NOT_ELIGIBLE
