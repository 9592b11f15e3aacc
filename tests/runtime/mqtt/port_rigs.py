"""Worlds in which one MQTT port suite runs: virtual time, and real sockets."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Protocol, TypeVar

from runtime.ports import Network
from runtime.real_network import RealNetwork
from runtime.virtual_loop import VirtualLoop
from runtime.virtual_network import VirtualNetwork

T = TypeVar("T")
STORY_TIMEOUT_S = 20
VIRTUAL_STORY_TIMEOUT_S = 3 * 24 * 3600
"""Keep-alives would let a story that waits in vain go on for ever."""


class Rig(Protocol):
    """A loop and a road between a car and a broker's host."""

    car: Network
    peer: Network
    host: str

    def run(self, story: Coroutine[Any, Any, T]) -> T:
        """The result of `story`."""


class VirtualRig:
    """Virtual time: 100 ms each way."""

    def __init__(self) -> None:
        self.loop = VirtualLoop()
        self.world = VirtualNetwork(self.loop)
        self.host = "broker"
        self.peer: Network = self.world.host("broker")
        self.car: Network = self.world.host("car", delay_ms=100)

    def run(self, story: Coroutine[Any, Any, T]) -> T:
        async def within() -> T:
            async with asyncio.timeout(VIRTUAL_STORY_TIMEOUT_S):
                return await story

        try:
            return self.loop.run_until_complete(within())
        finally:
            self.loop.close()


class RealRig:
    """The stock loop and loopback sockets."""

    def __init__(self) -> None:
        self.host = "127.0.0.1"
        self.car: Network = RealNetwork()
        self.peer: Network = self.car

    def run(self, story: Coroutine[Any, Any, T]) -> T:
        async def within() -> T:
            async with asyncio.timeout(STORY_TIMEOUT_S):
                return await story

        return asyncio.run(within())
