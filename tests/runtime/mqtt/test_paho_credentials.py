"""User name and password reach the broker in CONNECT (sections 3.1.2.8, 3.1.2.9), and nobody else."""

import pytest

from runtime.mqtt.port import MqttConfig
from tests.runtime.mqtt import scripted_broker as wire
from tests.runtime.mqtt.port_rigs import VirtualRig
from tests.runtime.mqtt.port_story import Story

USERNAME_FLAG, PASSWORD_FLAG = 0x80, 0x40
FLAGS_AT = 9
"""First byte, remaining length, "MQTT" with its length, version, flags: short packets only."""


@pytest.mark.parametrize(
    ("username", "password", "flags", "ending"),
    [
        ("", "", 0, b"car-V1"),
        ("bench", "", USERNAME_FLAG, b"car-V1\x00\x05bench"),
        ("bench", "s@fe", USERNAME_FLAG | PASSWORD_FLAG, b"car-V1\x00\x05bench\x00\x04s@fe"),
    ],
)
def test_connect_carries_what_there_is(username: str, password: str, flags: int, ending: bytes) -> None:
    async def story() -> None:
        it = Story(rig, username=username, password=password)
        await it.begin()
        connect = await it.broker.packet(wire.CONNECT)
        assert connect[FLAGS_AT] & (USERNAME_FLAG | PASSWORD_FLAG) == flags
        assert connect.endswith(ending)
        await it.end()

    rig = VirtualRig()
    rig.run(story())


def test_a_configuration_does_not_show_its_password() -> None:
    assert "s@fe" not in repr(MqttConfig("h", 1883, "car-V1", username="bench", password="s@fe"))
