"""When bytes arrive on a link that is up: serialisation, delay, order, and the bound of the queue."""

from math import inf, nan
from random import Random

import pytest

from contracts.link import Delivered, LinkConditions
from telematics.errors import LinkConditionsError, UnknownFlowError
from telematics.link.model import BottleneckLink
from tests.telematics.link.scenes import DOWN, MS, UP, Arrival, S, arrivals

MEGABIT = 1_000_000


def test_an_idle_link_has_nothing_due() -> None:
    link = BottleneckLink(None)
    link.open_flow(0)
    assert link.next_due() is None
    assert link.advance(S) == []


def test_flows_are_numbered_and_no_number_is_used_again() -> None:
    link = BottleneckLink(None)
    first = link.open_flow(0)
    link.close_flow(first)
    assert link.open_flow(0) != first


def test_without_limits_bytes_arrive_at_the_instant_they_are_sent() -> None:
    link = BottleneckLink(None)
    flow = link.open_flow(0)
    assert link.enqueue(flow, UP, 7, 5000) == 5000
    assert link.next_due() == 7
    assert link.advance(7) == [Delivered(flow, UP, 5000)]


@pytest.mark.parametrize(
    ("n", "rate_bps", "delay_ms", "expected_ms"),
    [
        (1448, MEGABIT, 50, 62),  # (1448 + 52) * 8 bits at 1 Mbit/s, then the way
        (1448, MEGABIT, 0, 12),
        (73, MEGABIT, 0, 1),
        (1, 424, 0, 1000),  # a byte pays for its headers
        (1448, 0, 50, 50),
    ],
)
def test_one_segment_takes_serialisation_and_delay(
    n: int, rate_bps: int, delay_ms: int, expected_ms: int
) -> None:
    link = BottleneckLink(None, LinkConditions(rate_up_bps=rate_bps, delay_up_ms=delay_ms))
    flow = link.open_flow(0)
    assert link.enqueue(flow, UP, 1000, n) == n
    due_ns = 1000 + expected_ms * MS
    assert link.next_due() == due_ns
    assert link.advance(due_ns - 1) == []
    assert link.advance(due_ns) == [Delivered(flow, UP, n)]
    assert link.next_due() is None


def test_directions_have_their_own_rate_and_delay() -> None:
    link = BottleneckLink(
        None, LinkConditions(rate_up_bps=MEGABIT, rate_down_bps=2 * MEGABIT, delay_up_ms=10, delay_down_ms=20)
    )
    flow = link.open_flow(0)
    link.enqueue(flow, UP, 0, 1448)
    link.enqueue(flow, DOWN, 0, 1448)
    assert link.advance(22 * MS - 1) == []
    assert link.advance(22 * MS) == [Delivered(flow, UP, 1448)]
    assert link.advance(26 * MS) == [Delivered(flow, DOWN, 1448)]


def test_a_second_segment_waits_for_the_first() -> None:
    link = BottleneckLink(None, LinkConditions(rate_up_bps=MEGABIT, delay_up_ms=50))
    flow = link.open_flow(0)
    link.enqueue(flow, UP, 0, 2 * 1448)
    assert arrivals(link, S) == [Arrival(62 * MS, flow, 1448), Arrival(74 * MS, flow, 1448)]


def test_bytes_never_overtake_when_the_way_gets_shorter() -> None:
    link = BottleneckLink(None, LinkConditions(delay_up_ms=100))
    flow, other = link.open_flow(0), link.open_flow(0)
    link.enqueue(flow, UP, 0, 10)
    link.set_conditions(1 * MS, LinkConditions(delay_up_ms=5))
    link.enqueue(flow, UP, 1 * MS, 20)
    link.enqueue(other, UP, 1 * MS, 30)
    assert arrivals(link, S) == [
        Arrival(6 * MS, other, 30),
        Arrival(100 * MS, flow, 10),
        Arrival(100 * MS, flow, 20),
    ]


def test_a_small_flow_waits_one_turn_not_for_the_whole_queue_of_another() -> None:
    link = BottleneckLink(None, LinkConditions(rate_up_bps=MEGABIT))
    bulk, ping = link.open_flow(0), link.open_flow(0)
    assert link.enqueue(bulk, UP, 0, 100_000) == 100_000
    link.enqueue(ping, UP, 5 * MS, 98)
    seen = [arrival for arrival in arrivals(link, S) if arrival.flow == ping]
    assert seen == [Arrival((12 + 12 + 1) * MS + 200_000, ping, 98)]


def test_a_sender_is_pushed_back_when_its_bytes_would_wait_longer_than_the_bound() -> None:
    link = BottleneckLink(None, LinkConditions(rate_up_bps=MEGABIT, queue_ms=120))
    flow = link.open_flow(0)
    taken = link.enqueue(flow, UP, 0, 100_000)
    assert taken == 10 * 1448
    assert link.enqueue(flow, UP, 0, 1448) == 1448  # the first has left the queue for the wire
    assert link.enqueue(flow, UP, 0, 1) == 0


def test_flows_that_queue_share_the_bound() -> None:
    link = BottleneckLink(None, LinkConditions(rate_up_bps=MEGABIT, queue_ms=120))
    first, second = link.open_flow(0), link.open_flow(0)
    assert link.enqueue(first, UP, 0, 100_000) == 10 * 1448
    assert link.enqueue(second, UP, 0, 100_000) == 5 * 1448
    assert link.enqueue(first, UP, 0, 1448) == 0


def test_with_a_rate_bytes_never_overtake_either() -> None:
    link = BottleneckLink(None, LinkConditions(rate_up_bps=MEGABIT, delay_up_ms=100))
    flow = link.open_flow(0)
    link.enqueue(flow, UP, 0, 73)
    link.set_conditions(2 * MS, LinkConditions(rate_up_bps=MEGABIT, delay_up_ms=5))
    link.enqueue(flow, UP, 2 * MS, 73)
    assert arrivals(link, S) == [Arrival(101 * MS, flow, 73), Arrival(101 * MS, flow, 73)]


def test_a_sender_that_was_pushed_back_is_woken_when_there_is_room() -> None:
    link = BottleneckLink(None, LinkConditions(rate_up_bps=MEGABIT, queue_ms=24, delay_up_ms=500))
    flow = link.open_flow(0)
    assert link.enqueue(flow, UP, 0, 10 * 1448) < 10 * 1448
    assert link.next_due() == 12 * MS
    assert link.advance(12 * MS) == []
    assert link.enqueue(flow, UP, 12 * MS, 1448) == 1448


def test_without_a_rate_a_window_bounds_what_is_under_way() -> None:
    link = BottleneckLink(None, LinkConditions(delay_up_ms=10))
    flow = link.open_flow(0)
    assert link.enqueue(flow, UP, 0, 5_000_000) == 1 << 20
    assert link.enqueue(flow, UP, 0, 1) == 0
    link.advance(10 * MS)
    assert link.enqueue(flow, UP, 10 * MS, 1) == 1


def test_the_rest_of_a_segment_is_sent_at_the_new_rate_and_flies_with_the_new_delay() -> None:
    link = BottleneckLink(None, LinkConditions(rate_up_bps=MEGABIT, delay_up_ms=50))
    flow = link.open_flow(0)
    link.enqueue(flow, UP, 0, 2 * 1448)
    link.set_conditions(6 * MS, LinkConditions(rate_up_bps=MEGABIT // 2, delay_up_ms=10))
    assert arrivals(link, S) == [Arrival((18 + 10) * MS, flow, 1448), Arrival((42 + 10) * MS, flow, 1448)]


def test_a_crawling_segment_does_not_hold_the_link_after_the_limit_is_lifted() -> None:
    link = BottleneckLink(None, LinkConditions(rate_up_bps=1))
    flow = link.open_flow(0)
    assert link.enqueue(flow, UP, 0, 1448) + link.enqueue(flow, UP, 0, 1448) == 2 * 1448
    link.set_conditions(S, LinkConditions())
    assert sum(event.n for event in link.advance(S)) == 2 * 1448


def test_a_closed_flow_vanishes_and_wastes_no_capacity() -> None:
    link = BottleneckLink(None, LinkConditions(rate_up_bps=MEGABIT, delay_up_ms=50))
    gone, stays = link.open_flow(0), link.open_flow(0)
    link.enqueue(gone, UP, 0, 50 * 1448)
    link.enqueue(stays, UP, 0, 2 * 1448)
    link.close_flow(gone)
    link.close_flow(gone)
    assert arrivals(link, S) == [Arrival(74 * MS, stays, 1448), Arrival(86 * MS, stays, 1448)]
    with pytest.raises(UnknownFlowError, match=f"flow {gone} is not open"):
        link.enqueue(gone, UP, S, 1)


@pytest.mark.parametrize("flow", [-1, -2, 5])
def test_bytes_of_a_flow_that_was_never_opened_are_refused(flow: int) -> None:
    link = BottleneckLink(None)
    link.open_flow(0)
    with pytest.raises(UnknownFlowError):
        link.enqueue(flow, DOWN, 0, 1)
    link.close_flow(flow)


@pytest.mark.parametrize("n", [0, -1])
def test_nothing_offered_is_nothing_taken(n: int) -> None:
    link = BottleneckLink(None)
    assert link.enqueue(link.open_flow(0), UP, 0, n) == 0
    assert link.next_due() is None


@pytest.mark.parametrize(
    ("conditions", "field"),
    [
        (LinkConditions(rate_up_bps=-1), "rate_up_bps"),
        (LinkConditions(rate_down_bps=-1), "rate_down_bps"),
        (LinkConditions(delay_up_ms=-0.1), "delay_up_ms"),
        (LinkConditions(delay_down_ms=-0.1), "delay_down_ms"),
        (LinkConditions(delay_up_ms=nan), "delay_up_ms"),
        (LinkConditions(delay_down_ms=inf), "delay_down_ms"),
        (LinkConditions(queue_ms=-1), "queue_ms"),
        (LinkConditions(loss=1.01), "loss"),
        (LinkConditions(loss=-0.01), "loss"),
    ],
)
def test_conditions_no_link_can_have_are_refused_and_change_nothing(
    conditions: LinkConditions, field: str
) -> None:
    link = BottleneckLink(Random("refused"))
    with pytest.raises(LinkConditionsError) as caught:
        link.set_conditions(0, conditions)
    assert caught.value.field == field
    assert link.conditions == LinkConditions()


def test_a_link_without_a_random_stream_cannot_lose() -> None:
    with pytest.raises(LinkConditionsError, match="random stream"):
        BottleneckLink(None, LinkConditions(loss=0.1))
