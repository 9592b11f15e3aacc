"""Many cars in virtual time, each with a real paho, all at one broker of ours: 1 message/s at QoS 1."""

import asyncio
from random import Random
from time import process_time

from runtime.mqtt.broker.core import Broker
from runtime.mqtt.broker.server import BrokerServer
from runtime.mqtt.paho_port import PahoPort
from runtime.mqtt.port import IncomingMessage, MqttConfig, OutgoingMessage
from runtime.virtual_loop import VirtualLoop
from runtime.virtual_network import VirtualNetwork

PORT = 1883
KEEPALIVE_S = 30
WAY_MS = 100
PAYLOAD = b"x" * 80
_TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
_ROUND_TRIPS_TO_BEGIN = 6


class _Car:
    """Counts its acknowledgements; starts to send when its session is up."""

    def __init__(self) -> None:
        self.acknowledgements = 0
        self.is_up = asyncio.get_running_loop().create_future()

    def connected(self, session_present: bool, receive_maximum: int) -> None:
        if not self.is_up.done():
            self.is_up.set_result(None)

    def disconnected(self, reason: str) -> None:
        """The end of the run."""

    def connect_failed(self, reason: str, refused: bool) -> None:
        """It will try again."""

    def acknowledged(self, packet_id: int, reason_code: int) -> None:
        self.acknowledgements += 1

    def received(self, message: IncomingMessage) -> None:
        message.acknowledge()


async def _send(car: int, cars: int, port: PahoPort, events: _Car, full_header: bool) -> None:
    topic = f"v1/vehicles/{car:017}/up/status"
    answer_topic = f"v1/vehicles/{car:017}/down/status"
    await events.is_up
    await asyncio.sleep(car / cars)
    number = 0
    while True:
        await asyncio.sleep(1.0)
        number += 1
        if full_header:
            key = f"{car:016x}{number:016x}"
            message = OutgoingMessage(topic, PAYLOAD, key, _TRACE, 60, answer_topic, key[16:].encode())
        else:
            message = OutgoingMessage(topic, PAYLOAD, "")
        port.publish(message)


async def _drive(loop: VirtualLoop, cars: int, seconds: float, full_header: bool) -> int:
    world = VirtualNetwork(loop)
    server = BrokerServer(Broker(), world.host("broker"))
    await server.listen("broker", PORT)
    fleet = []
    tasks = []
    for car in range(cars):
        events = _Car()
        config = MqttConfig("broker", PORT, f"car-{car}", keepalive_s=KEEPALIVE_S)
        host = world.host(f"car-{car}", delay_ms=WAY_MS)
        port = PahoPort(config, events, host, Random(f"car-{car}"))
        tasks.append(loop.create_task(port.run()))
        tasks.append(loop.create_task(_send(car, cars, port, events, full_header)))
        fleet.append(events)
    await asyncio.sleep(seconds)
    for task in tasks:
        task.cancel()
    return sum(events.acknowledgements for events in fleet)


def run_fleet(cars: int, seconds: float, *, full_header: bool) -> float:
    """Messages acknowledged per CPU second, the start of the fleet included.

    Raises AssertionError when messages are missing: a fast run that loses some is no run.
    """
    loop = VirtualLoop()
    begun = process_time()
    acknowledged = loop.run_until_complete(_drive(loop, cars, seconds, full_header))
    cpu_s = process_time() - begun
    loop.close()
    expected = cars * (seconds - 2 - _ROUND_TRIPS_TO_BEGIN * 2 * WAY_MS / 1000)
    assert acknowledged >= expected, f"{acknowledged} acknowledged, {expected:.0f} expected"
    return acknowledged / cpu_s
