"""One network connection as the broker sees it: CONNECT, then the packets of its session."""

from collections.abc import Callable
from enum import Enum, auto
from typing import Final, Protocol

from runtime.mqtt.broker.alarms import Alarm, Alarms
from runtime.mqtt.broker.config import BrokerConfig
from runtime.mqtt.broker.router import Router
from runtime.mqtt.broker.session import Session
from runtime.mqtt.broker.sessions import Sessions
from runtime.mqtt.errors import MqttProtocolError, malformed, protocol_error
from runtime.mqtt.packets import (
    PINGRESP,
    Connack,
    Connect,
    Disconnect,
    PacketReader,
    PacketType,
    Properties,
    PropertyId,
    Puback,
    ReasonCode,
    Suback,
    Subscribe,
    Unsuback,
    Unsubscribe,
)
from runtime.mqtt.properties import Value
from runtime.mqtt.publish import NS_PER_S, encode_puback, read_publish
from runtime.mqtt.wire import Cursor

_OLD_PROTOCOLS: Final = (b"\0\4MQTT\4", b"\0\6MQIsdp\3")
"""MQTT 3.1.1 and 3.1: their clients cannot read the CONNACK of MQTT 5."""
_OLD_PROTOCOL_REFUSED: Final = b"\x20\x02\x00\x01"


class Sink(Protocol):
    """Where a connection's bytes go."""

    def write(self, data: bytes, /) -> None:
        """Send `data` after all that was written before; never blocks, never calls back into the broker
        but for `Connection.pause`."""

    def close(self) -> None:
        """Send what was written, then close the network connection."""


class _State(Enum):
    AWAITING_CONNECT = auto()
    CONNECTED = auto()
    CLOSED = auto()


class Connection:
    """Told bytes and instants by its shell; answers through its `Sink`.

    State and first byte of a packet choose the handler from `_HANDLERS`; a pair that is not listed is
    refused with the reason code of section 4.13 and ends the connection.
    """

    __slots__ = (
        "_alarm",
        "_alarms",
        "_config",
        "_grace_ns",
        "_handlers",
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

    def __init__(
        self,
        config: BrokerConfig,
        sessions: Sessions,
        router: Router,
        alarms: Alarms,
        sink: Sink,
        now_ns: int,
    ) -> None:
        self._config = config
        self._sessions = sessions
        self._router = router
        self._alarms = alarms
        self._sink = sink
        self._write = sink.write
        self._reader = PacketReader(config.max_packet_size)
        self._enter(_State.AWAITING_CONNECT)
        self._session: Session | None = None
        self._paused = False
        self._unsent_acks = 0
        self._grace_ns = 0
        self._alarm = Alarm(self._time_out)
        alarms.set(self._alarm, now_ns + config.connect_timeout_s * NS_PER_S)

    @property
    def client_id(self) -> str:
        """The client identifier, empty before CONNECT."""
        return "" if self._session is None else self._session.client_id

    def receive(self, now_ns: int, data: bytes) -> None:
        """Bytes have arrived."""
        try:
            for packet, at in self._reader.frames(data):
                handler = self._handlers.get(packet[0])
                if handler is None:
                    self._misplaced(packet[0])
                else:
                    handler(self, now_ns, packet, at)
                if self._grace_ns:
                    self._alarm.due_ns = now_ns + self._grace_ns
        except MqttProtocolError as error:
            self._fail(now_ns, error.reason_code)

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
        if self._state is _State.CONNECTED:
            self._write(Disconnect(reason_code).encode())
        self._sink.close()
        self._end(now_ns)

    def _end(self, now_ns: int) -> None:
        if self._state is _State.CLOSED:
            return
        self._enter(_State.CLOSED)
        self._grace_ns = 0
        self._alarm.retire()
        session, self._session = self._session, None
        if session is not None:
            self._sessions.detach(session, now_ns)

    def _misplaced(self, first: int) -> None:
        if self._state is _State.CLOSED:
            return
        packet_type = first >> 4
        if not packet_type or first & 0x0F != (0x02 if packet_type in (6, 8, 10) else 0):
            raise malformed(f"no packet begins with 0x{first:02X}")
        raise protocol_error(f"{PacketType(packet_type).name} has no place in state {self._state.name}")

    def _connect(self, now_ns: int, packet: bytes, at: int) -> None:
        try:
            connect = Connect.decode(Cursor(packet, at))
            if PropertyId.AUTHENTICATION_METHOD in connect.properties:
                raise MqttProtocolError(
                    ReasonCode.BAD_AUTHENTICATION_METHOD, "extended authentication is not offered"
                )
            assigned = "" if connect.client_id else self._sessions.assign_client_id()
            session, present = self._sessions.attach(connect, connect.client_id or assigned, self, now_ns)
        except MqttProtocolError as error:
            old = packet.startswith(_OLD_PROTOCOLS, at)
            self._write(_OLD_PROTOCOL_REFUSED if old else Connack(False, error.reason_code).encode())
            raise
        self._session = session
        self._enter(_State.CONNECTED)
        self._write(Connack(present, properties=self._announce(connect, session, assigned)).encode())
        self._grace_ns = connect.keep_alive_s * NS_PER_S * 3 // 2
        if self._grace_ns:
            self._alarms.set(self._alarm, now_ns + self._grace_ns)
        else:
            self._alarm.due_ns = None
        if not self._paused:
            session.open_road(self._write, now_ns)

    def _announce(self, connect: Connect, session: Session, assigned: str) -> Properties:
        """What a client must know of this server (section 3.2.2.3); no Topic Alias Maximum means 0."""
        config = self._config
        pairs: list[tuple[PropertyId, Value]] = [
            (PropertyId.RECEIVE_MAXIMUM, config.receive_maximum),
            (PropertyId.MAXIMUM_QOS, 1),
            (PropertyId.MAXIMUM_PACKET_SIZE, config.max_packet_size),
            (PropertyId.SUBSCRIPTION_IDENTIFIER_AVAILABLE, 0),
            (PropertyId.SHARED_SUBSCRIPTION_AVAILABLE, 0),
        ]
        if session.expiry_s != connect.properties.integer(PropertyId.SESSION_EXPIRY_INTERVAL, 0):
            pairs.append((PropertyId.SESSION_EXPIRY_INTERVAL, session.expiry_s))
        if assigned:
            pairs.append((PropertyId.ASSIGNED_CLIENT_IDENTIFIER, assigned))
        return Properties(*pairs)

    def _publish(self, now_ns: int, packet: bytes, at: int) -> None:
        message = read_publish(packet, at)
        matched = self._router.publish(message, self._session, now_ns)
        if message.qos:
            if self._paused:
                self._unsent_acks += 1
                if self._unsent_acks > self._config.receive_maximum:
                    raise MqttProtocolError(
                        ReasonCode.RECEIVE_MAXIMUM_EXCEEDED, "more QoS 1 messages than acknowledgements sent"
                    )
            self._write(
                encode_puback(message.packet_id, 0 if matched else ReasonCode.NO_MATCHING_SUBSCRIBERS)
            )

    def _puback(self, now_ns: int, packet: bytes, at: int) -> None:
        if len(packet) == 4:
            packet_id = packet[2] << 8 | packet[3]
        else:
            packet_id = Puback.decode(Cursor(packet, at)).packet_id
        if self._session is not None:
            self._session.acknowledge(packet_id, now_ns)

    def _subscribe(self, now_ns: int, packet: bytes, at: int) -> None:
        subscribe = Subscribe.decode(Cursor(packet, at))
        if PropertyId.SUBSCRIPTION_IDENTIFIER in subscribe.properties:
            raise MqttProtocolError(
                ReasonCode.SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED, "they were announced as not available"
            )
        session = self._session
        if session is None:
            return
        codes = []
        granted = []
        for subscription in subscribe.subscriptions:
            is_new = subscription.topic_filter not in session.subscriptions
            code = self._router.subscribe(session, subscription)
            codes.append(code)
            if code < ReasonCode.UNSPECIFIED_ERROR:
                granted.append((subscription, is_new))
        self._write(Suback(subscribe.packet_id, tuple(codes)).encode())
        for subscription, is_new in granted:
            self._router.send_retained(session, subscription, is_new, now_ns)

    def _unsubscribe(self, now_ns: int, packet: bytes, at: int) -> None:
        unsubscribe = Unsubscribe.decode(Cursor(packet, at))
        session = self._session
        if session is not None:
            codes = [self._router.unsubscribe(session, each) for each in unsubscribe.topic_filters]
            self._write(Unsuback(unsubscribe.packet_id, tuple(codes)).encode())

    def _pingreq(self, now_ns: int, packet: bytes, at: int) -> None:
        if len(packet) > at:
            Cursor(packet, at).finish()
        self._write(PINGRESP)

    def _disconnect(self, now_ns: int, packet: bytes, at: int) -> None:
        disconnect = Disconnect.decode(Cursor(packet, at))
        session = self._session
        if session is not None:
            expiry_s = disconnect.properties.integer(PropertyId.SESSION_EXPIRY_INTERVAL, session.expiry_s)
            if expiry_s and not session.expiry_s:
                raise protocol_error("DISCONNECT prolongs a session of CONNECT with none (3.14.2.2.2)")
            session.expiry_s = min(expiry_s, self._config.max_session_expiry_s)
            if disconnect.reason_code is ReasonCode.SUCCESS:
                session.will = None
        self._sink.close()
        self._end(now_ns)


_Handler = Callable[[Connection, int, bytes, int], None]

_HANDLERS: Final[dict[_State, dict[int, _Handler]]] = {
    _State.AWAITING_CONNECT: {0x10: Connection._connect},
    _State.CONNECTED: {
        **dict.fromkeys(range(0x30, 0x40), Connection._publish),
        0x40: Connection._puback,
        0x82: Connection._subscribe,
        0xA2: Connection._unsubscribe,
        0xC0: Connection._pingreq,
        0xE0: Connection._disconnect,
    },
    _State.CLOSED: {},
}
