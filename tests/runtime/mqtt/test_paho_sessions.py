"""Connections of the MQTT port on paho: how they end, what then follows, how a program ends them."""

import asyncio

import pytest

from runtime.errors import NotConnectedError
from runtime.mqtt.port import IncomingMessage
from runtime.mqtt.publish import encode_puback, encode_publish
from tests.runtime.mqtt import scripted_broker as wire
from tests.runtime.mqtt.port_rigs import RealRig, Rig, VirtualRig
from tests.runtime.mqtt.port_story import PLAIN, Story

ENDINGS = {
    "close": "Connection closed by the broker",
    "reset": "Connection reset",
    "garbage": "Protocol error: a remaining length of more than four bytes (0x81 MALFORMED_PACKET)",
    "malformed": "Protocol error: a length is cut off",
}


@pytest.fixture(params=[VirtualRig, RealRig], ids=["virtual", "sockets"])
def rig(request: pytest.FixtureRequest) -> Rig:
    """Each world in turn."""
    made: Rig = request.param()
    return made


@pytest.mark.parametrize("ending", ENDINGS)
def test_however_a_connection_ends_it_is_told_once_and_a_new_one_follows(rig: Rig, ending: str) -> None:
    async def story() -> None:
        it = Story(rig)
        await it.connect()
        await it.broker.packet(wire.SUBSCRIBE)
        match ending:
            case "close":
                it.broker.close()
            case "reset":
                it.broker.reset()
            case "garbage":
                it.broker.send(b"\x00\xff\xff\xff\xff\xff\xff")
            case "malformed":
                it.broker.send(b"\x32\x08\x00\x01a\x00\x01\x02\x26\x09")
        await it.told.until("connected", 2)
        assert [event[0] for event in it.told.events] == ["connected", "disconnected", "connected"]
        assert str(it.told.events[1][1]).startswith(ENDINGS[ending])
        await it.end()
        assert it.told.count("disconnected") == 2

    rig.run(story())


def test_nothing_is_published_without_a_connection_and_nothing_is_queued_for_the_next(rig: Rig) -> None:
    async def story() -> None:
        it = Story(rig)
        await it.begin()
        with pytest.raises(NotConnectedError):
            it.port.publish(PLAIN)
        await it.told.until("connected")
        states = [it.port.is_connected]
        it.port.publish(PLAIN._replace(topic="unacknowledged"))
        await it.broker.publish()
        it.broker.close()
        await it.told.until("disconnected")
        states.append(it.port.is_connected)
        assert states == [True, False]
        with pytest.raises(NotConnectedError):
            it.port.publish(PLAIN)
        await it.told.until("connected", 2)
        it.port.publish(PLAIN._replace(topic="new"))
        assert (await it.broker.publish()).topic_name == "new"
        await it.end()

    rig.run(story())


def test_a_refused_connection_is_not_told_and_tried_again(rig: Rig) -> None:
    async def story() -> None:
        it = Story(rig)
        it.broker.connack = b"\x20\x03\x00\x87\x00"
        await it.begin()
        await it.broker.packet(wire.CONNECT)
        await it.broker.packet(wire.CONNECT)
        assert it.told.events == []
        it.broker.connack = wire.CONNACK
        await it.told.until("connected")
        await it.end()

    rig.run(story())


def test_a_handler_that_fails_is_reported_and_the_session_lives_on(rig: Rig) -> None:
    async def story() -> None:
        failures: list[BaseException] = []
        asyncio.get_running_loop().set_exception_handler(
            lambda loop, context: failures.append(context["exception"])
        )
        it = Story(rig)
        await it.connect()

        def fail(message: IncomingMessage) -> None:
            raise ZeroDivisionError

        it.told.on_received = fail
        it.broker.send(encode_publish("a", b"", 1))
        await it.told.until("received")
        it.told.on_received = lambda message: message.acknowledge()
        it.broker.send(encode_publish("a", b"", 2))
        assert await it.broker.packet(wire.PUBACK) == encode_puback(2)
        assert [type(failure) for failure in failures] == [ZeroDivisionError]
        assert it.told.count("connected") == 1
        await it.end()

    rig.run(story())


def test_a_program_may_publish_and_acknowledge_from_its_handlers(rig: Rig) -> None:
    async def story() -> None:
        it = Story(rig)
        await it.connect()

        def answer(message: IncomingMessage) -> None:
            it.port.publish(PLAIN._replace(topic="answer"))
            message.acknowledge()

        it.told.on_received = answer
        it.broker.send(encode_publish("a", b"", 1))
        assert (await it.broker.publish()).topic_name == "answer"
        assert await it.broker.packet(wire.PUBACK) == encode_puback(1)
        await it.end()

    rig.run(story())


def test_more_bytes_than_the_road_takes_wait_for_it_in_order(rig: Rig) -> None:
    async def story() -> None:
        it = Story(rig)
        await it.connect()
        await it.broker.packet(wire.SUBSCRIBE)
        it.broker.pause()
        for number in range(40):
            it.port.publish(PLAIN._replace(payload=bytes((number,)) * 300_000))
        it.broker.resume()
        for number in range(40):
            assert (await it.broker.publish()).payload == bytes((number,)) * 300_000
        await it.end()

    rig.run(story())


def test_stopping_says_goodbye_and_ends_the_run(rig: Rig) -> None:
    async def story() -> None:
        it = Story(rig)
        await it.connect()
        it.port.stop()
        await it.running
        assert await it.broker.packet(wire.DISCONNECT) == b"\xe0\x00"
        assert it.told.events[1:] == [("disconnected", "stopped")]
        await it.end()

    rig.run(story())


def test_a_handler_may_stop_the_port(rig: Rig) -> None:
    async def story() -> None:
        it = Story(rig)
        await it.connect()
        it.told.on_received = lambda message: it.port.stop()
        it.broker.send(encode_publish("a", b"", 1))
        await it.running
        await it.broker.packet(wire.DISCONNECT)
        await it.end()

    rig.run(story())


def test_stopping_ends_the_wait_between_two_attempts(rig: Rig) -> None:
    async def story() -> None:
        it = Story(rig, back_off_min_s=10_000.0, back_off_max_s=10_000.0)
        await it.connect()
        it.broker.stop()
        await it.told.until("disconnected")
        it.port.stop()
        await it.running
        await it.end()

    rig.run(story())


def test_the_radios_return_ends_the_wait_at_once(rig: Rig) -> None:
    async def story() -> None:
        it = Story(rig, back_off_min_s=10_000.0, back_off_max_s=10_000.0)
        await it.connect()
        it.broker.close()
        await it.told.until("disconnected")
        await asyncio.sleep(0)
        it.port.reset_back_off()
        await it.told.until("connected", 2)
        assert it.broker.accepted == 2
        await it.end()

    rig.run(story())


def test_the_radios_return_during_an_attempt_leaves_one_session(rig: Rig) -> None:
    async def story() -> None:
        it = Story(rig)
        await it.begin()
        await asyncio.sleep(0)
        it.port.reset_back_off()
        await it.told.until("connected")
        it.port.reset_back_off()
        it.port.publish(PLAIN)
        await it.broker.packet(wire.CONNECT)
        await it.broker.publish()
        assert it.broker.waiting(wire.CONNECT) == 0
        assert it.told.count("connected") == 1
        await it.end()

    rig.run(story())


def test_a_cancelled_run_closes_its_connection(rig: Rig) -> None:
    async def story() -> None:
        it = Story(rig)
        await it.connect()
        it.running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await it.running
        assert it.told.events[1:] == [("disconnected", "stopped")]
        assert not it.port.is_connected
        await it.end()

    rig.run(story())
