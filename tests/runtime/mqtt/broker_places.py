"""The places where one suite of checks finds a broker: ours in virtual time, ours on sockets, mosquitto."""

import asyncio
from collections.abc import Callable, Coroutine
from re import escape
from typing import Final, Protocol

import pytest

from runtime.mqtt.broker.core import Broker
from runtime.mqtt.broker.server import BrokerServer
from runtime.mqtt.mosquitto import Mosquitto, find_mosquitto
from runtime.mqtt.packets import (
    MQTT_3_1_1,
    MQTT_5,
    Connack,
    Connect,
    Properties,
    PropertyId,
    Subscription,
    Will,
)
from runtime.ports import Network
from runtime.real_network import RealNetwork
from runtime.virtual_loop import VirtualLoop
from runtime.virtual_network import VirtualNetwork
from tests.runtime.mqtt.mosquitto_deviations import MOSQUITTO_DEVIATES
from tests.runtime.mqtt.raw_client import PATIENCE_S, RawClient

WEEK_S: Final = 7 * 24 * 3600
LEVEL_NAMES: Final = {MQTT_3_1_1: "3.1.1", MQTT_5: "5"}


class Visit:
    """One broker, running, and a road to it.

    `level` is the protocol level of a client by default, `patience_s` how long its answers may take.
    """

    def __init__(self, network: Network, host: str, port: int, *, is_ours: bool = True) -> None:
        self.level = MQTT_5
        self.patience_s = PATIENCE_S
        self._network = network
        self._host = host
        self._port = port
        self._is_ours = is_ours
        self._clients: list[RawClient] = []

    async def open(self, *, level: int = 0) -> RawClient:
        """A connection on which nothing was said yet."""
        client = await RawClient.open(
            self._network, self._host, self._port, level or self.level, is_told_why=self._is_ours
        )
        client.patience_s = self.patience_s
        self._clients.append(client)
        return client

    async def seconds_pass(self) -> None:
        """Wait until a second has passed on the broker's clock: until it publishes a will that late.

        A broker that is not ours may count whole seconds only, and is given one more.
        """
        delay_s = 1 if self._is_ours else 2
        listener = await self.join("listener", level=MQTT_5)
        await listener.subscribe(Subscription("bell"))
        will = Will("bell", qos=1, properties=Properties((PropertyId.WILL_DELAY_INTERVAL, delay_s)))
        (await self.join("bell", level=MQTT_5, expiry_s=WEEK_S, will=will)).drop()
        listener.patience_s = 10
        await listener.message()

    async def join(
        self,
        client_id: str,
        *,
        level: int = 0,
        clean_start: bool = True,
        expiry_s: int = 0,
        keep_alive_s: int = 0,
        will: Will | None = None,
        **properties: int,
    ) -> RawClient:
        """A client that is connected; `properties` are CONNECT properties in lower case."""
        client, _ = await self.resume(
            client_id,
            level=level,
            clean_start=clean_start,
            expiry_s=expiry_s,
            keep_alive_s=keep_alive_s,
            will=will,
            **properties,
        )
        return client

    async def resume(
        self,
        client_id: str,
        *,
        level: int = 0,
        clean_start: bool = False,
        expiry_s: int = WEEK_S,
        keep_alive_s: int = 0,
        will: Will | None = None,
        **properties: int,
    ) -> tuple[RawClient, Connack]:
        """The same with what CONNACK said; by default it resumes a session that outlives the connection."""
        pairs = [(PropertyId[name.upper()], value) for name, value in properties.items()]
        if expiry_s:
            pairs.insert(0, (PropertyId.SESSION_EXPIRY_INTERVAL, expiry_s))
        client = await self.open(level=level)
        connect = Connect(client_id, clean_start, keep_alive_s, Properties(*pairs), will)
        connack = await client.connect(connect)
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
            await _check(check, Visit(RealNetwork(), "127.0.0.1", broker.port, is_ours=False))


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


def _test_of(check: Check, levels: tuple[int, ...]) -> Callable[[Place, int], None]:
    name = check.__name__

    @pytest.mark.parametrize("level", [pytest.param(each, id=LEVEL_NAMES[each]) for each in levels])
    @pytest.mark.parametrize("place", PLACES)
    def test(place: Place, level: int) -> None:
        deviation = MOSQUITTO_DEVIATES.get(name) if place.name == "mosquitto" else None
        if deviation is not None and level not in deviation.levels:
            deviation = None

        async def at_its_level(visit: Visit) -> None:
            visit.level = level
            if deviation is not None:
                visit.patience_s = deviation.patience_s
            await check(visit)

        if deviation is not None:
            with pytest.raises(AssertionError, match=escape(deviation.seen)):
                place.run(at_its_level)
        else:
            place.run(at_its_level)

    test.__name__ = test.__qualname__ = name
    test.__module__ = check.__module__
    test.__doc__ = check.__doc__
    return test


def checked(check: Check) -> Callable[[Place, int], None]:
    """Make one test of a check of MQTT 5, run in every place.

    What mosquitto is known to do otherwise (`mosquitto_deviations`) it must do in just that way, so that a
    mosquitto that has learnt better is noticed.
    """
    return _test_of(check, (MQTT_5,))


def checked_in_3_1_1(check: Check) -> Callable[[Place, int], None]:
    """The same for a check of MQTT 3.1.1."""
    return _test_of(check, (MQTT_3_1_1,))


def checked_in_both(check: Check) -> Callable[[Place, int], None]:
    """The same for a check that holds in both; `Visit.level` says in which one it runs."""
    return _test_of(check, (MQTT_3_1_1, MQTT_5))
