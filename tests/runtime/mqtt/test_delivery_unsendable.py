"""A message that no broker can be given is put aside; those behind it are delivered."""

import sqlite3
from random import Random

import pytest

from runtime.bench_clock import BenchClock
from runtime.mqtt.broker.config import BrokerConfig
from runtime.mqtt.broker.core import Broker
from runtime.mqtt.broker.server import BrokerServer
from runtime.mqtt.delivery import Delivery
from runtime.mqtt.errors import UnsendableError
from runtime.mqtt.outbox import OutboxEntry
from runtime.mqtt.paho_port import PahoPort
from runtime.mqtt.port import MqttConfig, OutgoingMessage
from runtime.mqtt.publish import encode_publish
from runtime.mqtt.publish_properties import pack_properties, pack_sendable
from runtime.mqtt.reason_codes import ReasonCode
from runtime.mqtt.sqlite_outbox import SqliteOutbox, create_tables
from tests.runtime.mqtt.port_rigs import VirtualRig

PLAIN = OutgoingMessage("v1/vehicles/V1/down/status", b"{}", "plain")
UNSENDABLE = {
    "wildcard": (PLAIN._replace(topic="v1/vehicles/V1/down/+"), ReasonCode.TOPIC_NAME_INVALID),
    "no topic": (PLAIN._replace(topic=""), ReasonCode.TOPIC_NAME_INVALID),
    "U+0000": (PLAIN._replace(topic="a\0b"), ReasonCode.MALFORMED_PACKET),
    "long topic": (PLAIN._replace(topic="x" * 65_536), ReasonCode.MALFORMED_PACKET),
    "long header": (PLAIN._replace(correlation_data=bytes(65_536)), ReasonCode.MALFORMED_PACKET),
    "large": (PLAIN._replace(payload=bytes(1_000)), ReasonCode.PACKET_TOO_LARGE),
}


@pytest.mark.parametrize("name", UNSENDABLE)
def test_an_entry_that_cannot_be_published_does_not_hold_up_those_behind_it(name: str) -> None:
    rig = VirtualRig()
    database = sqlite3.connect(":memory:", isolation_level=None)
    create_tables(database)
    outbox = SqliteOutbox(database)
    refused: list[tuple[str, int]] = []
    sessions: list[bool] = []

    def note(entry: OutboxEntry, reason_code: int) -> None:
        refused.append((entry.message.key, reason_code))

    async def story() -> None:
        server = BrokerServer(Broker(BrokerConfig(max_packet_size=1_000)), rig.peer)
        await server.listen(rig.host)
        delivery = Delivery(
            outbox, BenchClock(0), lambda message: None, on_refused=note, on_session=sessions.append
        )
        port = PahoPort(MqttConfig(rig.host, server.port, "car"), delivery, rig.car, Random("back-off"))
        delivery.use(port)
        message, _ = UNSENDABLE[name]
        for key, each in ("before", PLAIN), ("bad", message), ("after", PLAIN):
            outbox.add(each._replace(key=key))
        rig.loop.call_later(10, port.stop)
        await port.run()
        assert delivery.counts.acknowledged == 2
        server.close()

    rig.run(story())
    assert refused == [("bad", UNSENDABLE[name][1])]
    assert sessions == [True, False]
    assert outbox.depth() == 0
    assert database.execute("SELECT key, reason_code FROM outbox_dead").fetchall() == refused
    database.close()


def test_a_packet_as_large_as_the_server_takes_can_be_sent() -> None:
    """[MQTT-3.2.2-15]"""
    for payload in (bytes(60), bytes(61), bytes(100), bytes(20_000)):
        message = PLAIN._replace(payload=payload)
        size = len(encode_publish(message.topic, payload, 1, pack_properties(message)))
        assert pack_sendable(message, size) == pack_properties(message)
        with pytest.raises(UnsendableError, match=f"{size} bytes: the server takes {size - 1}"):
            pack_sendable(message, size - 1)
