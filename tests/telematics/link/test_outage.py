"""Outage and loss: nothing vanishes, and data comes back when TCP tries again, not when the road does."""

from random import Random

import pytest

from contracts.link import Delivered, LinkConditions
from telematics.link.model import BottleneckLink
from telematics.link.retransmission import RTO_MAX_NS, backed_off_ns, first_rto_ns
from tests.telematics.link.scenes import DOWN, MS, UP, Arrival, S, arrivals, down

ROAD = LinkConditions()


@pytest.mark.parametrize(
    ("outage_s", "extra_wait_s"),
    [(5, 1.2), (30, 21.0), (60, 42.2), (120, 84.6)],
)
def test_after_an_outage_data_waits_for_the_next_retransmission(outage_s: int, extra_wait_s: float) -> None:
    link = BottleneckLink(None)
    flow = link.open_flow(0)
    link.set_conditions(0, down(ROAD))
    assert link.enqueue(flow, UP, 0, 100) == 100
    link.set_conditions(outage_s * S, ROAD)
    assert arrivals(link, 1000 * S) == [Arrival(outage_s * S + round(extra_wait_s * S), flow, 100)]


def test_the_time_out_starts_at_the_round_trip_plus_200_ms() -> None:
    road = LinkConditions(delay_up_ms=60, delay_down_ms=140)
    assert first_rto_ns(road) == 400 * MS
    link = BottleneckLink(None, road)
    flow = link.open_flow(0)
    link.set_conditions(0, down(road))
    link.enqueue(flow, DOWN, 0, 100)
    link.set_conditions(1 * MS, road)
    assert arrivals(link, S) == [Arrival((400 + 140) * MS, flow, 100)]


def test_the_time_out_doubles_up_to_two_minutes() -> None:
    seen = [first_rto_ns(ROAD)]
    for _ in range(12):
        seen.append(backed_off_ns(seen[-1]))
    assert seen[:4] == [200 * MS, 400 * MS, 800 * MS, 1600 * MS]
    assert seen[-1] == seen[-2] == RTO_MAX_NS == 120 * S


def test_an_attempt_at_the_very_instant_the_outage_ends_gets_through() -> None:
    for end_ms, expected_ms in ((600, 600), (601, 1400)):
        link = BottleneckLink(None)
        flow = link.open_flow(0)
        link.set_conditions(0, down(ROAD))
        link.enqueue(flow, UP, 0, 1)
        link.set_conditions(end_ms * MS, ROAD)
        assert arrivals(link, 2 * S) == [Arrival(expected_ms * MS, flow, 1)]


def test_during_an_outage_nothing_moves_and_nothing_is_due() -> None:
    link = BottleneckLink(None)
    flow = link.open_flow(0)
    link.set_conditions(0, down(ROAD))
    link.enqueue(flow, UP, 0, 100)
    assert link.next_due() is None
    assert link.advance(3600 * S) == []


def test_what_is_on_its_way_when_the_road_closes_is_sent_again() -> None:
    road = LinkConditions(delay_up_ms=100)
    link = BottleneckLink(None, road)
    flow = link.open_flow(0)
    link.enqueue(flow, UP, 0, 10)
    link.enqueue(flow, UP, 50 * MS, 20)
    link.set_conditions(60 * MS, down(road))
    link.set_conditions(70 * MS, road)
    # 300 ms (round trip 100 + 200) after the oldest byte was sent, then the way again
    assert arrivals(link, S) == [Arrival(400 * MS, flow, 30)]


def test_what_has_arrived_when_the_road_closes_stays_arrived() -> None:
    road = LinkConditions(delay_up_ms=100)
    link = BottleneckLink(None, road)
    flow = link.open_flow(0)
    link.enqueue(flow, UP, 0, 10)
    link.set_conditions(100 * MS, down(road))
    assert link.next_due() == 100 * MS
    assert link.advance(100 * MS) == [Delivered(flow, UP, 10)]


def test_a_lane_with_nothing_to_send_again_uses_the_road_at_once() -> None:
    link = BottleneckLink(None)
    stalled, fresh = link.open_flow(0), link.open_flow(0)
    link.set_conditions(0, down(ROAD))
    link.enqueue(stalled, UP, 0, 10)
    link.set_conditions(10 * S, ROAD)
    link.enqueue(fresh, UP, 10 * S, 20)
    link.enqueue(stalled, DOWN, 10 * S, 30)
    assert link.advance(10 * S) == [Delivered(fresh, UP, 20), Delivered(stalled, DOWN, 30)]
    assert arrivals(link, 60 * S) == [Arrival(round(12.6 * S), stalled, 10)]


def test_bytes_offered_to_a_stalled_lane_wait_behind_the_lost_ones() -> None:
    link = BottleneckLink(None)
    flow = link.open_flow(0)
    link.set_conditions(0, down(ROAD))
    link.enqueue(flow, UP, 0, 10)
    link.set_conditions(10 * S, ROAD)
    link.enqueue(flow, UP, 11 * S, 20)
    assert arrivals(link, 60 * S) == [Arrival(round(12.6 * S), flow, 30)]


def test_the_back_off_starts_anew_after_a_success() -> None:
    link = BottleneckLink(None)
    flow = link.open_flow(0)
    for start_s in (0, 100):
        link.set_conditions(start_s * S, down(ROAD))
        link.enqueue(flow, UP, start_s * S, 10)
        link.set_conditions((start_s + 1) * S, ROAD)
        assert arrivals(link, (start_s + 50) * S) == [Arrival(start_s * S + 1400 * MS, flow, 10)]


def test_a_queue_at_the_bottleneck_survives_the_outage_whole() -> None:
    road = LinkConditions(rate_up_bps=1_000_000)
    link = BottleneckLink(None, road)
    flow, other = link.open_flow(0), link.open_flow(0)
    link.enqueue(flow, UP, 0, 10 * 1448)
    link.enqueue(other, UP, 0, 10 * 1448)
    link.advance(24 * MS)
    link.set_conditions(30 * MS, down(road))
    assert link.next_due() is None
    link.set_conditions(90 * S, road)
    seen = arrivals(link, 300 * S)
    assert seen[0].at_ns >= 90 * S
    assert sum(arrival.n for arrival in seen) == 18 * 1448


def test_closing_a_stalled_flow_calls_its_retransmission_off() -> None:
    link = BottleneckLink(None)
    flow = link.open_flow(0)
    link.set_conditions(0, down(ROAD))
    link.enqueue(flow, UP, 0, 10)
    link.set_conditions(1 * S, ROAD)
    link.close_flow(flow)
    assert link.next_due() is None


class Coins:
    """Chance that falls as told: True loses the segment."""

    def __init__(self, *lost: bool) -> None:
        self._lost = list(lost)

    def random(self) -> float:
        return 0.0 if self._lost and self._lost.pop(0) else 0.999

    def uniform(self, a: float, b: float, /) -> float:
        return a

    def gauss(self, mu: float, sigma: float, /) -> float:
        return mu

    def lognormvariate(self, mu: float, sigma: float, /) -> float:
        return mu


def test_a_lost_segment_costs_its_time_out_and_its_bits_twice() -> None:
    road = LinkConditions(rate_up_bps=1_000_000, delay_up_ms=50, loss=0.1)
    link = BottleneckLink(Coins(True, False), road)
    flow = link.open_flow(0)
    link.enqueue(flow, UP, 0, 1448)
    assert arrivals(link, S) == [Arrival((12 + 250 + 12 + 50) * MS, flow, 1448)]


def test_a_segment_lost_twice_waits_twice_as_long_the_second_time() -> None:
    link = BottleneckLink(Coins(True, True, False), LinkConditions(loss=0.1))
    flow = link.open_flow(0)
    link.enqueue(flow, UP, 0, 10)
    assert arrivals(link, S) == [Arrival(600 * MS, flow, 10)]


def test_a_lost_segment_holds_back_what_is_behind_it_but_no_other_flow() -> None:
    link = BottleneckLink(Coins(True), LinkConditions(loss=0.1))
    flow, other = link.open_flow(0), link.open_flow(0)
    link.enqueue(flow, UP, 0, 3 * 1448)
    link.enqueue(other, UP, 0, 10)
    seen = arrivals(link, S)
    assert seen[0] == Arrival(0, other, 10)
    assert [arrival.at_ns for arrival in seen[1:]] == [200 * MS] * 3


@pytest.mark.parametrize("loss", [0.01, 0.1])
def test_the_share_of_lost_segments_is_the_configured_one(loss: float) -> None:
    link = BottleneckLink(Random("share"), LinkConditions(loss=loss))
    segments, late, at_ns = 4000, 0, 0
    for _ in range(segments):
        flow = link.open_flow(at_ns)
        link.enqueue(flow, UP, at_ns, 1)
        late += link.next_due() != at_ns
        link.close_flow(flow)
        at_ns += MS
    deviation = (loss * (1 - loss) / segments) ** 0.5
    assert late / segments == pytest.approx(loss, abs=4 * deviation)
