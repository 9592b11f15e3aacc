"""Our broker on sockets, with the clients of the mosquitto project in both protocol levels."""

import asyncio
import json
import shutil
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from runtime.mqtt.broker.core import Broker
from runtime.mqtt.broker.server import BrokerServer
from runtime.mqtt.packets import PropertyId, Subscription, make_publish
from runtime.real_network import RealNetwork
from tests.runtime.mqtt.broker_places import Visit

LOOPBACK = "127.0.0.1"
PATIENCE_S = 20.0

pytestmark = [
    pytest.mark.mosquitto,
    pytest.mark.skipif(
        shutil.which("mosquitto_sub") is None or shutil.which("stdbuf") is None,
        reason="mosquitto_pub and mosquitto_sub (package mosquitto-clients) or stdbuf are not installed",
    ),
]
both_levels = pytest.mark.parametrize("level", ["311", "5"])


class Hearing:
    """A `mosquitto_sub` that runs, and what it has said."""

    def __init__(self, process: Process) -> None:
        self.process = process

    async def line(self) -> bytes:
        """The next line it prints."""
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            line = await self.process.stdout.readline()
        assert line, "mosquitto_sub has ended"
        return line.rstrip(b"\n")

    async def is_subscribed(self) -> None:
        """Wait until it says so."""
        while not (await self.line()).startswith(b"Subscribed"):
            pass

    async def message(self) -> dict[str, Any]:
        """The next message, as it prints it in JSON."""
        while not (line := await self.line()).startswith(b"{"):
            pass
        found: dict[str, Any] = json.loads(line)
        return found

    async def payloads(self, count: int) -> list[str]:
        """The payloads of the next `count` messages."""
        return [(await self.message())["payload"] for _ in range(count)]

    async def end(self) -> None:
        """Kill it, unless it has ended by itself."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.communicate()


class Bench:
    """Our broker, and the tools that speak to it."""

    def __init__(self, server: BrokerServer) -> None:
        self._server = server
        self._hearing: list[Hearing] = []
        self.visit = Visit(RealNetwork(), LOOPBACK, server.port)

    async def hear(self, level: str, *arguments: str) -> Hearing:
        """`mosquitto_sub`, subscribed already; it prints messages as JSON."""
        process = await asyncio.create_subprocess_exec(
            *("stdbuf", "-oL", "mosquitto_sub", "-h", LOOPBACK, "-p", str(self._server.port), "-V", level),
            *("-d", "-F", "%j", *arguments),
            stdout=PIPE,
            stderr=PIPE,
        )
        hearing = Hearing(process)
        self._hearing.append(hearing)
        await hearing.is_subscribed()
        return hearing

    async def run(self, tool: str, level: str, *arguments: str, said: bytes | None = None) -> bytes:
        """Run a tool to its end, with `said` on its input; what it prints."""
        process = await asyncio.create_subprocess_exec(
            *(tool, "-h", LOOPBACK, "-p", str(self._server.port), "-V", level, *arguments),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
        )
        async with asyncio.timeout(PATIENCE_S):
            out, error = await process.communicate(said)
        assert process.returncode == 0, f"{tool} {arguments}: {error.decode()}"
        return out

    async def publish(self, level: str, *arguments: str, said: bytes | None = None) -> None:
        """`mosquitto_pub`."""
        await self.run("mosquitto_pub", level, *arguments, said=said)

    async def end(self) -> None:
        """End everything."""
        for each in self._hearing:
            await each.end()
        self.visit.leave()
        self._server.close()


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    """A fresh broker."""
    server = BrokerServer(Broker(), RealNetwork())
    await server.listen(LOOPBACK)
    bench = Bench(server)
    yield bench
    await bench.end()


@both_levels
async def test_messages_of_every_qos_arrive(bench: Bench, level: str) -> None:
    hearing = await bench.hear(level, "-t", "a/#", "-q", "2")
    for qos in "012":
        await bench.publish(level, "-t", f"a/{qos}", "-q", qos, "-m", f"grüße {qos}")
        message = await hearing.message()
        assert (message["topic"], message["payload"], message["qos"]) == (
            f"a/{qos}",
            f"grüße {qos}",
            int(qos),
        )


async def test_both_levels_understand_each_other(bench: Bench) -> None:
    old, new = [await bench.hear(level, "-t", "a", "-q", "2") for level in ("311", "5")]
    for level in ("311", "5"):
        await bench.publish(level, "-t", "a", "-q", "2", "-m", level)
        assert [await old.payloads(1), await new.payloads(1)] == [[level], [level]]


@both_levels
async def test_retained_messages_are_found_and_cleared(bench: Bench, level: str) -> None:
    for name in ("1", "2"):
        await bench.publish(level, "-t", f"a/{name}", "-r", "-q", "1", "-m", name)
    await bench.publish(level, "-t", "a/1", "-r", "-n")
    hearing = await bench.hear(level, "-t", "a/+", "-q", "1")
    message = await hearing.message()
    assert (message["topic"], message["payload"], message["retain"]) == ("a/2", "2", 1)
    await bench.publish(level, "-t", "a/3", "-q", "1", "-m", "live")
    message = await hearing.message()
    assert (message["payload"], message["retain"]) == ("live", 0)


@both_levels
async def test_the_will_of_a_killed_client_is_published(bench: Bench, level: str) -> None:
    watcher = await bench.visit.join("watcher")
    await watcher.subscribe(Subscription("will", 2))
    arguments = ("--will-topic", "will", "--will-payload", "lost", "--will-qos", "2", "--will-retain")
    hearing = await bench.hear(level, "-t", "none", *arguments)
    await hearing.end()
    message = await watcher.message()
    assert (message.payload, message.qos) == (b"lost", 2)
    late = await bench.hear(level, "-t", "will")
    assert (await late.message())["retain"] == 1


async def test_properties_are_shown_as_they_were_given(bench: Bench) -> None:
    hearing = await bench.hear("5", "-t", "a", "-q", "1", "-D", "subscribe", "subscription-identifier", "77")
    given = {
        "content-type": "application/json",
        "response-topic": "answers/here",
        "correlation-data": "c-1",
        "message-expiry-interval": "3600",
    }
    arguments = [each for name, value in given.items() for each in ("-D", "publish", name, value)]
    arguments += ["-D", "publish", "user-property", "key", "7", "-D", "publish", "user-property", "key", "8"]
    await bench.publish("5", "-t", "a", "-q", "1", "-m", "{}", *arguments)
    found = (await hearing.message())["properties"]
    assert found["content-type"] == "application/json"
    assert found["response-topic"] == "answers/here"
    assert found["correlation-data"] == "c-1"
    assert found["message-expiry-interval"] == 3600
    assert "key" in json.dumps(found["user-properties"])


async def test_a_publisher_may_use_topic_aliases(bench: Bench) -> None:
    hearing = await bench.hear("5", "-t", "a/long/topic", "-q", "1")
    arguments = ("-t", "a/long/topic", "-q", "1", "-D", "publish", "topic-alias", "3")
    await bench.publish("5", *arguments, "-l", said=b"1\n2\n3\n")
    assert await hearing.payloads(3) == ["1", "2", "3"]


@both_levels
async def test_a_shared_subscription_shares(bench: Bench, level: str) -> None:
    hearing = [await bench.hear(level, "-t", "$share/pool/a", "-q", "1") for _ in range(2)]
    await bench.publish(
        level, "-t", "a", "-q", "1", "-l", said=b"".join(b"%d\n" % each for each in range(10))
    )
    found = [await each.payloads(5) for each in hearing]
    assert sorted(found[0] + found[1]) == [str(each) for each in range(10)]


@both_levels
async def test_a_large_payload_comes_whole(bench: Bench, level: str, tmp_path: Path) -> None:
    file = tmp_path / "large"
    file.write_bytes(bytes(range(256)) * 4_000)
    watcher = await bench.visit.join("watcher")
    watcher.patience_s = PATIENCE_S
    await watcher.subscribe(Subscription("a", 1))
    hearing = await bench.hear(level, "-t", "a", "-q", "1", "-F", '{"payloadlen": %l}')
    await bench.publish(level, "-t", "a", "-q", "1", "-f", str(file))
    assert (await watcher.message()).payload == file.read_bytes()
    assert (await hearing.message())["payloadlen"] == 1_024_000


@both_levels
async def test_a_session_waits_for_its_client(bench: Bench, level: str) -> None:
    session = ("-i", "car", "-c", "-q", "2", "-t", "a", *(("-x", "3600") if level == "5" else ()))
    await bench.run("mosquitto_sub", level, *session, "-E")
    for qos in "0121":
        await bench.publish(level, "-t", "a", "-q", qos, "-m", f"at {qos}")
    out = await bench.run("mosquitto_sub", level, *session, "-C", "3")
    # It shows a message of QoS 2 at PUBREL, when those behind it have come as well.
    assert sorted(out.split(b"\n")) == [b"", b"at 1", b"at 1", b"at 2"]


@both_levels
@pytest.mark.parametrize("qos", ["1", "2"])
async def test_two_thousand_messages_arrive_once_each_and_in_order(
    bench: Bench, level: str, qos: str
) -> None:
    hearing = await bench.hear(level, "-t", "a", "-q", qos)
    said = b"".join(b"%d\n" % number for number in range(2_000))
    await bench.publish(level, "-t", "a", "-q", qos, "-l", said=said)
    assert await hearing.payloads(2_000) == [str(number) for number in range(2_000)]


async def test_a_request_is_answered(bench: Bench) -> None:
    """`mosquitto_rr`: response topic and correlation data cross the broker both ways."""
    answering = await bench.visit.join("answering")
    await answering.subscribe(Subscription("questions", 1))

    async def answer() -> None:
        question = await answering.message()
        topic = question.properties.text(PropertyId.RESPONSE_TOPIC)
        kept = question.properties.without(PropertyId.RESPONSE_TOPIC)
        answering.send(make_publish(topic, b"answered " + question.payload, properties=kept))

    asking = asyncio.create_task(
        bench.run("mosquitto_rr", "5", "-t", "questions", "-e", "answers", "-q", "1", "-m", "why")
    )
    answering.patience_s = PATIENCE_S
    await answer()
    assert await asking == b"answered why\n"


@both_levels
async def test_sys_is_readable(bench: Bench, level: str) -> None:
    out = await bench.run("mosquitto_sub", level, "-t", "$SYS/broker/version", "-C", "1")
    assert out == b"headunit broker\n"


async def test_receive_maximum_and_packet_size_of_the_client_are_kept_to(bench: Bench) -> None:
    limits = ("-D", "connect", "receive-maximum", "3", "-D", "connect", "maximum-packet-size", "200")
    hearing = await bench.hear("5", "-t", "a", "-q", "2", *limits)
    await bench.publish("5", "-t", "a", "-q", "2", "-m", "x" * 300)
    await bench.publish("5", "-t", "a", "-q", "2", "-l", said=b"".join(b"%d\n" % each for each in range(50)))
    assert await hearing.payloads(50) == [str(each) for each in range(50)]
