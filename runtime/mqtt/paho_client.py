"""paho's MQTT 5 client with its seams opened: our stream, our loop's time, our header bytes.

What stays paho's: CONNECT and CONNACK, packet identifiers, PUBLISH, SUBSCRIBE, keep-alive, DISCONNECT.
What is overridden, and why:

    _create_socket       the stream was connected, awaited, by our Network
    _call_socket_*       paho calls these under a lock that is not reentrant
    _packet_queue        with nothing queued a packet goes straight to the stream
    _handle_connack      paho's `Properties` look every name up by text: read by our codec instead
    _do_on_disconnect    called twice for some endings, with objects that nobody needs
    _easy_log            nobody listens
    __del__              the garbage collector must not close an abandoned program's socket

`read` stands for paho's loop_read, which asks the network three times a packet; it takes PUBLISH, PUBACK
and PINGRESP itself, whose `Properties` would cost more than all the rest, and leaves the others to paho.

Private names are used on purpose; a test fails when a new paho no longer has them.
"""

import asyncio
import time
from collections.abc import Callable
from struct import Struct
from struct import error as StructError
from typing import TYPE_CHECKING, cast

import paho.mqtt.client as paho
from paho.mqtt.client import DISCONNECT, PINGREQ, Client, MQTTMessageInfo
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.exception import MalformedPacket
from paho.mqtt.reasoncodes import ReasonCode

from runtime.mqtt.errors import MqttProtocolError
from runtime.mqtt.port import MqttConfig
from runtime.mqtt.properties import NO_PROPERTIES, PacketType, Properties, PropertyId
from runtime.mqtt.publish_properties import PackedProperties, PublishProperties, unpack_properties
from runtime.mqtt.wire import MAX_VARINT, Cursor
from runtime.ports import Stream

if TYPE_CHECKING:
    from paho.mqtt.client import SocketLike
    from paho.mqtt.properties import Properties as PahoProperties

MessageReceived = Callable[[str, bytes, PublishProperties, int, int], None]
"""topic, payload, properties, first byte of the packet, packet identifier (0 at QoS 0)."""

_RECEIVE_BYTES = 65_536
_PUBLISH, _PUBACK, _PINGRESP = 0x30, 0x40, 0xD0
_PINGREQ_PACKET = b"\xc0\x00"
_RECEIVE_MAXIMUM_DEFAULT = 65_535
"""Section 3.2.2.3.3: what a server that does not say it takes."""

_PACKET_SIZE_DEFAULT = MAX_VARINT + 5
"""Section 3.2.2.3.6: without a limit of the server's, that of the protocol."""

_ENDINGS = {
    MQTTErrorCode.MQTT_ERR_KEEPALIVE: "Keep alive timeout",
    MQTTErrorCode.MQTT_ERR_PROTOCOL: "Protocol error",
}
"""What the client knows of why a connection ended, in the words of section 2.4."""

_read_u16 = Struct("!H").unpack_from


def _remaining_length(data: bytes, at: int) -> tuple[int, int]:
    """Length of the packet's rest and where that begins; 0, 0 while it is cut off (section 1.5.5)."""
    size = 0
    for shift in (0, 7, 14, 21):
        if at >= len(data):
            return 0, 0
        size |= (data[at] & 127) << shift
        at += 1
        if data[at - 1] < 128:
            return size, at
    raise MalformedPacket("a remaining length of more than four bytes")


def transport_time() -> float:
    """Seconds of the running loop, or of the monotonic clock where no loop runs."""
    loop = asyncio._get_running_loop()
    return time.monotonic() if loop is None else loop.time()


def use_transport_time() -> None:
    """Let paho, which reads its time through one module global, ask the loop that runs it."""
    paho.time_func = transport_time


class HandDrivenClient(Client):
    """paho without its threads, sockets, sleeps and queue; whoever owns it calls `open` and `read`.

    `on_received`, `on_puback` and `on_closed` are called while the client runs; `watch_writable` is asked
    to begin (True) or to end (False) waiting until the stream takes bytes. `ending` says why the last
    connection ended, as far as it is known; `receive_maximum` and `max_packet_size` are the
    server's.
    """

    def __init__(
        self,
        config: MqttConfig,
        *,
        on_received: MessageReceived,
        on_puback: Callable[[int, int], None],
        on_closed: Callable[[], None],
        watch_writable: Callable[[bool], None],
    ) -> None:
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=config.client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        properties = Properties(
            (PropertyId.SESSION_EXPIRY_INTERVAL, config.session_expiry_s),
            (PropertyId.RECEIVE_MAXIMUM, config.receive_maximum),
            *((PropertyId.USER_PROPERTY, pair) for pair in config.user_properties),
        )
        self._connect_properties = cast("PahoProperties", PackedProperties(properties.encode()))
        self._clean_start = False
        if config.username:
            self.username_pw_set(config.username, config.password or None)
        self._host = config.host
        self._port = config.port
        self._configured_keepalive_s = config.keepalive_s
        # The window is kept by whoever publishes; with a limit, paho would walk its store at each PUBACK.
        self._max_inflight_messages = 0
        self._stream: Stream | None = None
        self._unread = b""
        self._now_s: Callable[[], float] = transport_time
        self.receive_maximum = _RECEIVE_MAXIMUM_DEFAULT
        self.max_packet_size = _PACKET_SIZE_DEFAULT
        self.ending = ""
        self._is_reading = False
        self._tell_received = on_received
        self._tell_puback = on_puback
        self._tell_closed = on_closed
        self._watch_writable = watch_writable

    def __del__(self) -> None:
        """Leave the stream alone: a program that was killed closes nothing."""

    def open(self, stream: Stream) -> None:
        """Begin a connection on `stream`: sends CONNECT."""
        self._stream = stream
        self._unread = b""
        self.ending = ""
        self._now_s = asyncio.get_running_loop().time
        self._keepalive = self._configured_keepalive_s
        self.reconnect()

    def hang_up(self) -> None:
        """Close the stream, if one is open, without another word."""
        self._sock_close()

    def read(self) -> None:
        """Handle what has arrived, then write what that has caused."""
        stream = self._stream
        if stream is None or self._sock is None:
            return
        try:
            data = stream.recv(_RECEIVE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._loop_rc_handle(MQTTErrorCode.MQTT_ERR_CONN_LOST)
            return
        self._last_bytes_received = self._now_s()
        self._is_reading = True
        try:
            self._unread = self._handle_packets(self._unread + data if self._unread else data)
        except MalformedPacket:
            self._loop_rc_handle(MQTTErrorCode.MQTT_ERR_PROTOCOL)
        finally:
            self._is_reading = False
        if self._out_packet and self._sock is not None:
            self.loop_write()

    def _handle_packets(self, data: bytes) -> bytes:
        """Have paho handle each whole packet in `data`; returns what is left (section 2.1)."""
        stream = self._stream
        at = 0
        while len(data) - at >= 2:
            body = at + 2
            size = data[at + 1]
            if size > 127:
                size, body = _remaining_length(data, at + 1)
                if not body:
                    break
            end = body + size
            if end > len(data):
                break
            first_byte = data[at]
            kind = first_byte & 0xF0
            at = end
            if kind == _PUBACK:
                self._puback_arrived(data[body:end])
            elif kind == _PUBLISH:
                self._publish_arrived(first_byte, data[body:end])
            elif kind == _PINGRESP and not size:
                self._ping_t = 0.0
            else:
                self._in_packet = {  # type: ignore[typeddict-item]  # the rest serves paho's reading only
                    "command": first_byte,
                    "remaining_length": size,
                    "packet": data[body:end],
                }
                rc = self._packet_handle()
                if rc > 0:
                    self._loop_rc_handle(rc)
            if self._sock is None or self._stream is not stream:
                return b""
        return data[at:]

    def keep_alive(self) -> float | None:
        """Ping when it is time, or give the connection up: paho's `loop_misc`, its usual case written out.

        Returns when to call again, in transport seconds; None when the connection is gone.
        """
        now_s = self._now_s()
        keepalive_s = self._keepalive
        idle_s = now_s - min(self._last_msg_out, self._last_bytes_received)
        if self._ping_t or idle_s < keepalive_s or not self.is_connected():
            self.loop_misc()
            return self.keepalive_due_s()
        self._ping_t = self._last_msg_out = self._last_bytes_received = now_s
        self._packet_queue(PINGREQ, _PINGREQ_PACKET, 0, 0)
        return None if self._sock is None else now_s + keepalive_s

    def keepalive_due_s(self) -> float | None:
        """When `keep_alive` has something to do next, in transport seconds; None when never."""
        if self._keepalive == 0 or self._sock is None:
            return None
        since_s = self._ping_t or min(self._last_msg_out, self._last_bytes_received)
        return since_s + self._keepalive

    def _create_socket(self) -> "SocketLike":
        if self._stream is None:
            raise ConnectionError("open() hands the stream over")
        return cast("SocketLike", self._stream)

    def _easy_log(self, level: object, fmt: str, *args: object) -> None:
        pass

    def _packet_queue(
        self,
        command: int,
        packet: bytes | bytearray,
        mid: int,
        qos: int,
        info: MQTTMessageInfo | None = None,
    ) -> MQTTErrorCode:
        sock = self._sock
        if self._out_packet or self._is_reading or sock is None or command == DISCONNECT:
            return super()._packet_queue(command, packet, mid, qos, info)
        try:
            sent = sock.send(packet)
        except BlockingIOError:
            sent = 0
        except OSError:
            return self._loop_rc_handle(MQTTErrorCode.MQTT_ERR_CONN_LOST)
        if sent == len(packet):
            return MQTTErrorCode.MQTT_ERR_SUCCESS
        return super()._packet_queue(command, packet[sent:], mid, qos, info)

    def _call_socket_open(self, sock: object) -> None:
        pass

    def _call_socket_close(self, sock: object) -> None:
        self._tell_closed()

    def _do_on_disconnect(
        self,
        packet_from_broker: bool,
        v1_rc: MQTTErrorCode,
        reason: ReasonCode | None = None,
        properties: object = None,
    ) -> None:
        # Called twice for some endings: the first says most.
        if not self.ending:
            self.ending = _ENDINGS.get(v1_rc, "") if reason is None else str(reason)

    def _call_socket_register_write(self) -> None:
        if self._sock is None or self._registered_write or self._is_reading:
            return
        self._registered_write = True
        self._watch_writable(True)

    def _call_socket_unregister_write(self, sock: object = None) -> None:
        if self._registered_write:
            self._registered_write = False
            self._watch_writable(False)

    def _handle_connack(self) -> MQTTErrorCode:
        packet = self._in_packet["packet"]
        properties = NO_PROPERTIES
        try:
            if len(packet) > 3:
                properties = Properties.decode(Cursor(bytes(packet), 2), PacketType.CONNACK)
        except MqttProtocolError as error:
            raise MalformedPacket(str(error)) from error
        self.receive_maximum = properties.integer(PropertyId.RECEIVE_MAXIMUM, _RECEIVE_MAXIMUM_DEFAULT)
        self.max_packet_size = properties.integer(PropertyId.MAXIMUM_PACKET_SIZE, _PACKET_SIZE_DEFAULT)
        # Section 3.2.2.3.14: the server may choose the keep-alive.
        self._keepalive = properties.integer(PropertyId.SERVER_KEEP_ALIVE, self._keepalive)
        self._in_packet["packet"] = packet[:2] + b"\0"
        return super()._handle_connack()

    def _publish_arrived(self, first_byte: int, packet: bytes) -> None:
        quality = first_byte & 0x06
        try:
            at = 2 + _read_u16(packet)[0]
            topic = packet[2:at].decode()
            packet_id = 0
            if quality:
                packet_id = _read_u16(packet, at)[0]
                at += 2
        except (ValueError, StructError) as error:
            raise MalformedPacket(f"PUBLISH: {error}") from error
        if quality > 0x02:
            raise MalformedPacket("QoS 2, though our subscriptions grant 1 at most (section 3.8.4)")
        properties, at = unpack_properties(packet, at)
        self._tell_received(topic, packet[at:], properties, first_byte, packet_id)

    def _puback_arrived(self, packet: bytes) -> None:
        if len(packet) < 2:
            raise MalformedPacket("PUBACK without a packet identifier")
        packet_id = packet[0] << 8 | packet[1]
        if self._out_messages.pop(packet_id, None) is not None:
            self._inflight_messages -= 1
            # Section 3.4.2.1: without a reason code the packet means success.
            self._tell_puback(packet_id, packet[2] if len(packet) > 2 else 0)
