"""mosquitto as a child process: no privilege, nothing dropped in silence, gone with its parent."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from runtime.errors import BrokerUnavailableError
from runtime.mqtt.mosquitto import Mosquitto, find_mosquitto
from runtime.mqtt.packets import Connack, Connect, Properties, PropertyId, Puback, Subscription, make_publish
from runtime.real_network import RealNetwork
from tests.runtime.mqtt.raw_client import RawClient

needs_mosquitto = pytest.mark.skipif(find_mosquitto() is None, reason="mosquitto is not installed")

PARENT = """
import asyncio, sys
from runtime.mqtt.mosquitto import Mosquitto

async def main():
    broker = Mosquitto()
    await broker.start()
    print(broker.pid, flush=True)
    await asyncio.get_running_loop().create_future()

asyncio.run(main())
"""

WEEK = Properties((PropertyId.SESSION_EXPIRY_INTERVAL, 7 * 24 * 3600))


async def join(broker: Mosquitto, client_id: str, *, clean_start: bool = False) -> tuple[RawClient, Connack]:
    """A client whose session outlives its connection, and what CONNACK said."""
    client = await RawClient.open(RealNetwork(), "127.0.0.1", broker.port)
    return client, await client.connect(Connect(client_id, clean_start, properties=WEEK))


async def leave_a_session(broker: Mosquitto) -> None:
    """An absent client that wants everything."""
    client, _ = await join(broker, "absent")
    await client.subscribe(Subscription("#", 1))
    client.drop()


async def test_when_it_is_not_installed_the_error_says_what_to_do() -> None:
    with pytest.raises(BrokerUnavailableError, match="install the package 'mosquitto'"):
        await Mosquitto(search_path="").start()


async def test_its_port_is_known_only_when_it_runs() -> None:
    with pytest.raises(BrokerUnavailableError, match="start"):
        _ = Mosquitto().port


@pytest.mark.mosquitto
@needs_mosquitto
async def test_it_accepts_connections_as_soon_as_start_returns_and_is_gone_after_stop() -> None:
    broker = Mosquitto()
    await broker.start()
    port = broker.port
    stream = await RealNetwork().connect("127.0.0.1", port, timeout_s=1)
    stream.close()
    await broker.stop()
    await broker.stop()
    assert broker.pid is None
    with pytest.raises(ConnectionRefusedError):
        await RealNetwork().connect("127.0.0.1", port, timeout_s=1)


@pytest.mark.mosquitto
@needs_mosquitto
async def test_when_it_does_not_start_the_error_repeats_what_it_said() -> None:
    with pytest.raises(BrokerUnavailableError, match="no_such_setting"):
        await Mosquitto(settings=("no_such_setting true",)).start()


@pytest.mark.mosquitto
@needs_mosquitto
async def test_two_run_side_by_side() -> None:
    async with Mosquitto() as one, Mosquitto() as other:
        assert one.port != other.port
        for broker in (one, other):
            client = await RawClient.open(RealNetwork(), "127.0.0.1", broker.port)
            client.drop()


@pytest.mark.mosquitto
@needs_mosquitto
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
async def test_it_dies_with_its_parent_even_when_that_is_killed() -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    child = os.pidfd_open(int(await parent.stdout.readline()))
    gone = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(child, gone.set)
    parent.send_signal(signal.SIGKILL)
    await parent.wait()
    try:
        async with asyncio.timeout(5):
            await gone.wait()
    finally:
        loop.remove_reader(child)
        os.close(child)


def uids_of(pid: int) -> set[int]:
    """Real, effective, saved and file system user of a process (proc(5))."""
    status = Path(f"/proc/{pid}/status").read_text()
    return {int(uid) for line in status.splitlines() if line.startswith("Uid:") for uid in line.split()[1:]}


@pytest.mark.mosquitto
@needs_mosquitto
@pytest.mark.skipif(sys.platform != "linux", reason="other systems tell of a process in another way")
@pytest.mark.parametrize("is_persistent", [False, True])
async def test_it_has_no_privilege_whoever_starts_it(tmp_path: Path, is_persistent: bool) -> None:
    async with Mosquitto(persistence=tmp_path / "kept" if is_persistent else None) as broker:
        assert broker.pid is not None
        uids = uids_of(broker.pid)
    assert len(uids) == 1
    assert 0 not in uids
    if os.geteuid() != 0:
        assert uids == {os.geteuid()}


@pytest.mark.mosquitto
@needs_mosquitto
async def test_3000_messages_wait_for_a_client_that_is_away() -> None:
    async with Mosquitto() as broker:
        await leave_a_session(broker)
        sender, _ = await join(broker, "sender")
        numbers = range(1, 3_001)
        await sender.send_all(
            b"".join(make_publish("a", b"%d" % n, qos=1, packet_id=n).encode() for n in numbers)
        )
        for _ in numbers:
            assert (await sender.expect(Puback)).reason_code == 0
        receiver, connack = await join(broker, "absent")
        assert connack.session_present
        assert await receiver.payloads(3_000) == [b"%d" % n for n in numbers]
        sender.drop()
        receiver.drop()


@pytest.mark.mosquitto
@needs_mosquitto
async def test_3000_messages_are_under_way_to_a_client_that_acknowledges_none() -> None:
    async with Mosquitto() as broker:
        slow, _ = await join(broker, "slow")
        await slow.subscribe(Subscription("#", 1))
        sender, connack = await join(broker, "sender")
        assert connack.properties.integer(PropertyId.RECEIVE_MAXIMUM, 65_535) == 65_535
        numbers = range(1, 3_001)
        await sender.send_all(
            b"".join(make_publish("a", b"%d" % n, qos=1, packet_id=n).encode() for n in numbers)
        )
        for number in numbers:
            packet = await slow.packet()
            assert getattr(packet, "payload", None) == b"%d" % number
        sender.drop()
        slow.drop()


@pytest.mark.mosquitto
@needs_mosquitto
async def test_messages_of_megabytes_wait_for_a_client_that_is_away() -> None:
    payload = bytes(1_500_000)
    async with Mosquitto() as broker:
        await leave_a_session(broker)
        sender, _ = await join(broker, "sender")
        for number in range(1, 6):
            await sender.send_all(make_publish("a", payload, qos=1, packet_id=number).encode())
            assert (await sender.expect(Puback)).reason_code == 0
        receiver, _ = await join(broker, "absent")
        assert [len(each) for each in await receiver.payloads(5)] == [len(payload)] * 5
        sender.drop()
        receiver.drop()


@pytest.mark.mosquitto
@needs_mosquitto
async def test_with_persistence_it_survives_sigkill_on_the_same_port(tmp_path: Path) -> None:
    async with Mosquitto(persistence=tmp_path / "kept") as broker:
        port = broker.port
        await leave_a_session(broker)
        sender, _ = await join(broker, "sender")
        for payload in (b"1", b"2", b"3"):
            assert await sender.publish("a", payload) == 0
        # It saves at the end of the turn in which it acknowledges: an answer in a later turn says it has.
        await sender.expect_nothing()
        sender.drop()
        await broker.kill()
        assert broker.pid is None
        await broker.start()
        assert broker.port == port
        receiver, connack = await join(broker, "absent")
        assert connack.session_present
        assert await receiver.payloads(3) == [b"1", b"2", b"3"]
        receiver.drop()


@pytest.mark.mosquitto
@needs_mosquitto
async def test_without_persistence_sigkill_ends_its_sessions() -> None:
    async with Mosquitto() as broker:
        await leave_a_session(broker)
        await broker.kill()
        await broker.start()
        client, connack = await join(broker, "absent")
        assert not connack.session_present
        client.drop()


@pytest.mark.mosquitto
@needs_mosquitto
async def test_a_port_of_ones_own_choice_that_is_taken_is_said() -> None:
    async with Mosquitto() as one:
        with pytest.raises(BrokerUnavailableError, match="Address already in use"):
            await Mosquitto(port=one.port).start()
