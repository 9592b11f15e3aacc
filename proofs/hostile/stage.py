"""The broker's core with hostile peers and well-behaved witnesses around it; played action by action."""

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from enum import Enum
from typing import Final, NamedTuple

from proofs.hostile.peer import FindingError, Peer
from proofs.hostile.quiet import sizes
from proofs.hostile.wire import V3_1_1, V5
from proofs.hostile.witness import Janitor, Witness
from runtime.mqtt.broker.config import PROFILES, BrokerConfig, DropPolicy
from runtime.mqtt.broker.connection import Connection
from runtime.mqtt.broker.core import Broker
from runtime.mqtt.broker.faults import BrokerFault, FaultAction
from runtime.mqtt.broker.sqlite_ledger import SqliteLedger

S: Final = 1_000_000_000
LONGEST_SESSION_S: Final = 3_600
AFTERWARDS_NS: Final = 50 * 3_600 * S
"""Longer than any session, keep alive or delayed will of the stories."""
SLACK: Final = 0
"""Objects that a quiet broker may hold more than before: lists grown, counters above small integers."""


class Scene(NamedTuple):
    """What a story is played with: limits, whether a ledger is kept, and what the broker does wrong.

    Faults are for hostile clients alone: the witnesses must have what they are owed.
    """

    config: BrokerConfig
    has_ledger: bool = False
    faults: tuple[BrokerFault, ...] = ()


_SMALL: Final = BrokerConfig(receive_maximum=5, max_inflight=3, max_packet_size=2_048, max_queued=5)
_CHOICES: Final = (
    BrokerConfig(),
    _SMALL,
    replace(_SMALL, drop_policy=DropPolicy.OLDEST, max_queued=2),
    *PROFILES.values(),
)
CONFIGS: Final = tuple(replace(each, max_session_expiry_s=LONGEST_SESSION_S) for each in _CHOICES)
_FAULTS: Final = (
    BrokerFault(FaultAction.DELAY, "h0", delay_s=2.0),
    BrokerFault(FaultAction.DUPLICATE, "h1"),
    BrokerFault(FaultAction.DROP_BEFORE, "h2", topic_filter="+/#", times=20),
    BrokerFault(FaultAction.DROP_AFTER, "h3", topic_filter="+/#", times=20),
    BrokerFault(FaultAction.REFUSE_MESSAGE, "h4", times=100),
    BrokerFault(FaultAction.REFUSE_CONNECTION, "h5", times=10),
)
_RATE_HZ: Final = 40
"""More than a witness comes to, less than what a hostile client can say before a second has passed."""
SCENES: Final = (
    *map(Scene, CONFIGS),
    Scene(CONFIGS[0], has_ledger=True),
    Scene(CONFIGS[2], has_ledger=True),
    Scene(CONFIGS[0], faults=_FAULTS),
    Scene(CONFIGS[1], has_ledger=True, faults=_FAULTS),
    Scene(replace(CONFIGS[0], max_packet_rate_hz=_RATE_HZ)),
)


class Act(Enum):
    """What can happen on the stage."""

    OPEN = "open"
    SAY = "say"
    LOSE = "lose"
    PAUSE = "pause"
    RESUME = "resume"
    WAIT = "wait"
    WITNESS = "witness"


class Action(NamedTuple):
    """One step: `slot` is a peer or a witness, `data` what it says, `wait_ns` how long nothing happens."""

    act: Act
    slot: int = 0
    data: bytes = b""
    wait_ns: int = 0

    def __str__(self) -> str:
        if self.act is Act.WAIT:
            return f"wait {self.wait_ns / S:g} s"
        return f"{self.act.value} {self.slot} {self.data.hex()}".rstrip()


class Stage:
    """One broker of one configuration and whoever is connected to it.

    `do` plays one action and raises FindingError as soon as an oracle has something to say; `end` sends
    everybody hostile home and holds the broker against what it was before they came.
    """

    def __init__(self, scene: Scene) -> None:
        self.now_ns = S
        self._database = sqlite3.connect(":memory:", isolation_level=None) if scene.has_ledger else None
        ledger = None if self._database is None else SqliteLedger(self._database)
        self.broker = Broker(scene.config, ledger, self.now_ns)
        for fault in scene.faults:
            self.broker.faults.add(fault)
        self.peers: dict[int, Peer] = {}
        self.witnesses: list[Witness] = []
        self.topics: set[bytes] = set()
        self.connections = 0
        self.accepted = 0
        self.bytes_in = 0
        self.bytes_out = 0
        self.codes: dict[int, int] = {}
        self._roads: dict[str, tuple[Peer, Connection]] = {}
        self._news: list[Peer] = []
        for level in (V5, V3_1_1):
            witness = Witness(level)
            if witness.join(self._talk_as(witness)):
                self.witnesses.append(witness)
        self._quiet = self._sizes()

    def do(self, action: Action) -> None:
        """Play one action; one for a peer who is not there is skipped. Raises FindingError."""
        act, slot = action.act, action.slot
        if act is Act.OPEN:
            self._lose(slot)
            peer = Peer(f"h{slot}.{self.connections}")
            self.peers[slot] = peer
            self.connections += 1
            self._accept(peer)
        elif act is Act.WAIT:
            self._wait(action.wait_ns)
        elif act is Act.WITNESS:
            witness = self.witnesses[slot % len(self.witnesses)]
            witness.publish(self._talk_as(witness))
        elif act is Act.LOSE:
            self._lose(slot)
        else:
            self._do_to(action)
        self._settle()

    def end(self) -> None:
        """Everybody leaves, time passes, nothing may be left of it. Raises FindingError."""
        for slot in sorted(self.peers):
            self._lose(slot)
        self._settle()
        self._wait(AFTERWARDS_NS)
        now = self._sizes()
        more = {name: count - self._quiet.get(name, 0) for name, count in now.items()}
        if sum(more.values()) > SLACK:
            left = {name: count for name, count in sorted(more.items()) if count}
            raise FindingError("something is kept of clients that are gone", str(left))
        if self._database is not None:
            again = Broker(self.broker.config, SqliteLedger(self._database), self.now_ns)
            if len(again.sessions) != len(self.witnesses):
                raise FindingError(
                    "the ledger keeps other sessions than the broker", str(len(again.sessions))
                )

    def _do_to(self, action: Action) -> None:
        peer = self.peers.get(action.slot)
        if peer is None or not peer.is_open:
            return
        connection = self._roads[peer.name][1]
        if action.act is Act.SAY:
            self._say(peer, connection, action.data)
        elif action.act is Act.PAUSE:
            self._guard(connection.pause)
        else:
            self._guard(lambda: connection.resume(self.now_ns))

    def _accept(self, peer: Peer) -> None:
        peer.news = self._news

        def accept() -> None:
            self._roads[peer.name] = peer, self.broker.accept(self.now_ns, peer)

        self._guard(accept)

    def _say(self, peer: Peer, connection: Connection, data: bytes) -> None:
        peer.hear(data)
        self._news.append(peer)
        self.bytes_in += len(data)
        self._guard(lambda: connection.receive(self.now_ns, data))

    def _lose(self, slot: int) -> None:
        peer = self.peers.get(slot)
        if peer is not None and not peer.is_lost:
            self._close(peer)

    def _close(self, peer: Peer) -> None:
        """The network connection ends: the shell tells the core so, whoever began it."""
        peer.is_lost = True
        self._news.append(peer)
        _, connection = self._roads[peer.name]
        self._guard(lambda: connection.closed(self.now_ns))

    def _wait(self, wait_ns: int) -> None:
        end_ns = self.now_ns + wait_ns
        calls = 0
        while (due_ns := self.broker.next_due()) is not None and due_ns <= end_ns:
            self.now_ns = max(due_ns, self.now_ns)
            self._guard(lambda: self.broker.advance(self.now_ns))
            self._settle()
            calls += 1
            if calls > 1_000_000:
                raise FindingError("advance does not get on", f"{self.now_ns} ns")
        self.now_ns = end_ns

    def _settle(self) -> None:
        """Read what has been said to anybody; who is closed has his connection end."""
        while self._news:
            news = self._news.copy()
            self._news.clear()
            for peer in news:
                peer.settle()
                if isinstance(peer, Witness):
                    peer.answer(self._talk_as(peer))
                if not peer.is_open and peer.name in self._roads:
                    if not peer.is_lost:
                        self._close(peer)
                    self._forget(peer)
        self._guard(self.broker.commit)

    def _forget(self, peer: Peer) -> None:
        del self._roads[peer.name]
        self.bytes_out += peer.bytes_out
        self.accepted += peer.is_accepted
        self.topics |= peer.topics
        for code, count in peer.codes.items():
            self.codes[code] = self.codes.get(code, 0) + count
        if isinstance(peer, Witness) and peer in self.witnesses:
            raise FindingError("a witness was disconnected", f"{peer.name}: {peer.said[-1:]}")

    def _talk_as(self, peer: Peer) -> Callable[[bytes], None]:
        """A way for a well-behaved client to say something and have the answers read."""

        def talk(data: bytes) -> None:
            if peer.name not in self._roads:
                self._accept(peer)
            self._say(peer, self._roads[peer.name][1], data)
            peer.settle()

        return talk

    def _sizes(self) -> dict[str, int]:
        """What the broker holds once the retained messages are cleared and the witnesses have spoken."""
        self._clean()
        self._wait(AFTERWARDS_NS)
        for witness in self.witnesses:
            witness.publish(self._talk_as(witness))
        self._settle()
        if self._database is not None:
            self._clean()  # what the ledger has put off is written with it
        return sizes(self.broker)

    def _clean(self) -> None:
        janitor = Janitor()
        say = self._talk_as(janitor)

        def talk(data: bytes) -> None:
            if self.broker.config.max_packet_rate_hz:
                self._wait(S)
            say(data)

        limits = self.broker.config
        possible = (
            each
            for each in self.topics
            if len(each) < limits.max_packet_size - 9 and each.count(b"/") < limits.max_topic_levels
        )
        janitor.clean(talk, sorted(possible))
        self._settle()

    def _guard(self, call: Callable[[], object]) -> None:
        """Nothing leaves the broker but what it returns."""
        try:
            call()
        except Exception as error:
            raise FindingError(
                "an exception leaves the broker", f"{type(error).__name__}: {error}"
            ) from error
