"""Calendar of validity: market-local dates over UTC milliseconds (R-002, R-402, R-403)."""

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

SECOND_MS = 1000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ONE_DAY = timedelta(days=1)
_MONTHS_PER_YEAR = 12


@lru_cache(maxsize=8)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def end(start: date, months: int) -> date:
    """Last valid day of a term of `months` that begins on `start` (R-403).

    The corresponding day `months` later, less one; where that month lacks the day, its last day.
    """
    months_since_zero = start.year * _MONTHS_PER_YEAR + start.month - 1 + months
    year, month = divmod(months_since_zero, _MONTHS_PER_YEAR)
    days = monthrange(year, month + 1)[1]
    if start.day > days:
        return date(year, month + 1, days)
    return date(year, month + 1, start.day) - _ONE_DAY


def day_after(day: date) -> date:
    """The next calendar day."""
    return day + _ONE_DAY


def days_before(day: date, days: int) -> date:
    """The calendar day `days` earlier, whatever clocks have done in between."""
    return day - timedelta(days=days)


def local_date(instant_ms: int, zone: str) -> date:
    """The date on the wall in `zone` at a UTC instant."""
    return (_EPOCH + timedelta(milliseconds=instant_ms)).astimezone(_zone(zone)).date()


def local_time(instant_ms: int, zone: str) -> time:
    """The time on the wall in `zone` at a UTC instant, to the millisecond."""
    return (_EPOCH + timedelta(milliseconds=instant_ms)).astimezone(_zone(zone)).time()


def local_midnight_ms(day: date, zone: str) -> int:
    """UTC instant at which `day` begins in `zone`."""
    begins = datetime.combine(day, time(), _zone(zone)).astimezone(UTC)
    return (begins - _EPOCH) // timedelta(milliseconds=1)


def end_of_validity_ms(last_day: date, zone: str) -> int:
    """First instant at which a service valid through `last_day` is no longer valid (R-403)."""
    return local_midnight_ms(day_after(last_day), zone)


def local_text(instant_ms: int, zone: str) -> str:
    """A UTC instant for people of `zone`: `2026-05-01 14:03`."""
    return (_EPOCH + timedelta(milliseconds=instant_ms)).astimezone(_zone(zone)).strftime("%Y-%m-%d %H:%M")
