"""Bench time: UTC that can be jumped and run at another rate, on the virtual and on the stock loop."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.bench_clock import BenchClock
from runtime.ports import SettableClock
from runtime.virtual_loop import VirtualLoop

START_MS = 1_780_000_000_000
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

Story = Callable[[BenchClock], Coroutine[Any, Any, None]]
Run = Callable[[Story], None]


def run_on(loop_factory: Callable[[], asyncio.AbstractEventLoop] | None, story: Story) -> None:
    async def main() -> None:
        await story(BenchClock(START_MS))

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(main())


@pytest.fixture(params=["virtual", "stock"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a story on either loop."""
    factory = VirtualLoop if request.param == "virtual" else None
    return lambda story: run_on(factory, story)


def virtually(story: Story) -> None:
    run_on(VirtualLoop, story)


def test_it_is_the_port_of_a_clock_that_can_be_set() -> None:
    async def story(clock: BenchClock) -> None:
        port: SettableClock = clock
        assert port.rate == 1.0
        assert port.now_ms() == START_MS

    virtually(story)


def test_transport_time_is_the_loop_s_in_virtual_time_and_monotonic_in_real_time() -> None:
    async def virtual(clock: BenchClock) -> None:
        await asyncio.sleep(2.0)
        assert clock.transport_ns() == 3_000_000_000

    async def stock(clock: BenchClock) -> None:
        before_ns = time.monotonic_ns()
        assert before_ns <= clock.transport_ns() <= time.monotonic_ns()

    virtually(virtual)
    run_on(None, stock)


def test_a_sleeper_wakes_exactly_when_due_in_virtual_time() -> None:
    async def story(clock: BenchClock) -> None:
        for step_ms in (1, 999, HOUR_MS, 7 * DAY_MS):
            due_ms = clock.now_ms() + step_ms
            await clock.sleep_until(due_ms)
            assert clock.now_ms() == due_ms

    virtually(story)


def test_a_sleeper_never_wakes_before_it_is_due(run: Run) -> None:
    async def story(clock: BenchClock) -> None:
        for step_ms in (1, 2, 3, 5, 8):
            due_ms = clock.now_ms() + step_ms
            await clock.sleep_until(due_ms)
            assert clock.now_ms() >= due_ms

    run(story)


def test_sleeping_until_now_or_before_returns_at_once(run: Run) -> None:
    async def story(clock: BenchClock) -> None:
        async with asyncio.timeout(5.0):
            await clock.sleep_until(clock.now_ms())
            await clock.sleep_until(0)

    run(story)


def test_a_jump_moves_the_clock_and_not_transport_time(run: Run) -> None:
    async def story(clock: BenchClock) -> None:
        transport_ns = clock.transport_ns()
        clock.jump(DAY_MS)
        assert 0 <= clock.now_ms() - START_MS - DAY_MS < 1000
        assert clock.transport_ns() - transport_ns < 1_000_000_000

    run(story)


def test_bench_time_cannot_be_set_back(run: Run) -> None:
    async def story(clock: BenchClock) -> None:
        with pytest.raises(ValueError, match="cannot go back by 5 ms"):
            clock.jump(-5)

    run(story)


def test_a_jump_wakes_sleepers_in_order_of_due_time_each_at_its_own(run: Run) -> None:
    woken: list[tuple[str, int]] = []

    async def sleeper(clock: BenchClock, name: str, due_ms: int) -> None:
        await clock.sleep_until(START_MS + due_ms)
        woken.append((name, clock.now_ms() - START_MS))

    async def story(clock: BenchClock) -> None:
        dues = {
            "week": 7 * DAY_MS,
            "day": DAY_MS,
            "hour": HOUR_MS,
            "same hour": HOUR_MS,
            "year": 365 * DAY_MS,
        }
        tasks = [asyncio.create_task(sleeper(clock, name, due)) for name, due in dues.items()]
        await asyncio.sleep(0)
        clock.jump(8 * DAY_MS)
        await clock.settled()
        assert woken == [
            ("hour", HOUR_MS),
            ("same hour", HOUR_MS),
            ("day", DAY_MS),
            ("week", 7 * DAY_MS),
        ]
        assert 0 <= clock.now_ms() - START_MS - 8 * DAY_MS < 1000
        tasks[-1].cancel()

    run(story)


def test_due_times_set_on_the_way_are_lived_through_as_well(run: Run) -> None:
    seen: list[int] = []

    async def reminders(clock: BenchClock) -> None:
        for day in range(1, 6):
            await clock.sleep_until(START_MS + day * DAY_MS)
            seen.append(clock.now_ms() - START_MS)
            clock.call_at(clock.now_ms() + HOUR_MS, lambda: seen.append(clock.now_ms() - START_MS))

    async def story(clock: BenchClock) -> None:
        task = asyncio.create_task(reminders(clock))
        await asyncio.sleep(0)
        clock.jump(3 * DAY_MS)
        clock.jump(DAY_MS)
        await clock.settled()
        assert seen == [
            DAY_MS,
            DAY_MS + HOUR_MS,
            2 * DAY_MS,
            2 * DAY_MS + HOUR_MS,
            3 * DAY_MS,
            3 * DAY_MS + HOUR_MS,
            4 * DAY_MS,
        ]
        task.cancel()

    run(story)


def test_the_clock_never_goes_back_while_a_jump_is_lived_through(run: Run) -> None:
    readings: list[int] = []

    async def story(clock: BenchClock) -> None:
        for due_ms in (50, 20, 80, 20):
            clock.call_at(START_MS + due_ms * 1000, lambda: readings.append(clock.now_ms()))
        readings.append(clock.now_ms())
        clock.jump(60_000)
        readings.append(clock.now_ms())
        await clock.settled()
        readings.append(clock.now_ms())
        clock.jump(60_000)
        await clock.settled()
        readings.append(clock.now_ms())
        assert readings == sorted(readings)
        assert len(readings) == 8

    run(story)


def test_after_a_jump_past_the_last_sleeper_the_next_one_wakes_in_time() -> None:
    async def story(clock: BenchClock) -> None:
        clock.call_at(START_MS + DAY_MS, lambda: None)
        clock.jump(DAY_MS)
        await clock.settled()
        woken_ms: list[int] = []
        clock.call_at(clock.now_ms() + 1000, lambda: woken_ms.append(clock.now_ms()))
        await asyncio.sleep(2.0)
        assert woken_ms == [START_MS + DAY_MS + 1000]

    virtually(story)


def test_the_millisecond_before_is_too_early() -> None:
    async def story(clock: BenchClock) -> None:
        called: list[int] = []
        clock.call_at(START_MS + 1000, lambda: called.append(clock.now_ms()))
        clock.jump(999)
        await asyncio.sleep(0.0005)
        assert called == []
        await asyncio.sleep(0.0005)
        assert called == [START_MS + 1000]

    virtually(story)


def test_callbacks_at_one_instant_run_in_the_order_of_asking(run: Run) -> None:
    async def story(clock: BenchClock) -> None:
        called: list[int] = []
        for number in range(10):
            clock.call_at(START_MS + 5000, lambda number=number: called.append(number))  # type: ignore[misc]
        clock.jump(5000)
        await clock.settled()
        assert called == list(range(10))

    run(story)


def test_a_cancelled_timer_is_not_called_even_if_it_is_already_on_its_way(run: Run) -> None:
    async def story(clock: BenchClock) -> None:
        called: list[str] = []
        second = clock.call_at(START_MS + 6000, lambda: called.append("second"))
        third = clock.call_at(START_MS + 5000, lambda: called.append("third"))
        clock.call_at(START_MS + 5000, lambda: called.append("fourth"))
        third.cancel()
        assert third.cancelled()
        clock.call_at(START_MS + 4000, second.cancel)
        clock.jump(10_000)
        await clock.settled()
        assert called == ["fourth"]

    run(story)


def test_a_cancelled_sleeper_leaves_nothing_behind(run: Run) -> None:
    async def story(clock: BenchClock) -> None:
        task = asyncio.create_task(clock.sleep_until(START_MS + 1000))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        clock.jump(2000)
        await clock.settled()

    run(story)


def test_a_timeout_ends_the_block_at_its_bench_instant(run: Run) -> None:
    async def story(clock: BenchClock) -> None:
        asyncio.get_running_loop().call_soon(clock.jump, HOUR_MS)
        with pytest.raises(TimeoutError):
            async with clock.timeout_at(START_MS + HOUR_MS):
                await asyncio.Event().wait()
        assert clock.now_ms() >= START_MS + HOUR_MS

    run(story)


def test_a_timeout_that_is_not_reached_does_nothing(run: Run) -> None:
    async def story(clock: BenchClock) -> None:
        async with clock.timeout_at(START_MS + HOUR_MS):
            await asyncio.sleep(0)
        clock.jump(2 * HOUR_MS)
        await clock.settled()

    run(story)


def test_a_timeout_in_the_past_ends_the_block_when_it_first_waits(run: Run) -> None:
    async def story(clock: BenchClock) -> None:
        with pytest.raises(TimeoutError):
            async with clock.timeout_at(START_MS - 1):
                await asyncio.Event().wait()

    run(story)


def test_a_rate_shortens_the_wait_and_keeps_the_reading() -> None:
    async def story(clock: BenchClock) -> None:
        await asyncio.sleep(0.0004)
        clock.set_rate(60.0)
        assert clock.rate == 60.0
        assert clock.now_ms() == START_MS
        await clock.sleep_until(START_MS + HOUR_MS)
        assert clock.now_ms() == START_MS + HOUR_MS
        # 0.4 ms have passed at rate 1; the rest of the hour passes in a minute, rounded up to 1 ns.
        assert clock.transport_ns() == 1_000_400_000 + -(-(HOUR_MS * 1_000_000 - 400_000) // 60)

    virtually(story)


def test_a_sleeper_feels_a_change_of_rate(run: Run) -> None:
    async def story(clock: BenchClock) -> None:
        task = asyncio.create_task(clock.sleep_until(START_MS + DAY_MS))
        await asyncio.sleep(0)
        clock.set_rate(86_400_000.0)
        async with asyncio.timeout(5.0):
            await task
        assert clock.now_ms() >= START_MS + DAY_MS

    run(story)


def test_at_rate_0_the_clock_stands_still_until_it_is_let_go() -> None:
    async def story(clock: BenchClock) -> None:
        clock.set_rate(0.0)
        task = asyncio.create_task(clock.sleep_until(START_MS + 1))
        await asyncio.sleep(100.0)
        assert clock.now_ms() == START_MS
        assert not task.done()
        clock.set_rate(1.0)
        await task
        assert clock.now_ms() == START_MS + 1

    virtually(story)


@pytest.mark.parametrize("rate", [-1.0, float("inf"), float("nan")])
def test_a_rate_must_be_a_number_from_0_up(rate: float) -> None:
    async def story(clock: BenchClock) -> None:
        with pytest.raises(ValueError, match="not a number from 0 up"):
            clock.set_rate(rate)

    virtually(story)


@given(
    rate=st.sampled_from([0.1, 0.333, 1.0, 1.5, 7.0, 60.0, 3600.0]),
    steps=st.lists(st.integers(min_value=1, max_value=10**7), min_size=1, max_size=5),
    jumps=st.lists(st.integers(min_value=0, max_value=10**6), max_size=3),
)
@settings(max_examples=40, deadline=None)
def test_at_any_rate_a_sleeper_wakes_in_the_millisecond_it_is_due(
    rate: float, steps: list[int], jumps: list[int]
) -> None:
    async def story(clock: BenchClock) -> None:
        for jump in jumps:
            clock.jump(jump)
        clock.set_rate(rate)
        anchor_ns, anchor_ms = clock.transport_ns(), clock.now_ms()
        for step in steps:
            due_ms = clock.now_ms() + step
            await clock.sleep_until(due_ms)
            assert clock.now_ms() == due_ms
        elapsed = Fraction(clock.transport_ns() - anchor_ns, 1_000_000) * Fraction(str(rate))
        assert clock.now_ms() - anchor_ms == elapsed // 1

    virtually(story)
