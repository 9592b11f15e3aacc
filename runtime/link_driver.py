"""Drives a `LinkModel`: keeps its one timer, hands deliveries to the flows' sinks, wakes stalled senders.

The virtual network and the TCP relay use this same class, so a link behaves alike on every rig. It reads
no clock itself: `now_ns` and `call_at` are the transport clock of whichever loop runs it.
"""

from collections.abc import Callable
from typing import Protocol

from contracts.link import Delivered, Direction, LinkConditions, LinkModel
from runtime.ports import Timer

_DIRECTIONS = tuple(Direction)  # iterating an enum costs more than moving a segment


class FlowSink(Protocol):
    """What the owner of a flow is told. Called on the loop, never from within its own `offer`."""

    def delivered(self, direction: Direction, n: int) -> None:
        """The next `n` bytes that were offered in `direction` have reached the other end."""

    def writable(self, direction: Direction) -> None:
        """An `offer` in `direction` was not taken whole, and the link may have room again: offer the rest."""


class LinkDriver:
    """One link and all flows that cross it.

    The owner of a flow keeps the bytes; the link only knows their number. Bytes that `offer` took are
    delivered in order, each once, unless the flow is closed first.

    Args:
        link: the model. Nobody else may call its `advance`, `enqueue` or `set_conditions`.
        now_ns: transport time.
        call_at: asks for a callback at a transport instant in nanoseconds. It must run in a context
            that belongs to no program, so that the link outlives each of its users.
    """

    __slots__ = (
        "_call_at",
        "_due_ns",
        "_now_ns",
        "_outages",
        "_pumping",
        "_sinks",
        "_stalled",
        "_starved",
        "_timer",
        "_up",
        "link",
    )

    def __init__(
        self, link: LinkModel, now_ns: Callable[[], int], call_at: Callable[[int, Callable[[], None]], Timer]
    ) -> None:
        self.link = link
        self._now_ns = now_ns
        self._call_at = call_at
        self._sinks: dict[int, FlowSink] = {}
        self._timer: Timer | None = None
        self._due_ns: int | None = None
        self._pumping = False
        self._up = link.conditions.up
        self._outages = 0
        # Senders pushed back, per direction: those that got nothing go before those that got a part.
        self._starved: tuple[dict[int, None], dict[int, None]] = ({}, {})
        self._stalled: tuple[dict[int, None], dict[int, None]] = ({}, {})

    @property
    def is_up(self) -> bool:
        """Whether the link moves anything now; a SYN sent while it is not is lost."""
        return self._up

    @property
    def outages(self) -> int:
        """How often the link went down; a SYN that was under way then is lost."""
        return self._outages

    def open(self, sink: FlowSink) -> int:
        """A new flow whose deliveries go to `sink`; returns its number."""
        flow = self.link.open_flow(self._now_ns())
        self._sinks[flow] = sink
        return flow

    def hand_over(self, flow: int, sink: FlowSink) -> None:
        """From now on `sink` is told of `flow`: its handshake is done."""
        self._sinks[flow] = sink

    def close(self, flow: int) -> None:
        """Forget `flow`; its bytes under way vanish. Closing twice is harmless."""
        if self._sinks.pop(flow, None) is None:
            return
        for waiting in (*self._starved, *self._stalled):
            waiting.pop(flow, None)
        self.link.close_flow(flow)
        if not self._pumping:
            self._look_ahead()

    def offer(self, flow: int, direction: Direction, n: int) -> int:
        """Put `n` bytes on the link; returns how many it took.

        When it took fewer, the sink's `writable` is called once the link may have room.
        """
        taken = self.link.enqueue(flow, direction, self._now_ns(), n)
        if taken < n:
            (self._stalled if taken else self._starved)[direction][flow] = None
        if not self._pumping:
            due_ns = self.link.next_due()
            if due_ns is not None and (self._due_ns is None or due_ns < self._due_ns):
                self._arm(due_ns)
        return taken

    def set_conditions(self, conditions: LinkConditions) -> None:
        """From now on `conditions` hold, for all flows at once."""
        if not self._pumping:
            self._deliver(self.link.advance(self._now_ns()))
        self.link.set_conditions(self._now_ns(), conditions)
        self.changed()

    def changed(self) -> None:
        """The model's conditions were changed from outside: look at them again."""
        up = self.link.conditions.up
        if self._up and not up:
            self._outages += 1
        self._up = up
        self._pump()

    def stop(self) -> None:
        """Drop the timer and every flow: the link is gone."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._due_ns = None
        self._sinks.clear()

    def _look_ahead(self) -> None:
        """Have the timer ring no later than the model's next due time."""
        due_ns = self.link.next_due()
        # A timer that rings too early only looks and is set again.
        if due_ns is not None and (self._due_ns is None or due_ns < self._due_ns):
            self._arm(due_ns)

    def _arm(self, due_ns: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._due_ns = due_ns
        self._timer = self._call_at(due_ns, self._ring)

    def _ring(self) -> None:
        self._timer = self._due_ns = None
        self._pump()

    def _pump(self) -> None:
        if self._pumping:
            return  # the pump under way ends with what this one would do
        events = self.link.advance(self._now_ns())
        if events:
            self._deliver(events)
        starved, stalled = self._starved, self._stalled
        if starved[0] or starved[1] or stalled[0] or stalled[1]:
            self._pumping = True
            try:
                for direction in _DIRECTIONS:
                    self._wake(direction)
            finally:
                self._pumping = False
        due_ns = self.link.next_due()
        if due_ns is not None and (self._due_ns is None or due_ns < self._due_ns):
            self._arm(due_ns)

    def _deliver(self, events: list[Delivered]) -> None:
        was_pumping, self._pumping = self._pumping, True
        sinks = self._sinks
        try:
            for flow, direction, n in events:
                sink = sinks.get(flow)
                if sink is not None:
                    sink.delivered(direction, n)
        finally:
            self._pumping = was_pumping

    def _wake(self, direction: Direction) -> None:
        starved, stalled = self._starved[direction], self._stalled[direction]
        if not starved and not stalled:
            return
        waiting = [*starved, *stalled]
        starved.clear()
        stalled.clear()
        for flow in waiting:
            sink = self._sinks.get(flow)
            if sink is not None:
                sink.writable(direction)
