"""When a hotline answers, and whether a number that was called is that hotline (R-511, R-512, D-26)."""

from dataclasses import dataclass
from datetime import time

from backend_stub.domain import calendar
from backend_stub.errors import BackendError
from contracts.errors import ErrorCode

_DIGIT_OF_LETTER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "22233344455566677778889999")
"""Letters on a telephone's keys (ITU-T E.161, clause 5): 133 BMW is 133 269."""


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """Daily, by the clock on the wall: from `opens` on, until just before `closes`."""

    opens: time
    closes: time


def is_answered(hours: OpeningHours | None, zone: str, now_ms: int) -> bool:
    """Whether a call at this instant is answered; a line without hours always is."""
    return hours is None or hours.opens <= calendar.local_time(now_ms, zone) < hours.closes


def check_answered(hours: OpeningHours | None, zone: str, now_ms: int) -> None:
    """Raises BackendError with HOTLINE_CLOSED when nobody answers now (R-512)."""
    if hours is not None and not is_answered(hours, zone, now_ms):
        raise BackendError(
            ErrorCode.HOTLINE_CLOSED,
            f"calls are answered daily from {hours.opens:%H:%M} until {hours.closes:%H:%M}",
        )


def is_line(called: str, hotline: str) -> bool:
    """Whether `called` is the number `hotline`, however it is written; empty = the right one."""
    return not called or _digits(called) == _digits(hotline)


def _digits(number: str) -> str:
    return "".join(each for each in number.upper().translate(_DIGIT_OF_LETTER) if each.isdigit())
