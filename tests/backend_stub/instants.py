"""Instants of bench time as people say them: what the clock on a wall shows, in a zone."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

SHANGHAI = "Asia/Shanghai"
MELBOURNE = "Australia/Melbourne"

_EPOCH = datetime(1970, 1, 1, tzinfo=ZoneInfo("UTC"))


def at(text: str, zone: str) -> int:
    """UTC milliseconds of a wall-clock time: "2026-04-05 00:00:00.001"."""
    return (datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)) - _EPOCH) // timedelta(milliseconds=1)


def in_shanghai(text: str) -> int:
    """A wall-clock time in China."""
    return at(text, SHANGHAI)


def in_melbourne(text: str) -> int:
    """A wall-clock time in Australia (D-49)."""
    return at(text, MELBOURNE)
