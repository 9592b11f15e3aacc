"""The calendar of validity: month ends, leap years, six weeks, and the days on which clocks change."""

from datetime import date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend_stub.domain import calendar
from tests.backend_stub.instants import MELBOURNE, SHANGHAI, in_melbourne, in_shanghai

dates = st.dates(date(2010, 1, 1), date(2090, 12, 31))
terms = st.sampled_from((3, 6, 12, 36))


@pytest.mark.req("R-403")
@pytest.mark.parametrize(
    ("start", "months", "last_day"),
    [
        # The source's own example, and the table of the rule.
        (date(2015, 5, 1), 3, date(2015, 7, 31)),
        (date(2015, 1, 31), 3, date(2015, 4, 30)),
        (date(2015, 1, 30), 3, date(2015, 4, 29)),
        (date(2015, 11, 30), 3, date(2016, 2, 29)),
        (date(2016, 2, 29), 12, date(2017, 2, 28)),
        (date(2015, 3, 1), 12, date(2016, 2, 29)),
        # Over the turn of the year, and as long as can be bought.
        (date(2015, 12, 1), 12, date(2016, 11, 30)),
        (date(2015, 12, 31), 3, date(2016, 3, 30)),
        (date(2015, 10, 15), 3, date(2016, 1, 14)),
        (date(2016, 2, 29), 36, date(2019, 2, 28)),
        (date(2017, 3, 1), 36, date(2020, 2, 29)),
        # The day is missing in the month where the term would end.
        (date(2015, 11, 29), 3, date(2016, 2, 28)),
        (date(2014, 11, 29), 3, date(2015, 2, 28)),
        (date(2014, 11, 30), 3, date(2015, 2, 28)),
        (date(2015, 8, 31), 6, date(2016, 2, 29)),
        (date(2014, 8, 31), 6, date(2015, 2, 28)),
        (date(2015, 3, 31), 3, date(2015, 6, 30)),
        (date(2015, 8, 31), 3, date(2015, 11, 30)),
        # The last day of a short month is no last day for longer ones.
        (date(2015, 2, 28), 3, date(2015, 5, 27)),
        (date(2015, 4, 30), 3, date(2015, 7, 29)),
        (date(2016, 2, 29), 3, date(2016, 5, 28)),
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


@pytest.mark.req("R-403")
def test_terms_are_no_blocks_of_thirty_days() -> None:
    lengths = {
        (calendar.end(date(2015, month, 1), 3) - date(2015, month, 1)).days + 1 for month in range(1, 13)
    }
    assert lengths == {89, 90, 91, 92}


@pytest.mark.req("R-002")
@pytest.mark.parametrize("zone", [SHANGHAI, MELBOURNE])
def test_dates_are_those_of_the_market_to_the_millisecond(zone: str) -> None:
    midnight = calendar.local_midnight_ms(date(2015, 8, 1), zone)
    assert calendar.local_date(midnight - 1, zone) == date(2015, 7, 31)
    assert calendar.local_date(midnight, zone) == date(2015, 8, 1)
    assert calendar.end_of_validity_ms(date(2015, 7, 31), zone) == midnight


@pytest.mark.req("R-002")
def test_midnight_in_china_is_sixteen_hours_of_the_day_before_in_utc() -> None:
    assert calendar.local_midnight_ms(date(2015, 8, 1), SHANGHAI) == in_shanghai("2015-08-01 00:00")


@pytest.mark.req("R-002", "R-403")
@pytest.mark.parametrize(
    ("day", "hours"),
    [(date(2026, 4, 4), 24), (date(2026, 4, 5), 25), (date(2026, 10, 3), 24), (date(2026, 10, 4), 23)],
)
def test_the_days_on_which_clocks_change_in_melbourne_are_longer_and_shorter(day: date, hours: int) -> None:
    begins = calendar.local_midnight_ms(day, MELBOURNE)
    assert calendar.end_of_validity_ms(day, MELBOURNE) - begins == hours * calendar.HOUR_MS


@pytest.mark.req("R-002", "D-49")
@pytest.mark.parametrize(
    ("text", "offset_hours"),
    [("2026-04-05 00:00", 11), ("2026-04-06 00:00", 10), ("2026-10-04 00:00", 10), ("2026-10-05 00:00", 11)],
)
def test_midnight_in_melbourne_follows_summer_time(text: str, offset_hours: int) -> None:
    day = date.fromisoformat(text[:10])
    utc = round(datetime.fromisoformat(f"{text}+00:00").timestamp() * 1000)
    assert calendar.local_midnight_ms(day, MELBOURNE) == utc - offset_hours * calendar.HOUR_MS
    assert calendar.local_midnight_ms(day, MELBOURNE) == in_melbourne(text)


@pytest.mark.req("R-504")
@pytest.mark.parametrize(
    ("last_day", "until"),
    [
        (date(2026, 7, 31), date(2026, 6, 19)),
        (date(2016, 4, 10), date(2016, 2, 28)),
        (date(2016, 4, 11), date(2016, 2, 29)),
        (date(2015, 4, 11), date(2015, 2, 28)),
        (date(2016, 1, 31), date(2015, 12, 20)),
        # Clocks change inside the six weeks: they are 42 dates all the same.
        (date(2026, 4, 30), date(2026, 3, 19)),
        (date(2026, 10, 31), date(2026, 9, 19)),
    ],
)
def test_six_weeks_are_42_dates(last_day: date, until: date) -> None:
    assert calendar.days_before(last_day, 42) == until


def test_people_read_times_of_their_own_zone() -> None:
    assert calendar.local_text(in_shanghai("2026-05-01 09:05"), SHANGHAI) == "2026-05-01 09:05"
