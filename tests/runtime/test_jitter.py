"""A rig says how late its own event loop was."""

import asyncio
from time import monotonic

from runtime.jitter import LoopJitter
from runtime.virtual_loop import VirtualLoop


def test_virtual_time_is_never_late() -> None:
    loop = VirtualLoop()
    jitter = LoopJitter(loop)
    loop.call_soon(jitter.start)
    loop.run_until_complete(asyncio.sleep(60.0))
    jitter.stop()
    loop.close()
    assert jitter.worst_ms < 1e-3


async def test_a_loop_that_was_kept_busy_says_for_how_long() -> None:
    jitter = LoopJitter(asyncio.get_running_loop())
    jitter.start()
    until_s = monotonic() + 0.3
    while monotonic() < until_s:
        pass
    await asyncio.sleep(0.05)
    jitter.stop()
    assert jitter.worst_ms >= 270.0
