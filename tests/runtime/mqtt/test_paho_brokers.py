"""The MQTT port on paho against real brokers: ours in virtual time and on sockets, and mosquitto."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from random import Random
from typing import Protocol

import pytest

from runtime.mqtt.broker.core import Broker
from runtime.mqtt.broker.server import BrokerServer
from runtime.mqtt.mosquitto import Mosquitto, find_mosquitto
from runtime.mqtt.paho_port import PahoPort
from runtime.mqtt.port import MqttConfig
from runtime.ports import Network
from tests.runtime.mqtt.port_rigs import RealRig, VirtualRig
from tests.runtime.mqtt.port_story import MESSAGE, Told


class Party:
    """Ports at one broker."""

    def __init__(self, network: Network, host: str, port: int) -> None:
        self._network = network
        self._host = host
        self._port = port
        self._running: list[asyncio.Future[None]] = []

    def join(self, client_id: str, *subscriptions: str, receive_maximum: int = 20) -> tuple[PahoPort, Told]:
        """A port of `client_id` that begins to connect."""
        told = Told()
        config = MqttConfig(
            self._host,
            self._port,
            client_id,
            subscriptions,
            back_off_min_s=0.01,
            receive_maximum=receive_maximum,
        )
        port = PahoPort(config, told, self._network, Random(client_id))
        self._running.append(asyncio.ensure_future(port.run()))
        return port, told

    async def end(self) -> None:
        """End all of them."""
        for running in self._running:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


Story = Callable[[Party], Coroutine[None, None, None]]


class Place(Protocol):
    """Where a broker is."""

    def tell(self, story: Story) -> None:
        """Run `story` with a fresh broker."""


async def _to_its_end(story: Story, party: Party) -> None:
    try:
        await story(party)
    finally:
        await party.end()


class OursInVirtualTime:
    def tell(self, story: Story) -> None:
        rig = VirtualRig()

        async def within() -> None:
            server = BrokerServer(Broker(), rig.peer)
            await server.listen(rig.host)
            await _to_its_end(story, Party(rig.car, rig.host, server.port))
            server.close()

        rig.run(within())


class OursOnSockets:
    def tell(self, story: Story) -> None:
        rig = RealRig()

        async def within() -> None:
            server = BrokerServer(Broker(), rig.peer)
            await server.listen(rig.host)
            await _to_its_end(story, Party(rig.car, rig.host, server.port))
            server.close()

        rig.run(within())


class AtMosquitto:
    def tell(self, story: Story) -> None:
        rig = RealRig()

        async def within() -> None:
            async with Mosquitto(rig.host) as broker:
                await _to_its_end(story, Party(rig.car, rig.host, broker.port))

        rig.run(within())


@pytest.fixture(
    params=[
        pytest.param(OursInVirtualTime, id="ours-virtual"),
        pytest.param(OursOnSockets, id="ours-sockets"),
        pytest.param(
            AtMosquitto,
            id="mosquitto",
            marks=(
                pytest.mark.mosquitto,
                pytest.mark.skipif(find_mosquitto() is None, reason="mosquitto is not installed"),
            ),
        ),
    ]
)
def place(request: pytest.FixtureRequest) -> Place:
    """Each broker in turn."""
    made: Place = request.param()
    return made


def test_a_message_travels_with_its_whole_header_from_program_to_program(place: Place) -> None:
    async def story(party: Party) -> None:
        _, backend = party.join("backend", "v1/vehicles/+/up/+")
        await backend.until("connected")
        car, told = party.join("car-V1")
        await told.until("connected")
        packet_id = car.publish(MESSAGE)
        assert await told.until("acknowledged") == ("acknowledged", packet_id, 0)
        await backend.until("received")
        message = backend.messages[0]
        assert message[:4] == MESSAGE[:4]
        assert message.expiry_s is not None
        assert MESSAGE.expiry_s is not None
        assert MESSAGE.expiry_s - 1 <= message.expiry_s <= MESSAGE.expiry_s
        assert (message.response_topic, message.correlation_data) == MESSAGE[5:7]
        assert (message.duplicate, message.retained) == (False, False)

    place.tell(story)


def test_the_session_outlives_its_connection_and_brings_what_was_missed(place: Place) -> None:
    async def story(party: Party) -> None:
        backend, told = party.join("backend", "up/+")
        assert (await told.until("connected"))[1] is False
        car, car_told = party.join("car-V1")
        await car_told.until("connected")
        backend.stop()
        await told.until("disconnected")
        for number in range(3):
            car.publish(MESSAGE._replace(topic=f"up/{number}"))
        await car_told.until("acknowledged", 3)
        _, again = party.join("backend", "up/+")
        assert (await again.until("connected"))[1] is True
        await again.until("received", 3)
        assert [message.topic for message in again.messages] == ["up/0", "up/1", "up/2"]

    place.tell(story)


def test_what_was_not_acknowledged_comes_again_marked_as_duplicate(place: Place) -> None:
    async def story(party: Party) -> None:
        backend, told = party.join("backend", "up/+")
        await told.until("connected")
        car, car_told = party.join("car-V1")
        await car_told.until("connected")
        for number in range(3):
            car.publish(MESSAGE._replace(topic=f"up/{number}"))
        await told.until("received", 3)
        told.messages[0].acknowledge()
        await asyncio.sleep(0.01)  # the PUBACK leaves
        backend.stop()
        await told.until("disconnected")
        _, again = party.join("backend", "up/+")
        await again.until("received", 2)
        assert [(message.topic, message.duplicate) for message in again.messages] == [
            ("up/1", True),
            ("up/2", True),
        ]

    place.tell(story)


def test_the_broker_sends_no_more_than_the_programs_receive_maximum(place: Place) -> None:
    async def story(party: Party) -> None:
        _, told = party.join("backend", "up/+", receive_maximum=2)
        await told.until("connected")
        car, car_told = party.join("car-V1")
        await car_told.until("connected")
        for number in range(5):
            car.publish(MESSAGE._replace(topic=f"up/{number}"))
        await car_told.until("acknowledged", 5)
        await told.until("received", 2)
        assert told.count("received") == 2  # mosquitto then sends two for each PUBACK, ours one
        for number in range(5):
            await told.until("received", number + 1)
            told.messages[number].acknowledge()

    place.tell(story)


def test_a_second_connection_of_the_same_client_takes_the_session_over(place: Place) -> None:
    async def story(party: Party) -> None:
        first, told = party.join("car-V1", "down/+")
        await told.until("connected")
        _, second = party.join("car-V1", "down/+")
        await second.until("connected")
        await told.until("disconnected")
        first.stop()
        assert (await second.until("connected"))[1] is True

    place.tell(story)
