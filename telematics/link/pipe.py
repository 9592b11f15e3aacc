"""The two parts a link is made of: a pipe per direction, and a lane per flow and direction."""

from collections import deque

from contracts.link import SEGMENT_BYTES, Direction, LinkConditions

HEADER_BYTES = 52
"""What a segment costs beside its payload: IPv4 20 bytes, TCP 20, timestamps option with padding 12
(RFC 9293, RFC 7323). TLS records are payload: the relay sees ciphertext."""

WINDOW_BYTES = 1 << 20
"""How much one flow may have under way in one direction while the rate is unlimited: a TCP window."""

NS_PER_S = 1_000_000_000


class Lane:
    """One direction of one flow.

    waiting: bytes taken from the sender that are not on their way; in_flight: bytes that are;
    last_at_ns: when the newest of those arrives, which nothing behind it may overtake;
    rto_ns: the present time-out, 0 = none has run out since the last success;
    stalled: a segment was lost, and the lane is silent until its retransmission.
    """

    __slots__ = (
        "direction",
        "flow",
        "in_flight",
        "last_at_ns",
        "open",
        "pipe",
        "rto_ns",
        "stalled",
        "waiting",
    )

    def __init__(self, flow: int, pipe: "Pipe") -> None:
        self.flow = flow
        self.pipe = pipe
        self.direction = pipe.direction
        self.waiting = 0
        self.in_flight = 0
        self.last_at_ns = 0
        self.rto_ns = 0
        self.stalled = False
        self.open = True


Flight = tuple[int, int, Lane, int]
"""Bytes on their way: (arrives at, sequence, lane, n). Sequences are unique, so lanes are never compared."""


class Pipe:
    """One direction of the link: a single bottleneck that its lanes use in turn.

    free_ns is when the segment on the wire has left it; `current` is that segment, None when it was lost;
    pushed_back says that a sender was refused since the last `advance`; instant means that nothing
    needs scheduling: the link is up, the rate unlimited and no segment is lost.
    """

    __slots__ = (
        "current",
        "delay_ns",
        "direction",
        "free_ns",
        "instant",
        "lossless",
        "pushed_back",
        "queue_bytes",
        "rate_bps",
        "ring",
    )

    def __init__(self, direction: Direction) -> None:
        self.direction = direction
        self.ring: deque[Lane] = deque()
        self.free_ns = 0
        self.current: Flight | None = None
        self.pushed_back = False
        self.rate_bps = 0
        self.delay_ns = 0
        self.queue_bytes = 0
        self.instant = False
        self.lossless = False

    def configure(self, conditions: LinkConditions) -> None:
        """Take this direction's share of `conditions`."""
        if self.direction is Direction.UP:
            self.rate_bps = conditions.rate_up_bps
            delay_ms = conditions.delay_up_ms
        else:
            self.rate_bps = conditions.rate_down_bps
            delay_ms = conditions.delay_down_ms
        self.delay_ns = round(delay_ms * 1_000_000)
        wire_bytes = self.rate_bps * conditions.queue_ms // 8000
        self.queue_bytes = wire_bytes * SEGMENT_BYTES // (SEGMENT_BYTES + HEADER_BYTES)
        self.lossless = conditions.up and conditions.loss == 0
        self.instant = self.lossless and self.rate_bps == 0

    def serialisation_ns(self, n: int) -> int:
        """How long a segment of `n` payload bytes occupies the wire."""
        if not self.rate_bps:
            return 0
        return (n + HEADER_BYTES) * 8 * NS_PER_S // self.rate_bps

    def room(self, lane: Lane) -> int:
        """How many more bytes `lane` may queue.

        A byte waits for its own lane and, turn by turn, for the others: so each lane that is queueing
        has its share of the bound, and at least one segment. Without a rate nothing queues unless it
        is stalled; then the window bounds it.
        """
        if not self.rate_bps:
            return WINDOW_BYTES - lane.waiting - lane.in_flight
        sharers = len(self.ring) + (0 if lane.waiting and not lane.stalled else 1)
        return max(self.queue_bytes // sharers, SEGMENT_BYTES) - lane.waiting

    def join(self, lane: Lane, now_ns: int) -> None:
        """Let `lane` take its turns from `now_ns` on."""
        if not self.ring and self.free_ns < now_ns:
            self.free_ns = now_ns
        self.ring.append(lane)
