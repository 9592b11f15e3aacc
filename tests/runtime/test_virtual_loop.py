"""The virtual event loop: an asyncio loop whose clock jumps, the same way every time."""

import asyncio
import contextvars
import gc
import math
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.errors import DeadlockError, FenceError, LivelockError
from runtime.virtual_loop import NS_PER_S, START_NS, VirtualLoop

WEEK_S = 7 * 24 * 3600.0


@pytest.fixture
def loop() -> Iterator[VirtualLoop]:
    loop = VirtualLoop()
    yield loop
    loop.close()


def test_the_clock_starts_at_one_second_and_not_at_zero(loop: VirtualLoop) -> None:
    assert loop.time_ns() == START_NS == NS_PER_S
    assert loop.time() == 1.0
    assert VirtualLoop(start_ns=5 * NS_PER_S).time() == 5.0


def test_a_week_of_sleep_takes_a_week_to_the_nanosecond(loop: VirtualLoop) -> None:
    loop.run_until_complete(asyncio.sleep(WEEK_S))
    assert loop.time_ns() == START_NS + round(WEEK_S) * NS_PER_S


def test_a_million_small_sleeps_do_not_drift(loop: VirtualLoop) -> None:
    async def main() -> None:
        for _ in range(1000):
            await asyncio.sleep(0.001)

    loop.run_until_complete(main())
    assert loop.time_ns() == START_NS + NS_PER_S


@given(st.lists(st.integers(min_value=0, max_value=5), max_size=30))
@settings(max_examples=50)
def test_timers_run_in_order_of_instant_then_of_asking(delays: list[int]) -> None:
    loop = VirtualLoop()
    ran: list[tuple[int, int]] = []
    for number, delay in enumerate(delays):
        loop.call_later(float(delay), ran.append, (delay, number))
    loop.run_until_complete(asyncio.sleep(10.0))
    assert ran == sorted(ran)
    assert len(ran) == len(delays)
    loop.close()


def test_a_timer_in_the_past_runs_now_and_time_does_not_go_back(loop: VirtualLoop) -> None:
    seen: list[int] = []
    loop.call_at(-5.0, lambda: seen.append(loop.time_ns()))
    loop.call_at_ns(0, lambda: seen.append(loop.time_ns()))
    loop.run_until_complete(asyncio.sleep(0.5))
    assert seen == [START_NS, START_NS]


def test_a_cancelled_timer_does_not_run_nor_move_the_clock(loop: VirtualLoop) -> None:
    timer = loop.call_later(3600.0, pytest.fail, "cancelled timers must not run")
    assert timer.when() == 3601.0
    assert not timer.cancelled()
    timer.cancel()
    assert timer.cancelled()
    loop.run_until_complete(asyncio.sleep(1.0))
    assert loop.time() == 2.0


def test_a_heap_full_of_cancelled_timers_is_swept(loop: VirtualLoop) -> None:
    async def main() -> None:
        for _ in range(20_000):
            loop.call_later(WEEK_S, print).cancel()
            await asyncio.sleep(0.001)

    loop.run_until_complete(main())
    assert len(loop._timers) < 10_000


def test_asyncio_works_as_it_does_elsewhere(loop: VirtualLoop) -> None:
    log: list[object] = []

    async def producer(queue: asyncio.Queue[int], go: asyncio.Event) -> None:
        await go.wait()
        for number in range(3):
            await asyncio.sleep(1.0)
            await queue.put(number)

    async def main() -> None:
        queue: asyncio.Queue[int] = asyncio.Queue(1)
        go = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(producer(queue, go))
            loop.call_later(2.0, go.set)
            for _ in range(3):
                log.append((await queue.get(), loop.time()))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(queue.get(), 4.0)
        log.append(loop.time())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await asyncio.Event().wait()
        log.append(loop.time())
        log.append(await asyncio.gather(asyncio.sleep(1, "a"), asyncio.sleep(2, "b")))

    loop.run_until_complete(main())
    assert log == [(0, 4.0), (1, 5.0), (2, 6.0), 10.0, 10.5, ["a", "b"]]


def test_the_runner_of_asyncio_takes_it() -> None:
    with asyncio.Runner(loop_factory=VirtualLoop, debug=True) as runner:
        assert runner.run(asyncio.sleep(3.0, "done")) == "done"


def test_context_variables_are_those_of_the_caller(loop: VirtualLoop) -> None:
    variable = contextvars.ContextVar("variable", default="outside")
    seen: list[str] = []

    async def main() -> None:
        variable.set("main")
        loop.call_soon(lambda: seen.append(variable.get()))
        loop.call_later(1.0, lambda: seen.append(variable.get()))
        loop.call_soon(lambda: seen.append(variable.get()), context=contextvars.Context())
        variable.set("later")
        await asyncio.sleep(2.0)

    loop.run_until_complete(main())
    assert seen == ["main", "outside", "main"]


def test_all_waiting_for_ever_is_a_deadlock_that_names_the_tasks_in_order(loop: VirtualLoop) -> None:
    async def main() -> None:
        tasks = [asyncio.create_task(asyncio.Event().wait(), name=name) for name in ("zoe", "adam")]
        await asyncio.gather(*tasks, asyncio.sleep(math.inf))

    with pytest.raises(DeadlockError, match=r"1\.000000000 s .* for ever: task-1, zoe, adam, task-4$"):
        loop.run_until_complete(main())


def test_callbacks_that_never_let_time_pass_are_a_livelock() -> None:
    loop = VirtualLoop(livelock_callbacks=500)

    async def spin() -> None:
        for _ in range(10_000):
            await asyncio.sleep(0)

    with pytest.raises(LivelockError, match="more than 500 callbacks at"):
        loop.run_until_complete(spin())
    loop.close()


def test_many_callbacks_are_no_livelock_while_time_passes() -> None:
    loop = VirtualLoop(livelock_callbacks=50)

    async def walk() -> None:
        for _ in range(1000):
            await asyncio.sleep(0.001)

    loop.run_until_complete(walk())
    assert loop.steps >= 1000
    loop.close()


def test_an_exception_in_a_callback_ends_the_run(loop: VirtualLoop) -> None:
    loop.call_later(1.0, lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        loop.run_until_complete(asyncio.sleep(10.0))
    assert loop.time() == 2.0


def test_a_task_that_failed_unasked_fails_the_run_at_its_end(loop: VirtualLoop) -> None:
    async def fail() -> None:
        raise LookupError("nobody asks")

    async def main() -> None:
        task = asyncio.create_task(fail())
        await asyncio.sleep(1.0)
        del task
        gc.collect()
        await asyncio.sleep(1.0)

    with pytest.raises(LookupError, match="nobody asks"):
        loop.run_until_complete(main())
    assert loop.time() == 3.0


def test_an_exception_handler_is_told_instead(loop: VirtualLoop) -> None:
    told: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: told.append(context))
    loop.call_soon(lambda: 1 / 0)
    loop.run_until_complete(asyncio.sleep(1.0))
    assert [type(context["exception"]) for context in told] == [ZeroDivisionError]


def test_stopping_lets_what_is_ready_run_and_no_more(loop: VirtualLoop) -> None:
    ran: list[str] = []
    loop.call_soon(loop.stop)
    loop.call_soon(ran.append, "same round")
    loop.call_later(1.0, ran.append, "later")
    loop.run_forever()
    assert ran == ["same round"]
    loop.call_later(2.0, loop.stop)
    loop.call_later(2.0, loop.stop)
    loop.run_forever()
    assert ran == ["same round", "later"]


def test_work_for_the_executor_runs_inline(loop: VirtualLoop) -> None:
    async def main() -> tuple[int, int]:
        with pytest.raises(LookupError):
            await loop.run_in_executor(None, os.environ.__getitem__, "NO_SUCH_VARIABLE")
        return await asyncio.to_thread(threading.get_ident), threading.get_ident()

    there, here = loop.run_until_complete(main())
    assert there == here


def test_another_thread_is_fenced_off(loop: VirtualLoop) -> None:
    caught: list[BaseException] = []

    def intrude() -> None:
        try:
            loop.call_soon_threadsafe(print)
        except FenceError as error:
            caught.append(error)

    async def main() -> None:
        loop.call_soon_threadsafe(lambda: None)
        thread = threading.Thread(target=intrude)
        thread.start()
        thread.join()

    loop.run_until_complete(main())
    assert len(caught) == 1


def test_real_descriptors_and_doors_are_fenced_off(loop: VirtualLoop) -> None:
    async def main() -> None:
        read, write = os.pipe()
        try:
            with pytest.raises(FenceError, match="real world"):
                loop.add_reader(read, print)
            with pytest.raises(FenceError, match="real world"):
                loop.add_writer(write, print)
        finally:
            os.close(read)
            os.close(write)
        with pytest.raises(FenceError, match="create_connection"):
            await asyncio.open_connection("localhost", 1)
        with pytest.raises(FenceError, match="subprocess_exec"):
            await asyncio.create_subprocess_exec("true")

    loop.run_until_complete(main())


def test_asynchronous_generators_left_open_are_closed(loop: VirtualLoop) -> None:
    closed: list[str] = []

    async def numbers(name: str) -> AsyncIterator[int]:
        try:
            yield 1
            yield 2
        finally:
            await asyncio.sleep(1.0)
            closed.append(name)

    async def main() -> list[AsyncIterator[int]]:
        dropped = numbers("dropped")
        await anext(dropped)
        del dropped
        kept = [numbers("first"), numbers("second")]
        for generator in kept:
            await anext(generator)
        await asyncio.sleep(5.0)
        return kept

    kept = loop.run_until_complete(main())
    assert closed == ["dropped"]
    loop.run_until_complete(loop.shutdown_asyncgens())
    assert closed == ["dropped", "first", "second"]
    assert len(kept) == 2


def test_a_closed_or_running_loop_cannot_be_run(loop: VirtualLoop) -> None:
    async def main() -> None:
        with pytest.raises(RuntimeError, match="running"):
            loop.run_forever()
        with pytest.raises(RuntimeError, match="running"):
            loop.close()

    loop.run_until_complete(main())
    loop.close()
    with pytest.raises(RuntimeError, match="closed"):
        loop.run_forever()


CHATTER = """
import asyncio
from runtime.virtual_loop import VirtualLoop
from runtime.virtual_network import VirtualNetwork
from tests.runtime.constant_link import ConstantLink

def run():
    loop = VirtualLoop()
    trace = []
    network = VirtualNetwork(loop)

    def serve(stream):
        def answer():
            data = stream.recv(4096)
            if data:
                trace.append(("backend", loop.time_ns(), data))
                stream.send(data.upper())
            else:
                loop.remove_reader(stream)
                stream.close()
        loop.add_reader(stream, answer)

    async def car(name, link):
        stream = await network.host(name, link=link).connect("backend", 1883, timeout_s=5.0)
        loop.add_reader(stream, lambda: trace.append((name, loop.time_ns(), stream.recv(4096))))
        async with asyncio.TaskGroup() as group:
            for step in range(20):
                group.create_task(asyncio.sleep(step % 3, name))
                stream.send(f"{name} says {step};".encode())
                await asyncio.sleep(0.1 if step % 4 else 0)
        loop.remove_reader(stream)
        stream.close()

    async def main():
        await network.host("backend").listen("", 1883, serve)
        link = ConstantLink(delay_ms=35.0, room=64)
        cars = {asyncio.create_task(car(f"car{n}", link), name=f"car{n}") for n in range(8)}
        done, _ = await asyncio.wait(cars)
        trace.append(sorted(task.get_name() for task in done))
        await asyncio.sleep(60)

    loop.run_until_complete(main())
    trace.append(loop.steps)
    loop.close()
    return trace

first = run()
assert first == run()
print(first)
"""


def test_a_chatty_program_is_the_same_in_every_run_and_under_every_hash_seed() -> None:
    root = Path(__file__).parents[2]
    outputs = []
    for seed in ("0", "1", "4711"):
        environment = {"PYTHONHASHSEED": seed, "PYTHONPATH": str(root)}
        run = subprocess.run(
            [sys.executable, "-c", CHATTER], env=environment, capture_output=True, text=True, check=False
        )
        assert run.returncode == 0, run.stderr
        outputs.append(run.stdout)
    assert outputs[0].count("says") > 100
    assert outputs[0] == outputs[1] == outputs[2]
