"""An MQTT 5 client on a plain socket that costs little: its packets are packed before the clock starts.

It reads whatever has arrived in one system call and acknowledges it in one, as a client in C would.
"""

import socket
from typing import Final, NamedTuple

_CONNACK, _PUBLISH, _PUBACK, _SUBACK = 2, 3, 4, 9
_PINGREQ: Final = b"\xc0\x00"


class Message(NamedTuple):
    """A PUBLISH at QoS 1 without its packet identifier, which stands between `head` and `tail`."""

    head: bytes
    tail: bytes


def _varint(value: int) -> bytes:
    return bytes((value,)) if value < 128 else bytes((value & 127 | 128, value >> 7))


def _text(text: str) -> bytes:
    data = text.encode()
    return len(data).to_bytes(2, "big") + data


def pack_message(topic: str, payload: bytes, properties: bytes) -> Message:
    """A message of less than 16,384 bytes; `properties` without their length."""
    tail = _varint(len(properties)) + properties + payload
    name = _text(topic)
    return Message(b"\x32" + _varint(len(name) + 2 + len(tail)) + name, tail)


def full_header(answer_topic: str) -> bytes:
    """Expiry, response topic, correlation data and four user properties, as our messages carry them."""
    pairs = {
        "schema": "1",
        "key": "0123456789abcdef0123456789abcdef",
        "sent_at": "2026-03-01T08:00:00.000Z",
        "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    }
    users = b"".join(b"\x26" + _text(name) + _text(value) for name, value in pairs.items())
    expiry = b"\x02" + (60).to_bytes(4, "big")
    return expiry + b"\x08" + _text(answer_topic) + b"\x09" + _text("0123456789abcdef") + users


class Client:
    """One client. `messages` and `acknowledged` count the PUBLISH and the PUBACK it has got."""

    __slots__ = ("_filter", "_hello", "_next_id", "_rest", "acknowledged", "is_ready", "messages", "socket")

    def __init__(self, client_id: str, topic_filter: str, keep_alive_s: int, expiry_s: int) -> None:
        properties = b"\x11" + expiry_s.to_bytes(4, "big") if expiry_s else b""
        flags = bytes((0 if expiry_s else 2,))
        body = _text("MQTT") + b"\x05" + flags + keep_alive_s.to_bytes(2, "big")
        body += _varint(len(properties)) + properties + _text(client_id)
        self._hello = b"\x10" + _varint(len(body)) + body
        self._filter = topic_filter
        self._next_id = 0
        self._rest = b""
        self.messages = self.acknowledged = 0
        self.is_ready = False
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def greet(self) -> None:
        """CONNECT; the answer brings SUBSCRIBE on its way when there is a topic filter."""
        self._send(self._hello)

    def publish(self, *messages: Message) -> None:
        """Send messages, all in one."""
        parts: list[bytes] = []
        for head, tail in messages:
            self._next_id = packet_id = self._next_id % 0xFFFF + 1
            parts += (head, packet_id.to_bytes(2, "big"), tail)
        self._send(b"".join(parts))

    def ping(self) -> None:
        """PINGREQ."""
        self._send(_PINGREQ)

    def leave(self) -> None:
        """DISCONNECT, which leaves the session to its expiry."""
        self._send(b"\xe0\x00")

    def read(self) -> None:
        """Take in what has arrived and acknowledge every message in it. Raises ConnectionError at the end."""
        arrived = self.socket.recv(65_536)
        if not arrived:
            raise ConnectionError("the broker has closed the connection")
        data = self._rest + arrived
        acks = []
        start, size = 0, len(data)
        while start + 2 <= size:
            at = start + 2
            length = data[start + 1]
            if length > 127:
                if at >= size:
                    break
                length = length & 127 | data[at] << 7
                at += 1
            if at + length > size:
                break
            kind = data[start] >> 4
            if kind == _PUBLISH:
                id_at = at + 2 + (data[at] << 8 | data[at + 1])
                acks.append(b"\x40\x02" + data[id_at : id_at + 2])
            elif kind == _PUBACK:
                self.acknowledged += 1
            elif kind == _CONNACK:
                self._admitted(data[at + 1])
            elif kind == _SUBACK:
                self.is_ready = True
            start = at + length
        self._rest = data[start:]
        if acks:
            self.messages += len(acks)
            self._send(b"".join(acks))

    def _admitted(self, reason_code: int) -> None:
        if reason_code:
            raise ConnectionError(f"the broker refuses the client with 0x{reason_code:02X}")
        if self._filter:
            body = b"\0\1\0" + _text(self._filter) + b"\1"
            self._send(b"\x82" + _varint(len(body)) + body)
        else:
            self.is_ready = True

    def _send(self, data: bytes) -> None:
        if self.socket.send(data) != len(data):
            raise BlockingIOError("the broker reads too slowly for this load")
