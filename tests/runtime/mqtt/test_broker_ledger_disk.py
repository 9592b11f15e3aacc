"""The broker's ledger on a disk that is full, or holds something else."""

from pathlib import Path

import pytest

from runtime.disk import FileDisk
from runtime.errors import LedgerError
from runtime.mqtt.broker.core import Broker
from runtime.mqtt.broker.server import BrokerServer
from runtime.mqtt.broker.sqlite_ledger import SqliteLedger
from runtime.mqtt.packets import (
    Connect,
    Properties,
    PropertyId,
    ReasonCode,
    Subscription,
    encode_publish,
    make_publish,
)
from runtime.real_network import RealNetwork
from tests.runtime.mqtt.raw_client import RawClient

WEEK_S = 7 * 24 * 3600


def test_a_database_of_another_version_is_refused(tmp_path: Path) -> None:
    connection = FileDisk(tmp_path).connect("broker")
    connection.execute("PRAGMA user_version = 9")
    with pytest.raises(LedgerError, match="of version 9, this broker writes version 1"):
        SqliteLedger(connection)
    connection.close()


def test_what_a_full_disk_did_not_take_is_written_with_the_next_commit(tmp_path: Path) -> None:
    connection = FileDisk(tmp_path).connect("broker")
    ledger = SqliteLedger(connection)
    [pages] = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    ledger.begin("car")
    ledger.keep("car", make_publish("a", bytes(100_000), qos=1))
    with pytest.raises(LedgerError, match="takes no changes"):
        ledger.commit()
    connection.execute("PRAGMA max_page_count = 1000000")
    ledger.commit()
    assert [kept.client_id for kept in ledger.sessions()] == ["car"]
    assert [len(message.payload) for message in ledger.sessions()[0].queue] == [100_000]
    ledger.close()


async def test_clients_are_not_told_what_a_full_disk_did_not_take(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """They are disconnected, repeat it on the next connection, and are served when there is room again."""
    connection = FileDisk(tmp_path).connect("broker")
    server = BrokerServer(Broker(ledger=SqliteLedger(connection)), RealNetwork())
    await server.listen("127.0.0.1")

    async def join(client_id: str) -> RawClient:
        client = await RawClient.open(RealNetwork(), "127.0.0.1", server.port)
        week = Properties((PropertyId.SESSION_EXPIRY_INTERVAL, WEEK_S))
        await client.connect(Connect(client_id, clean_start=False, properties=week))
        return client

    car, sender = await join("car"), await join("sender")
    await car.subscribe(Subscription("a"))
    await car.disconnect()
    [pages] = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    sender.send(encode_publish("a", bytes(100_000), 1))
    await sender.expect_closed()
    sender.drop()
    assert "takes no changes" in caplog.text
    connection.execute("PRAGMA max_page_count = 1000000")
    sender = await join("sender")
    assert await sender.publish("a", b"again") == ReasonCode.SUCCESS
    car = await join("car")
    assert [len(each) for each in await car.payloads(2)] == [100_000, 5]
    car.drop()
    sender.drop()
    server.close()
