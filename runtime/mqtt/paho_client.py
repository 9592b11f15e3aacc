"""paho's MQTT 5 client with its seams opened: our stream, our loop's time, our header bytes.

What stays paho's: CONNECT and CONNACK, packet identifiers, PUBLISH, SUBSCRIBE, keep-alive, DISCONNECT.
What is overridden, and why:

    _create_socket       the stream was connected, awaited, by our Network
    _call_socket_*       paho calls these under a lock that is not reentrant
    _packet_queue        with nothing queued a packet goes straight to the stream
    _do_on_disconnect    nobody listens: `ending` says more
    _easy_log            nobody listens
    __del__              the garbage collector must not close an abandoned program's socket

`read` stands for paho's loop_read, which asks the network three times a packet. Every packet is read by our
codec: paho's `Properties` look names up by text, which costs more than all the rest, and what a server may
not send ends in a KeyError there. Of CONNACK paho gets the part that concerns its state. What has no place
at QoS 1, QoS 2 before all, ends the connection with DISCONNECT (section 4.13.1): 0x81 when it cannot be
parsed, 0x82 when it is not allowed. 0x9B, QoS not supported, is the server's to say (section 3.14.2.1).

`keep_alive` stands for loop_misc. As there, a connection is half-open when one keep-alive has passed since
PINGREQ; other than there, not while something moves. A message that takes longer than the keep-alive to
cross a slow link has PINGREQ behind it, and giving up would begin it anew, for ever.

Private names are used on purpose; a test fails when a new paho no longer has them.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, cast

import paho.mqtt.client as paho
from paho.mqtt.client import DISCONNECT, PINGREQ, Client, MQTTMessageInfo
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.exception import MalformedPacket

from runtime.mqtt.errors import MqttProtocolError, malformed, protocol_error
from runtime.mqtt.incoming import read_publish_body, remaining_length
from runtime.mqtt.port import MqttConfig
from runtime.mqtt.properties import Properties, PropertyId
from runtime.mqtt.publish_properties import PackedProperties, PublishProperties
from runtime.mqtt.reason_codes import ReasonCode
from runtime.mqtt.server_terms import UNKNOWN_TERMS, Terms, read_connack, read_disconnect, read_suback
from runtime.ports import Stream

if TYPE_CHECKING:
    from paho.mqtt.client import SocketLike
    from paho.mqtt.properties import Properties as PahoProperties

MessageReceived = Callable[[str, bytes, PublishProperties, int, int], None]
"""topic, payload, properties, first byte of the packet, packet identifier (0 at QoS 0)."""

_RECEIVE_BYTES = 65_536
_COPY_BYTES = 4_096
"""Packets up to this length may be copied."""

_CONNACK, _PUBLISH, _PUBACK, _SUBACK, _PINGRESP, _DISCONNECT = 0x20, 0x30, 0x40, 0x90, 0xD0, 0xE0
_PINGREQ_PACKET, _PINGRESP_PACKET = b"\xc0\x00", b"\xd0\x00"
_ACCEPTED = b"\x00\x00"
"""Reason code and property length of the CONNACK that paho is shown."""


def transport_time() -> float:
    """Seconds of the running loop, or of the monotonic clock where no loop runs."""
    loop = asyncio._get_running_loop()
    return time.monotonic() if loop is None else loop.time()


def use_transport_time() -> None:
    """Let paho, which reads its time through one module global, ask the loop that runs it."""
    paho.time_func = transport_time


class HandDrivenClient(Client):
    """paho without its threads, sockets, sleeps and queue; its owner calls `open`, `read` and `writable`.

    Called while the client runs: `on_connected` with Session Present, `on_subscribed` with the reason why
    a subscription is not as asked for (empty when it is), `on_received`, `on_puback`, `on_closed`.
    `watch_writable` is asked to begin (True) or to end (False) waiting until the stream takes bytes.

    `terms` are the server's, `is_refused` says that its CONNACK ended the last connection, `ending` why that
    ended, as far as it is known, and `ending_code` with which reason code of a DISCONNECT.
    """

    def __init__(
        self,
        config: MqttConfig,
        *,
        on_connected: Callable[[bool], None],
        on_subscribed: Callable[[str], None],
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
        self._parts: list[bytes] = []
        self._missing = 0
        self._now_s: Callable[[], float] = transport_time
        self._moved_s = 0.0
        self.terms: Terms = UNKNOWN_TERMS
        self.is_refused = False
        self.ending = ""
        self.ending_code: ReasonCode | None = None
        self._is_accepted = False
        self._is_reading = False
        self._tell_connected = on_connected
        self._tell_subscribed = on_subscribed
        self._tell_received = on_received
        self._tell_puback = on_puback
        self._tell_closed = on_closed
        self._watch_writable = watch_writable

    def __del__(self) -> None:
        """Leave the stream alone: a program that was killed closes nothing."""

    def open(self, stream: Stream) -> None:
        """Begin a connection on `stream`: sends CONNECT."""
        self._stream = stream
        self._parts.clear()
        self.ending = ""
        self.ending_code = None
        self.is_refused = self._is_accepted = False
        self._now_s = asyncio.get_running_loop().time
        self._moved_s = 0.0
        self._keepalive = self._configured_keepalive_s
        self.reconnect()

    def hang_up(self, ending: str = "") -> None:
        """Close the stream, if one is open, without another word."""
        self.ending = self.ending or ending
        self._sock_close()

    def break_off(self, reason_code: ReasonCode, ending: str) -> None:
        """Say DISCONNECT with `reason_code`, if the road takes it now (section 4.13.1), and close."""
        self.ending = self.ending or ending
        if self._sock is not None and not self._out_packet:
            with suppress(OSError):
                self._sock.send(bytes((_DISCONNECT, 1, reason_code)))
        self._sock_close()

    def writable(self) -> None:
        """The stream takes bytes again: some have left, so the road is alive."""
        self._moved_s = self._now_s()
        self.loop_write()

    def read(self) -> None:
        """Handle what has arrived, then write what that has caused."""
        stream = self._stream
        if stream is None or self._sock is None:
            return
        try:
            data = stream.recv(_RECEIVE_BYTES)
        except BlockingIOError:
            return
        except ConnectionResetError:
            self.hang_up("Connection reset")
            return
        except OSError as error:
            self.hang_up(f"Connection lost: {error.strerror or error}")
            return
        if not data:
            self.hang_up("Connection closed by the broker")
            return
        self._last_bytes_received = self._now_s()
        if self._parts:
            self._parts.append(data)
            self._missing -= len(data)
            if self._missing > 0:
                return
            data = b"".join(self._parts)
            self._parts.clear()
        if data == _PINGRESP_PACKET and self._is_accepted:  # most of what a quiet day brings
            self._ping_t = 0.0
            return
        self._is_reading = True
        try:
            self._take_packets(data)
        except MqttProtocolError as error:
            self.break_off(error.reason_code, f"Protocol error: {error}")
        except MalformedPacket as error:
            self.break_off(ReasonCode.MALFORMED_PACKET, f"Protocol error: {error}")
        finally:
            self._is_reading = False
        if self._out_packet and self._sock is not None:
            self.loop_write()

    def _take_packets(self, data: bytes) -> None:
        """Handle each whole packet in `data`; keep what is left (section 2.1)."""
        if not self._is_accepted and data[0] not in (_CONNACK, _DISCONNECT):
            raise protocol_error(f"0x{data[0]:02X} before CONNACK [MQTT-3.2.0-1]")
        stream = self._stream
        at = 0
        missing = 1
        while len(data) - at >= 2:
            body = at + 2
            size = data[at + 1]
            if size > 127:
                size, body = remaining_length(data, at + 1)
                if not body:
                    break
            end = body + size
            missing = end - len(data)
            if missing > 0:
                break
            first_byte = data[at]
            at = end
            if first_byte == _PUBACK:
                self._puback_arrived(data[body:end])
            elif first_byte & 0xF0 == _PUBLISH:
                self._publish_arrived(first_byte, data[body:end])
            elif first_byte == _PINGRESP and not size:
                self._ping_t = 0.0
            elif first_byte == _SUBACK:
                self._tell_subscribed(read_suback(data[body:end]))
            elif first_byte == _CONNACK:
                self._connack_arrived(data[body:end])
            elif first_byte == _DISCONNECT:
                self.ending_code, ending = read_disconnect(data[body:end])
                self.hang_up(ending)
            else:
                raise protocol_error(f"a packet that begins with 0x{first_byte:02X} has no place at QoS 1")
            if self._sock is None or self._stream is not stream:
                return
            missing = 1
        if at < len(data):
            self._parts.append(data[at:])
            self._missing = max(missing, 1)

    def keep_alive(self) -> float | None:
        """Ping when it is time, or give the connection up.

        Returns when to call again, in transport seconds; None when there is nothing to wait for.
        """
        due_s = self.keepalive_due_s()
        now_s = self._now_s()
        if due_s is None or now_s < due_s:
            return due_s
        if self._ping_t:
            self.hang_up("Keep alive timeout")
            return None
        self._ping_t = self._last_msg_out = self._last_bytes_received = now_s
        self._packet_queue(PINGREQ, _PINGREQ_PACKET, 0, 0)
        return None if self._sock is None else now_s + self._keepalive

    def keepalive_due_s(self) -> float | None:
        """When `keep_alive` has something to do next, in transport seconds; None when never."""
        if self._keepalive == 0 or self._sock is None or not self._is_accepted:
            return None
        if self._ping_t:
            return max(self._ping_t, self._last_bytes_received, self._moved_s) + self._keepalive
        return min(self._last_msg_out, self._last_bytes_received) + self._keepalive

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
        if len(packet) > _COPY_BYTES:
            # paho cuts the rest off anew at each attempt to send: of a view that costs nothing.
            packet = cast("bytes", memoryview(packet))
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
        reason: object = None,
        properties: object = None,
    ) -> None:
        pass

    def _call_socket_register_write(self) -> None:
        if self._sock is None or self._registered_write or self._is_reading:
            return
        self._registered_write = True
        self._watch_writable(True)

    def _call_socket_unregister_write(self, sock: object = None) -> None:
        if self._registered_write:
            self._registered_write = False
            self._watch_writable(False)

    def _connack_arrived(self, body: bytes) -> None:
        if self._is_accepted:
            raise protocol_error("a second CONNACK [MQTT-3.2.0-2]")
        self.terms = terms = read_connack(body)
        if terms.refusal:
            self.is_refused = True
            if terms.reason_code is ReasonCode.SUCCESS:
                self.break_off(ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR, terms.refusal)
            else:
                self.hang_up(terms.refusal)
            return
        self._is_accepted = True
        if terms.keepalive_s is not None:  # section 3.2.2.3.14: the server may choose
            self._keepalive = terms.keepalive_s
        # The outbox refills; paho would resend its whole store, beyond any window.
        self.drop_out_messages()
        self._in_packet["command"] = _CONNACK
        self._in_packet["packet"] = body[:1] + _ACCEPTED  # type: ignore[typeddict-item]  # it is only read
        self._handle_connack()
        self._tell_connected(bool(body[0]))

    def _publish_arrived(self, first_byte: int, packet: bytes) -> None:
        topic, payload, properties, packet_id = read_publish_body(first_byte, packet)
        self._tell_received(topic, payload, properties, first_byte, packet_id)

    def _puback_arrived(self, packet: bytes) -> None:
        if len(packet) < 2:
            raise malformed("PUBACK without a packet identifier")
        packet_id = packet[0] << 8 | packet[1]
        if self._out_messages.pop(packet_id, None) is not None:
            self._inflight_messages -= 1
            # Section 3.4.2.1: without a reason code the packet means success.
            self._tell_puback(packet_id, packet[2] if len(packet) > 2 else 0)
