"""A seeded story: hostile clients come, say things that no client should, and go, in any order."""

from collections.abc import Callable, Iterator
from random import Random
from typing import Final

from proofs.hostile.grammar import CLIENT_IDS, Grammar
from proofs.hostile.mutation import junk, mutate
from proofs.hostile.peer import FindingError
from proofs.hostile.stage import SCENES, Act, Action, S, Scene, Stage
from proofs.hostile.wire import PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, V3_1_1, V5
from runtime.randomness import SeededRandomness

PACKETS: Final = 2_000
"""In one story."""
_MS: Final = 1_000_000
_TEMPERS: Final = (0.0, 0.0, 0.03, 0.1, 0.5)
"""How many of its packets a peer spoils."""
_WAITS_NS: Final = (1, _MS, _MS, 20 * _MS, 200 * _MS, S, 3 * S, 20 * S, 95 * S, 700 * S, 4_000 * S)


class Story:
    """One story, told to a stage as it develops; `log` is what was done, enough to play it again.

    `packets` counts those whose first byte went to a connection that was open.
    """

    def __init__(self, seed: int, number: int, packets: int = PACKETS) -> None:
        self.chance: Random = SeededRandomness(seed).stream(f"story {number}")
        self.scene = SCENES[number % len(SCENES)]
        self.stage = Stage(self.scene)
        self.log: list[Action] = []
        self.packets = 0
        self._wanted = packets
        self._slots = self.chance.randrange(2, 8)
        self._grammars: dict[int, Grammar] = {}
        self._tempers: dict[int, float] = {}
        self._rests: dict[int, bytes] = {}
        self._last = b"\xc0\x00"

    def play(self) -> None:
        """From the first packet to the quiet afterwards. Raises FindingError."""
        while self.packets < self._wanted:
            for action in self._next():
                self.log.append(action)
                self.stage.do(action)
        self.stage.end()

    def _next(self) -> Iterator[Action]:
        chance = self.chance
        draw = chance.random()
        slot = chance.randrange(self._slots)
        peer = self.stage.peers.get(slot)
        if draw < 0.03:
            yield Action(Act.WITNESS, chance.randrange(2))
        elif draw < 0.05:
            yield Action(Act.WAIT, wait_ns=chance.choice(_WAITS_NS))
        elif peer is None or not peer.is_open:
            yield from self._open(slot)
        elif draw < 0.055:
            yield Action(Act.LOSE, slot)
        elif draw < 0.06:
            yield Action(chance.choice((Act.PAUSE, Act.RESUME, Act.RESUME)), slot)
        elif self._rests.get(slot):
            yield from self._say(slot, self._rests.pop(slot))
        elif draw < 0.4 and peer.inflight:
            yield from self._acknowledge(slot)
        else:
            yield from self._talk(slot)

    def _open(self, slot: int) -> Iterator[Action]:
        chance = self.chance
        level = V5 if chance.random() < 0.7 else V3_1_1
        grammar = self._grammars[slot] = Grammar(chance, level)
        self._tempers[slot] = chance.choice(_TEMPERS)
        self._rests.pop(slot, None)
        yield Action(Act.OPEN, slot)
        client_id = chance.choice(CLIENT_IDS) if chance.random() < 0.95 else b""
        draw = chance.random()
        if draw < 0.3:
            packet = grammar.plain_connect(client_id, expiry_s=chance.choice((0, 600, 0xFFFF_FFFF)))
        elif draw < 0.9:
            packet = grammar.connect(client_id)
        elif draw < 0.97:
            packet = mutate(chance, grammar.connect(client_id), self._last)
        else:
            packet = grammar.packet() if chance.random() < 0.5 else junk(chance)
        self.packets += 1
        yield from self._say(slot, packet)

    def _acknowledge(self, slot: int) -> Iterator[Action]:
        """Answer what the broker has sent, as one should or nearly so."""
        chance = self.chance
        inflight = self.stage.peers[slot].inflight
        packet_id = next(iter(inflight)) if chance.random() < 0.9 else chance.choice(list(inflight))
        kind = (PUBACK, PUBREC, PUBCOMP)[inflight[packet_id] - 1]
        if chance.random() < 0.03:
            kind = chance.choice((PUBACK, PUBREC, PUBREL, PUBCOMP))
        self.packets += 1
        yield from self._say(slot, self._grammars[slot].acknowledgement(kind, packet_id))

    def _talk(self, slot: int) -> Iterator[Action]:
        chance = self.chance
        grammar = self._grammars[slot]
        packet = grammar.packet()
        draw = chance.random()
        if draw < self._tempers[slot]:
            packet = mutate(chance, packet, self._last) if chance.random() < 0.95 else junk(chance)
        elif draw > 0.97:
            # Several at once, no acknowledgement among them: the books could not tell what came first.
            packets = [packet] + [grammar.publish() for _ in range(chance.randrange(1, 5))]
            if packet[0] >> 4 in (PUBLISH, 8, 10, 12):
                self.packets += len(packets) - 1
                packet = b"".join(packets)
        self._last = packet or self._last
        self.packets += 1
        yield from self._say(slot, packet)

    def _say(self, slot: int, data: bytes) -> Iterator[Action]:
        """All at once, or a part now and the rest when its turn comes."""
        if len(data) > 1 and self.chance.random() < 0.06:
            at = self.chance.randrange(1, len(data))
            self._rests[slot] = data[at:]
            data = data[:at]
        yield Action(Act.SAY, slot, data)


def replay(scene: Scene, log: list[Action]) -> FindingError | None:
    """Play `log` in `scene`; the finding it ends with, None when it holds."""
    stage = Stage(scene)
    try:
        for action in log:
            stage.do(action)
        stage.end()
    except FindingError as error:
        return error
    return None


def shortest(
    log: list[Action], rule: str, play: Callable[[list[Action]], FindingError | None], plays: int = 300
) -> list[Action]:
    """A short part of `log` that still breaks `rule` when played; ever smaller pieces are left out."""
    size = len(log) // 2
    while size and plays:
        start = 0
        while start < len(log) and plays:
            shorter = log[:start] + log[start + size :]
            plays -= 1
            finding = play(shorter)
            if finding is not None and finding.rule == rule:
                log = shorter
            else:
                start += size
        size //= 2
    return log
