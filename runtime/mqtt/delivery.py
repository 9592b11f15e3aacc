"""Delivery: the glue between a program's outbox and its MQTT session, so that nothing is lost.

Outgoing: a program commits its state change and `outbox.add(…)` in one transaction, then calls `wake`.
Entries are published in order, at most `window` unacknowledged, and deleted when their PUBACK has come.
After each CONNACK the entries that were under way are sent again, in order, with the same key. One that
cannot be published at all is put aside as if the broker had refused it: those behind it must not wait for it.

Incoming: `handler(message)` runs its transaction; when it has returned the message is acknowledged, so a
crash in between costs a repetition, which the inbox recognises, and never a message. A handler that raises
leaves its message unacknowledged, and the loop's exception handler is told.

The database calls here run inline, in virtual time as in real time. They touch one or a few rows by
primary key; moving them to a thread would let a transaction of the program interleave with them on its one
connection, and cost more than it saves. What is slow on purpose (a flush of the disk per delete) is the
price of not losing an order when the ignition cuts the power.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from heapq import heappop, heappush

from runtime.errors import NotConnectedError
from runtime.mqtt.errors import UnsendableError
from runtime.mqtt.outbox import Outbox, OutboxEntry
from runtime.mqtt.port import IncomingMessage, MqttPort
from runtime.ports import Clock, Timer

WINDOW = 20
"""How many messages may be under way at once, when the broker allows as many."""

REFUSED = 0x80
"""MQTT 5, section 2.4: reason codes from here on are refusals."""

UNHEARD = 0x10
"""MQTT 5, section 3.4.2.1: the broker had nobody to give the message to, now or later, and has dropped it."""

_READ_AHEAD = 256


@dataclass(slots=True)
class DeliveryCounts:
    """What has happened since this program started; a message sent again counts again."""

    published: int = 0
    acknowledged: int = 0
    refused: int = 0
    expired: int = 0
    received: int = 0
    failed: int = 0


def _ignore(*_: object) -> None:
    """A hook nobody has asked for."""


class Delivery:
    """MqttEvents for one program, over its `outbox`; `use` gives it the port made with it.

    clock       bench time: what has expired is not sent any more
    handler     takes one incoming message into effect, in one transaction, and returns
    window      most messages under way at once
    on_change   the outbox may have another depth now
    on_packet   an application message has passed: way ("up" or "down"), kind, key, payload bytes
    on_expired  an entry was dropped because its time is over
    on_refused  the broker refused an entry for good, or none can take it, with this reason code
    on_unheard  the broker has taken an entry and has nobody to give it to; a broker need not say so
    on_session  the session came up (True) or went down (False)
    on_trouble  there is no session, and why, in words; True when the broker refuses it, not the road

    `trouble` says the same at any time; it is empty while the session is up.
    """

    def __init__(
        self,
        outbox: Outbox,
        clock: Clock,
        handler: Callable[[IncomingMessage], None],
        *,
        window: int = WINDOW,
        on_change: Callable[[], None] = _ignore,
        on_packet: Callable[[str, str, str, int], None] = _ignore,
        on_expired: Callable[[OutboxEntry], None] = _ignore,
        on_refused: Callable[[OutboxEntry, int], None] = _ignore,
        on_unheard: Callable[[OutboxEntry], None] = _ignore,
        on_session: Callable[[bool], None] = _ignore,
        on_trouble: Callable[[str, bool], None] = _ignore,
    ) -> None:
        self.counts = DeliveryCounts()
        self.trouble = "Not connected yet"
        self._outbox = outbox
        self._clock = clock
        self._handler = handler
        self._window_max = window
        self._window = window
        self._on_change = on_change
        self._on_packet = on_packet
        self._on_expired = on_expired
        self._on_refused = on_refused
        self._on_unheard = on_unheard
        self._on_session = on_session
        self._on_trouble = on_trouble
        self._port: MqttPort | None = None
        self._in_flight: dict[int, OutboxEntry] = {}
        self._sent_seq = 0
        self._may_have_more = True
        self._is_awake = False
        self._known_seq = 0
        self._expiries: list[tuple[int, int]] = []
        self._expiry_timer: Timer | None = None

    def use(self, port: MqttPort) -> None:
        """Publish through `port`, which must have been made with this object as its events."""
        self._port = port

    @property
    def depth(self) -> int:
        """How many messages wait, those under way included."""
        return self._outbox.depth()

    @property
    def in_flight(self) -> int:
        """How many messages are published and not yet acknowledged on the present connection."""
        return len(self._in_flight)

    def wake(self) -> None:
        """A transaction has added to the outbox: send it.

        The reading happens in the loop's next turn, when no transaction can be open, and once for many calls.
        """
        self._may_have_more = True
        if not self._is_awake:
            self._is_awake = True
            asyncio.get_running_loop().call_soon(self._woken)

    def connected(self, session_present: bool, receive_maximum: int) -> None:
        """Begin again with the oldest entry: what was under way is unacknowledged."""
        self.trouble = ""
        self._in_flight.clear()
        self._sent_seq = 0
        self._may_have_more = True
        self._window = min(self._window_max, receive_maximum)
        self._on_session(True)
        self._woken()

    def disconnected(self, reason: str) -> None:
        """Keep everything; `connected` starts again."""
        self.trouble = reason
        self._in_flight.clear()
        # What was under way may expire before the road is back: look at everything again.
        self._known_seq = 0
        self._expiries.clear()
        self._learn_expiries()
        self._on_session(False)

    def connect_failed(self, reason: str, refused: bool) -> None:
        """Nothing changes but what is known of why."""
        self.trouble = reason
        self._on_trouble(reason, refused)

    def acknowledged(self, packet_id: int, reason_code: int) -> None:
        """The broker has the message, or refuses it for good."""
        entry = self._in_flight.pop(packet_id, None)
        if entry is None:
            return
        if reason_code < REFUSED:
            self._outbox.delete(entry.seq)
            self.counts.acknowledged += 1
            if reason_code == UNHEARD:
                self._on_unheard(entry)
        else:
            self._put_aside(entry, reason_code)
        self._on_change()
        if self._may_have_more:
            self._fill()

    def received(self, message: IncomingMessage) -> None:
        """Let the handler commit the message, then acknowledge it."""
        self.counts.received += 1
        self._tell_packet(message.topic, message.key, len(message.payload))
        try:
            self._handler(message)
        except Exception:
            self.counts.failed += 1
            raise
        message.acknowledge()

    def _woken(self) -> None:
        self._is_awake = False
        self._fill()
        if self._may_have_more:  # what is under way is the broker's to expire
            self._learn_expiries()
        self._on_change()

    def _fill(self) -> None:
        port = self._port
        if port is None:
            return
        in_flight = self._in_flight
        while self._may_have_more and port.is_connected:
            room = self._window - len(in_flight)
            if room <= 0:
                return
            entries = self._outbox.pending(self._sent_seq, room)
            self._may_have_more = len(entries) == room
            for entry in entries:
                message = entry.message
                if entry.expires_at_ms is not None:
                    left_ms = entry.expires_at_ms - self._clock.now_ms()
                    if left_ms <= 0:
                        self._sent_seq = entry.seq
                        self._drop(entry)
                        continue
                    message = message._replace(expiry_s=-(-left_ms // 1000))
                try:
                    packet_id = port.publish(message)
                except NotConnectedError:
                    self._may_have_more = True
                    return
                except UnsendableError as error:
                    self._sent_seq = entry.seq
                    self._put_aside(entry, error.reason_code)
                    continue
                self._sent_seq = entry.seq
                in_flight[packet_id] = entry
                self.counts.published += 1
                self._tell_packet(message.topic, message.key, len(message.payload))

    def _tell_packet(self, topic: str, key: str, size: int) -> None:
        if self._on_packet is not _ignore:
            _, way, kind = f"//{topic}".rsplit("/", 2)
            self._on_packet(way, kind, key, size)

    def _put_aside(self, entry: OutboxEntry, reason_code: int) -> None:
        self._outbox.dead_letter(entry.seq, reason_code)
        self.counts.refused += 1
        self._on_refused(entry, reason_code)

    def _drop(self, entry: OutboxEntry) -> None:
        self._outbox.delete(entry.seq)
        self.counts.expired += 1
        self._on_expired(entry)

    def _learn_expiries(self) -> None:
        """Note when the entries added since the last look expire, so that they end on time while offline."""
        is_at_end = False
        while not is_at_end:
            entries = self._outbox.pending(self._known_seq, _READ_AHEAD)
            is_at_end = len(entries) < _READ_AHEAD
            for entry in entries:
                self._known_seq = entry.seq
                if entry.expires_at_ms is not None:
                    heappush(self._expiries, (entry.expires_at_ms, entry.seq))
        self._set_expiry_timer()

    def _set_expiry_timer(self) -> None:
        if self._expiry_timer is not None:
            self._expiry_timer.cancel()
            self._expiry_timer = None
        if self._expiries:
            self._expiry_timer = self._clock.call_at(self._expiries[0][0], self._end_expired)

    def _end_expired(self) -> None:
        self._expiry_timer = None
        now_ms = self._clock.now_ms()
        # What is under way is the broker's to expire; `disconnected` looks at it again.
        under_way = {entry.seq for entry in self._in_flight.values()}
        dropped = False
        while self._expiries and self._expiries[0][0] <= now_ms:
            _, seq = heappop(self._expiries)
            if seq in under_way:
                continue
            for entry in self._outbox.pending(seq - 1, 1):
                if entry.seq == seq:
                    self._drop(entry)
                    dropped = True
        self._set_expiry_timer()
        if dropped:
            self._on_change()
