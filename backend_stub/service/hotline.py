"""A call to a hotline: whether it was the right one, and whether somebody answers (R-512, D-26)."""

from backend_stub.domain.hotline_hours import check_answered, is_line
from backend_stub.domain.market import MarketProfile
from backend_stub.errors import BackendError
from contracts.errors import ErrorCode


def check_call(profile: MarketProfile, called: str, line: str, what: str, now_ms: int) -> None:
    """Whether `line` was called, empty = it was, about `what`, while somebody was there.

    Raises BackendError with USE_HOTLINE or HOTLINE_CLOSED.
    """
    if not is_line(called, line):
        raise BackendError(ErrorCode.USE_HOTLINE, f"for {what} call {line}")
    check_answered(profile.hotline_hours, profile.zone, now_ms)
