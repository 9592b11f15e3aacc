"""Makes packets that a client may send, and some that follow the grammar and break a rule."""

from random import Random
from typing import Final

from proofs.hostile.wire import (
    BINARY,
    BYTE,
    CONNECT,
    KINDS,
    PAIR,
    TEXT,
    U16,
    V3_1_1,
    V5,
    VARINT,
    frame,
    prefixed,
    varint,
)

CLIENT_IDS: Final = (b"h0", b"h1", b"h2", b"h3", b"h4", b"h5", "h\u00e9".encode())
_LEVELS: Final = (b"a", b"b", b"c", b"", b"$SYS", b"sensor", "\u6c34".encode(), b" ", b"$share")
_WILD_LEVELS: Final = (*_LEVELS[:4], b"+", b"+", b"#")
_BAD_TEXTS: Final = (
    b"a\0b",
    b"\xed\xa0\x80",
    b"\xc0\xaf",
    b"\xff",
    b"a/\xe2\x82",
    b"\xf4\x90\x80\x80",
    b"\xef\xbb\xbfa",
    b"\xef\xbf\xbf",
)
_BAD_FILTERS: Final = (b"", b"a#", b"#/a", b"a/#/b", b"+a", b"a+/b", b"$share", b"$share/", b"$share//a")
_U16S: Final = (0, 1, 1, 2, 3, 10, 100, 255, 256, 0x7FFF, 0xFFFF)
_U32S: Final = (0, 1, 2, 5, 30, 600, 3600, 0xFFFF, 0x7FFF_FFFF, 0xFFFF_FFFE, 0xFFFF_FFFF)
_MAX_SIZES: Final = (0, 1, 4, 20, 60, 200, 1_000, 0xFFFF_FFFF)
_CODES: Final = (0, 0, 0, 0, 0x10, 0x80, 0x83, 0x87, 0x92, 0x97, 0xFF)
_CONNECT_PROPERTIES: Final = (0x11, 0x11, 0x11, 0x17, 0x19, 0x21, 0x22, 0x26, 0x27)
_WILL_PROPERTIES: Final = (0x01, 0x02, 0x03, 0x08, 0x09, 0x18, 0x18, 0x26)
_PUBLISH_PROPERTIES: Final = (0x01, 0x02, 0x02, 0x03, 0x08, 0x09, 0x23, 0x26)
_MISPLACED: Final = (
    b"\x20\x03\0\0\0",
    b"\x90\x04\0\1\0\1",
    b"\xb0\x04\0\1\0\0",
    b"\xd0\x00",
    b"\xf0\x00",
    b"\x00\x00",
)
_LARGE: Final = bytes(range(256)) * 16


class Grammar:
    """Packets of one protocol level, drawn from `chance`."""

    def __init__(self, chance: Random, level: int = V5) -> None:
        self._chance = chance
        self.level = level

    def packet(self) -> bytes:
        """Any packet of a client after CONNECT, as often as a busy client would send it."""
        draw = self._chance.random()
        if draw < 0.55:
            return self.publish()
        if draw < 0.72:
            return self.subscribe()
        if draw < 0.80:
            return self.unsubscribe()
        if draw < 0.90:
            return self.acknowledgement(self._chance.choice((4, 5, 6, 7)), self._id())
        if draw < 0.985:
            return b"\xc0\x00"
        if draw < 0.992:
            return self.disconnect()
        if draw < 0.996:
            return self.misplaced()
        return self.connect(self._chance.choice(CLIENT_IDS))

    def connect(self, client_id: bytes) -> bytes:
        """CONNECT with any flags, will and properties."""
        chance = self._chance
        flags = 0x02 if chance.random() < 0.4 else 0
        will = b""
        if chance.random() < 0.3:
            flags |= 0x04 | chance.choice((0, 1, 1, 2)) << 3 | (chance.random() < 0.3) << 5
            will = self._properties(_WILL_PROPERTIES, 2) + prefixed(self.topic()) + prefixed(self.payload())
        credentials = b""
        if chance.random() < 0.1:
            flags |= 0x80
            credentials = prefixed(b"user")
            if chance.random() < 0.5:
                flags |= 0x40
                credentials += prefixed(b"\0secret\xff")
        keep_alive = chance.choice((0, 0, 1, 10, 60, 0xFFFF)).to_bytes(2, "big")
        head = prefixed(b"MQTT") + bytes((self.level, flags)) + keep_alive
        properties = self._properties(_CONNECT_PROPERTIES, 3)
        return frame(CONNECT << 4, head + properties + prefixed(client_id) + will + credentials)

    def plain_connect(self, client_id: bytes, *, clean: bool = False, expiry_s: int = 0) -> bytes:
        """CONNECT that says nothing particular."""
        head = prefixed(b"MQTT") + bytes((self.level, 2 if clean else 0)) + b"\0\0"
        properties = b""
        if self.level == V5:
            properties = b"\x05\x11" + expiry_s.to_bytes(4, "big") if expiry_s else b"\0"
        return frame(CONNECT << 4, head + properties + prefixed(client_id))

    def publish(self) -> bytes:
        """PUBLISH with any flags, topic and properties."""
        chance = self._chance
        draw = chance.random()
        qos = 0 if draw < 0.25 else 1 if draw < 0.8 else 2
        flags = 0x30 | qos << 1 | (chance.random() < 0.08)
        identifier = b""
        if qos:
            flags |= (chance.random() < 0.1) << 3
            identifier = self._id().to_bytes(2, "big")
        topic = self.topic() if chance.random() < 0.99 else b""
        properties = self._properties(_PUBLISH_PROPERTIES, 3)
        return frame(flags, prefixed(topic) + identifier + properties + self.payload())

    def subscribe(self) -> bytes:
        """SUBSCRIBE with one or more filters of any kind and any options."""
        chance = self._chance
        parts = [self._id().to_bytes(2, "big"), self._properties((0x0B, 0x26), 1, 0.2)]
        for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
            options = chance.choice((0, 1, 1, 2))
            if self.level == V5:
                options |= (chance.random() < 0.15) << 2 | (chance.random() < 0.15) << 3
                options |= chance.choice((0, 0, 1, 2)) << 4
            parts.append(prefixed(self.topic_filter()) + bytes((options,)))
        return frame(0x82, b"".join(parts))

    def unsubscribe(self) -> bytes:
        """UNSUBSCRIBE, seldom from what was subscribed to."""
        chance = self._chance
        filters = b"".join(prefixed(self.topic_filter()) for _ in range(chance.choice((1, 1, 2, 5))))
        return frame(0xA2, self._id().to_bytes(2, "big") + self._properties((0x26,), 1, 0.1) + filters)

    def acknowledgement(self, kind: int, packet_id: int) -> bytes:
        """PUBACK, PUBREC, PUBREL or PUBCOMP, short or long."""
        body = packet_id.to_bytes(2, "big")
        if self.level == V5 and self._chance.random() < 0.2:
            body += bytes((self._chance.choice(_CODES),))
            if self._chance.random() < 0.5:
                body += self._properties((0x1F, 0x26), 1)
        return frame(kind << 4 | (2 if kind == 6 else 0), body)

    def disconnect(self) -> bytes:
        """DISCONNECT, short or long."""
        if self.level != V5 or self._chance.random() < 0.4:
            return b"\xe0\x00"
        code = self._chance.choice((0, 4, 0x80, 0x82, 0x98))
        return frame(0xE0, bytes((code,)) + self._properties((0x11, 0x1F, 0x26), 1, 0.7))

    def misplaced(self) -> bytes:
        """A packet that only a server sends, or one of extended authentication."""
        return self._chance.choice(
            (
                b"\x20\x03\0\0\0",
                b"\x90\x04\0\1\0\1",
                b"\xb0\x04\0\1\0\0",
                b"\xd0\x00",
                b"\xf0\x00",
                b"\x00\x00",
            )
        )

    def topic(self) -> bytes:
        """A topic name, most often a short one that somebody subscribes to; seldom a bad or a deep one."""
        chance = self._chance
        draw = chance.random()
        if draw < 0.97:
            return b"/".join(chance.choices(_LEVELS, k=chance.randrange(1, 5))) or b"a"
        if draw < 0.98:
            return chance.choice(_BAD_TEXTS)
        if draw < 0.99:
            return chance.choice((b"a/+", b"#", b"+"))
        return b"a/" * chance.choice((100, 1_000, 32_000)) if draw < 0.991 else b"deep" + b"/x" * 40

    def topic_filter(self) -> bytes:
        """A topic filter: plain, with wildcards, shared; seldom a bad or a deep one."""
        chance = self._chance
        draw = chance.random()
        if draw < 0.9:
            levels = chance.choices(_WILD_LEVELS, k=chance.randrange(1, 5))
            if b"#" in levels:
                levels = levels[: levels.index(b"#") + 1]
            plain = b"/".join(levels) or b"a"
            return plain if draw < 0.75 else b"$share/" + chance.choice((b"g", b"h")) + b"/" + plain
        if draw < 0.97:
            return chance.choice(_BAD_FILTERS)
        if draw < 0.985:
            return chance.choice(_BAD_TEXTS)
        return chance.choice((b"+/" * 200 + b"#", b"x/" * 1_000)) if draw < 0.99 else self.topic()

    def payload(self) -> bytes:
        """What a message carries, seldom much."""
        chance = self._chance
        draw = chance.random()
        if draw < 0.15:
            return b""
        return b"payload" if draw < 0.97 else _LARGE[: chance.randrange(4_096)]

    def properties(self, identifiers: tuple[int, ...]) -> bytes:
        """A block of properties that holds each of `identifiers`, in that order."""
        block = b"".join(map(self._property, identifiers))
        return varint(len(block)) + block

    def _properties(self, identifiers: tuple[int, ...], most: int, share: float = 0.35) -> bytes:
        if self.level == V3_1_1:
            return b""
        chance = self._chance
        if chance.random() >= share:
            return b"\0"
        chosen = dict.fromkeys(chance.choices(identifiers, k=chance.randrange(1, most + 1)))
        if chance.random() < 0.02:
            chosen[chance.randrange(0x30)] = None
        return self.properties(tuple(chosen))

    def _property(self, identifier: int) -> bytes:
        chance = self._chance
        kind = KINDS.get(identifier, BYTE)
        head = bytes((identifier,))
        if kind == BYTE:
            return head + chance.choice(
                (b"\0", b"\1", b"\1", b"\2") if chance.random() < 0.1 else (b"\0", b"\1")
            )
        if kind == U16:
            return head + max(chance.choice(_U16S), chance.random() < 0.95).to_bytes(2, "big")
        if kind == VARINT:
            return head + varint(max(chance.choice(_U32S) >> 4, chance.random() < 0.95))
        if kind == TEXT:
            return head + prefixed(self.topic())
        if kind == BINARY:
            return head + prefixed(b"correlation")
        if kind == PAIR:
            return head + prefixed(b"name") + prefixed(self.topic())
        values = _MAX_SIZES if identifier == 0x27 else _U32S
        return head + chance.choice(values).to_bytes(4, "big")

    def _id(self) -> int:
        """A packet identifier: most often a small one, so that they meet again; now and then 0."""
        draw = self._chance.random()
        return int(draw * 40) + 1 if draw < 0.995 else (0 if draw < 0.997 else 0xFFFF)
