"""Where blocking work goes (argon2, fsync): inline in virtual time, a thread pool in real time."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class InlineExecutor:
    """Does the work at once, on the loop: virtual time has no threads and work takes no time in it."""

    __slots__ = ()
    is_inline = True

    async def run(self, work: Callable[[], T]) -> T:
        """The result of `work()`; what it raises passes through."""
        return work()

    def close(self) -> None:
        """Nothing to end."""


class PoolExecutor:
    """Does the work on a few threads, so that the loop stays free; `close` it in the end."""

    __slots__ = ("_pool",)
    is_inline = False

    def __init__(self, workers: int = 2) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="headunit-work")

    async def run(self, work: Callable[[], T]) -> T:
        """The result of `work()`; what it raises passes through."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def close(self) -> None:
        """Let running work finish and drop what has not begun."""
        self._pool.shutdown(wait=True, cancel_futures=True)
