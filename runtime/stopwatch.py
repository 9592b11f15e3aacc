"""How long something really took, whichever clock the world inside it runs on."""

import time


class Stopwatch:
    """Runs from its making; wall time, for figures beside a result and never for a decision."""

    __slots__ = ("_start_ns",)

    def __init__(self) -> None:
        self._start_ns = time.perf_counter_ns()

    def elapsed_s(self) -> float:
        """Seconds since it was made."""
        return (time.perf_counter_ns() - self._start_ns) / 1e9
