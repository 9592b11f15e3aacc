"""W3C Trace Context (Recommendation, section 3.2): one order followed from knob to database."""

import re

from contracts.errors import ContractError

USER_PROPERTY = "traceparent"

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")


def make_traceparent(trace_id: str, span_id: str) -> str:
    """Header value of a sampled trace; trace_id has 32 and span_id 16 lower-case hex digits.

    Raises ContractError when one of them has another shape or is all zeros.
    """
    value = f"00-{trace_id}-{span_id}-01"
    trace_id_of(value)
    return value


def trace_id_of(traceparent: str) -> str:
    """The 32 hex digits that all messages of one story share.

    Raises ContractError on a malformed header.
    """
    match = _TRACEPARENT.fullmatch(traceparent)
    if match is None or set(match[1]) == {"0"} or set(match[2]) == {"0"}:
        raise ContractError(f"malformed: {traceparent!r}", field=USER_PROPERTY)
    return match[1]
