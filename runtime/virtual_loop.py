"""An asyncio event loop in virtual time: when nothing is ready, the clock jumps to the next timer.

Tasks and futures are asyncio's own. Nothing here waits, selects or polls: a week passes in the time its
callbacks take. Two runs of the same program make the same steps:

- the clock is an integer of nanoseconds, timers are ordered by (instant, sequence); callbacks run in the
  order they were asked for;
- there is no thread, no descriptor, no signal.

`spawn` and `abandon` give a program a life of its own that can end as a killed process's does.
"""

import asyncio
import logging
import sys
import threading
from asyncio import events
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator
from contextvars import Context, copy_context
from heapq import heapify, heappop, heappush
from typing import Any, NoReturn, TypeVar, TypeVarTuple, Unpack, cast

from runtime.errors import DeadlockError, FenceError, LivelockError
from runtime.fenced_loop import FencedLoop
from runtime.ownership import OWNER, GeneratorRegister, Graveyard, TaskRegister, owned_context
from runtime.virtual_handles import VirtualHandle, VirtualTimerHandle

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

NS_PER_S = 1_000_000_000
START_NS = NS_PER_S
"""Where the clock starts; not 0, since some clients take 0 for "never"."""

NEVER_NS = 1 << 62
"""Timers from here on are never due: 146 years, or infinity."""

LIVELOCK_CALLBACKS = 1_000_000
"""How many callbacks may run at one instant."""

_COMPACT_TIMERS = 4096
"""Cancelled timers are swept out of a heap that has grown beyond this and doubled since the last sweep."""

_log = logging.getLogger(__name__)
_new = object.__new__


class _StopRequest(BaseException):
    """Raised by the callback that `stop` queues: leave the loop here."""


def _leave() -> NoReturn:
    raise _StopRequest


class VirtualLoop(FencedLoop):
    """An event loop whose clock jumps.

    Args:
        start_ns: what the clock shows at first.
        livelock_callbacks: how many callbacks may run at one instant before LivelockError.
    """

    def __init__(self, *, start_ns: int = START_NS, livelock_callbacks: int = LIVELOCK_CALLBACKS) -> None:
        super().__init__()
        self._now_ns = start_ns
        self._now_s = start_ns / NS_PER_S
        self._ready: deque[VirtualHandle] = deque()
        self._timers: list[tuple[int, int, VirtualTimerHandle]] = []
        self._sequence = 0
        self._livelock_callbacks = livelock_callbacks
        self._running = False
        self._closed = False
        self._thread = threading.get_ident()
        self._failures: list[BaseException] = []
        self._tasks = TaskRegister()
        self._stop_request: VirtualHandle | None = None
        self._generators = GeneratorRegister()
        self._graveyard = Graveyard()
        self.steps = 0
        """How many callbacks had run when the loop last stopped."""

    # Clock and scheduling

    def time(self) -> float:
        """Transport time in seconds."""
        return self._now_s

    def time_ns(self) -> int:
        """Transport time in nanoseconds."""
        return self._now_ns

    def call_soon(
        self, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> VirtualHandle:
        """Call `callback` at this instant, after everything that was asked for before."""
        handle: VirtualHandle = _new(VirtualHandle)
        handle._callback = callback
        handle._args = args
        handle._context = copy_context() if context is None else context
        self._ready.append(handle)
        return handle

    def post(self, handle: VirtualHandle) -> None:
        """Call `handle`, made by `make_handle`, at this instant, after everything asked for before."""
        self._ready.append(handle)

    def call_soon_threadsafe(
        self, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> VirtualHandle:
        """As `call_soon`. Raises FenceError on another thread: when that runs is the world's choice."""
        if threading.get_ident() != self._thread:
            raise FenceError(f"a real thread called {callback!r} into virtual time; use runtime's Executor")
        return self.call_soon(callback, *args, context=context)

    def call_at_ns(
        self,
        when_ns: int,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> VirtualTimerHandle:
        """Call `callback` when the clock shows `when_ns`; at this instant if that has passed."""
        handle: VirtualTimerHandle = _new(VirtualTimerHandle)
        handle._callback = callback
        handle._args = args
        handle._context = copy_context() if context is None else context
        handle._when = when_ns
        self._sequence = sequence = self._sequence + 1
        heappush(self._timers, (when_ns, sequence, handle))
        return handle

    def call_at(
        self,
        when: float,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> VirtualTimerHandle:
        """Call `callback` when the clock shows `when` seconds, to the nanosecond; never at infinity."""
        try:
            when_ns = round(when * NS_PER_S)
        except OverflowError:
            when_ns = NEVER_NS if when > 0 else self._now_ns
        handle: VirtualTimerHandle = _new(VirtualTimerHandle)
        handle._callback = callback
        handle._args = args
        handle._context = copy_context() if context is None else context
        handle._when = when_ns
        self._sequence = sequence = self._sequence + 1
        heappush(self._timers, (when_ns, sequence, handle))
        return handle

    def call_later(
        self,
        delay: float,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> VirtualTimerHandle:
        """Call `callback` in `delay` seconds, to the nanosecond; never after infinity."""
        try:
            when_ns = self._now_ns + round(delay * NS_PER_S)
        except OverflowError:
            when_ns = NEVER_NS if delay > 0 else self._now_ns
        # As call_at_ns, written out: `asyncio.sleep` comes this way.
        handle: VirtualTimerHandle = _new(VirtualTimerHandle)
        handle._callback = callback
        handle._args = args
        handle._context = copy_context() if context is None else context
        handle._when = when_ns
        self._sequence = sequence = self._sequence + 1
        heappush(self._timers, (when_ns, sequence, handle))
        return handle

    # Futures and tasks

    def create_future(self) -> asyncio.Future[Any]:
        """A future of this loop."""
        return asyncio.Future(loop=self)

    def create_task(
        self,
        coro: Generator[Any, None, T] | Coroutine[Any, Any, T],
        *,
        name: object = None,
        context: Context | None = None,
    ) -> asyncio.Task[T]:
        """A task; unnamed ones are numbered per loop, so that names repeat from run to run."""
        label = f"task-{self._tasks.made + 1}" if name is None else str(name)
        owner = OWNER.get() if context is None else context.get(OWNER)
        task = asyncio.Task(coro, loop=self, name=label, context=context)
        self._tasks.add(owner, task)
        if owner in self._graveyard.dead:
            self._graveyard.bury_task(task)
        return task

    # Owners

    def spawn(self, owner: str, coro: Coroutine[Any, Any, T], *, name: str | None = None) -> asyncio.Task[T]:
        """Run `coro` as a program of its own: what it starts, and what that starts, belongs to `owner`.

        Raises ValueError when `owner` was abandoned: a program that is started again is a new owner.
        """
        if owner in self._graveyard.dead:
            coro.close()
            raise ValueError(f"owner {owner!r} was abandoned; a new life needs a new name")
        return self.create_task(coro, name=name or owner, context=owned_context(copy_context(), owner))

    def abandon(self, owner: str) -> None:
        """Kill `owner` as SIGKILL kills a process: nothing of it ever runs again, no `finally` either.

        Code of `owner` that runs at this moment goes on until it next waits. What it leaves is kept
        until the loop closes. Its streams are the network's to close.
        """
        graveyard = self._graveyard
        graveyard.dead.add(owner)
        for task in self._tasks.unfinished({owner}):
            graveyard.bury_task(task)
        ready = list(self._ready)
        self._ready.clear()  # in place: the running loop holds on to it
        self._ready.extend(handle for handle in ready if not graveyard.takes(handle))
        self._timers[:] = [entry for entry in self._timers if not graveyard.takes(entry[2])]
        heapify(self._timers)

    def is_dead(self, owner: str | None) -> bool:
        """Whether `owner` was abandoned."""
        return owner in self._graveyard.dead

    # Running

    def run_forever(self) -> None:
        """Run until `stop`.

        Raises DeadlockError when nothing is ready and nothing is due, LivelockError when time stands
        still, and what a callback raised.
        """
        self._run()
        self._raise_failure()

    def run_until_complete(self, future: Generator[Any, None, T] | Awaitable[T]) -> T:
        """Run until `future` is done; its result. Raises what `run_forever` raises."""
        is_new = not asyncio.isfuture(future)
        main: asyncio.Future[T] = asyncio.ensure_future(cast("Awaitable[T]", future), loop=self)
        if is_new:
            main._log_destroy_pending = False  # type: ignore[attr-defined]  # as asyncio does
        main.add_done_callback(self._stop_after)
        try:
            self._run()
        finally:
            main.remove_done_callback(self._stop_after)
        if main.done():
            result = main.result()
            self._raise_failure()
            return result
        self._raise_failure()
        raise RuntimeError("the loop was stopped before its future was done")

    def _stop_after(self, main: asyncio.Future[Any]) -> None:
        self.stop()

    def stop(self) -> None:
        """Leave the loop once everything that is ready now has run."""
        if self._stop_request is None:
            self._stop_request = self.call_soon(_leave, context=Context())

    def _run(self) -> None:
        if self._closed:
            raise RuntimeError("the loop is closed")
        if self._running or events._get_running_loop() is not None:
            raise RuntimeError("a loop is running already")
        hooks = sys.get_asyncgen_hooks()
        self._running = True
        self._thread = threading.get_ident()
        sys.set_asyncgen_hooks(firstiter=self._generators.add, finalizer=self._generator_dropped)
        events._set_running_loop(self)
        try:
            self._spin()
        except _StopRequest:
            pass
        finally:
            events._set_running_loop(None)
            sys.set_asyncgen_hooks(*hooks)
            self._running = False
            if self._stop_request is not None:
                self._stop_request.cancel()
                self._stop_request = None

    def _spin(self) -> NoReturn:
        ready, timers, graveyard = self._ready, self._timers, self._graveyard
        dead = graveyard.dead
        next_ready = ready.popleft
        steps = self.steps
        fence = steps + self._livelock_callbacks
        compact = _COMPACT_TIMERS
        try:
            while True:
                while ready:
                    handle = next_ready()
                    callback = handle._callback
                    if callback is None or (dead and graveyard.takes(handle)):
                        continue
                    steps += 1
                    if steps > fence:
                        raise LivelockError(self._livelock_text(handle))
                    try:
                        handle._context.run(callback, *handle._args)
                    except (_StopRequest, SystemExit, KeyboardInterrupt):
                        raise
                    except BaseException as error:
                        failure = {"message": f"{handle!r} failed", "exception": error, "handle": handle}
                        self.call_exception_handler(failure)
                while timers and timers[0][2]._callback is None:
                    heappop(timers)
                if not timers or timers[0][0] >= NEVER_NS:
                    raise DeadlockError(self._deadlock_text())
                when_ns, _, timer = heappop(timers)
                if when_ns > self._now_ns:
                    self._now_ns = when_ns
                    self._now_s = when_ns / NS_PER_S
                    fence = steps + self._livelock_callbacks
                ready.append(timer)
                while timers and timers[0][0] <= when_ns:
                    ready.append(heappop(timers)[2])
                if len(timers) > compact:
                    timers[:] = [entry for entry in timers if entry[2]._callback is not None]
                    heapify(timers)
                    compact = 2 * len(timers) + _COMPACT_TIMERS
        finally:
            self.steps = steps

    def _deadlock_text(self) -> str:
        waiting = self._tasks.names(self._graveyard.dead)
        return f"at {self._now_s:.9f} s nothing is ready and nothing is due; waiting for ever: {waiting}"

    def _livelock_text(self, handle: VirtualHandle) -> str:
        return (
            f"more than {self._livelock_callbacks} callbacks at {self._now_s:.9f} s; "
            f"the next is {handle!r}; unfinished: {self._tasks.names(self._graveyard.dead)}"
        )

    # Failures

    def _raise_failure(self) -> None:
        self._tasks.sweep()
        if self._failures:
            first = self._failures[0]
            self._failures.clear()
            raise first

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        """Have the run raise it: at once for a callback, at its end for a task nobody asked."""
        error = context.get("exception")
        if isinstance(error, BaseException):
            self._failures.append(error)
        elif not self._closed:
            _log.error("%s", context["message"])
        if "handle" in context:
            self.stop()

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Tell the handler that was set, or the default one."""
        if self._exception_handler is None:
            self.default_exception_handler(context)
        else:
            self._exception_handler(self, context)

    # Ends

    def is_running(self) -> bool:
        """Whether a run is under way."""
        return self._running

    def is_closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def close(self) -> None:
        """Drop everything that waits and let go of the abandoned, without a sound."""
        if self._running:
            raise RuntimeError("a running loop cannot be closed")
        if self._closed:
            return
        self._closed = True
        for task in self._tasks.unfinished(self._tasks.owners()):
            self._graveyard.bury_task(task)
        self._tasks.clear()
        self._graveyard.close()
        self._ready.clear()
        self._timers.clear()

    async def shutdown_asyncgens(self) -> None:
        """Close the asynchronous generators that are still open, in the order they were begun."""
        for generator in self._generators.take():
            await generator.aclose()

    def _generator_dropped(self, generator: AsyncGenerator[Any, Any]) -> None:
        if not self._closed and not self.is_dead(OWNER.get()):
            self.create_task(generator.aclose())
