"""How long to wait before the next attempt to connect."""

from random import Random
from typing import Final

STABLE_S: Final = 10.0
"""A session that has lasted this long stands, however long the wait before it was."""


class BackOff:
    """Exponential back-off with equal jitter.

    Attempt n waits a uniformly drawn time between half of `min(max_s, min_s * 2**n)` and all of it: by
    chance, so that a fleet which lost the same cell does not come back in step, and never hardly at all,
    because every attempt in the dark costs battery. `stream` draws.

    That an attempt has succeeded is no reason to start small again: a broker may take a client and drop it
    at once, each time, and two programs with one client identifier take the session from each other for
    ever. What counts is that the session has outlived the wait that would come next, or `STABLE_S`. So an
    ordinary session that breaks is back within `min_s`, and a fight dies down: each program's sessions
    last as long as the other one's wait, which is less than its own next one.
    """

    __slots__ = ("_ceiling_s", "_max_s", "_min_s", "_stream")

    def __init__(self, min_s: float, max_s: float, stream: Random) -> None:
        if not 0 < min_s <= max_s:
            raise ValueError(f"back-off from {min_s} s to {max_s} s: give 0 < min <= max")
        self._min_s = min_s
        self._max_s = max_s
        self._stream = stream
        self._ceiling_s = min_s

    def next_s(self) -> float:
        """Seconds to wait now; the ceiling of the next wait is twice as high."""
        ceiling_s = self._ceiling_s
        self._ceiling_s = min(self._max_s, ceiling_s * 2)
        return self._stream.uniform(ceiling_s / 2, ceiling_s)

    def session_lasted(self, lasted_s: float) -> None:
        """A session has ended after `lasted_s`: start small again if it stood."""
        if lasted_s >= min(self._ceiling_s, STABLE_S):
            self._ceiling_s = self._min_s

    def reset(self) -> None:
        """The road has changed: start small again."""
        self._ceiling_s = self._min_s
