"""MQTT topics of one vehicle: `v1/vehicles/{vin}/up/{kind}` and `…/down/{kind}`."""

from enum import StrEnum
from typing import NamedTuple

from contracts.errors import ContractError

UP_FILTER = "v1/vehicles/+/up/+"
"""What the backend subscribes to."""


class Way(StrEnum):
    """Which way a message travels, seen from the road."""

    UP = "up"
    DOWN = "down"


class VehicleTopic(NamedTuple):
    """A topic taken apart."""

    vin: str
    way: Way
    kind: str


def up_topic(vin: str, kind: str) -> str:
    """Topic on which the car `vin` sends messages of `kind`."""
    return f"v1/vehicles/{vin}/up/{kind}"


def down_topic(vin: str, kind: str) -> str:
    """Topic on which the backend sends messages of `kind` to the car `vin`."""
    return f"v1/vehicles/{vin}/down/{kind}"


def down_filter(vin: str) -> str:
    """What the car `vin` subscribes to."""
    return f"v1/vehicles/{vin}/down/+"


def parse_topic(topic: str) -> VehicleTopic:
    """Take a vehicle topic apart.

    Raises ContractError when the topic is not one of ours.
    """
    levels = topic.split("/")
    if len(levels) != 5 or levels[:2] != ["v1", "vehicles"] or levels[3] not in (Way.UP, Way.DOWN):
        raise ContractError(f"not a vehicle topic: {topic!r}", field="topic")
    return VehicleTopic(levels[2], Way(levels[3]), levels[4])
