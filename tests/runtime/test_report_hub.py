"""Reports and their readers: values may be coalesced, events each count."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.bench import AnyReport, ClockReport, OutboxReport, PacketSeen
from runtime.errors import ChannelError
from runtime.report_hub import Backlog, ReportHub


def clock(now_ms: int) -> ClockReport:
    return ClockReport(now_ms=now_ms, rate=1.0)


def packet(key: str) -> PacketSeen:
    return PacketSeen(at_ns=0, who="car", way="up", kind="order", key=key, size=1)


def empty(backlog: Backlog) -> list[AnyReport]:
    return [backlog.pop() for _ in range(len(backlog))]


def test_the_hub_remembers_the_newest_of_every_tag() -> None:
    hub = ReportHub()
    assert hub.newest("clock") is None
    hub.publish(clock(1))
    hub.publish(clock(2))
    assert hub.newest("clock") == clock(2)


def test_a_slow_reader_gets_the_newest_value_after_what_came_before_it() -> None:
    backlog = Backlog()
    for report in (clock(1), packet("a"), clock(2), packet("b")):
        backlog.push(report)
    assert empty(backlog) == [packet("a"), clock(2), packet("b")]


def test_packets_are_kept_up_to_a_bound_then_the_oldest_are_dropped_and_counted() -> None:
    backlog = Backlog(bound=3)
    backlog.push(clock(0))
    for key in "abcde":
        backlog.push(packet(key))
    assert backlog.dropped == 2
    assert empty(backlog) == [clock(0), packet("c"), packet("d"), packet("e")]
    backlog.push(packet("f"))
    assert (empty(backlog), backlog.dropped) == ([packet("f")], 2)


@given(st.lists(st.one_of(st.integers(0, 9), st.sampled_from("abc"), st.none()), max_size=60))
@settings(max_examples=100)
def test_no_packet_below_the_bound_is_lost_and_the_last_value_always_comes(
    pushes: list[int | str | None],
) -> None:
    backlog, read = Backlog(), list[AnyReport]()
    for push in pushes:
        if push is None:
            read += [backlog.pop()] if len(backlog) else []
        else:
            backlog.push(clock(push) if isinstance(push, int) else packet(push))
    read += empty(backlog)
    assert [r.key for r in read if isinstance(r, PacketSeen)] == [p for p in pushes if isinstance(p, str)]
    values = [p for p in pushes if isinstance(p, int)]
    assert [r.now_ms for r in read if isinstance(r, ClockReport)][-1:] == values[-1:]


async def test_a_subscription_begins_with_the_values_that_hold() -> None:
    hub = ReportHub()
    hub.publish(clock(1))
    hub.publish(packet("past"))
    subscription = hub.subscribe()
    assert await anext(subscription) == clock(1)
    reading = asyncio.ensure_future(anext(subscription))
    await asyncio.sleep(0)
    assert not reading.done()
    hub.publish(OutboxReport(car=1, backend=0))
    assert await reading == OutboxReport(car=1, backend=0)


async def test_a_reader_that_gave_up_loses_nothing() -> None:
    hub = ReportHub()
    subscription = hub.subscribe(("packet",))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await anext(subscription)
    hub.publish(packet("a"))
    assert await anext(subscription) == packet("a")


async def test_closing_ends_the_iteration_after_what_waits() -> None:
    hub = ReportHub()
    subscription = hub.subscribe(("clock",))
    hub.publish(clock(1))
    subscription.close()
    subscription.close()
    hub.publish(clock(2))
    assert [report async for report in subscription] == [clock(1)]


def test_a_tag_that_does_not_exist_is_named() -> None:
    with pytest.raises(ChannelError, match=r"no report 'done'; there are: bench_info, screen"):
        ReportHub().subscribe(("done",))
