"""The machine's own time of day: where bench time starts when nothing else says so."""

import time


def wall_clock_ms() -> int:
    """UTC milliseconds by the machine's clock."""
    return time.time_ns() // 1_000_000
