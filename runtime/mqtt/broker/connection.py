"""One network connection as the broker sees it: CONNECT, then the packets of its session."""

from collections.abc import Callable, Iterator
from enum import Enum, auto
from typing import Final

from runtime.mqtt.ack_packets import PUBCOMP, PUBREC, PUBREL, encode_ack
from runtime.mqtt.broker.alarms import Alarm, Alarms
from runtime.mqtt.broker.connecting import announcement, read_connect, refusal
from runtime.mqtt.broker.intake import check_long, take_specially
from runtime.mqtt.broker.ports import Home, Sink
from runtime.mqtt.broker.router import SYSTEM_TOPICS, Router
from runtime.mqtt.broker.session import Session
from runtime.mqtt.errors import MqttProtocolError, malformed, protocol_error
from runtime.mqtt.packets import (
    MQTT_5,
    PINGRESP,
    Connack,
    Disconnect,
    PacketReader,
    PacketType,
    PropertyId,
    Puback,
    Pubcomp,
    Publish,
    Pubrec,
    Pubrel,
    ReasonCode,
    Suback,
    Subscribe,
    TopicAliases,
    Unsuback,
    Unsubscribe,
)
from runtime.mqtt.publish import NS_PER_S, encode_puback, read_publish, read_publish_3_1_1
from runtime.mqtt.wire import Cursor

_UNASKED: Final = 8
"""Short packets after which it is asked whether a turn is over: to ask costs about as much as a PINGREQ."""
_LONG: Final = 512
"""Bytes from which on one packet may cost as much as many."""


class _State(Enum):
    AWAITING_CONNECT = auto()
    CONNECTED = auto()
    CONNECTED_3_1_1 = auto()
    CLOSED = auto()


class Connection:
    """Told bytes and instants by its shell; answers through its `Sink`.

    State and first byte of a packet choose the handler from `_HANDLERS`; a pair that is not listed is
    refused with the reason code of section 4.13 and ends the connection.
    """

    __slots__ = (
        "_alarm",
        "_alarms",
        "_aliases",
        "_config",
        "_counts",
        "_faults",
        "_grace_ns",
        "_handlers",
        "_left",
        "_level",
        "_paid_until_ns",
        "_paused",
        "_reader",
        "_router",
        "_session",
        "_sessions",
        "_sink",
        "_state",
        "_unsent_acks",
        "_write",
    )

    def __init__(self, home: Home, router: Router, alarms: Alarms, sink: Sink, now_ns: int) -> None:
        self._config = home.config
        self._counts = home.counts
        self._faults = home.faults
        self._sessions = home.sessions
        self._router = router
        self._alarms = alarms
        self._sink = sink
        self._write = sink.write
        self._reader = PacketReader(min(home.config.max_connect_size, home.config.max_packet_size))
        self._left: Iterator[tuple[bytes, int]] | None = None
        self._level = MQTT_5
        self._aliases = TopicAliases(home.config.topic_alias_maximum)
        self._enter(_State.AWAITING_CONNECT)
        self._session: Session | None = None
        self._paused = False
        self._unsent_acks = 0
        self._paid_until_ns = 0
        self._grace_ns = 0
        self._alarm = Alarm(self._time_out)
        alarms.set(self._alarm, now_ns + home.config.connect_timeout_s * NS_PER_S)

    @property
    def client_id(self) -> str:
        """The client identifier, empty before CONNECT."""
        return "" if self._session is None else self._session.client_id

    def receive(self, now_ns: int, data: bytes, is_over: Callable[[], bool] = lambda: False) -> bool:
        """Bytes have arrived; b"" goes on with what was left of others.

        `is_over` is asked every few packets whether the turn is. Returns whether packets are left then: they
        come before any other bytes.
        """
        packets = 0
        frames = self._reader.frames(data) if data else self._left or iter(())
        self._left = None
        try:
            for packet, at in frames:
                packets += 1
                if is_long := len(packet) > _LONG:
                    check_long(packet, at, self._level, self._config)
                handler = self._handlers.get(packet[0])
                if handler is None:
                    self._misplaced(packet[0])
                else:
                    handler(self, now_ns, packet, at)
                if self._grace_ns:
                    self._alarm.due_ns = now_ns + self._grace_ns
                if (is_long or not packets % _UNASKED) and is_over() and self._state is not _State.CLOSED:
                    self._left = frames
                    break
            if self._config.max_packet_rate_hz:
                self._pay(packets, now_ns)
        except MqttProtocolError as error:
            self._counts.refused += 1
            self._fail(now_ns, error.reason_code)
        return self._left is not None

    def closed(self, now_ns: int) -> None:
        """The network connection is gone, orderly or not."""
        self._end(now_ns)

    def pause(self) -> None:
        """The peer is slow: what is written from now on would only pile up."""
        self._paused = True
        if self._session is not None:
            self._session.close_road(connected=True)

    def resume(self, now_ns: int) -> None:
        """What was written has left."""
        self._paused = False
        self._unsent_acks = 0
        if self._session is not None:
            self._session.open_road(self._write, now_ns)

    @property
    def _receive_maximum(self) -> int:
        """What may be unacknowledged: in MQTT 3.1.1, which has no way to announce less, everything."""
        return self._config.receive_maximum if self._level == MQTT_5 else 0xFFFF

    def take_over(self, now_ns: int) -> None:
        """The client has connected anew: 0x8E [MQTT-3.1.4-3]."""
        self._fail(now_ns, ReasonCode.SESSION_TAKEN_OVER)

    def shut_down(self, now_ns: int) -> None:
        """The broker stops: 0x8B."""
        self._fail(now_ns, ReasonCode.SERVER_SHUTTING_DOWN)

    def _enter(self, state: _State) -> None:
        self._state = state
        self._handlers = _HANDLERS[state]

    def _time_out(self, now_ns: int) -> None:
        """No CONNECT in time, or silence for one and a half keep-alives [MQTT-3.1.2-22]."""
        self._fail(now_ns, ReasonCode.KEEP_ALIVE_TIMEOUT)

    def _fail(self, now_ns: int, reason_code: ReasonCode) -> None:
        """Tell the peer why, if it may be told [MQTT-3.14.0-1], and close."""
        if self._state is _State.CLOSED:
            return
        if self._state is _State.CONNECTED:  # MQTT 3.1.1 knows no DISCONNECT from a server
            self._write(Disconnect(reason_code).encode())
        self._sink.close()
        self._end(now_ns)

    def _end(self, now_ns: int) -> None:
        if self._state is _State.CLOSED:
            return
        self._enter(_State.CLOSED)
        self._left = None
        self._grace_ns = 0
        self._alarm.retire()
        session, self._session = self._session, None
        if session is not None:
            self._sessions.detach(session, now_ns)

    def _pay(self, packets: int, now_ns: int) -> None:
        """Each packet takes its share of a second; nobody may be a whole second ahead (GCRA, ITU-T I.371)."""
        share_ns = packets * NS_PER_S // self._config.max_packet_rate_hz
        self._paid_until_ns = max(self._paid_until_ns, now_ns) + share_ns
        if self._paid_until_ns > now_ns + NS_PER_S:
            raise MqttProtocolError(ReasonCode.MESSAGE_RATE_TOO_HIGH, "more packets than agreed on")

    def _misplaced(self, first: int) -> None:
        if self._state is _State.CLOSED:
            return
        packet_type = first >> 4
        if not packet_type or first & 0x0F != (0x02 if packet_type in (6, 8, 10) else 0):
            raise malformed(f"no packet begins with 0x{first:02X}")
        raise protocol_error(f"{PacketType(packet_type).name} has no place in state {self._state.name}")

    # CONNECT

    def _connect(self, now_ns: int, packet: bytes, at: int) -> None:
        try:
            connect = read_connect(packet, at)
            refused = self._faults.on_connect(connect.client_id) if self._faults.is_active else None
            if refused is not None:
                raise MqttProtocolError(refused, "the broker was told to refuse this connection")
            assigned = "" if connect.client_id else self._sessions.assign_client_id()
            session, present = self._sessions.attach(connect, connect.client_id or assigned, self, now_ns)
        except MqttProtocolError as error:
            self._write(refusal(packet, at, error.reason_code))
            raise
        self._session = session
        self._level = self._reader.level = connect.level
        self._reader.max_packet_size = self._config.max_packet_size
        if connect.level == MQTT_5:
            self._enter(_State.CONNECTED)
            properties = announcement(self._config, connect, session.expiry_s, assigned)
            self._write(Connack(present, properties=properties).encode())
        else:
            self._enter(_State.CONNECTED_3_1_1)
            self._write(Connack(present).encode(connect.level))
        self._grace_ns = connect.keep_alive_s * NS_PER_S * 3 // 2
        if self._grace_ns:
            self._alarms.set(self._alarm, now_ns + self._grace_ns)
        else:
            self._alarm.due_ns = None
        if not self._paused:
            session.open_road(self._write, now_ns)

    # Messages from the client

    def _publish(self, now_ns: int, packet: bytes, at: int) -> None:
        self._take(read_publish(packet, at, self._aliases), now_ns)

    def _publish_3_1_1(self, now_ns: int, packet: bytes, at: int) -> None:
        self._take(read_publish_3_1_1(packet, at), now_ns)

    def _take(self, message: Publish, now_ns: int) -> None:
        session = self._session
        if message.qos == 2 and session is not None:
            if session.is_repeated(message.packet_id):
                self._router.check(message)
                self._write(encode_ack(PUBREC, message.packet_id))
                return
            if session.incoming >= self._receive_maximum:
                raise MqttProtocolError(
                    ReasonCode.RECEIVE_MAXIMUM_EXCEEDED, "more QoS 2 messages than were released"
                )
        if self._faults.is_active or message.topic.startswith(SYSTEM_TOPICS):
            self._take_specially(message, now_ns)
            return
        self._counts.messages_in += 1
        matched = self._router.publish(message, session, now_ns)
        if message.qos:
            self._answer(message, 0 if matched else ReasonCode.NO_MATCHING_SUBSCRIBERS)

    def _take_specially(self, message: Publish, now_ns: int) -> None:
        code = take_specially(self._faults, self._router, self._counts, message, self._session, now_ns)
        if code is None:
            self._sink.close()
            self._end(now_ns)
        else:
            self._answer(message, code)

    def _answer(self, message: Publish, code: int) -> None:
        """Acknowledge a message, or refuse it as far as the level has words for that."""
        if self._paused:
            self._unsent_acks += 1
            if self._unsent_acks > self._receive_maximum:
                raise MqttProtocolError(
                    ReasonCode.RECEIVE_MAXIMUM_EXCEEDED, "more messages than acknowledgements sent"
                )
        if self._level < MQTT_5:
            code = 0
        if message.qos == 1:
            self._write(encode_puback(message.packet_id, code))
        elif message.qos == 2:
            if code < ReasonCode.UNSPECIFIED_ERROR and self._session is not None:
                self._session.receive(message.packet_id)
            self._write(encode_ack(PUBREC, message.packet_id, code))

    def _pubrel(self, now_ns: int, packet: bytes, at: int) -> None:
        packet_id = Pubrel.decode(Cursor(packet, at, level=self._level)).packet_id
        is_known = self._session is not None and self._session.release(packet_id)
        code = 0 if is_known or self._level < MQTT_5 else ReasonCode.PACKET_IDENTIFIER_NOT_FOUND
        self._write(encode_ack(PUBCOMP, packet_id, code))

    # Acknowledgements from the client

    def _puback(self, now_ns: int, packet: bytes, at: int) -> None:
        if len(packet) == 4:
            packet_id = packet[2] << 8 | packet[3]
            if not packet_id:
                raise protocol_error("a packet identifier cannot be 0 [MQTT-2.2.1-3]")
        else:
            packet_id = Puback.decode(Cursor(packet, at, level=self._level)).packet_id
        if self._session is not None:
            self._session.acknowledge(packet_id, now_ns)

    def _pubrec(self, now_ns: int, packet: bytes, at: int) -> None:
        pubrec = Pubrec.decode(Cursor(packet, at, level=self._level))
        if self._session is None:
            return
        code = self._session.received(pubrec.packet_id, pubrec.reason_code, now_ns)
        if code is not None:
            self._write(encode_ack(PUBREL, pubrec.packet_id, 0 if self._level < MQTT_5 else code))

    def _pubcomp(self, now_ns: int, packet: bytes, at: int) -> None:
        packet_id = Pubcomp.decode(Cursor(packet, at, level=self._level)).packet_id
        if self._session is not None:
            self._session.complete(packet_id, now_ns)

    # Subscriptions

    def _subscribe(self, now_ns: int, packet: bytes, at: int) -> None:
        subscribe = Subscribe.decode(Cursor(packet, at, level=self._level))
        session = self._session
        if session is None:
            return
        identifier = subscribe.properties.integer(PropertyId.SUBSCRIPTION_IDENTIFIER, 0)
        codes = []
        granted = []
        for subscription in subscribe.subscriptions:
            is_new = subscription.topic_filter not in session.subscriptions
            code = self._router.subscribe(session, subscription, identifier)
            codes.append(code)
            if code < ReasonCode.UNSPECIFIED_ERROR:
                granted.append((subscription, is_new))
        self._write_if_it_fits(Suback(subscribe.packet_id, tuple(codes)).encode(self._level), session)
        for subscription, is_new in granted:
            self._router.send_retained(session, subscription, identifier, is_new, now_ns)

    def _unsubscribe(self, now_ns: int, packet: bytes, at: int) -> None:
        unsubscribe = Unsubscribe.decode(Cursor(packet, at, level=self._level))
        session = self._session
        if session is not None:
            codes = [self._router.unsubscribe(session, each) for each in unsubscribe.topic_filters]
            self._write_if_it_fits(Unsuback(unsubscribe.packet_id, tuple(codes)).encode(self._level), session)

    def _write_if_it_fits(self, packet: bytes, session: Session) -> None:
        """The one kind of answer that may be too large for a client [MQTT-3.1.2-24]."""
        if len(packet) > session.max_packet_size:
            raise MqttProtocolError(ReasonCode.PACKET_TOO_LARGE, "an answer larger than the client takes")
        self._write(packet)

    # The rest

    def _pingreq(self, now_ns: int, packet: bytes, at: int) -> None:
        if len(packet) > at:
            Cursor(packet, at).finish()
        self._write(PINGRESP)

    def _disconnect(self, now_ns: int, packet: bytes, at: int) -> None:
        disconnect = Disconnect.decode(Cursor(packet, at, level=self._level))
        session = self._session
        if session is not None:
            expiry_s = disconnect.properties.integer(PropertyId.SESSION_EXPIRY_INTERVAL, session.expiry_s)
            if expiry_s and not session.expiry_s:
                raise protocol_error("DISCONNECT prolongs a session of CONNECT with none (3.14.2.2.2)")
            if expiry_s != session.expiry_s:
                self._sessions.change_expiry(session, expiry_s)
            if disconnect.reason_code is ReasonCode.SUCCESS:
                session.will = None
        self._sink.close()
        self._end(now_ns)


_Handler = Callable[[Connection, int, bytes, int], None]

_COMMON: Final[dict[int, _Handler]] = {
    0x40: Connection._puback,
    0x50: Connection._pubrec,
    0x62: Connection._pubrel,
    0x70: Connection._pubcomp,
    0x82: Connection._subscribe,
    0xA2: Connection._unsubscribe,
    0xC0: Connection._pingreq,
    0xE0: Connection._disconnect,
}
_HANDLERS: Final[dict[_State, dict[int, _Handler]]] = {
    _State.AWAITING_CONNECT: {0x10: Connection._connect},
    _State.CONNECTED: _COMMON | dict.fromkeys(range(0x30, 0x40), Connection._publish),
    _State.CONNECTED_3_1_1: _COMMON | dict.fromkeys(range(0x30, 0x40), Connection._publish_3_1_1),
    _State.CLOSED: {},
}
