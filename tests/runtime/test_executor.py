"""Blocking work: one suite over inline and pool."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from runtime.executor import InlineExecutor, PoolExecutor


@pytest.fixture(params=[InlineExecutor, PoolExecutor])
def executor(request: pytest.FixtureRequest) -> Iterator[InlineExecutor | PoolExecutor]:
    executor: InlineExecutor | PoolExecutor = request.param()
    yield executor
    executor.close()


async def test_the_result_of_the_work_comes_back(executor: InlineExecutor | PoolExecutor) -> None:
    assert await executor.run(lambda: 6 * 7) == 42


async def test_an_error_of_the_work_comes_back(executor: InlineExecutor | PoolExecutor) -> None:
    with pytest.raises(ZeroDivisionError):
        await executor.run(lambda: 1 // 0)


async def test_inline_work_needs_no_thread() -> None:
    assert await InlineExecutor().run(threading.current_thread) is threading.current_thread()


async def test_a_pool_leaves_the_loop_free() -> None:
    executor = PoolExecutor(1)
    begun, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def work() -> bool:
        loop.call_soon_threadsafe(begun.set)
        return go_on.wait(5)

    working = asyncio.ensure_future(executor.run(work))
    await begun.wait()
    assert not working.done()
    go_on.set()
    assert await working
    executor.close()
