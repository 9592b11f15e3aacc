"""Calendar arithmetic of terms and the end dates that the car enforces (R-403, R-406, R-501)."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from contracts.messages import EntitlementState
from headunit.domain.validity import extended_to, last_day, state_on
from tests.headunit.domain.car import DAY_MS, STORE, Driver, entitlement, offline, shanghai, snapshot


@pytest.mark.req("R-403")
@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        ("2015-05-01", 3, "2015-07-31"),
        ("2015-01-31", 3, "2015-04-30"),
        ("2015-01-30", 3, "2015-04-29"),
        ("2015-11-30", 3, "2016-02-29"),
        ("2016-02-29", 12, "2017-02-28"),
        ("2015-03-01", 12, "2016-02-29"),
    ],
)
def test_a_term_ends_the_day_before_the_corresponding_day(start: str, months: int, end: str) -> None:
    assert last_day(date.fromisoformat(start), months) == date.fromisoformat(end)


@pytest.mark.req("R-501")
def test_a_renewal_follows_without_a_gap() -> None:
    assert extended_to(date(2026, 7, 31), 3) == date(2026, 10, 31)


@pytest.mark.req("R-406")
@pytest.mark.parametrize("state", [EntitlementState.ACTIVE, EntitlementState.SUSPENDED])
def test_the_last_day_is_valid_and_the_next_is_not(state: EntitlementState) -> None:
    item = entitlement(state, "2026-07-31")
    assert state_on(item, date(2026, 7, 31)) is state
    assert state_on(item, date(2026, 8, 1)) is EntitlementState.EXPIRED


@pytest.mark.req("R-406")
def test_an_ended_service_is_not_revived_by_a_later_date() -> None:
    item = entitlement(EntitlementState.TERMINATED, "2026-07-31")
    assert state_on(item, date(2026, 7, 1)) is EntitlementState.TERMINATED


@pytest.mark.req("R-406", "R-403")
@pytest.mark.parametrize(
    ("market", "zone", "last", "hours"),
    [
        ("CN", "Asia/Shanghai", "2026-07-31", 24),
        ("CN", "Asia/Shanghai", "2026-12-31", 24),
        ("AU", "Australia/Melbourne", "2026-07-31", 24),
        ("AU", "Australia/Melbourne", "2026-10-03", 24),  # the night before daylight-saving time begins
        ("AU", "Australia/Melbourne", "2026-10-04", 23),
        ("AU", "Australia/Melbourne", "2026-10-05", 24),
        ("AU", "Australia/Melbourne", "2027-04-03", 24),
        ("AU", "Australia/Melbourne", "2027-04-04", 25),  # daylight-saving time ends
        ("AU", "Australia/Melbourne", "2027-04-05", 24),
    ],
)
@pytest.mark.parametrize("skew_ms", [0, 1, -1, 90_001])
def test_offline_the_last_day_is_valid_to_its_last_millisecond_in_both_markets(
    market: str, zone: str, last: str, hours: int, skew_ms: int
) -> None:
    day = datetime.fromisoformat(last).replace(tzinfo=ZoneInfo(zone))
    begins = round(day.timestamp() * 1000)
    over = round((day + timedelta(days=1)).timestamp() * 1000)  # wall time: the next local midnight
    assert over - begins == hours * 3_600_000
    known = snapshot(entitlements=(entitlement(EntitlementState.ACTIVE, last),))
    begun = offline(begins - skew_ms, market=market, snapshot=known, server_skew_ms=skew_ms)
    driver = Driver(begun).chooses("ConnectedDrive", "ConnectedDrive Store", "Booked Services")
    assert driver.row("Real Time Traffic Information").startswith("active")
    driver.learns(now_ms=over - skew_ms - 1)
    assert driver.row("Real Time Traffic Information").startswith("active")
    assert driver.presenter.next_change_ms() == over - skew_ms
    driver.learns(now_ms=over - skew_ms)
    assert driver.row("Real Time Traffic Information").startswith("expired")


@pytest.mark.req("R-406", "R-501")
def test_offline_a_service_that_the_car_has_ended_is_booked_again_and_not_renewed() -> None:
    midnight = shanghai("2026-08-01T00:00:00")
    known = snapshot(entitlements=(entitlement(EntitlementState.ACTIVE, "2026-07-31"),))
    driver = Driver(offline(midnight - 1, snapshot=known))
    driver.chooses(*STORE, "Booked Services", "Real Time Traffic Information")
    assert "Renew" in driver.labels()
    driver.learns(now_ms=midnight)
    assert "Book again" in driver.labels()
    assert "Its time is over and it no longer works." in driver.panel()


@pytest.mark.req("R-406")
def test_offline_the_car_ends_the_service_at_local_midnight() -> None:
    midnight = shanghai("2026-08-01T00:00:00")
    known = snapshot(entitlements=(entitlement(EntitlementState.ACTIVE, "2026-07-31"),))
    driver = Driver(offline(midnight - 1, snapshot=known, since_ms=midnight - DAY_MS))
    driver.chooses("ConnectedDrive", "ConnectedDrive Store", "Booked Services")
    assert driver.row("Real Time Traffic Information") == "active · 31.07.2026"
    assert driver.presenter.next_change_ms() == midnight
    driver.learns(now_ms=midnight)
    assert driver.row("Real Time Traffic Information") == "expired · 31.07.2026"
    assert driver.screen.freshness == "not current since 10.07.2026 14:31:58"
