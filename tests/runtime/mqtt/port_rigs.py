"""Worlds in which one MQTT port suite runs: virtual time, and real sockets."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Protocol, TypeVar

from runtime.real_network import RealNetwork
from runtime.virtual_network import VirtualNetwork

from runtime.ports import Network
from runtime.virtual_loop import VirtualLoop

T = TypeVar("T")
STORY_TIMEOUT_S = 20


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
        world = VirtualNetwork(self.loop)
        self.host = "broker"
        self.peer = world.host("broker")
        self.car = world.host("car", delay_ms=100)

    def run(self, story: Coroutine[Any, Any, T]) -> T:
        try:
            return self.loop.run_until_complete(story)
        finally:
            self.loop.close()


class RealRig:
    """The stock loop and loopback sockets."""

    def __init__(self) -> None:
        self.host = "127.0.0.1"
        self.car = self.peer = RealNetwork()

    def run(self, story: Coroutine[Any, Any, T]) -> T:
        async def within() -> T:
            async with asyncio.timeout(STORY_TIMEOUT_S):
                return await story

        return asyncio.run(within())
