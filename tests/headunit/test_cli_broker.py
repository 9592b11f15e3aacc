"""`headunit broker serve` with its options, in a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

from runtime.mqtt.packets import Connect, Properties, PropertyId, Subscription
from runtime.real_network import RealNetwork
from tests.runtime.mqtt.broker_process import broker_process
from tests.runtime.mqtt.raw_client import RawClient

WEEK = Properties((PropertyId.SESSION_EXPIRY_INTERVAL, 7 * 24 * 3600))


async def join(port: int, client_id: str) -> RawClient:
    """A client whose session outlives its connection."""
    client = await RawClient.open(RealNetwork(), "127.0.0.1", port)
    await client.connect(Connect(client_id, clean_start=False, properties=WEEK))
    return client


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        (("--max-queued", "2"), [b"1", b"2"]),
        (("--max-queued", "2", "--drop", "oldest"), [b"4", b"5"]),
        (("--profile", "emqx", "--max-queued", "3"), [b"3", b"4", b"5"]),
    ],
)
async def test_a_full_queue_loses_what_the_options_say(options: tuple[str, ...], kept: list[bytes]) -> None:
    with broker_process(0, *options) as (_, port):
        car, backend = await join(port, "car"), await join(port, "backend")
        await car.subscribe(Subscription("a"))
        await car.disconnect()
        for number in range(1, 6):
            await backend.publish("a", b"%d" % number)
        car = await join(port, "car")
        assert await car.payloads(len(kept)) == kept
        await car.expect_nothing()
        car.drop()
        backend.drop()


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--max-queued", "-1"), "--max-queued: -1 is no number from 0 on"),
        (("--max-packet-rate", "-5"), "--max-packet-rate: -5 is no number from 0 on"),
        (("--port", "70000"), "--port: 70000 is not a port"),
    ],
)
def test_an_option_that_makes_no_sense_is_named(options: tuple[str, ...], why: str) -> None:
    command = [sys.executable, "-m", "headunit", "broker", "serve", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert why in done.stderr


def test_two_brokers_do_not_share_a_folder(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "headunit", "broker", "serve", "--port", "0", "--state", str(tmp_path)]
    with broker_process(state=tmp_path):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"{tmp_path}: in use by the broker of process" in done.stderr


def test_a_database_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "broker.sqlite").write_bytes(b"no database at all, but long enough to be looked at" * 40)
    command = [sys.executable, "-m", "headunit", "broker", "serve", "--port", "0", "--state", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "broker.sqlite" in done.stderr
    assert "Traceback" not in done.stderr
