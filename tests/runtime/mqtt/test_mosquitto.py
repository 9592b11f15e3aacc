"""mosquitto as a child process: it starts, says why when it does not, and never outlives its parent."""

import asyncio
import os
import signal
import sys

import pytest

from runtime.errors import BrokerUnavailableError
from runtime.mqtt.mosquitto import Mosquitto, find_mosquitto
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
