"""Handles of the virtual loop: what `call_soon` and `call_at` give back."""

import asyncio
from collections.abc import Callable
from contextvars import Context
from typing import Any


class VirtualHandle(asyncio.Handle):
    """A callback that is to run now; cancelled by dropping what it would have called.

    The loop makes them with `__new__` and fills three slots of the base class, which costs half of what
    the base class's own `__init__` does; a cancelled handle has no callback.
    """

    __slots__ = ()

    _callback: Callable[..., object] | None
    _args: tuple[Any, ...]
    _context: Context

    def cancel(self) -> None:
        """Never call it (again)."""
        self._callback = None
        self._args = ()

    def cancelled(self) -> bool:
        """Whether it was cancelled."""
        return self._callback is None

    def get_context(self) -> Context:
        """The context the callback runs in."""
        return self._context

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._callback!r}>"


def make_handle(callback: Callable[..., object], context: Context) -> VirtualHandle:
    """A handle that the loop's `post` makes ready, as often as its maker likes."""
    handle: VirtualHandle = object.__new__(VirtualHandle)
    handle._callback = callback
    handle._args = ()
    handle._context = context
    return handle


class VirtualTimerHandle(VirtualHandle, asyncio.TimerHandle):
    """A callback that is to run at an instant."""

    __slots__ = ()

    _when: int

    def when(self) -> float:
        """The instant on the loop's clock in seconds."""
        return self._when / 1_000_000_000
