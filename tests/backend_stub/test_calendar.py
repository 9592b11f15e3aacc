"""The calendar of validity."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend_stub.domain import calendar
from tests.backend_stub.shop import shanghai

dates = st.dates(date(2010, 1, 1), date(2090, 12, 31))
terms = st.sampled_from((3, 6, 12, 36))


@pytest.mark.req("R-403")
@pytest.mark.parametrize(
    ("start", "months", "last_day"),
    [
        (date(2015, 5, 1), 3, date(2015, 7, 31)),
        (date(2015, 1, 31), 3, date(2015, 4, 30)),
        (date(2015, 1, 30), 3, date(2015, 4, 29)),
        (date(2015, 11, 30), 3, date(2016, 2, 29)),
        (date(2016, 2, 29), 12, date(2017, 2, 28)),
        (date(2015, 3, 1), 12, date(2016, 2, 29)),
        (date(2015, 12, 1), 12, date(2016, 11, 30)),
    ],
)
def test_a_term_ends_the_day_before_the_corresponding_day(start: date, months: int, last_day: date) -> None:
    assert calendar.end(start, months) == last_day


@pytest.mark.req("R-403")
@given(dates, terms)
@settings(max_examples=60)
def test_a_term_ends_in_the_month_before_its_day_comes_round_or_on_that_months_last_day(
    start: date, months: int
) -> None:
    last_day = calendar.end(start, months)
    after = calendar.day_after(last_day)
    shifted = (start.year * 12 + start.month - 1 + months) - (after.year * 12 + after.month - 1)
    if after.day == start.day:
        assert shifted == 0
    else:
        assert after.day == 1
        assert shifted == -1
        assert last_day.day < start.day


@pytest.mark.req("R-403")
@given(dates, terms)
@settings(max_examples=60)
def test_a_later_start_never_ends_earlier(start: date, months: int) -> None:
    assert calendar.end(start, months) <= calendar.end(calendar.day_after(start), months)


@pytest.mark.req("R-002")
def test_dates_are_those_of_the_market_to_the_millisecond() -> None:
    midnight = shanghai("2015-08-01 00:00")
    assert calendar.local_date(midnight - 1, "Asia/Shanghai") == date(2015, 7, 31)
    assert calendar.local_date(midnight, "Asia/Shanghai") == date(2015, 8, 1)
    assert calendar.end_of_validity_ms(date(2015, 7, 31), "Asia/Shanghai") == midnight


@pytest.mark.req("R-002")
def test_the_day_on_which_summer_time_ends_has_25_hours_in_melbourne() -> None:
    begins = calendar.local_midnight_ms(date(2026, 4, 5), "Australia/Melbourne")
    ends = calendar.end_of_validity_ms(date(2026, 4, 5), "Australia/Melbourne")
    assert ends - begins == 25 * calendar.HOUR_MS


def test_people_read_times_of_their_own_zone() -> None:
    assert calendar.local_text(shanghai("2026-05-01 09:05"), "Asia/Shanghai") == "2026-05-01 09:05"
