"""Bench time on any event loop: UTC that can be jumped forward and run at another rate.

    bench = base + (transport - anchor) * rate        in integer nanoseconds, read in whole milliseconds

**A jump is lived through.** While sleepers are due between the old and the new time, the clock shows the
due time of each in turn, lets what it wakes run, and goes on; it shows the new time once none is left.
So a week of due times is handled in the order and at the instants at which it would have been, including
those that are only set on the way. On the virtual loop everything that is ready runs between two due
times; on a stock loop a few rounds do. Transport time does not move in a jump.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import Context, copy_context
from fractions import Fraction
from functools import partial
from heapq import heappop, heappush

from runtime.ports import Timer
from runtime.virtual_loop import VirtualLoop

NS_PER_MS = 1_000_000

STOCK_ROUNDS = 8
"""Rounds of a stock loop that a woken sleeper gets before a jump goes on to the next due time."""


def _wake(sleeper: asyncio.Future[None]) -> None:
    if not sleeper.done():
        sleeper.set_result(None)


class BenchTimer:
    """A callback that waits for a bench instant."""

    __slots__ = ("_callback", "_context")

    def __init__(self, callback: Callable[[], None]) -> None:
        self._callback: Callable[[], None] | None = callback
        self._context = copy_context()

    def cancel(self) -> None:
        """Never call it (again)."""
        self._callback = None

    def cancelled(self) -> bool:
        """Whether it was cancelled."""
        return self._callback is None

    def post(self, loop: asyncio.AbstractEventLoop) -> None:
        """Have the loop call it next, in the context it was asked for in."""
        loop.call_soon(self._fire, context=self._context)

    def _fire(self) -> None:
        if self._callback is not None:
            self._callback()


class BenchClock:
    """A `SettableClock` on the running loop, stock or virtual.

    Args:
        start_ms: bench time now.
        loop: the loop it lives on, the running one by default.
    """

    def __init__(self, start_ms: int, *, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._loop = loop or asyncio.get_running_loop()
        virtual = self._loop if isinstance(self._loop, VirtualLoop) else None
        self._virtual = virtual
        self._transport_ns: Callable[[], int] = time.monotonic_ns if virtual is None else virtual.time_ns
        self._context: Context = copy_context()  # timers are the clock's own, whoever sleeps
        self._anchor_ns = self._transport_ns()
        self._base_ns = start_ms * NS_PER_MS
        self._rate = Fraction(1)
        self._sleepers: list[tuple[int, int, BenchTimer]] = []
        self._sequence = 0
        self._timer: Timer | None = None
        self._armed_ms: int | None = None
        self._held_ms: int | None = None
        self._settled: asyncio.Event | None = None

    @property
    def rate(self) -> float:
        """How fast bench time runs, against transport time."""
        return float(self._rate)

    def now_ms(self) -> int:
        """Bench time, UTC milliseconds (R-002)."""
        return self._true_ms() if self._held_ms is None else self._held_ms

    def transport_ns(self) -> int:
        """Transport time in nanoseconds."""
        return self._transport_ns()

    def jump(self, by_ms: int) -> None:
        """Move bench time forward by `by_ms`; the module says what sleepers on the way see.

        Raises ValueError for a step back: bench time never goes back.
        """
        if by_ms < 0:
            raise ValueError(f"bench time cannot go back by {-by_ms} ms")
        before_ms = self.now_ms()
        self._base_ns += by_ms * NS_PER_MS
        if self._held_ms is None and (due_ms := self._next_due_ms()) is not None:
            if due_ms <= self._true_ms():
                self._held_ms = before_ms
                self._settled = asyncio.Event()
                self._step_soon()
        self._arm(again=True)

    async def settled(self) -> None:
        """Return when no jump is under way (any more)."""
        if self._settled is not None:
            await self._settled.wait()

    def set_rate(self, rate: float) -> None:
        """From now on bench time runs `rate` times as fast; 0 stops it. Raises ValueError below 0."""
        if not 0 <= rate < float("inf"):
            raise ValueError(f"rate {rate} is not a number from 0 up")
        now_ns = self._transport_ns()
        self._base_ns = self._true_ns(now_ns)
        self._anchor_ns = now_ns
        self._rate = Fraction(str(rate))  # 0.1 is one tenth, not its binary neighbour
        self._arm(again=True)

    def call_at(self, when_ms: int, callback: Callable[[], None]) -> BenchTimer:
        """Call `callback` at bench instant `when_ms`, in order of due time, ties by sequence."""
        timer = BenchTimer(callback)
        self._sequence += 1
        heappush(self._sleepers, (when_ms, self._sequence, timer))
        self._arm()
        return timer

    async def sleep_until(self, when_ms: int) -> None:
        """Return at bench instant `when_ms` or at once if that has passed."""
        if when_ms <= self.now_ms():
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = self._loop.create_future()
        timer = self.call_at(when_ms, partial(_wake, woken))
        try:
            await woken
        finally:
            timer.cancel()

    @asynccontextmanager
    async def timeout_at(self, when_ms: int) -> AsyncIterator[None]:
        """Raise TimeoutError inside the block at bench instant `when_ms`."""
        async with asyncio.timeout(None) as limit:
            timer = self.call_at(when_ms, lambda: limit.reschedule(self._loop.time()))
            try:
                yield
            finally:
                timer.cancel()

    # What the clock would show if no jump were under way

    def _true_ns(self, transport_ns: int) -> int:
        elapsed_ns = transport_ns - self._anchor_ns
        return self._base_ns + elapsed_ns * self._rate.numerator // self._rate.denominator

    def _true_ms(self) -> int:
        return self._true_ns(self._transport_ns()) // NS_PER_MS

    def _transport_at(self, when_ms: int) -> int | None:
        """The first transport instant at which the clock shows `when_ms`; None when it stands still."""
        if not self._rate:
            return None
        ahead_ns = when_ms * NS_PER_MS - self._base_ns
        return self._anchor_ns - (-ahead_ns * self._rate.denominator // self._rate.numerator)

    # Waking

    def _next_due_ms(self) -> int | None:
        sleepers = self._sleepers
        while sleepers and sleepers[0][2].cancelled():
            heappop(sleepers)
        return sleepers[0][0] if sleepers else None

    def _arm(self, *, again: bool = False) -> None:
        """Keep one loop timer for the earliest sleeper; `again` when the clock was set."""
        if self._held_ms is not None:
            return  # the steps of the jump arm it at their end
        if again:
            # Whatever was armed stands for another transport instant now, even if nobody sleeps any more.
            self._disarm()
        due_ms = self._next_due_ms()
        if due_ms is None or (self._armed_ms is not None and self._armed_ms <= due_ms):
            return
        self._disarm()
        when_ns = self._transport_at(due_ms)
        if when_ns is None:
            return
        self._armed_ms = due_ms
        if self._virtual is not None:
            self._timer = self._virtual.call_at_ns(when_ns, self._ring, context=self._context)
        else:
            self._timer = self._loop.call_at(when_ns / 1e9, self._ring, context=self._context)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._armed_ms = None

    def _ring(self) -> None:
        self._timer = self._armed_ms = None
        self._post_until(self._true_ms())
        self._arm()

    def _post_until(self, now_ms: int) -> None:
        while (due_ms := self._next_due_ms()) is not None and due_ms <= now_ms:
            heappop(self._sleepers)[2].post(self._loop)

    def _step_soon(self, rounds: int = STOCK_ROUNDS) -> None:
        if self._virtual is not None:
            # A timer that is due now runs when nothing is ready any more.
            self._virtual.call_at_ns(self._virtual.time_ns(), self._step, context=self._context)
        elif rounds:
            self._loop.call_soon(self._step_soon, rounds - 1, context=self._context)
        else:
            self._loop.call_soon(self._step, context=self._context)

    def _step(self) -> None:
        due_ms = self._next_due_ms()
        if due_ms is not None and due_ms <= self._true_ms():
            assert self._held_ms is not None
            self._held_ms = max(self._held_ms, due_ms)
            self._post_until(self._held_ms)
            self._step_soon()
            return
        self._held_ms = None
        self._arm(again=True)
        if self._settled is not None:
            self._settled.set()
            self._settled = None
