"""Working days: Monday to Friday, less holidays, plus working weekends (R-604, D-32)."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend_stub.domain.working_days import WorkCalendar, is_weekend, nth_working_day, work_calendar
from backend_stub.errors import BackendError
from contracts.errors import ErrorCode

ORDINARY = WorkCalendar()
GOLDEN_WEEK = tuple(date(2026, 10, day) for day in range(1, 8))
"""Seven days of holidays, Thursday to Wednesday."""


@pytest.mark.req("R-604")
@pytest.mark.parametrize(
    ("verified", "paid_out"),
    [
        (date(2026, 5, 1), date(2026, 6, 5)),  # a Friday: five whole weeks
        (date(2026, 5, 2), date(2026, 6, 5)),  # Saturday and Sunday count as little as the Friday
        (date(2026, 5, 3), date(2026, 6, 5)),
        (date(2026, 5, 4), date(2026, 6, 8)),  # a Monday
        (date(2028, 2, 24), date(2028, 3, 30)),  # across a leap day that people work on
        (date(2026, 12, 14), date(2027, 1, 18)),  # across a year without holidays
    ],
)
def test_the_25th_working_day_does_not_count_the_day_of_verification(verified: date, paid_out: date) -> None:
    assert nth_working_day(verified, 25, ORDINARY) == paid_out


@pytest.mark.req("R-604")
def test_holidays_put_it_off_and_working_weekends_bring_it_nearer() -> None:
    verified = date(2026, 9, 15)
    assert nth_working_day(verified, 25, ORDINARY) == date(2026, 10, 20)
    rested = work_calendar(GOLDEN_WEEK, ())
    assert nth_working_day(verified, 25, rested) == date(2026, 10, 27)
    made_up_for = work_calendar(GOLDEN_WEEK, (date(2026, 9, 27), date(2026, 10, 10)))
    assert nth_working_day(verified, 25, made_up_for) == date(2026, 10, 23)


@pytest.mark.req("R-604")
def test_money_may_go_on_a_working_saturday() -> None:
    worked = work_calendar((), (date(2026, 6, 6),))
    assert nth_working_day(date(2026, 5, 4), 25, worked) == date(2026, 6, 6)


@pytest.mark.req("R-604")
def test_a_holiday_on_a_weekend_changes_nothing_and_work_on_it_counts() -> None:
    saturday = date(2026, 5, 2)
    assert not WorkCalendar(frozenset({saturday})).is_working_day(saturday)
    assert work_calendar((saturday,), (saturday,)).is_working_day(saturday)


@pytest.mark.req("R-604")
def test_a_working_weekend_is_a_weekend() -> None:
    with pytest.raises(BackendError) as refused:
        work_calendar((), (date(2026, 5, 4),))
    assert refused.value.code is ErrorCode.BAD_MESSAGE
    assert "2026-05-04" in refused.value.detail


DAYS = st.dates(date(2020, 1, 1), date(2032, 12, 31))


@pytest.mark.req("R-604")
@settings(max_examples=60, deadline=None)
@given(start=DAYS, n=st.integers(1, 40), offsets=st.sets(st.integers(1, 80), max_size=40))
def test_exactly_n_working_days_lie_behind_it(start: date, n: int, offsets: set[int]) -> None:
    special = [start + timedelta(days=offset) for offset in sorted(offsets)]
    work = work_calendar(
        tuple(day for day in special if not is_weekend(day)), tuple(day for day in special if is_weekend(day))
    )
    found = nth_working_day(start, n, work)
    between = [start + timedelta(days=k) for k in range(1, (found - start).days + 1)]
    # An independent count: people work on a weekday that is not special, and on a weekend that is.
    assert sum((day.weekday() < 5) != (day in special) for day in between) == n
    assert (found.weekday() < 5) != (found in special)
