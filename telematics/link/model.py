"""The link model: one shared bottleneck per direction, scheduled at dequeue. Pure; integer nanoseconds.

Only counts of bytes pass through here; whoever drives the model keeps the bytes and moves as many as it
is told. What happens to a byte:

- It waits in its flow's lane. The bottleneck serves the lanes in turn, one segment of at most 1,448 bytes
  at a time; each costs its payload and 52 bytes of headers at the configured rate. It arrives one
  one-way delay after its segment has left the bottleneck, never before a byte sent earlier in its flow.
- With a rate, a sender is pushed back when its byte would wait longer than `queue_ms`; without one, when
  a window of 1 MiB is under way.
- A segment is lost with probability `loss`. It has used the bottleneck, and its lane, with all that is
  behind it, falls silent until the time-out runs out (retransmission.py): TCP's recovery by time-out.
  Nothing ever vanishes. Duplicate acknowledgements would be faster, a small window slower; the mean
  throughput at 1 % and 10 % loss lies within a factor of three of TCP's square-root law.
- While the link is not up nothing moves. What is on its way when it goes down is lost, and so is what is
  sent into the outage; each lane then tries again at RTO·(2^k - 1) after its oldest lost byte was sent, and
  moves at the first such instant at which the link is up. That is TCP's stall: the road is back before
  the data is. Lanes with nothing to retransmit use the link at once.

Conditions change for all flows at one instant: a segment that is on the wire then has the rest of its
bits sent at the new rate and flies with the new delay. Everything is decided in order of time, ties by
sequence; luck is drawn once per segment, only while `loss` is above 0.
"""

from heapq import heapify, heappop, heappush
from math import isfinite

from contracts.link import SEGMENT_BYTES, Delivered, Direction, LinkConditions
from telematics.errors import LinkConditionsError, UnknownFlowError
from telematics.link.pipe import HEADER_BYTES, NS_PER_S, WINDOW_BYTES, Flight, Lane, Pipe
from telematics.link.retransmission import backed_off_ns, first_rto_ns
from telematics.randomness import RandomStream

DEFAULT_CONDITIONS = LinkConditions()


class BottleneckLink:
    """A radio link as TCP feels it; implements `contracts.link.LinkModel`.

    random_stream is drawn from only while `loss` is above 0; None will do for a link that never loses.
    Raises LinkConditionsError for conditions no link can have.
    """

    __slots__ = (
        "_conditions",
        "_down",
        "_flights",
        "_lanes",
        "_pipes",
        "_random",
        "_retries",
        "_rto_ns",
        "_seq",
        "_up",
    )

    def __init__(
        self, random_stream: RandomStream | None, conditions: LinkConditions = DEFAULT_CONDITIONS
    ) -> None:
        self._random = random_stream
        self._up = Pipe(Direction.UP)
        self._down = Pipe(Direction.DOWN)
        self._pipes = (self._up, self._down)
        self._lanes: list[Lane | None] = []
        self._flights: list[Flight] = []
        self._retries: list[tuple[int, int, Lane]] = []
        self._seq = 0
        self._check(conditions)
        self._conditions = conditions
        self._rto_ns = first_rto_ns(conditions)
        for pipe in self._pipes:
            pipe.configure(conditions)

    @property
    def conditions(self) -> LinkConditions:
        """What holds now."""
        return self._conditions

    def open_flow(self, now_ns: int) -> int:
        """A new TCP connection over this link; flows are numbered from 0."""
        lanes = self._lanes
        flow = len(lanes) >> 1
        lanes.append(Lane(flow, self._up))
        lanes.append(Lane(flow, self._down))
        return flow

    def close_flow(self, flow: int) -> None:
        """Forget `flow`; closing twice does nothing.

        The segment on the wire, if it is this flow's, still ends its time there; nothing else does.
        """
        for index in (flow << 1 | Direction.UP, flow << 1 | Direction.DOWN):
            lane = self._lanes[index] if 0 <= index < len(self._lanes) else None
            if lane is None:
                continue
            self._lanes[index] = None
            lane.open = False
            if lane.waiting:
                lane.pipe.ring = type(lane.pipe.ring)(other for other in lane.pipe.ring if other is not lane)
            if lane.stalled:
                self._retries = [retry for retry in self._retries if retry[2] is not lane]
                heapify(self._retries)
            if lane.in_flight:
                self._flights = [flight for flight in self._flights if flight[2] is not lane]
                heapify(self._flights)
            if lane.pipe.current is not None and lane.pipe.current[2] is lane:
                lane.pipe.current = None

    def enqueue(self, flow: int, direction: Direction, now_ns: int, n: int) -> int:
        """Offer `n` bytes; returns how many were taken. Raises UnknownFlowError."""
        index = flow << 1 | direction
        lane = self._lanes[index] if 0 <= index < len(self._lanes) else None
        if lane is None:
            raise UnknownFlowError(flow)
        pipe = lane.pipe
        # The usual case, kept short: nothing waits, so the bytes leave now.
        if pipe.lossless and not lane.stalled and not pipe.ring and not self._retries and n > 0:
            if not pipe.rate_bps:
                if lane.in_flight + n <= WINDOW_BYTES:
                    at_ns = now_ns + pipe.delay_ns
                    if at_ns < lane.last_at_ns:
                        at_ns = lane.last_at_ns
                    lane.last_at_ns = at_ns
                    lane.in_flight += n
                    self._seq += 1
                    heappush(self._flights, (at_ns, self._seq, lane, n))
                    return n
            elif n <= SEGMENT_BYTES and pipe.free_ns <= now_ns:
                free_ns = now_ns + (n + HEADER_BYTES) * 8 * NS_PER_S // pipe.rate_bps
                at_ns = free_ns + pipe.delay_ns
                if at_ns < lane.last_at_ns:
                    at_ns = lane.last_at_ns
                lane.last_at_ns = at_ns
                lane.in_flight += n
                self._seq += 1
                pipe.free_ns = free_ns
                pipe.current = flight = (at_ns, self._seq, lane, n)
                heappush(self._flights, flight)
                return n
        return self._queue(lane, now_ns, n)

    def next_due(self) -> int | None:
        """When `advance` has something to say next, or None while nothing is under way.

        During an outage nothing is due: the driver is told of its end by `set_conditions`. After a sender
        was pushed back, the instant at which its lane's turn frees room is due, too.
        """
        due_ns = self._flights[0][0] if self._flights else None
        if self._up.ring or self._down.ring or self._retries:
            return self._next_turn(due_ns)
        return due_ns

    def advance(self, now_ns: int) -> list[Delivered]:
        """Move bytes up to `now_ns`; returns deliveries in order of time, ties by sequence."""
        if self._up.ring or self._down.ring or self._retries:
            self._run(now_ns)
            self._up.pushed_back = self._down.pushed_back = False
        flights = self._flights
        delivered = []
        while flights and flights[0][0] <= now_ns:
            _, _, lane, n = heappop(flights)
            lane.in_flight -= n
            delivered.append(Delivered(lane.flow, lane.direction, n))
        return delivered

    def set_conditions(self, now_ns: int, conditions: LinkConditions) -> None:
        """From `now_ns` on `conditions` hold, for all flows at once.

        Raises LinkConditionsError for conditions no link can have; then nothing changes.
        """
        self._check(conditions)
        self._run(now_ns - 1)
        was = self._conditions
        self._conditions = conditions
        if conditions.up:
            self._rto_ns = first_rto_ns(conditions)
        if was.up and not conditions.up:
            self._go_down(now_ns)
        for pipe in self._pipes:
            old_rate_bps, old_delay_ns = pipe.rate_bps, pipe.delay_ns
            pipe.configure(conditions)
            if pipe.free_ns > now_ns and (pipe.rate_bps, pipe.delay_ns) != (old_rate_bps, old_delay_ns):
                self._bend(pipe, now_ns, old_rate_bps)
        self._run(now_ns)

    def _check(self, conditions: LinkConditions) -> None:
        for field in ("rate_up_bps", "rate_down_bps", "delay_up_ms", "delay_down_ms", "queue_ms"):
            value = getattr(conditions, field)
            if value < 0:
                raise LinkConditionsError(field, "must not be negative")
            if not isfinite(value):
                raise LinkConditionsError(field, f"must be a finite number, not {value}")
        if not 0 <= conditions.loss <= 1:
            raise LinkConditionsError("loss", f"must be between 0 and 1, not {conditions.loss}")
        if conditions.loss and self._random is None:
            raise LinkConditionsError("loss", "this link was made without a random stream; give it one")

    def _queue(self, lane: Lane, now_ns: int, n: int) -> int:
        """Take into `lane` what its bound allows, and let time run up to now."""
        self._run(now_ns)
        pipe = lane.pipe
        taken = min(n, pipe.room(lane))
        if taken < n:
            pipe.pushed_back = True
        if taken <= 0:
            return 0
        if not lane.waiting and not lane.stalled:
            if self._conditions.up:
                pipe.join(lane, now_ns)
            else:
                self._stall(lane, now_ns)
        lane.waiting += taken
        self._run(now_ns)
        return taken

    def _next_turn(self, due_ns: int | None) -> int | None:
        """The earliest of `due_ns` and what lanes that wait may bring."""
        if not self._conditions.up:
            return due_ns
        if self._retries and (due_ns is None or self._retries[0][0] < due_ns):
            due_ns = self._retries[0][0]
        for pipe in self._pipes:
            if pipe.ring:
                turn_ns = pipe.free_ns if pipe.pushed_back else pipe.free_ns + pipe.delay_ns
                if due_ns is None or turn_ns < due_ns:
                    due_ns = turn_ns
        return due_ns

    def _run(self, now_ns: int) -> None:
        """Let retransmissions and turns at the bottlenecks happen up to `now_ns`, in order of time."""
        up, down = self._up, self._down
        while True:
            pipe = None
            at_ns = now_ns + 1
            if up.ring and up.free_ns < at_ns:
                pipe, at_ns = up, up.free_ns
            if down.ring and down.free_ns < at_ns:
                pipe, at_ns = down, down.free_ns
            if self._retries and self._retries[0][0] <= at_ns and self._retries[0][0] <= now_ns:
                retry_ns, _, lane = heappop(self._retries)
                self._retry(lane, retry_ns)
            elif pipe is None:
                return
            else:
                self._send(pipe, at_ns)

    def _send(self, pipe: Pipe, now_ns: int) -> None:
        """Put the next lane's segment on the wire."""
        lane = pipe.ring.popleft()
        n = lane.waiting if pipe.instant else min(lane.waiting, SEGMENT_BYTES)
        pipe.free_ns = free_ns = now_ns + pipe.serialisation_ns(n)
        if not pipe.lossless and self._random is not None and self._random.random() < self._conditions.loss:
            pipe.current = None
            self._stall(lane, free_ns)
            return
        lane.rto_ns = 0
        lane.waiting -= n
        if lane.waiting:
            pipe.ring.append(lane)
        pipe.current = self._launch(lane, free_ns + pipe.delay_ns, n)

    def _launch(self, lane: Lane, at_ns: int, n: int) -> Flight:
        """Let `n` bytes arrive at `at_ns`, but never before what was sent earlier in their lane."""
        lane.last_at_ns = at_ns = max(at_ns, lane.last_at_ns)
        lane.in_flight += n
        self._seq += 1
        flight = (at_ns, self._seq, lane, n)
        heappush(self._flights, flight)
        return flight

    def _stall(self, lane: Lane, sent_ns: int) -> None:
        """A segment of `lane`, sent at `sent_ns`, is lost: silent until its time-out runs out."""
        lane.stalled = True
        lane.rto_ns = backed_off_ns(lane.rto_ns) if lane.rto_ns else self._rto_ns
        self._seq += 1
        heappush(self._retries, (sent_ns + lane.rto_ns, self._seq, lane))

    def _retry(self, lane: Lane, now_ns: int) -> None:
        """The time-out of `lane` has run out: send again, into an outage or not."""
        if self._conditions.up:
            lane.stalled = False
            lane.pipe.join(lane, now_ns)
        else:
            self._stall(lane, now_ns)

    def _go_down(self, now_ns: int) -> None:
        """What has not arrived by now is lost, and what waits is sent into the outage."""
        arrived: list[Flight] = []
        oldest_sent_ns: dict[Lane, int] = {}
        for flight in sorted(self._flights):
            at_ns, _, lane, n = flight
            if at_ns <= now_ns:
                arrived.append(flight)
                continue
            lane.in_flight -= n
            lane.waiting += n
            lane.last_at_ns = now_ns
            oldest_sent_ns.setdefault(lane, min(at_ns - lane.pipe.delay_ns, now_ns))
        self._flights = arrived
        for pipe in self._pipes:
            for lane in pipe.ring:
                oldest_sent_ns.setdefault(lane, now_ns)
            pipe.ring.clear()
            pipe.current = None
            pipe.free_ns = now_ns
        for lane, sent_ns in oldest_sent_ns.items():
            if not lane.stalled:
                self._stall(lane, sent_ns)

    def _bend(self, pipe: Pipe, now_ns: int, old_rate_bps: int) -> None:
        """Send the rest of the segment on the wire at the new rate, and let it fly with the new delay."""
        rest_ns = pipe.free_ns - now_ns
        pipe.free_ns = now_ns + (rest_ns * old_rate_bps // pipe.rate_bps if pipe.rate_bps else 0)
        if pipe.current is None:
            return
        _, _, lane, n = pipe.current
        self._flights.remove(pipe.current)
        heapify(self._flights)
        lane.in_flight -= n
        lane.last_at_ns = max((flight[0] for flight in self._flights if flight[2] is lane), default=now_ns)
        pipe.current = self._launch(lane, pipe.free_ns + pipe.delay_ns, n)
