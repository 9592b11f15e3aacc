"""Who a callback, task or stream belongs to, and what is left of an owner that was killed.

An owner is one life of one program: a program that is started again gets a new owner name. The name
travels in a context variable, so everything a program starts, directly or not, is its own.
"""

import asyncio
import warnings
import weakref
from collections.abc import AsyncGenerator, Collection, Coroutine, Generator
from contextvars import Context, ContextVar
from typing import Any

from runtime.virtual_handles import VirtualHandle

OWNER: ContextVar[str | None] = ContextVar("owner", default=None)
"""The owner of what runs now; None for the rig itself."""

CLOSE_ATTEMPTS = 100
"""How often a buried coroutine may answer GeneratorExit with another `await`."""


def owned_context(base: Context, owner: str) -> Context:
    """A copy of `base` in which everything belongs to `owner`."""
    context = base.copy()
    context.run(OWNER.set, owner)
    return context


class TaskRegister:
    """The unfinished tasks of a loop with their owners, in order of creation.

    It holds them: asyncio does not, and when the collector takes a task that nothing else refers to is no
    part of a story that can be told twice.
    """

    __slots__ = ("_entries", "_sweep_at", "made")

    def __init__(self) -> None:
        self.made = 0
        self._entries: list[tuple[str | None, asyncio.Task[Any]]] = []
        self._sweep_at = 64

    def add(self, owner: str | None, task: asyncio.Task[Any]) -> None:
        """Hold `task` until it is done."""
        self.made += 1
        self._entries.append((owner, task))
        if len(self._entries) > self._sweep_at:
            self.sweep()
            self._sweep_at = 2 * len(self._entries) + 64

    def sweep(self) -> None:
        """Let go of those that are done; one whose exception nobody took says so then."""
        self._entries[:] = [entry for entry in self._entries if not entry[1].done()]

    def owners(self) -> set[str | None]:
        """Everyone who has tasks here."""
        return {owner for owner, _ in self._entries}

    def unfinished(self, owners: Collection[str | None]) -> list[asyncio.Task[Any]]:
        """Tasks of `owners` that are not done, in order of creation."""
        return [task for owner, task in self._entries if owner in owners and not task.done()]

    def names(self, dead: Collection[str | None]) -> str:
        """The names of what waits, but for what belongs to the dead."""
        living = [owner for owner in self.owners() if owner not in dead]
        return ", ".join(task.get_name() for task in self.unfinished(living)) or "no task"

    def clear(self) -> None:
        """Let go of all tasks."""
        self._entries.clear()


class GeneratorRegister:
    """The asynchronous generators of a loop that may still be open, in the order they were begun."""

    __slots__ = ("_entries",)

    def __init__(self) -> None:
        self._entries: list[weakref.ref[AsyncGenerator[Any, Any]]] = []

    def add(self, generator: AsyncGenerator[Any, Any]) -> None:
        """Know of `generator` as long as it lives."""
        self._entries = [entry for entry in self._entries if entry() is not None]
        self._entries.append(weakref.ref(generator))

    def take(self) -> list[AsyncGenerator[Any, Any]]:
        """Those still alive; the register is empty then."""
        entries, self._entries = self._entries, []
        return [generator for entry in entries if (generator := entry()) is not None]


class Graveyard:
    """Keeps everything abandoned owners left, so that none of their `finally` blocks and finalizers run.

    `dead` may be tested directly: the loop asks it before every callback once it is not empty.
    """

    __slots__ = ("_handles", "_tasks", "dead")

    def __init__(self) -> None:
        self.dead: set[str | None] = set()
        self._tasks: list[asyncio.Task[Any]] = []
        self._handles: list[VirtualHandle] = []

    def bury_task(self, task: asyncio.Task[Any]) -> None:
        """Hold `task` and with it its coroutine and all its frames."""
        # Set by asyncio.gather in the same way; it silences "Task was destroyed but it is pending".
        task._log_destroy_pending = False  # type: ignore[attr-defined]
        asyncio._unregister_task(task)  # or a runner that closes the loop would wait for it
        self._tasks.append(task)

    def takes(self, handle: VirtualHandle) -> bool:
        """Whether `handle` belongs to the dead; if so it is held and must not be called."""
        if handle._context.get(OWNER) not in self.dead:
            return False
        self._handles.append(handle)
        return True

    def close(self) -> None:
        """Let go of everything without a sound.

        Python runs a coroutine's `finally` blocks when it is released. By now the loop takes no more
        callbacks and the owners' streams are gone, so they reach nothing; what they raise or leave
        unawaited is dropped.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for task in self._tasks:
                _silence(task.get_coro())
            self._tasks.clear()
            self._handles.clear()


def _silence(coroutine: Coroutine[Any, Any, Any] | Generator[Any, Any, Any] | None) -> None:
    """Close `coroutine`, however often it tries to wait for something."""
    if coroutine is None:
        return
    for _ in range(CLOSE_ATTEMPTS):
        try:
            coroutine.close()
        except BaseException:  # a finally block in a closed world: whatever it says concerns nobody
            continue
        return
