"""paho's MQTT 5 client with its seams opened: our stream, our loop's time, our header bytes.

What stays paho's: CONNECT and CONNACK, sessions, packet identifiers, SUBSCRIBE, keep-alive, framing,
DISCONNECT. What is overridden, and why:

    _create_socket                     the stream was connected, awaited, by our Network
    _call_socket_*                     paho calls these under a lock that is not reentrant
    _handle_publish                    `Properties` per message costs more than all the rest
    _handle_pubackcomp                 the same, and a PUBACK is two bytes nearly always
    __del__                            the garbage collector must not close an abandoned program's socket

Private names are used on purpose; a test fails when a new paho no longer has them.
"""

import asyncio
import time
from collections.abc import Callable
from struct import Struct
from struct import error as StructError
from typing import Literal

import paho.mqtt.client as paho
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from runtime.mqtt.port import MqttConfig
from runtime.mqtt.publish_properties import PublishProperties, unpack_properties
from runtime.ports import Stream

MessageReceived = Callable[[str, bytes, PublishProperties, int, int], None]
"""topic, payload, properties, first byte of the packet, packet identifier (0 at QoS 0)."""

_RECEIVE_BYTES = 65_536
_read_u16 = Struct("!H").unpack_from


def transport_time() -> float:
    """Seconds of the running loop, or of the monotonic clock where no loop runs."""
    loop = asyncio._get_running_loop()
    return time.monotonic() if loop is None else loop.time()


def use_transport_time() -> None:
    """Let paho, which reads its time through one module global, ask the loop that runs it."""
    paho.time_func = transport_time


class BufferedStream:
    """A Stream as paho wants its socket: it reads a packet in three small bites, we ask the network once."""

    __slots__ = ("_at", "_chunk", "_receive", "_stream", "send")

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._receive = stream.recv
        self._chunk = b""
        self._at = 0
        self.send = stream.send

    def recv(self, n: int) -> bytes:
        """Up to `n` bytes, b"" at end of stream; BlockingIOError when there are none."""
        at = self._at
        chunk = self._chunk
        if at >= len(chunk):
            self._chunk = chunk = self._receive(_RECEIVE_BYTES)
            at = 0
        self._at = at + n
        return chunk[at : at + n]

    def has_more(self) -> bool:
        """Whether bytes are at hand that the network will not announce again."""
        return self._at < len(self._chunk)

    def fileno(self) -> int:
        """Descriptor of the stream."""
        return self._stream.fileno()

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()

    def setblocking(self, flag: bool) -> None:
        """A Stream never blocks."""


class HandDrivenClient(Client):
    """paho without its threads, sockets, sleeps and queue; whoever owns it calls `open` and `read`.

    `on_received`, `on_puback` and `on_closed` are called while the client runs; `watch_writable` is asked
    to begin (True) or to end (False) waiting until the stream takes bytes.
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
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho has no type here
        properties.SessionExpiryInterval = config.session_expiry_s
        properties.ReceiveMaximum = config.receive_maximum
        for pair in config.user_properties:
            properties.UserProperty = pair
        self._connect_properties = properties
        self._clean_start = False
        self._host = config.host
        self._port = config.port
        self._configured_keepalive_s = config.keepalive_s
        # The window is kept by whoever publishes; with a limit, paho would walk its store at each PUBACK.
        self._max_inflight_messages = 0
        self._handed: BufferedStream | None = None
        self._is_reading = False
        self._tell_received = on_received
        self._tell_puback = on_puback
        self._tell_closed = on_closed
        self._watch_writable = watch_writable

    def __del__(self) -> None:
        """Leave the stream alone: a program that was killed closes nothing."""

    def open(self, stream: Stream) -> None:
        """Begin a connection on `stream`: sends CONNECT."""
        self._handed = BufferedStream(stream)
        self._keepalive = self._configured_keepalive_s
        self.reconnect()

    def hang_up(self) -> None:
        """Close the stream, if one is open, without another word."""
        self._sock_close()

    def is_open(self) -> bool:
        """Whether there is a stream."""
        return self._sock is not None

    def read(self) -> None:
        """Handle what has arrived, then write what that has caused."""
        stream = self._handed
        self._is_reading = True
        try:
            self.loop_read()
            while self._sock is stream and stream is not None and stream.has_more():
                self.loop_read()
        finally:
            self._is_reading = False
        if self._out_packet and self._sock is not None:
            self.loop_write()

    def keepalive_due_s(self) -> float | None:
        """When `loop_misc` has something to do next, in transport seconds; None with keep-alive off."""
        if self._keepalive == 0:
            return None
        since_s = self._ping_t or min(self._last_msg_out, self._last_bytes_received)
        return since_s + self._keepalive

    def _create_socket(self) -> BufferedStream:
        stream = self._handed
        if stream is None:
            raise ConnectionError("open() hands the stream over")
        return stream

    def _call_socket_open(self, sock: object) -> None:
        pass

    def _call_socket_close(self, sock: object) -> None:
        self._tell_closed()

    def _call_socket_register_write(self) -> None:
        if self._sock is None or self._registered_write or self._is_reading:
            return
        self._registered_write = True
        self._watch_writable(True)

    def _call_socket_unregister_write(self, sock: object = None) -> None:
        if self._registered_write:
            self._registered_write = False
            self._watch_writable(False)

    def _handle_publish(self) -> MQTTErrorCode:
        first_byte = self._in_packet["command"]
        packet = self._in_packet["packet"]
        quality = first_byte & 0x06
        try:
            at = 2 + _read_u16(packet, 0)[0]
            topic = packet[2:at].decode()
            packet_id = 0
            if quality:
                packet_id = _read_u16(packet, at)[0]
                at += 2
        except (ValueError, IndexError, StructError):
            return MQTTErrorCode.MQTT_ERR_PROTOCOL
        if quality > 0x02:  # our subscriptions grant QoS 1 at most (section 3.8.4)
            return MQTTErrorCode.MQTT_ERR_PROTOCOL
        properties, at = unpack_properties(packet, at)
        self._tell_received(topic, bytes(packet[at:]), properties, first_byte, packet_id)
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def _handle_pubackcomp(self, cmd: Literal["PUBACK", "PUBCOMP"]) -> MQTTErrorCode:
        packet = self._in_packet["packet"]
        if len(packet) < 2 or cmd != "PUBACK":
            return MQTTErrorCode.MQTT_ERR_PROTOCOL
        packet_id = _read_u16(packet, 0)[0]
        if self._out_messages.pop(packet_id, None) is not None:
            self._inflight_messages -= 1
            # Section 3.4.2.1: without a reason code the packet means success.
            self._tell_puback(packet_id, packet[2] if len(packet) > 2 else 0)
        return MQTTErrorCode.MQTT_ERR_SUCCESS
