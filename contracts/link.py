"""The port of the link model: what happens to bytes between the car's modem and the broker.

The virtual network and the TCP relay drive the same object. Times are transport nanoseconds.
"""

from enum import IntEnum, StrEnum
from typing import NamedTuple, Protocol

import msgspec

SEGMENT_BYTES = 1448
"""Payload of one TCP segment: Ethernet MTU less IPv4, TCP and timestamp headers (RFC 9293, RFC 7323)."""


class Direction(IntEnum):
    """Way of a byte, seen from the road."""

    UP = 0
    DOWN = 1


class LinkState(StrEnum):
    """What the road can do for data right now."""

    UP = "UP"
    SLOW = "SLOW"
    DOWN = "DOWN"


class LinkConditions(msgspec.Struct, frozen=True):
    """What one direction pair offers from one instant on.

    Rates are payload and header bits per second, 0 = unlimited; delays are one-way; `loss` is the
    share of segments that need one more transmission (0…1); `queue_ms` bounds how long a byte may
    wait for the bottleneck before the sender is pushed back; while not `up`, nothing moves and
    nothing is lost: TCP retransmits.
    """

    up: bool = True
    rate_up_bps: int = 0
    rate_down_bps: int = 0
    delay_up_ms: float = 0.0
    delay_down_ms: float = 0.0
    loss: float = 0.0
    queue_ms: int = 2000


class Delivered(NamedTuple):
    """`n` bytes of `flow` have reached the other end."""

    flow: int
    direction: Direction
    n: int


class LinkModel(Protocol):
    """One shared bottleneck per direction, fair between flows, order kept within a flow."""

    def open_flow(self, now_ns: int) -> int:
        """A new TCP connection over this link; its number is never used again."""

    def close_flow(self, flow: int) -> None:
        """Forget `flow`: bytes still under way vanish and waste no capacity."""

    def enqueue(self, flow: int, direction: Direction, now_ns: int, n: int) -> int:
        """Offer `n` bytes; returns how many were taken (fewer when the queue's bound is reached)."""

    def next_due(self) -> int | None:
        """When `advance` has something to say next, or None while nothing is under way."""

    def advance(self, now_ns: int) -> list[Delivered]:
        """Move bytes up to `now_ns`; returns deliveries in order of time, ties by sequence."""

    def set_conditions(self, now_ns: int, conditions: LinkConditions) -> None:
        """From `now_ns` on `conditions` hold, for all flows at once."""

    @property
    def conditions(self) -> LinkConditions:
        """What holds now."""
