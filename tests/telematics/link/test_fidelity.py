"""What must hold whatever happens: no byte lost or invented, order, fairness, rate, repeatability."""

from dataclasses import dataclass, field
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.link import Delivered, Direction, LinkConditions
from telematics.link.model import BottleneckLink
from tests.telematics.link.scenes import MS, UP, S

GOODPUT = 1448 / 1500
"""Payload's share of full segments."""

CONDITIONS = st.builds(
    LinkConditions,
    up=st.sampled_from([True, True, True, False]),
    rate_up_bps=st.sampled_from([0, 9_600, 1_000_000, 50_000_000]),
    rate_down_bps=st.sampled_from([0, 64_000, 13_000_000]),
    delay_up_ms=st.sampled_from([0.0, 0.5, 40.0, 400.0]),
    delay_down_ms=st.sampled_from([0.0, 40.0]),
    loss=st.sampled_from([0.0, 0.0, 0.01, 0.3]),
    queue_ms=st.sampled_from([0, 50, 2000]),
)

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["offer", "offer", "offer", "conditions", "wait", "open", "close"]),
        st.integers(0, 5),
        st.sampled_from(list(Direction)),
        st.sampled_from([1, 50, 1448, 1449, 20_000, 300_000]),
        st.sampled_from([0, 1, 5 * MS, 300 * MS, 20 * S]),
        CONDITIONS,
    ),
    max_size=40,
)


@dataclass
class Ledger:
    """Bytes taken and delivered per flow and direction, and all that was said."""

    link: BottleneckLink
    taken: dict[tuple[int, Direction], int] = field(default_factory=dict)
    delivered: dict[tuple[int, Direction], int] = field(default_factory=dict)
    said: list[tuple[int, Delivered]] = field(default_factory=list)

    def advance(self, now_ns: int) -> None:
        for event in self.link.advance(now_ns):
            key = event.flow, event.direction
            self.delivered[key] = self.delivered.get(key, 0) + event.n
            self.said.append((now_ns, event))
            assert event.n > 0
            assert self.delivered[key] <= self.taken[key], "bytes were invented"

    def wait(self, now_ns: int, until_ns: int) -> None:
        while (due_ns := self.link.next_due()) is not None and due_ns <= until_ns:
            self.advance(max(due_ns, now_ns))
        self.advance(until_ns)


def play(seed: str, steps: list[tuple[str, int, Direction, int, int, LinkConditions]]) -> Ledger:
    link = BottleneckLink(Random(seed))
    ledger = Ledger(link)
    now_ns = 0
    flows = [link.open_flow(0)]
    for verb, which, direction, n, wait_ns, conditions in steps:
        flow = flows[which % len(flows)]
        if verb == "offer":
            taken = link.enqueue(flow, direction, now_ns, n)
            assert 0 <= taken <= n
            ledger.taken[flow, direction] = ledger.taken.get((flow, direction), 0) + taken
        elif verb == "conditions":
            ledger.advance(now_ns)
            link.set_conditions(now_ns, conditions)
        elif verb == "wait":
            ledger.wait(now_ns, now_ns + wait_ns)
            now_ns += wait_ns
        elif verb == "open":
            flows.append(link.open_flow(now_ns))
        elif len(flows) > 1:
            flows.remove(flow)
            link.close_flow(flow)
            for way in Direction:
                ledger.taken[flow, way] = ledger.delivered.get((flow, way), 0)
    link.set_conditions(now_ns, LinkConditions())
    ledger.wait(now_ns, now_ns + 3600 * S)
    return ledger


@given(steps=STEPS)
@settings(max_examples=150, deadline=None)
def test_no_byte_is_lost_or_invented(
    steps: list[tuple[str, int, Direction, int, int, LinkConditions]],
) -> None:
    ledger = play("conserve", steps)
    assert ledger.link.next_due() is None
    for key, taken in ledger.taken.items():
        assert ledger.delivered.get(key, 0) == taken


@given(steps=STEPS)
@settings(max_examples=50, deadline=None)
def test_the_same_seed_tells_the_same_story(
    steps: list[tuple[str, int, Direction, int, int, LinkConditions]],
) -> None:
    assert play("story", steps).said == play("story", steps).said


@given(
    sizes=st.lists(st.integers(1, 4000), min_size=1, max_size=20),
    changes=st.lists(CONDITIONS, min_size=1, max_size=5),
)
@settings(max_examples=60, deadline=None)
def test_looking_more_often_changes_no_arrival(sizes: list[int], changes: list[LinkConditions]) -> None:
    def story(extra_looks: bool) -> list[tuple[int, int]]:
        link = BottleneckLink(Random("looks"))
        flow = link.open_flow(0)
        total, seen, now_ns = 0, [], 0
        script = [(i * 7 * MS, n) for i, n in enumerate(sizes)]
        for i in range(400):
            now_ns = i * MS
            while (due_ns := link.next_due()) is not None and due_ns <= now_ns:
                total += sum(event.n for event in link.advance(due_ns))
                seen.append((due_ns, total))
            if i % 90 == 0 and i // 90 < len(changes):
                link.set_conditions(now_ns, changes[i // 90])
            for at_ns, n in script:
                if at_ns == now_ns:
                    link.enqueue(flow, UP, now_ns, n)
            if extra_looks:
                link.next_due()
                moved = sum(event.n for event in link.advance(now_ns))
                total += moved
                if moved:
                    seen.append((now_ns, total))
        return [
            moment for moment, before in zip(seen, [(0, 0), *seen], strict=False) if moment[1] != before[1]
        ]

    plain, busy = dict(story(False)), dict(story(True))
    assert plain == busy


def saturate(link: BottleneckLink, flows: list[int], seconds: int) -> dict[int, int]:
    """Offer more than fits on every flow for so long; payload bytes delivered per flow."""
    got = dict.fromkeys(flows, 0)
    now_ns = 0
    while now_ns < seconds * S:
        for flow in flows:
            link.enqueue(flow, UP, now_ns, 262_144)
        due_ns = link.next_due()
        assert due_ns is not None
        now_ns = max(due_ns, now_ns + MS)
        for event in link.advance(now_ns):
            got[event.flow] += event.n
    return got


@pytest.mark.parametrize("rate_bps", [1_000_000, 7_777_777, 50_000_000])
def test_the_rate_is_kept_within_half_a_percent(rate_bps: int) -> None:
    link = BottleneckLink(None, LinkConditions(rate_up_bps=rate_bps, queue_ms=200))
    flow = link.open_flow(0)
    got = saturate(link, [flow], 8)[flow]
    assert got * 8 / 8 == pytest.approx(rate_bps * GOODPUT, rel=0.005)


def test_four_flows_together_get_the_rate_and_each_a_quarter() -> None:
    link = BottleneckLink(None, LinkConditions(rate_up_bps=1_000_000))
    flows = [link.open_flow(0) for _ in range(4)]
    got = saturate(link, flows, 8)
    assert 0.95 <= sum(got.values()) * 8 / 8 / (1_000_000 * GOODPUT) <= 1.02
    for flow in flows:
        assert got[flow] == pytest.approx(sum(got.values()) / 4, rel=0.02)


def test_a_flow_that_comes_late_gets_its_share_at_once() -> None:
    link = BottleneckLink(None, LinkConditions(rate_up_bps=1_000_000))
    early, late = link.open_flow(0), link.open_flow(0)
    link.enqueue(early, UP, 0, 262_144)
    link.advance(S)
    link.enqueue(late, UP, S, 262_144)
    second = link.advance(2 * S)
    assert sum(e.n for e in second if e.flow == late) == pytest.approx(
        sum(e.n for e in second if e.flow == early), rel=0.05
    )


@pytest.mark.parametrize(("loss", "round_trip_ms"), [(0.01, 200), (0.1, 800)])
def test_loss_costs_throughput_as_the_square_root_law_says(loss: float, round_trip_ms: int) -> None:
    """Mathis et al. 1997: MSS / RTT * 1.22 / sqrt(p), within a factor of three."""
    half = round_trip_ms / 2
    link = BottleneckLink(
        Random("mathis"),
        LinkConditions(rate_up_bps=10_000_000, delay_up_ms=half, delay_down_ms=half, loss=loss),
    )
    flow = link.open_flow(0)
    got_bps = saturate(link, [flow], 120)[flow] * 8 / 120
    law_bps = 1448 * 8 / (round_trip_ms / 1000) * 1.22 / loss**0.5
    assert law_bps / 3 <= got_bps <= law_bps * 3.5
