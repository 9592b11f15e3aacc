"""A killed program is abandoned, not cancelled: nothing of it runs again, its `finally` blocks neither."""

import asyncio
import gc
import sys
from collections.abc import Iterator

import pytest

from runtime.bench_clock import BenchClock
from runtime.errors import DeadlockError
from runtime.ownership import OWNER
from runtime.virtual_loop import VirtualLoop


@pytest.fixture
def loop() -> Iterator[VirtualLoop]:
    loop = VirtualLoop()
    yield loop
    loop.close()


def test_everything_a_program_starts_belongs_to_it(loop: VirtualLoop) -> None:
    owners: list[str | None] = []

    async def child() -> None:
        await asyncio.sleep(1.0)
        owners.append(OWNER.get())
        loop.call_later(1.0, lambda: owners.append(OWNER.get()))

    async def program() -> None:
        await asyncio.create_task(child())
        await asyncio.sleep(5.0)

    async def main() -> None:
        await loop.spawn("car#1", program())
        owners.append(OWNER.get())

    loop.run_until_complete(main())
    assert owners == ["car#1", "car#1", None]


class Program:
    """Waits in every way a program can; says when any of them wakes or ends."""

    def __init__(self, loop: VirtualLoop, log: list[str]) -> None:
        self.loop = loop
        self.log = log
        self.gate = asyncio.Event()

    async def sleep(self) -> None:
        try:
            while True:
                await asyncio.sleep(1.0)
                self.log.append("slept")
        finally:
            self.log.append("finally of sleep")

    async def wait(self) -> None:
        try:
            await self.gate.wait()
        finally:
            self.log.append("finally of wait")

    async def run(self) -> None:
        try:
            self.loop.call_later(4.0, self.log.append, "timer")
            async with asyncio.TaskGroup() as group:
                group.create_task(self.sleep())
                group.create_task(self.wait())
        finally:
            self.log.append("finally of run")


def test_an_abandoned_program_never_runs_again(loop: VirtualLoop) -> None:
    log: list[str] = []

    async def main() -> None:
        program = Program(loop, log)
        loop.spawn("car#1", program.run())
        await asyncio.sleep(2.5)
        loop.abandon("car#1")
        program.gate.set()  # somebody alive wakes the dead
        del program
        gc.collect()
        await asyncio.sleep(10.0)
        gc.collect()

    loop.run_until_complete(main())
    assert log == ["slept", "slept"]
    assert loop.is_dead("car#1")


def test_others_live_on_and_a_new_life_has_a_new_name(loop: VirtualLoop) -> None:
    log: list[str] = []

    async def tick(name: str) -> None:
        for _ in range(4):
            await asyncio.sleep(1.0)
            log.append(name)

    async def main() -> None:
        loop.spawn("backend#1", tick("backend"))
        loop.spawn("car#1", tick("car"))
        await asyncio.sleep(1.5)
        loop.abandon("car#1")
        with pytest.raises(ValueError, match="new name"):
            loop.spawn("car#1", tick("car"))
        loop.spawn("car#2", tick("car again"))
        await asyncio.sleep(10.0)

    loop.run_until_complete(main())
    assert log == ["backend", "car", *["backend", "car again"] * 3, "car again"]


def test_a_program_that_kills_itself_ends_where_it_next_waits(loop: VirtualLoop) -> None:
    log: list[str] = []

    async def program() -> None:
        loop.abandon("car#1")
        log.append("to the next await")
        await asyncio.sleep(0)
        log.append("never")

    async def main() -> None:
        loop.spawn("car#1", program())
        await asyncio.sleep(1.0)

    loop.run_until_complete(main())
    assert log == ["to the next await"]


def test_the_dead_do_not_keep_time_going(loop: VirtualLoop) -> None:
    async def main() -> None:
        loop.spawn("car#1", asyncio.sleep(3600.0), name="dead one")
        await asyncio.sleep(1.0)
        loop.abandon("car#1")
        await asyncio.Event().wait()

    with pytest.raises(DeadlockError, match=r"waiting for ever: task-1$"):
        loop.run_until_complete(main())
    assert loop.time() == 2.0


def test_the_clock_of_the_rig_survives_its_dead_sleepers(loop: VirtualLoop) -> None:
    woken: list[str] = []

    async def sleeper(clock: BenchClock, name: str, when_ms: int) -> None:
        await clock.sleep_until(when_ms)
        woken.append(name)

    async def main() -> None:
        clock = BenchClock(0)
        loop.spawn("car#1", sleeper(clock, "dead", 1000))
        loop.spawn("backend#1", sleeper(clock, "alive", 2000))
        await asyncio.sleep(0.5)
        loop.abandon("car#1")
        await asyncio.sleep(5.0)

    loop.run_until_complete(main())
    assert woken == ["alive"]


def test_closing_the_loop_buries_the_dead_in_silence(
    loop: VirtualLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", heard.append)

    async def stubborn() -> None:
        while True:
            try:
                await asyncio.sleep(1.0)
            finally:
                late = asyncio.create_task(asyncio.sleep(1.0))
                await late
                raise RuntimeError("nobody hears this")

    async def clinging() -> None:
        for _ in range(5):
            try:
                await loop.create_future()
            except GeneratorExit:
                heard.append("closed")

    async def main() -> None:
        loop.spawn("car#1", stubborn())
        loop.spawn("car#1", clinging())
        await asyncio.sleep(0.5)
        loop.spawn("car#1", asyncio.sleep(1.0), name="never begun")
        loop.abandon("car#1")
        gc.collect()

    loop.run_until_complete(main())
    assert heard == []
    loop.close()
    gc.collect()
    assert heard == ["closed"] * 5
