"""Small stories for links: drive a model as its driver would, and say when bytes arrived."""

from typing import NamedTuple

from contracts.link import Direction, LinkConditions
from telematics.link.model import BottleneckLink

MS = 1_000_000
S = 1_000_000_000

UP = Direction.UP
DOWN = Direction.DOWN


class Arrival(NamedTuple):
    """`n` bytes of `flow` arrived at `at_ns`."""

    at_ns: int
    flow: int
    n: int


def arrivals(link: BottleneckLink, until_ns: int) -> list[Arrival]:
    """Advance at every due instant up to and including `until_ns`."""
    seen = []
    while (due_ns := link.next_due()) is not None and due_ns <= until_ns:
        seen += [Arrival(due_ns, event.flow, event.n) for event in link.advance(due_ns)]
    link.advance(until_ns)
    return seen


def down(conditions: LinkConditions) -> LinkConditions:
    """The same road, closed."""
    return LinkConditions(
        up=False,
        rate_up_bps=conditions.rate_up_bps,
        rate_down_bps=conditions.rate_down_bps,
        delay_up_ms=conditions.delay_up_ms,
        delay_down_ms=conditions.delay_down_ms,
        loss=conditions.loss,
        queue_ms=conditions.queue_ms,
    )
