"""Session state, section 4.1: subscriptions, messages in flight, messages that wait."""

from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

from runtime.mqtt.ack_packets import PUBREL, encode_ack
from runtime.mqtt.broker.alarms import Alarm
from runtime.mqtt.broker.backlog import AT_ONCE, Backlog
from runtime.mqtt.broker.config import DropPolicy
from runtime.mqtt.broker.counts import Counts
from runtime.mqtt.broker.ledger import Ledger, OwnedPublish, Release
from runtime.mqtt.broker.wire_form import WireForm
from runtime.mqtt.errors import protocol_error
from runtime.mqtt.publish import Publish
from runtime.mqtt.reason_codes import ReasonCode
from runtime.mqtt.subscribe_packets import Subscription
from runtime.mqtt.wire import MAX_VARINT

_NEVER_NS: Final = 1 << 63
"""After the end of every Message Expiry Interval."""
_PER_ACKNOWLEDGEMENT: Final = 2
"""Messages that leave for one acknowledgement: into its place, and one more that needs none."""
_NOTHING: Final[deque[Publish]] = deque(maxlen=0)
"""The queue of a session that has never had one: an empty deque of its own takes 760 bytes."""


class Road(Protocol):
    """The connection a session has at the moment."""

    def take_over(self, now_ns: int) -> None:
        """Another connection has come for the session: DISCONNECT with 0x8E and close [MQTT-3.1.4-3]."""

    def closed(self, now_ns: int) -> None:
        """The network connection is gone."""


class Session:
    """One client's session. It sends while `open_road` was called and neither `close_road` nor a full
    window says no; what cannot be sent waits in order, bounded by `max_queued`.

    QoS 1 messages are kept until their PUBACK, QoS 2 messages until PUBREC and their identifiers until
    PUBCOMP, through as many connections as it takes; they are sent again with DUP, same identifier, in
    the original order [MQTT-4.4.0-1, MQTT-4.6.0-1]. QoS 0 messages wait only while the client is connected,
    unless `keeps_qos_0`.
    """

    __slots__ = (
        "_backlog",
        "_counts",
        "_drop_policy",
        "_form",
        "_incoming",
        "_inflight",
        "_is_plain",
        "_keeps_qos_0",
        "_last_id",
        "_ledger",
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
        backlog: Backlog,
        ledger: Ledger | None = None,
        *,
        keeps_qos_0: bool = False,
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
        self._backlog = backlog
        self._counts = counts
        self._max_queued = max_queued
        self._drop_policy = drop_policy
        self._keeps_qos_0 = keeps_qos_0
        self._ledger = ledger
        self._form: WireForm | None = None
        self._is_plain = ledger is None
        self._write: Callable[[bytes], None] | None = None
        self._window = 0
        self._inflight: dict[int, Publish | Release] = {}
        self._resend: dict[int, Publish | Release] = {}  # the last one first: it is emptied from its end
        self._queue = _NOTHING
        self._incoming: dict[int, None] = {}
        self._soonest_ns = _NEVER_NS
        self._last_id = 0

    @property
    def depth(self) -> int:
        """Messages held: in flight, to be sent again, and waiting."""
        return len(self._inflight) + len(self._resend) + len(self._queue)

    @property
    def is_free(self) -> bool:
        """Whether a message would go out at once."""
        return self._write is not None and not self._queue and len(self._inflight) < self._window

    @property
    def incoming(self) -> int:
        """QoS 2 messages the client has sent and not released yet."""
        return len(self._incoming)

    def begin(self, receive_maximum: int, max_packet_size: int, form: WireForm | None = None) -> None:
        """A new connection: what was in flight must be sent again; at most `receive_maximum` at a time."""
        self._window = receive_maximum
        self.max_packet_size = max_packet_size
        self._form = form
        self._is_plain = form is None and self._ledger is None
        self._resend.update(reversed(self._inflight.items()))
        self._inflight = {}

    def open_road(self, write: Callable[[bytes], None], now_ns: int) -> None:
        """From now on send with `write`, first of all what waits."""
        self._write = write
        self._pump(now_ns)

    def close_road(self, *, connected: bool) -> None:
        """Send nothing for now: the client is slow or, not `connected`, gone."""
        self._write = None
        if not connected and not self._keeps_qos_0:
            self._queue = deque(message for message in self._queue if message.qos) or _NOTHING

    def catch_up(self, now_ns: int) -> None:
        """Send more of what waits."""
        self._pump(now_ns)

    # Messages for the client

    def deliver(self, message: Publish, now_ns: int) -> None:
        """Send a message that has just arrived, or keep it for later."""
        write = self._write
        if write is None or self._queue:
            self._enqueue(message, now_ns)
            return
        if not self._is_plain:
            self._deliver_formed(message, now_ns)
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
        if packet_id > 0xFFFF or packet_id in inflight or packet_id in self._resend:
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
        """Send a message that may have waited in the broker (retained), with what is left of its life."""
        self._enqueue(message, now_ns)
        self._pump(now_ns)

    def acknowledge(self, packet_id: int, now_ns: int) -> None:
        """PUBACK: the client has it. One for an identifier that is not in flight says nothing.

        Raises MqttProtocolError 0x82 when the message was sent at QoS 2.
        """
        message = self._inflight.get(packet_id)
        if message is None:
            return
        if isinstance(message, Release) or message.qos != 1:
            raise protocol_error(f"PUBACK for message {packet_id}, which was sent at QoS 2")
        self._finish(packet_id, now_ns)

    def received(self, packet_id: int, reason_code: int, now_ns: int) -> ReasonCode | None:
        """PUBREC: what PUBREL is to say (section 4.3.3), None when none is due: the client refused it.

        Raises MqttProtocolError 0x82 when the message was sent at QoS 1.
        """
        message = self._inflight.get(packet_id)
        if message is None:
            return None if reason_code >= 0x80 else ReasonCode.PACKET_IDENTIFIER_NOT_FOUND
        if isinstance(message, Release):
            return ReasonCode.SUCCESS
        if message.qos != 2:
            raise protocol_error(f"PUBREC for message {packet_id}, which was sent at QoS 1")
        if reason_code >= 0x80:
            self._finish(packet_id, now_ns)
            return None
        row = 0
        if self._ledger is not None and isinstance(message, OwnedPublish):
            row = message.row
            self._ledger.released(row)
        self._inflight[packet_id] = Release(row)
        return ReasonCode.SUCCESS

    def complete(self, packet_id: int, now_ns: int) -> None:
        """PUBCOMP: the identifier is free again."""
        if isinstance(self._inflight.get(packet_id), Release):
            self._finish(packet_id, now_ns)

    def unfinished_shared(self) -> list[OwnedPublish]:
        """What was drawn for a shared subscription and may go to another session when this one ends.

        A QoS 2 message that was sent may not [MQTT-4.8.2-5].
        """
        sent = (*self._inflight.values(), *reversed(self._resend.values()))
        candidates = [*(each for each in sent if isinstance(each, Publish) and each.qos == 1), *self._queue]
        return [each for each in candidates if isinstance(each, OwnedPublish) and each.group_key]

    # Messages from the client

    def is_repeated(self, packet_id: int) -> bool:
        """Whether a QoS 2 message under this identifier was received and not released yet."""
        return packet_id in self._incoming

    def receive(self, packet_id: int) -> None:
        """A QoS 2 message was taken over: until PUBREL the identifier stands for it."""
        self._incoming[packet_id] = None
        if self._ledger is not None:
            self._ledger.incoming(self.client_id, packet_id, is_open=True)

    def release(self, packet_id: int) -> bool:
        """PUBREL: forget the identifier; False when it was not known."""
        if packet_id not in self._incoming:
            return False
        del self._incoming[packet_id]
        if self._ledger is not None:
            self._ledger.incoming(self.client_id, packet_id, is_open=False)
        return True

    # What a ledger gives back

    def restore(self, queue: list[Publish], sent: dict[int, Publish | Release], incoming: list[int]) -> None:
        """Take up what was written down before the broker stopped."""
        self._queue = deque(queue) or _NOTHING
        for message in queue:
            if message.expiry_at and message.expires_ns < self._soonest_ns:
                self._soonest_ns = message.expires_ns
        self._resend = dict(reversed(sent.items()))
        self._incoming = dict.fromkeys(incoming)
        self._last_id = max(sent, default=0)

    # Inside

    def _finish(self, packet_id: int, now_ns: int) -> None:
        message = self._inflight.pop(packet_id)
        if self._ledger is not None:
            self._forget(message)
        self._counts.acknowledged += 1
        if self._queue or self._resend:
            self._pump(now_ns, _PER_ACKNOWLEDGEMENT)

    def _forget(self, message: Publish | Release) -> None:
        if self._ledger is not None and isinstance(message, OwnedPublish | Release) and message.row:
            self._ledger.done(message.row)

    def _enqueue(self, message: Publish, now_ns: int) -> None:
        if not message.qos and self.road is None and not self._keeps_qos_0:
            return
        queue = self._queue
        if len(queue) >= self._max_queued:
            if self._soonest_ns <= now_ns:
                self._drop_expired(now_ns)
            if len(queue) >= self._max_queued:
                self._counts.dropped += 1
                if self._drop_policy is DropPolicy.NEWEST or not queue:
                    return
                self._forget(queue.popleft())
        if self._ledger is not None and message.qos:
            message = self._ledger.keep(self.client_id, message)
        if queue is _NOTHING:
            queue = self._queue = deque()
        queue.append(message)
        if message.expiry_at and message.expires_ns < self._soonest_ns:
            self._soonest_ns = message.expires_ns

    def _deliver_formed(self, message: Publish, now_ns: int) -> None:
        """The same as `deliver` for a session with a form or a ledger."""
        if not message.qos:
            self._send(message, 0, now_ns)
        elif len(self._inflight) >= self._window:
            self._enqueue(message, now_ns)
        else:
            if self._ledger is not None:
                message = self._ledger.keep(self.client_id, message)
            self._send(message, self._free_id(), now_ns)

    def _drop_expired(self, now_ns: int) -> None:
        """Walk the queue; `_soonest_ns` says before when that would be for nothing."""
        queue = self._queue
        soonest_ns = _NEVER_NS
        for _ in range(len(queue)):
            message = queue.popleft()
            if message.expiry_at and message.expires_ns <= now_ns:
                self._counts.expired += 1
                self._forget(message)
                continue
            queue.append(message)
            if message.expiry_at and message.expires_ns < soonest_ns:
                soonest_ns = message.expires_ns
        self._soonest_ns = soonest_ns

    def _pump(self, now_ns: int, at_once: int = AT_ONCE) -> None:
        """Send what waits, in order, as long as road and window are open; the backlog has it go on later."""
        left = at_once
        while self._resend and self._write is not None and len(self._inflight) < self._window:
            if not left:
                self._backlog.add(self, now_ns)
                return
            left -= 1
            packet_id, message = self._resend.popitem()
            if isinstance(message, Release):
                self._inflight[packet_id] = message
                self._write(encode_ack(PUBREL, packet_id))
            else:
                self._send(message, packet_id, now_ns, duplicate=True)
        queue = self._queue
        while queue and self._write is not None:
            message = queue[0]
            has_ended = message.expiry_at and message.expires_ns <= now_ns
            if message.qos and len(self._inflight) >= self._window and not has_ended:
                return
            if not left:
                self._backlog.add(self, now_ns)
                return
            left -= 1
            queue.popleft()
            if has_ended:
                self._counts.expired += 1
                self._forget(message)
            else:
                self._send(message, self._free_id() if message.qos else 0, now_ns)

    def _send(self, message: Publish, packet_id: int, now_ns: int, *, duplicate: bool = False) -> None:
        write = self._write
        packet = self._packet(message, packet_id, now_ns, duplicate=duplicate)
        if len(packet) > self.max_packet_size or write is None:
            self._counts.dropped += 1
            self._forget(message)
            return
        if packet_id:
            self._inflight[packet_id] = message
            if duplicate:
                self._counts.redelivered += 1
            else:
                self._last_id = packet_id
                if self._ledger is not None and isinstance(message, OwnedPublish):
                    self._ledger.sent(message.row, packet_id, message.qos)
        self._counts.messages_out += 1
        write(packet)

    def _packet(self, message: Publish, packet_id: int, now_ns: int, *, duplicate: bool) -> bytes:
        tail = message.tail_at(now_ns)
        if self._form is not None:
            return self._form.packet(message, packet_id, tail, duplicate=duplicate)
        head = message.head
        if duplicate:
            head = bytes((head[0] | 0x08,)) + head[1:]
        return head + (packet_id.to_bytes(2, "big") if packet_id else b"") + tail

    def _free_id(self) -> int:
        packet_id = self._last_id
        while True:
            packet_id = packet_id % 0xFFFF + 1
            if packet_id not in self._inflight and packet_id not in self._resend:
                return packet_id
