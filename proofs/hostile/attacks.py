"""What a hostile client does with one connection; each attack is short, and hundreds run at once."""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import Final, NamedTuple

from proofs.hostile.grammar import Grammar
from proofs.hostile.line import Line
from proofs.hostile.mutation import junk, mutate
from proofs.hostile.wire import V3_1_1, V5, frame, prefixed

NONSENSE: Final = 20
"""Client identifiers of those who talk nonsense; their sessions may last."""
WEEK_S: Final = 7 * 24 * 3_600
_PINGS: Final = b"\xc0\x00" * 8_000
_LARGE: Final = bytes(60_000)


class Attacker:
    """All attacks on the broker at `port`; every connection comes from another address.

    `patience_s` is how long it waits for a broker that should close a silent connection; `packets` counts
    MQTT packets handed to the network in whole, `connections` those that were made.
    """

    def __init__(self, port: int, chance: Random, patience_s: float) -> None:
        self._port = port
        self._chance = chance
        self._patience_s = patience_s
        self._grammars = Grammar(chance, V5), Grammar(chance, V3_1_1)
        self._number = 0
        self._sessions = 0
        self._cleared = 0
        self.packets = 0
        self.connections = 0

    async def attack(self, name: str) -> None:
        """One connection and all that `ATTACKS[name]` does with it. Raises OSError if the broker ends it."""
        self._number += 1
        source = f"127.0.{1 + self._number // 250 % 250}.{1 + self._number % 250}"
        number = self._number
        line = await Line.open(source, self._port, number, 4_096 if name == "never_read" else 0)
        self.connections += 1
        try:
            await ATTACKS[name].attack(self, line)
        finally:
            line.reset()

    async def say_nothing(self, line: Line) -> None:
        """Connect, and wait as long as the broker bears it, or leave without a word."""
        if self._chance.random() < 0.1:
            await line.wait_for_end(self._patience_s)
        else:
            await asyncio.sleep(self._chance.uniform(0, 2))

    async def say_half(self, line: Line) -> None:
        """Half a CONNECT, then nothing."""
        connect = self._connect(line)
        await self._send(line, connect[: self._chance.randrange(1, len(connect))], 0)
        await asyncio.sleep(self._chance.uniform(0, 3))

    async def say_slowly(self, line: Line) -> None:
        """A CONNECT byte by byte, then PINGREQs byte by byte (slow loris)."""
        for byte in self._connect(line) + b"\xc0\x00" * 3:
            await self._send(line, bytes((byte,)), 0)
            await asyncio.sleep(self._chance.uniform(0.02, 0.2))
        self.packets += 4

    async def leave_at_once(self, line: Line) -> None:
        """Connect, perhaps say CONNECT, and reset."""
        if self._chance.random() < 0.5:
            await self._send(line, self._connect(line), 1)

    async def flood(self, line: Line) -> None:
        """CONNECT, and thousands of packets of one kind as fast as they go."""
        await self._join(line)
        kind = self._chance.randrange(4)
        if kind == 0:
            await self._send(line, _PINGS, 8_000)
        elif kind == 1:
            await self._send(line, frame(0x30, prefixed(b"flood") + b"\0x") * 2_000, 2_000)
        elif kind == 2:
            ids = (number.to_bytes(2, "big") for number in range(1, 1_001))
            publishes = [frame(0x32, prefixed(b"flood") + each + b"\0x") for each in ids]
            await self._send(line, b"".join(publishes), len(publishes))
        else:
            await self._send(line, frame(0x82, b"\0\1\0" + prefixed(b"flood/+/x") + b"\1") * 500, 500)
        await line.wait_for_end(self._chance.uniform(0, 1))

    async def never_read(self, line: Line) -> None:
        """Subscribe to what one publishes, and read none of it."""
        await self._join(line)
        await self._send(line, frame(0x82, b"\0\1\0" + prefixed(b"deaf/%d" % line.number) + b"\1"), 1)
        publish = frame(0x30, prefixed(b"deaf/%d" % line.number) + b"\0" + _LARGE)
        for _ in range(self._chance.randrange(4, 20)):
            await self._send(line, publish, 1)
        await asyncio.sleep(self._chance.uniform(0, 2))

    async def claim_much(self, line: Line) -> None:
        """A CONNECT that claims 256 MB, and some of them."""
        await self._send(line, b"\x10\xff\xff\xff\x7f\0\4MQTT\5\2\0\0\0\0\1a", 0)
        for _ in range(4):
            await self._send(line, _LARGE, 0)
        await line.wait_for_end(2)

    async def leave_a_session(self, line: Line) -> None:
        """A session for a week, with a subscription, under a name nobody has used."""
        number = self._sessions
        self._sessions += 1
        await self._send(line, self._grammars[0].plain_connect(b"week-%d" % number, expiry_s=WEEK_S), 1)
        await self._send(line, frame(0x82, b"\0\1\0" + prefixed(b"week/%d/#" % number) + b"\1"), 1)
        await line.read()

    async def clear_a_session(self, line: Line) -> None:
        """A name that has a session again, to end it: what comes last."""
        number = self._cleared
        self._cleared += 1
        name = b"n%d" % number if number < NONSENSE else b"week-%d" % (number - NONSENSE)
        await self._send(line, self._grammars[0].plain_connect(name, clean=True), 1)
        await line.read()

    async def subscribe_much(self, line: Line) -> None:
        """Hundreds of subscriptions, shared ones and wildcards among them."""
        await self._join(line)
        for start in range(0, 200, 50):
            filters = b"".join(
                prefixed(b"many/%d/%d/+/#" % (line.number, n)) + b"\1" for n in range(start, start + 50)
            )
            await self._send(line, frame(0x82, b"\0\1\0" + filters), 1)
        await line.wait_for_end(0.5)

    async def go_deep(self, line: Line) -> None:
        """Topics and filters with thousands of levels."""
        await self._join(line)
        depth = self._chance.choice((1_000, 10_000, 30_000))
        await self._send(line, frame(0x82, b"\0\1\0" + prefixed(b"/" * depth + b"#") + b"\0"), 1)
        await self._send(line, frame(0x30, prefixed(b"/" * depth) + b"\0x"), 1)
        await line.wait_for_end(0.3)

    async def ask_for_retained(self, line: Line) -> None:
        """Hundreds of retained messages, filters that must look at all of them; then they are cleared."""
        await self._join(line)
        topics = [prefixed(b"kept/%d/%d" % (line.number, n)) for n in range(200)]
        await self._send(line, b"".join(frame(0x31, topic + b"\0kept") for topic in topics), len(topics))
        filters = b"".join(prefixed(b"+/+/none%d" % n) + b"\0" for n in range(20))
        await self._send(line, frame(0x82, b"\0\1\0" + filters), 1)
        await self._send(line, b"".join(frame(0x31, topic + b"\0") for topic in topics), len(topics))
        await line.wait_for_end(0.3)

    async def match_much(self, line: Line) -> None:
        """Hundreds of filters that all match one topic, in ways that share nothing, and that topic."""
        await self._join(line)
        for start in range(0, 200, 20):
            chosen = ("/".join(self._chance.choices("a+", k=100)) for _ in range(20))
            filters = b"".join(prefixed(each.encode()) + b"\0" for each in chosen)
            await self._send(line, frame(0x82, (start + 1).to_bytes(2, "big") + b"\0" + filters), 1)
        for _ in range(5):
            await self._send(line, frame(0x30, prefixed(b"/".join([b"a"] * 100)) + b"\0x"), 1)
        await line.wait_for_end(0.3)

    async def talk_nonsense(self, line: Line) -> None:
        """Packets of the grammar, a third of them spoilt."""
        chance = self._chance
        grammar = chance.choice(self._grammars)
        await self._send(line, grammar.connect(b"n%d" % chance.randrange(NONSENSE)), 1)
        for _ in range(chance.randrange(1, 12)):
            packet = grammar.packet()
            if chance.random() < 0.3:
                packet = mutate(chance, packet, junk(chance))
            await self._send(line, packet, 1)
        await line.wait_for_end(0.2)

    def _connect(self, line: Line) -> bytes:
        return self._grammars[0].plain_connect(b"x%d" % line.number)

    async def _join(self, line: Line) -> None:
        await self._send(line, self._connect(line), 1)
        await line.read()

    async def _send(self, line: Line, data: bytes, packets: int) -> None:
        await line.send(data)
        self.packets += packets


class Attack(NamedTuple):
    """`share` of a hundred connections do it, at most `at_once` at a time."""

    attack: Callable[[Attacker, Line], Awaitable[None]]
    share: int
    at_once: int


ATTACKS: Final = {
    "say_nothing": Attack(Attacker.say_nothing, 12, 200),
    "say_half": Attack(Attacker.say_half, 8, 200),
    "say_slowly": Attack(Attacker.say_slowly, 3, 100),
    "leave_at_once": Attack(Attacker.leave_at_once, 28, 100),
    "flood": Attack(Attacker.flood, 2, 4),
    "never_read": Attack(Attacker.never_read, 1, 4),
    "claim_much": Attack(Attacker.claim_much, 4, 20),
    "leave_a_session": Attack(Attacker.leave_a_session, 10, 50),
    "subscribe_much": Attack(Attacker.subscribe_much, 1, 4),
    "go_deep": Attack(Attacker.go_deep, 1, 4),
    "ask_for_retained": Attack(Attacker.ask_for_retained, 1, 4),
    "match_much": Attack(Attacker.match_much, 1, 4),
    "talk_nonsense": Attack(Attacker.talk_nonsense, 18, 50),
    "clear_a_session": Attack(Attacker.clear_a_session, 10, 50),
}
"""By name; `clear_a_session` comes last, when all sessions have been left."""


def schedule(connections: int, chance: Random) -> list[str]:
    """The attacks of a storm: each as often as its share, in any order, those that end sessions last."""
    names: list[str] = []
    for name, attack in ATTACKS.items():
        names += [name] * round(connections * attack.share / 100)
    names += ["leave_at_once"] * (connections - len(names))
    chance.shuffle(names)
    return sorted(names, key="clear_a_session".__eq__)
