"""What a virtual connection crosses: a modelled link, or a wire with nothing but a delay."""

from collections.abc import Callable
from contextvars import Context
from typing import Protocol

from contracts.link import Direction
from runtime.link_driver import FlowSink, LinkDriver
from runtime.virtual_loop import VirtualLoop


class Path(Protocol):
    """One connection's way; keeps order, loses nothing unless it is closed."""

    @property
    def is_up(self) -> bool:
        """Whether a segment sent now has any chance."""

    @property
    def outages(self) -> int:
        """Changes when the path goes down: what is compared to tell whether a SYN got lost."""

    def offer(self, direction: Direction, n: int) -> int:
        """Put `n` bytes on the way; returns how many were taken."""

    def hand_over(self, sink: FlowSink) -> None:
        """From now on `sink` is told of deliveries."""

    def close(self) -> None:
        """What is under way vanishes."""


PathOpener = Callable[[FlowSink], Path]


class LinkPath:
    """One flow of a modelled link."""

    __slots__ = ("_driver", "_flow")

    def __init__(self, driver: LinkDriver, sink: FlowSink) -> None:
        self._driver = driver
        self._flow = driver.open(sink)

    @property
    def is_up(self) -> bool:
        """Whether the link moves anything now."""
        return self._driver.is_up

    @property
    def outages(self) -> int:
        """How often the link went down."""
        return self._driver.outages

    def offer(self, direction: Direction, n: int) -> int:
        """Put `n` bytes on the link."""
        return self._driver.offer(self._flow, direction, n)

    def hand_over(self, sink: FlowSink) -> None:
        """From now on `sink` is told of deliveries."""
        self._driver.hand_over(self._flow, sink)

    def close(self) -> None:
        """Close the flow."""
        self._driver.close(self._flow)


class Wire:
    """A constant delay and no bound.

    Args:
        loop: whose time it takes.
        delay_ns: one way.
        context: what its timers run in; no program's.
        sink: who is told of deliveries.
    """

    __slots__ = ("_context", "_delay_ns", "_loop", "_sink")

    is_up = True
    outages = 0

    def __init__(self, loop: VirtualLoop, delay_ns: int, context: Context, sink: FlowSink) -> None:
        self._loop = loop
        self._delay_ns = delay_ns
        self._context = context
        self._sink: FlowSink | None = sink

    def offer(self, direction: Direction, n: int) -> int:
        """Deliver `n` bytes after the delay."""
        loop = self._loop
        loop.call_at_ns(loop.time_ns() + self._delay_ns, self._deliver, direction, n, context=self._context)
        return n

    def hand_over(self, sink: FlowSink) -> None:
        """From now on `sink` is told of deliveries."""
        self._sink = sink

    def close(self) -> None:
        """What is under way vanishes."""
        self._sink = None

    def _deliver(self, direction: Direction, n: int) -> None:
        if self._sink is not None:
            self._sink.delivered(direction, n)
