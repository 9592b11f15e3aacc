"""How late a real event loop is: the part of every measured delay that is the rig's own fault."""

import asyncio

PERIOD_S = 0.02
MS_PER_S = 1000.0


class LoopJitter:
    """Asks the loop every 20 ms to be called, and keeps by how much it was late at the worst.

    In virtual time it would always read zero; it is for real loops. Use between `start` and `stop`.
    """

    __slots__ = ("_loop", "_timer", "worst_ms")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None
        self.worst_ms = 0.0

    def start(self) -> None:
        """Begin to watch."""
        self._ask()

    def stop(self) -> None:
        """Watch no longer; `worst_ms` stays."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ask(self) -> None:
        due_s = self._loop.time() + PERIOD_S
        self._timer = self._loop.call_at(due_s, self._called, due_s)

    def _called(self, due_s: float) -> None:
        late_ms = (self._loop.time() - due_s) * MS_PER_S
        self.worst_ms = max(self.worst_ms, late_ms)
        self._ask()
