"""The well-behaved clients of the storm: five that send each other QoS 1 messages, and their stopwatch."""

import asyncio
from collections import deque
from collections.abc import Coroutine
from typing import Final

from proofs.hostile.grammar import Grammar
from proofs.hostile.line import Line
from proofs.hostile.server_packets import Said, read_server_packet
from proofs.hostile.wire import CONNACK, PUBACK, PUBLISH, SUBACK, V5, Frames, UnreadableError, frame, prefixed
from runtime.randomness import SeededRandomness

CLIENTS: Final = 5
RATE_HZ: Final = 20.0
_PATIENCE_S: Final = 10.0
_LOCAL: Final = "127.0.0.1"


class CrowdError(Exception):
    """A well-behaved client was harmed."""


class Member:
    """One client: publishes to the next one's topic, and acknowledges what arrives on its own.

    `ahead` are the messages on their way to it: number and instant of sending, in order.
    """

    def __init__(self, index: int, line: Line) -> None:
        self.index = index
        self.ahead: deque[tuple[int, float]] = deque()
        self.round_trips_s: list[float] = []
        self._line = line
        self._frames = Frames()
        self._to = prefixed(b"crowd/%d" % ((index + 1) % CLIENTS))
        self.is_settled = asyncio.Event()
        """Set when nothing is on its way to it and all it has sent is acknowledged."""
        self._unacknowledged: set[int] = set()
        self._loop = asyncio.get_running_loop()

    @property
    def owed(self) -> int:
        """Messages that have not arrived here, and own ones that were not acknowledged."""
        return len(self.ahead) + len(self._unacknowledged)

    async def join(self) -> None:
        """CONNECT and SUBSCRIBE. Raises CrowdError, OSError."""
        grammar = Grammar(SeededRandomness(0).stream("crowd"), V5)
        await self._line.send(grammar.plain_connect(b"crowd-%d" % self.index, clean=True))
        await self._expect(CONNACK)
        await self._line.send(frame(0x82, b"\0\1\0" + prefixed(b"crowd/%d" % self.index) + b"\1"))
        await self._expect(SUBACK)

    async def publish(self, number: int, receiver: "Member") -> None:
        """Message `number` to the next client. Raises OSError."""
        packet_id = number % 0xFFFF + 1
        self._unacknowledged.add(packet_id)
        self.is_settled.clear()
        receiver.is_settled.clear()
        receiver.ahead.append((number, self._loop.time()))
        body = self._to + packet_id.to_bytes(2, "big") + b"\0" + number.to_bytes(8, "big")
        await self._line.send(frame(0x32, body))

    async def read(self) -> None:
        """Take what comes until cancelled. Raises CrowdError for anything but one's messages in order."""
        while True:
            for said in await self._said():
                if said.kind == PUBLISH:
                    number, sent_s = self.ahead.popleft() if self.ahead else (-1, 0.0)
                    if int.from_bytes(said.payload, "big") != number:
                        raise CrowdError(f"client {self.index} got {said} instead of message {number}")
                    self.round_trips_s.append(self._loop.time() - sent_s)
                    await self._line.send(b"\x40\x02" + said.packet_id.to_bytes(2, "big"))
                elif said.kind == PUBACK:
                    self._unacknowledged.discard(said.packet_id)
                else:
                    raise CrowdError(f"client {self.index} got type {said.kind}: {said.codes.hex()}")
            if not self.owed:
                self.is_settled.set()

    def leave(self) -> None:
        """Close."""
        self._line.reset()

    async def _expect(self, kind: int) -> None:
        said = await self._said()
        if len(said) != 1 or said[0].kind != kind or any(code >= 0x80 for code in said[0].codes):
            raise CrowdError(f"client {self.index}: {said} instead of a packet of type {kind}")

    async def _said(self) -> list[Said]:
        data = await self._line.read(timeout_s=60)
        if not data:
            raise CrowdError(f"client {self.index} was disconnected")
        return [read_server_packet(V5, packet, at) for packet, at in self._frames.feed(data)]


class Crowd:
    """All members together, at work from `join` to `leave`; `trouble` says who was harmed and how."""

    def __init__(self) -> None:
        self.trouble: list[str] = []
        self.messages = 0
        self._members: list[Member] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def join(self, port: int) -> None:
        """Everybody connects and begins. Raises CrowdError, OSError."""
        for index in range(CLIENTS):
            member = Member(index, await Line.open(_LOCAL, port))
            self._members.append(member)
            await member.join()
        for member in self._members:
            self._tasks.append(asyncio.create_task(self._watched(member.read())))
            self._tasks.append(asyncio.create_task(self._watched(self._publish(member))))

    def take_round_trips_s(self) -> list[float]:
        """The round trips since the last time, from sending to arrival at the other client."""
        found: list[float] = []
        for member in self._members:
            found += member.round_trips_s
            member.round_trips_s.clear()
        return found

    async def leave(self) -> int:
        """Stop sending, wait for what is on its way, close; returns how many messages never came."""
        for task in self._tasks[1::2]:
            task.cancel()
        if not self.trouble:
            waiting = [asyncio.create_task(member.is_settled.wait()) for member in self._members]
            _, late = await asyncio.wait(waiting, timeout=_PATIENCE_S)
            for each in late:
                each.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for member in self._members:
            member.leave()
        return sum(member.owed for member in self._members)

    async def _publish(self, member: Member) -> None:
        loop = asyncio.get_running_loop()
        receiver = self._members[(member.index + 1) % CLIENTS]
        due_s = loop.time() + member.index / CLIENTS / RATE_HZ
        number = 0
        while True:
            await asyncio.sleep(max(0.0, due_s - loop.time()))
            await member.publish(number, receiver)
            number += 1
            self.messages += 1
            due_s += 1 / RATE_HZ

    async def _watched(self, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        except (CrowdError, OSError, UnreadableError) as error:
            self.trouble.append(f"{type(error).__name__}: {error}")
