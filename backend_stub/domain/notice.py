"""Six weeks' notice: what BMW announces before it ends a service or the app (R-513, D-27, D-33)."""

from dataclasses import dataclass
from datetime import date, timedelta

from backend_stub.domain import calendar
from backend_stub.errors import BackendError
from contracts.errors import ErrorCode

NOTICE_DAYS = 42
"""Local calendar days from the announcement to the effective date, at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndNotice:
    """A service of a car ends with `last_day`, its effective date; `refund` gives the rest back pro rata."""

    service: str
    last_day: date
    refund: bool = False


def check_notice(last_day: date, now_ms: int, zone: str) -> None:
    """Raises BackendError with NOTICE_TOO_SHORT; exactly 42 days are enough (R-513)."""
    earliest = earliest_last_day(now_ms, zone)
    if last_day < earliest:
        raise BackendError(
            ErrorCode.NOTICE_TOO_SHORT,
            f"{last_day} is less than {NOTICE_DAYS} days away; the earliest last day is {earliest}",
        )


def earliest_last_day(now_ms: int, zone: str) -> date:
    """The first effective date that an announcement made now can name."""
    return calendar.local_date(now_ms, zone) + timedelta(days=NOTICE_DAYS)


def takes_effect_ms(last_day: date, zone: str) -> int:
    """Local midnight after the effective date."""
    return calendar.end_of_validity_ms(last_day, zone)
