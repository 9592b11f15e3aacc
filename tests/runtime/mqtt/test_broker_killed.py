"""Our broker as a process of its own, with kept sessions, killed with SIGKILL in the middle of traffic."""

import subprocess
from pathlib import Path

import pytest

from runtime.mqtt.packets import (
    Connack,
    Connect,
    Properties,
    PropertyId,
    Puback,
    Pubcomp,
    Publish,
    Pubrec,
    Pubrel,
    Subscription,
    encode_publish,
)
from runtime.real_network import RealNetwork
from tests.runtime.mqtt.broker_process import broker_process
from tests.runtime.mqtt.raw_client import RawClient

WEEK = Properties((PropertyId.SESSION_EXPIRY_INTERVAL, 7 * 24 * 3600))
MESSAGES = 300


async def join(port: int, client_id: str) -> tuple[RawClient, Connack]:
    """A client whose session outlives broker and connection."""
    client = await RawClient.open(RealNetwork(), "127.0.0.1", port)
    return client, await client.connect(Connect(client_id, clean_start=False, properties=WEEK))


async def acknowledged_before_the_kill(port: int, process: "subprocess.Popen[str]", qos: int) -> int:
    """Publish numbers, kill the broker when a third of them is acknowledged; how many were in the end."""
    car, _ = await join(port, "car")
    await car.subscribe(Subscription("a", qos))
    await car.disconnect()
    sender, _ = await join(port, "sender")
    for number in range(1, MESSAGES + 1):
        sender.send(encode_publish("a", b"%d" % number, number, qos=qos))
    acknowledged = 0
    kind = Puback if qos == 1 else Pubrec
    try:
        while True:
            packet = await sender.packet()
            assert isinstance(packet, kind), packet
            acknowledged += 1
            assert packet.packet_id == acknowledged
            if acknowledged == MESSAGES // 3:
                process.kill()
    except AssertionError:
        assert sender.is_closed
    sender.drop()
    return acknowledged


async def received(car: RawClient, at_least: int) -> list[int]:
    """The numbers that come, each acknowledged in its way, until those that are owed are there."""
    numbers: list[int] = []
    while len(numbers) < at_least:
        packet = await car.packet()
        if isinstance(packet, Publish):
            numbers.append(int(packet.payload))
            car.send(Puback(packet.packet_id) if packet.qos == 1 else Pubrec(packet.packet_id))
        elif isinstance(packet, Pubrel):
            car.send(Pubcomp(packet.packet_id))
    return numbers


@pytest.mark.parametrize("qos", [1, 2])
async def test_what_the_broker_has_acknowledged_it_delivers_after_sigkill(tmp_path: Path, qos: int) -> None:
    with broker_process(state=tmp_path) as (process, port):
        acknowledged = await acknowledged_before_the_kill(port, process, qos)
        assert acknowledged >= MESSAGES // 3
        process.wait()
    with broker_process(port, state=tmp_path) as (_, port):
        car, connack = await join(port, "car")
        assert connack.session_present
        assert (await received(car, acknowledged))[:acknowledged] == list(range(1, acknowledged + 1))
        car.drop()


async def test_a_sender_that_repeats_at_qos_2_after_the_kill_doubles_nothing(tmp_path: Path) -> None:
    """[MQTT-4.3.3-10]: identifiers that were acknowledged are still known."""
    with broker_process(state=tmp_path) as (process, port):
        await acknowledged_before_the_kill(port, process, 2)
        process.wait()
    with broker_process(port, state=tmp_path) as (_, port):
        sender, connack = await join(port, "sender")
        assert connack.session_present
        for number in range(1, MESSAGES + 1):
            sender.send(encode_publish("a", b"%d" % number, number, qos=2, duplicate=True))
            assert (await sender.expect(Pubrec)).packet_id == number
        car, _ = await join(port, "car")
        assert await received(car, MESSAGES) == list(range(1, MESSAGES + 1))
        sender.drop()
        car.drop()
