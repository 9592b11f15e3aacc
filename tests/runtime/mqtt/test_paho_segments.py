"""Packets arrive in the pieces the road makes of them: any cut is read alike, segments of 1,448 bytes too."""

import asyncio
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.link import SEGMENT_BYTES, LinkConditions
from runtime.mqtt.paho_client import HandDrivenClient
from runtime.mqtt.port import MqttConfig
from runtime.mqtt.properties import Properties, PropertyId
from runtime.mqtt.publish import encode_publish
from runtime.ports import Stream
from runtime.virtual_network import VirtualHost
from telematics.link.model import BottleneckLink
from tests.runtime.mqtt import scripted_broker as wire
from tests.runtime.mqtt.port_rigs import VirtualRig
from tests.runtime.mqtt.port_story import Story

HEADER = Properties(
    (PropertyId.USER_PROPERTY, ("key", "k" * 32)), (PropertyId.CORRELATION_DATA, b"\x00\xff" * 20)
).encode()
SIZES = (0, 1, 20, 60, 61, 128, 300, 16_300, 16_400, 40_000)
"""Payloads around the lengths at which the remaining length takes another byte (section 1.5.5)."""

PACKETS = b"".join(
    (
        wire.CONNACK,
        b"\x90\x04\x00\x01\x00\x01",
        *(encode_publish("a/b", bytes(size), number + 1, HEADER) for number, size in enumerate(SIZES)),
        b"\xd0\x00",
        b"\x40\x02\x00\x07",
        encode_publish("last", b"!", 99),
    )
)


class Pieces:
    """A stream that hands out what it was given, piece by piece, and swallows what is sent."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces[::-1]
        self.sent = b""

    def fileno(self) -> int:
        return 3

    def recv(self, n: int, /) -> bytes:
        if not self._pieces:
            raise BlockingIOError
        return self._pieces.pop()

    def send(self, data: Any, /) -> int:
        self.sent += data
        return len(data)

    def close(self) -> None:
        """Nothing is behind it."""

    def setblocking(self, flag: bool, /) -> None:
        """It never blocks."""


def told(cuts: list[int]) -> list[object]:
    """What a client says of PACKETS when they come cut at `cuts`."""
    events: list[object] = []
    edges = [0, *sorted(cuts), len(PACKETS)]
    pieces = [PACKETS[a:b] for a, b in pairwise(edges) if b > a]

    async def read() -> None:
        client = HandDrivenClient(
            MqttConfig("broker", 1, "car"),
            on_connected=lambda present: events.append(present),
            on_subscribed=events.append,
            on_received=lambda *message: events.append(message),
            on_puback=lambda *puback: events.append(puback),
            on_closed=lambda: events.append("closed"),
            watch_writable=lambda begin: None,
        )
        client.open(Pieces(pieces))
        for _ in pieces:
            client.read()
        client.read()

    asyncio.run(read())
    return events


WHOLE = told([])


def test_whole_packets_are_read_whole() -> None:
    assert WHOLE[:2] == [False, ""]
    messages = [event for event in WHOLE if isinstance(event, tuple)]
    assert [len(message[1]) for message in messages] == [*SIZES, 1]
    assert [message[4] for message in messages] == [*range(1, len(SIZES) + 1), 99]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, len(PACKETS)), max_size=30))
def test_packets_cut_anywhere_are_read_alike(cuts: list[int]) -> None:
    assert told(cuts) == WHOLE


def test_packets_cut_at_every_single_byte_are_read_alike() -> None:
    assert told(list(range(len(PACKETS)))) == WHOLE


def test_each_single_cut_in_the_small_packets_is_read_alike() -> None:
    for cut in range(300):
        assert told([cut]) == WHOLE


def test_segments_of_a_low_mss_are_read_alike() -> None:
    for size in (SEGMENT_BYTES, 536, 1_460, 2):
        assert told(list(range(0, len(PACKETS), size))) == WHOLE


class Tapped:
    """A stream that notes what comes out of it, under its name."""

    def __init__(self, stream: Stream, log: list[tuple[str, int]], name: str) -> None:
        self._stream = stream
        self._log = log
        self._name = name

    def fileno(self) -> int:
        return self._stream.fileno()

    def recv(self, n: int, /) -> bytes:
        data = self._stream.recv(n)
        self._log.append((self._name, len(data)))
        return data

    def send(self, data: Any, /) -> int:
        return self._stream.send(data)

    def close(self) -> None:
        self._stream.close()

    def setblocking(self, flag: bool, /) -> None:
        """It never blocks."""


class TappedHost:
    """A host whose streams are tapped."""

    def __init__(self, host: VirtualHost, log: list[tuple[str, int]]) -> None:
        self._host = host
        self._log = log
        self.listen = host.listen

    async def connect(self, host: str, port: int, *, timeout_s: float) -> Stream:
        return Tapped(await self._host.connect(host, port, timeout_s=timeout_s), self._log, "mqtt")

    def reset(self, stream: Stream) -> None:
        self._host.reset(stream)


def test_a_packet_of_many_segments_arrives_with_other_flows_in_between() -> None:
    rig = VirtualRig()
    conditions = LinkConditions(
        delay_up_ms=50, delay_down_ms=50, rate_up_bps=1_000_000, rate_down_bps=1_000_000
    )
    host = rig.world.host("car-on-link", link=BottleneckLink(None, conditions))
    log: list[tuple[str, int]] = []
    rig.car = TappedHost(host, log)
    size = 30_000

    async def story() -> None:
        it = Story(rig)
        await it.connect()
        others: list[Stream] = []
        listener = await rig.peer.listen(rig.host, 0, others.append)
        other = Tapped(await host.connect(rig.host, listener.port, timeout_s=5.0), log, "other")
        rig.loop.add_reader(other, lambda: other.recv(65_536))
        await asyncio.sleep(1)
        log.clear()
        others[0].send(bytes(size))
        it.broker.send(encode_publish("a", bytes(range(250)) * 120, 1))
        await it.told.until("received")
        assert it.told.messages[0].payload == bytes(range(250)) * 120
        await it.end()

    rig.run(story())
    assert max(n for _, n in log) <= SEGMENT_BYTES
    turns = sum(name != before for (name, _), (before, _) in zip(log[1:], log, strict=False))
    assert turns > 1.8 * size / SEGMENT_BYTES, "the two flows take turns, segment by segment"
