"""Session state, section 4.1: subscriptions, messages in flight, messages that wait."""

from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

from runtime.mqtt.broker.alarms import Alarm
from runtime.mqtt.broker.config import DropPolicy
from runtime.mqtt.broker.counts import Counts
from runtime.mqtt.publish import Publish
from runtime.mqtt.subscribe_packets import Subscription
from runtime.mqtt.wire import MAX_VARINT

_NEVER_NS: Final = 1 << 63
"""After the end of every Message Expiry Interval."""


class Road(Protocol):
    """The connection a session has at the moment."""

    def take_over(self, now_ns: int) -> None:
        """Another connection has come for the session: DISCONNECT with 0x8E and close [MQTT-3.1.4-3]."""

    def closed(self, now_ns: int) -> None:
        """The network connection is gone."""


class Session:
    """One client's session. It sends while `open_road` was called and neither `close_road` nor a full
    window says no; what cannot be sent waits in order, bounded by `max_queued`.

    QoS 1 messages are kept until their PUBACK, through as many connections as it takes, and are sent
    again with DUP, same identifier, in the original order [MQTT-4.4.0-1, MQTT-4.6.0-1]. QoS 0 messages
    wait only while the client is connected.
    """

    __slots__ = (
        "_counts",
        "_drop_policy",
        "_inflight",
        "_last_id",
        "_max_queued",
        "_queue",
        "_resend",
        "_soonest_ns",
        "_window",
        "_write",
        "client_id",
        "expiry",
        "expiry_s",
        "max_packet_size",
        "road",
        "subscriptions",
        "will",
        "will_delay",
        "will_delay_s",
    )

    def __init__(
        self,
        client_id: str,
        counts: Counts,
        max_queued: int,
        drop_policy: DropPolicy,
        on_expiry: Callable[[int], None],
        on_will_delay: Callable[[int], None],
    ) -> None:
        self.client_id = client_id
        self.subscriptions: dict[str, Subscription] = {}
        self.road: Road | None = None
        self.expiry_s = 0
        self.expiry = Alarm(on_expiry)
        self.will: Publish | None = None
        self.will_delay_s = 0
        self.will_delay = Alarm(on_will_delay)
        self.max_packet_size = MAX_VARINT
        self._counts = counts
        self._max_queued = max_queued
        self._drop_policy = drop_policy
        self._write: Callable[[bytes], None] | None = None
        self._window = 0
        self._inflight: dict[int, Publish] = {}
        self._resend: dict[int, Publish] = {}
        self._queue: deque[Publish] = deque()
        self._soonest_ns = _NEVER_NS
        self._last_id = 0

    @property
    def depth(self) -> int:
        """Messages held: in flight, to be sent again, and waiting."""
        return len(self._inflight) + len(self._resend) + len(self._queue)

    def begin(self, receive_maximum: int, max_packet_size: int) -> None:
        """A new connection: what was in flight must be sent again; at most `receive_maximum` at a time."""
        self._window = receive_maximum
        self.max_packet_size = max_packet_size
        self._resend = self._inflight | self._resend
        self._inflight = {}

    def open_road(self, write: Callable[[bytes], None], now_ns: int) -> None:
        """From now on send with `write`, first of all what waits."""
        self._write = write
        self._pump(now_ns)

    def close_road(self, *, connected: bool) -> None:
        """Send nothing for now: the client is slow or, not `connected`, gone."""
        self._write = None
        if not connected:
            self._queue = deque(message for message in self._queue if message.qos)

    def deliver(self, message: Publish, now_ns: int) -> None:
        """Send a message that has just arrived, or keep it for later."""
        write = self._write
        if write is None or self._queue:
            self._enqueue(message, now_ns)
            return
        if not message.qos:
            packet = message.head + message.tail
            if len(packet) <= self.max_packet_size:
                self._counts.messages_out += 1
                write(packet)
            else:
                self._counts.dropped += 1
            return
        inflight = self._inflight
        if len(inflight) >= self._window:
            self._enqueue(message, now_ns)
            return
        packet_id = self._last_id + 1
        if packet_id > 0xFFFF or packet_id in inflight:
            packet_id = self._free_id()
        packet = message.head + packet_id.to_bytes(2, "big") + message.tail
        if len(packet) > self.max_packet_size:
            self._counts.dropped += 1
            return
        self._last_id = packet_id
        inflight[packet_id] = message
        self._counts.messages_out += 1
        write(packet)

    def deliver_later(self, message: Publish, now_ns: int) -> None:
        """Send a message that has waited in the broker (retained), with what is left of its life."""
        self._enqueue(message, now_ns)
        self._pump(now_ns)

    def acknowledge(self, packet_id: int, now_ns: int) -> None:
        """PUBACK: the client has it. One for an identifier that is not in flight says nothing."""
        if self._inflight.pop(packet_id, None) is not None:
            self._counts.acknowledged += 1
            if self._queue or self._resend:
                self._pump(now_ns)

    def _enqueue(self, message: Publish, now_ns: int) -> None:
        if not message.qos and self.road is None:
            return
        queue = self._queue
        if len(queue) >= self._max_queued:
            if self._soonest_ns <= now_ns:
                self._drop_expired(now_ns)
            if len(queue) >= self._max_queued:
                self._counts.dropped += 1
                if self._drop_policy is DropPolicy.NEWEST or not queue:
                    return
                queue.popleft()
        queue.append(message)
        if message.expiry_at and message.expires_ns < self._soonest_ns:
            self._soonest_ns = message.expires_ns

    def _drop_expired(self, now_ns: int) -> None:
        """Walk the queue; `_soonest_ns` says before when that would be for nothing."""
        queue = self._queue
        soonest_ns = _NEVER_NS
        for _ in range(len(queue)):
            message = queue.popleft()
            if message.expiry_at and message.expires_ns <= now_ns:
                self._counts.expired += 1
                continue
            queue.append(message)
            if message.expiry_at and message.expires_ns < soonest_ns:
                soonest_ns = message.expires_ns
        self._soonest_ns = soonest_ns

    def _pump(self, now_ns: int) -> None:
        """Send what waits, in order, as long as road and window are open."""
        inflight, resend, queue, counts = self._inflight, self._resend, self._queue, self._counts
        while resend and self._write is not None and len(inflight) < self._window:
            packet_id = next(iter(resend))
            message = resend.pop(packet_id)
            packet = self._packet(message, packet_id, now_ns, duplicate=True)
            if len(packet) > self.max_packet_size:
                counts.dropped += 1
                continue
            inflight[packet_id] = message
            counts.messages_out += 1
            counts.redelivered += 1
            self._write(packet)
        while queue and self._write is not None:
            message = queue[0]
            if message.expiry_at and message.expires_ns <= now_ns:
                counts.expired += 1
                queue.popleft()
                continue
            if message.qos and len(inflight) >= self._window:
                return
            queue.popleft()
            packet_id = self._free_id() if message.qos else 0
            packet = self._packet(message, packet_id, now_ns)
            if len(packet) > self.max_packet_size:
                counts.dropped += 1
                continue
            if packet_id:
                self._last_id = packet_id
                inflight[packet_id] = message
            counts.messages_out += 1
            self._write(packet)

    @staticmethod
    def _packet(message: Publish, packet_id: int, now_ns: int, *, duplicate: bool = False) -> bytes:
        head = message.head
        if duplicate:
            head = bytes((head[0] | 0x08,)) + head[1:]
        identifier = packet_id.to_bytes(2, "big") if packet_id else b""
        return head + identifier + message.tail_at(now_ns)

    def _free_id(self) -> int:
        packet_id = self._last_id
        while True:
            packet_id = packet_id % 0xFFFF + 1
            if packet_id not in self._inflight:
                return packet_id
