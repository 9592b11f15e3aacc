"""The places where one suite of checks finds a broker: ours in virtual time, ours on sockets, mosquitto."""

import asyncio
from collections.abc import Callable, Coroutine
from re import escape
from typing import Final, NamedTuple, Protocol

import pytest

from runtime.mqtt.broker.core import Broker
from runtime.mqtt.broker.server import BrokerServer
from runtime.mqtt.mosquitto import Mosquitto, find_mosquitto
from runtime.mqtt.packets import Connack, Connect, Properties, PropertyId
from runtime.ports import Network
from runtime.real_network import RealNetwork
from runtime.virtual_loop import VirtualLoop
from runtime.virtual_network import VirtualNetwork
from tests.runtime.mqtt.raw_client import RawClient

WEEK_S: Final = 7 * 24 * 3600


class Visit:
    """One broker, running, and a road to it."""

    def __init__(self, network: Network, host: str, port: int) -> None:
        self._network = network
        self._host = host
        self._port = port
        self._clients: list[RawClient] = []

    async def open(self) -> RawClient:
        """A connection on which nothing was said yet."""
        client = await RawClient.open(self._network, self._host, self._port)
        self._clients.append(client)
        return client

    async def join(
        self, client_id: str, *, clean_start: bool = True, expiry_s: int = 0, **properties: int
    ) -> RawClient:
        """A client that is connected; `properties` are CONNECT properties in lower case."""
        client, _ = await self.resume(client_id, clean_start=clean_start, expiry_s=expiry_s, **properties)
        return client

    async def resume(
        self, client_id: str, *, clean_start: bool = False, expiry_s: int = WEEK_S, **properties: int
    ) -> tuple[RawClient, Connack]:
        """The same with what CONNACK said; by default it resumes a session that outlives the connection."""
        pairs = [(PropertyId[name.upper()], value) for name, value in properties.items()]
        if expiry_s:
            pairs.insert(0, (PropertyId.SESSION_EXPIRY_INTERVAL, expiry_s))
        client = await self.open()
        connack = await client.connect(Connect(client_id, clean_start, properties=Properties(*pairs)))
        assert connack.reason_code == 0
        return client, connack

    def leave(self) -> None:
        """Close every connection that is open still."""
        for client in self._clients:
            client.drop()


Check = Callable[[Visit], Coroutine[None, None, None]]


class Place(Protocol):
    """Where a check runs."""

    name: str

    def run(self, check: Check) -> None:
        """Run `check` against a fresh broker."""


class OursInVirtualTime:
    """Our broker on the virtual loop, 20 ms away."""

    name = "ours-virtual"

    def run(self, check: Check) -> None:
        """Run `check` against a fresh broker."""
        loop = VirtualLoop()
        try:
            loop.run_until_complete(self._visit(loop, check))
        finally:
            loop.close()

    async def _visit(self, loop: VirtualLoop, check: Check) -> None:
        world = VirtualNetwork(loop)
        server = BrokerServer(Broker(), world.host("broker"))
        await server.listen("broker")
        await _check(check, Visit(world.host("car", delay_ms=20), "broker", server.port))
        server.close()


class OursOnSockets:
    """Our broker on the stock loop and loopback sockets."""

    name = "ours-sockets"

    def run(self, check: Check) -> None:
        """Run `check` against a fresh broker."""
        asyncio.run(self._visit(check))

    async def _visit(self, check: Check) -> None:
        server = BrokerServer(Broker(), RealNetwork())
        await server.listen("127.0.0.1")
        await _check(check, Visit(RealNetwork(), "127.0.0.1", server.port))
        server.close()


class MosquittoPlace:
    """mosquitto as a child process."""

    name = "mosquitto"

    def run(self, check: Check) -> None:
        """Run `check` against a fresh broker."""
        asyncio.run(self._visit(check))

    async def _visit(self, check: Check) -> None:
        async with Mosquitto() as broker:
            await _check(check, Visit(RealNetwork(), "127.0.0.1", broker.port))


async def _check(check: Check, visit: Visit) -> None:
    try:
        await check(visit)
    finally:
        visit.leave()


PLACES: Final = (
    pytest.param(OursInVirtualTime(), id="ours-virtual"),
    pytest.param(OursOnSockets(), id="ours-sockets"),
    pytest.param(
        MosquittoPlace(),
        id="mosquitto",
        marks=(
            pytest.mark.mosquitto,
            pytest.mark.skipif(find_mosquitto() is None, reason="mosquitto is not installed"),
        ),
    ),
)


class Deviation(NamedTuple):
    """What a check sees where a broker is known to do otherwise, and why that is so."""

    seen: str
    reason: str


def contract(deviations: dict[str, Deviation]) -> Callable[[Check], Callable[[Place], None]]:
    """A decorator that makes one test of a check, run in every place.

    `deviations` names the checks that mosquitto is known to fail; there they must fail in just that way,
    so that a mosquitto that has learnt better is noticed.
    """

    def decorate(check: Check) -> Callable[[Place], None]:
        name = check.__name__

        @pytest.mark.parametrize("place", PLACES)
        def test(place: Place) -> None:
            if place.name == "mosquitto" and name in deviations:
                with pytest.raises(AssertionError, match=escape(deviations[name].seen)):
                    place.run(check)
            else:
                place.run(check)

        test.__name__ = test.__qualname__ = name
        test.__doc__ = check.__doc__
        return test

    return decorate
