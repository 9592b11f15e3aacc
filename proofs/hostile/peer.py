"""One connection to the broker's core, and what is asked of all that the broker says to it."""

from collections import Counter
from typing import Final

from proofs.hostile.client_packets import Announced, Heard, read_client_packet, read_connect, spoken_level
from proofs.hostile.server_packets import Said, read_server_packet
from proofs.hostile.wire import (
    CONNACK,
    DISCONNECT,
    PINGREQ,
    PINGRESP,
    PUBACK,
    PUBCOMP,
    PUBLISH,
    PUBREC,
    PUBREL,
    SUBACK,
    SUBSCRIBE,
    UNSUBACK,
    UNSUBSCRIBE,
    V3_1_1,
    V5,
    Frames,
    UnreadableError,
)
from runtime.mqtt.packets import MqttProtocolError, Publish, TopicAliases, decode

_ANSWERS: Final = {
    PUBREC: PUBREL,
    PUBREL: PUBCOMP,
    SUBSCRIBE: SUBACK,
    UNSUBSCRIBE: UNSUBACK,
    PINGREQ: PINGRESP,
}
_PUBLISH_ANSWERS: Final = {1: PUBACK, 2: PUBREC}
_IN_ORDER: Final = (PUBACK, PUBREC, PUBCOMP)
"""Acknowledgements come in the order of what they acknowledge [MQTT-4.6.0-2 … -4]."""

RELEASED: Final = 3
"""A QoS 2 message that was answered with PUBREC and waits for its PUBCOMP."""


class FindingError(Exception):
    """The broker did what it must not do: `rule` says what that is, always in the same words."""

    def __init__(self, rule: str, detail: str = "") -> None:
        super().__init__(f"{rule}: {detail}" if detail else rule)
        self.rule = rule


class Peer:
    """A `Sink` of the broker that keeps the books of one connection.

    `hear` is told every byte before the broker is; `settle` reads what the broker has written since and
    raises FindingError when any of it is unreadable, unasked for, above what the client has announced, or
    missing although the connection goes on.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.news: list[Peer] = []
        """Where it puts itself when the broker does something to it; the stage gives it its own list."""
        self.is_closed = False
        """The broker has closed the connection."""
        self.is_lost = False
        """The connection broke, or the client closed it."""
        self.said: list[Said] = []
        """What the broker has said since this list was last emptied; nobody needs to."""
        self.inflight: dict[int, int] = {}
        """Messages of the broker on their way: packet identifier -> QoS, or RELEASED."""
        self.announced: Announced | None = None
        self.level: int | None = None
        self.is_accepted = False
        self.topics: set[bytes] = set()
        """Every topic this client has published to or left a will for."""
        self.bytes_out = 0
        self.codes: Counter[int] = Counter()
        self._written: list[bytes] = []
        self._client_frames = Frames()
        self._server_frames = Frames()
        self._owed: list[tuple[int, int, int]] = []
        self._is_garbled = ""
        self._after_close = False
        self._may_rel = False
        self._has_left = False
        self._server_is_done = False
        self._aliases: dict[int, bytes] = {}
        self._codec_aliases = TopicAliases(0)

    @property
    def is_open(self) -> bool:
        """Whether bytes may go to and fro."""
        return not (self.is_closed or self.is_lost)

    def write(self, data: bytes) -> None:
        """The broker sends (`Sink`)."""
        if self.is_closed or self.is_lost:
            self._after_close = True
        if not self._written:
            self.news.append(self)
        self._written.append(data)

    def close(self) -> None:
        """The broker closes (`Sink`)."""
        self.is_closed = True
        self.news.append(self)

    def hear(self, data: bytes) -> None:
        """Note what the client is about to say."""
        if self._is_garbled or self._has_left:
            return
        packet = b""
        try:
            for packet, at in self._client_frames.feed(data):
                if not self._hear_packet(packet, at):
                    return
        except UnreadableError as error:
            self._is_garbled = f"{error}: {packet[:60].hex()}"

    def settle(self) -> None:
        """Read what the broker has written. Raises FindingError."""
        if self._after_close:
            raise FindingError("a connection that is closed was written to")
        if self._written:
            data = b"".join(self._written)
            self._written.clear()
            self.bytes_out += len(data)
            try:
                for packet, at in self._server_frames.feed(data):
                    self._read(packet, at)
            except UnreadableError as error:
                raise FindingError("unreadable for its client", f"{error}: {data[:200].hex()}") from error
        if not self.is_open:
            return
        if self._is_garbled:
            raise FindingError("still open after what must end the connection", self._is_garbled)
        if self._has_left:
            raise FindingError("still open after DISCONNECT")
        if self._owed and self.is_accepted:
            kind, packet_id, _ = self._owed[0]
            raise FindingError("no answer, and still open", f"type {kind}, identifier {packet_id}")
        if not self.is_accepted and self.announced is not None:
            raise FindingError("no CONNACK, and still open")

    def _hear_packet(self, packet: bytes, at: int) -> bool:
        """Note one packet; False when it is the last one: DISCONNECT."""
        if self.announced is None:
            self.level = spoken_level(packet, at)
            self.announced = read_connect(packet, at)
            self._codec_aliases = TopicAliases(self.announced.topic_alias_maximum)
            if self.announced.will_topic:
                self.topics.add(self.announced.will_topic)
            return True
        heard = read_client_packet(self.announced.level, packet, at)
        kind = heard.kind
        if kind == PUBLISH:
            self.topics.add(heard.topic)
            if heard.qos:
                self._owed.append((_PUBLISH_ANSWERS[heard.qos], heard.packet_id, 0))
        elif kind in (PUBACK, PUBREC, PUBCOMP):
            self._acknowledged(heard)
        elif kind == DISCONNECT:
            self._has_left = True
        elif kind in _ANSWERS:
            self._owed.append((_ANSWERS[kind], heard.packet_id, heard.filters))
        return not self._has_left

    def _acknowledged(self, heard: Heard) -> None:
        qos = self.inflight.get(heard.packet_id)
        if heard.kind != PUBREC:
            self.inflight.pop(heard.packet_id, None)
        elif qos == RELEASED:
            self._may_rel = True
        elif heard.code >= 0x80:
            self.inflight.pop(heard.packet_id, None)
        elif qos == 2:
            self.inflight[heard.packet_id] = RELEASED
            self._owed.append((PUBREL, heard.packet_id, 0))
        else:
            self._may_rel = True

    def _read(self, packet: bytes, at: int) -> None:
        level = self.level
        if level is None:
            level = V5 if len(packet) != 4 else V3_1_1
        said = read_server_packet(level, packet, at)
        try:
            decoded = decode(packet, at, self._codec_aliases, level=level)
        except MqttProtocolError as error:
            raise UnreadableError(f"our own codec says {error}") from error
        if said.alias:
            if said.topic:
                self._aliases[said.alias] = said.topic
            elif said.alias not in self._aliases:
                raise UnreadableError(f"topic alias {said.alias} stands for nothing")
            said = said._replace(topic=self._aliases[said.alias])
        if isinstance(decoded, Publish) and decoded.topic != said.topic:
            raise UnreadableError(f"our own codec reads topic {decoded.topic!r}, we {said.topic!r}")
        self.said.append(said)
        if self._server_is_done:
            raise FindingError("something after the last packet of a connection", f"type {said.kind}")
        if said.kind == CONNACK:
            self._connack(said)
            return
        if not self.is_accepted or self.announced is None:
            raise FindingError("something before CONNACK", f"type {said.kind}")
        if len(packet) > self.announced.max_packet_size:
            most = self.announced.max_packet_size
            raise FindingError("above Maximum Packet Size", f"{len(packet)} bytes, type {said.kind}: {most}")
        if said.kind == PUBLISH:
            self._publish(said)
        elif said.kind == DISCONNECT:
            self.codes[said.codes[0]] += 1
            self._server_is_done = True
            if not self.is_closed:
                raise FindingError("DISCONNECT without closing the connection")
        else:
            self._answer(said)

    def _connack(self, said: Said) -> None:
        if self.is_accepted:
            raise FindingError("a second CONNACK")
        code = said.codes[0]
        self.codes[code] += 1
        if code:
            self._server_is_done = True
            if not self.is_closed:
                raise FindingError("refused without closing the connection", f"0x{code:02X}")
        elif self.announced is None:
            raise FindingError("accepted without a CONNECT that can be accepted", self._is_garbled)
        else:
            self.is_accepted = True
            self._may_rel = said.session_present

    def _publish(self, said: Said) -> None:
        announced = self.announced
        if announced is None or said.alias > announced.topic_alias_maximum:
            raise FindingError("above Topic Alias Maximum", str(said.alias))
        if said.qos:
            if said.packet_id in self.inflight:
                raise FindingError("a packet identifier is in use", str(said.packet_id))
            self.inflight[said.packet_id] = said.qos
            if len(self.inflight) > announced.receive_maximum:
                raise FindingError("above Receive Maximum", str(announced.receive_maximum))

    def _answer(self, said: Said) -> None:
        kind, packet_id = said.kind, said.packet_id
        for index, (owed, owed_id, count) in enumerate(self._owed):
            if owed != kind:
                continue
            if owed_id == packet_id:
                if kind == SUBACK and len(said.codes) != count:
                    raise FindingError("not one code per filter", f"{len(said.codes)} for {count}")
                if kind == UNSUBACK and self.level == V5 and len(said.codes) != count:
                    raise FindingError("not one code per filter", f"{len(said.codes)} for {count}")
                del self._owed[index]
                return
            if kind in _IN_ORDER:
                break
        if kind == PUBREL and self._may_rel:
            return
        raise FindingError("an answer nobody asked for", f"type {kind}, identifier {packet_id}")
