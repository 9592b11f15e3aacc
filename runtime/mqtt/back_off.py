"""How long to wait before the next attempt to connect."""

from random import Random


class BackOff:
    """Exponential back-off with equal jitter.

    Attempt n waits a uniformly drawn time between half of `min(max_s, min_s * 2**n)` and all of it: by
    chance, so that a fleet which lost the same cell does not come back in step, and never hardly at all,
    because every attempt in the dark costs battery. `stream` draws.
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

    def reset(self) -> None:
        """The last attempt succeeded, or the road has changed: start small again."""
        self._ceiling_s = self._min_s
