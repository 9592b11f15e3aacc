"""Working days (R-604, D-32): Monday to Friday, less holidays, plus weekend days on which people work."""

from dataclasses import dataclass
from datetime import date

from backend_stub.domain.calendar import day_after
from backend_stub.errors import BackendError
from contracts.errors import ErrorCode

_SATURDAY = 5


def is_weekend(day: date) -> bool:
    """Whether `day` is a Saturday or a Sunday."""
    return day.weekday() >= _SATURDAY


@dataclass(frozen=True, slots=True)
class WorkCalendar:
    """The days that differ from an ordinary week; none of both is an ordinary year."""

    holidays: frozenset[date] = frozenset()
    working_weekends: frozenset[date] = frozenset()

    def is_working_day(self, day: date) -> bool:
        """Whether people work on `day`."""
        if is_weekend(day):
            return day in self.working_weekends
        return day not in self.holidays


def work_calendar(holidays: tuple[date, ...], working_weekends: tuple[date, ...]) -> WorkCalendar:
    """The calendar of these days. Raises BackendError with BAD_MESSAGE for a working weekend that is none."""
    for day in working_weekends:
        if not is_weekend(day):
            raise BackendError(ErrorCode.BAD_MESSAGE, f"{day.isoformat()} is no Saturday and no Sunday")
    return WorkCalendar(frozenset(holidays), frozenset(working_weekends))


def nth_working_day(after: date, n: int, work: WorkCalendar) -> date:
    """The `n`th working day (from 1) after `after`, which itself is not counted (R-604)."""
    day = after
    while n > 0:
        day = day_after(day)
        n -= work.is_working_day(day)
    return day
