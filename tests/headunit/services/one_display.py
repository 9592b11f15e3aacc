"""A whole car in virtual time, worked by its knob, over a fake port and a fake modem."""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import copy_context
from typing import Any

import msgspec

from contracts.controller import PRESS, ControllerEvent
from contracts.messages import Line, Offer, Product
from contracts.modem import ModemListener, ModemStatus, Registration, SignalLevel, SimState
from contracts.screen import ScreenSnapshot
from headunit.domain.navigate import steps_to
from headunit.services.car import Car, CarConfig
from headunit.services.car_store import CarStore, SentRequest
from tests.headunit.services.fake_port import VIN
from tests.headunit.services.one_car import OneCar, catalogue

TO_CHECKOUT = (
    "ConnectedDrive",
    "ConnectedDrive Store",
    "Real Time Traffic Information",
    "3 months",
    "Checkout",
)
STORE = msgspec.structs.replace(
    catalogue(),
    products=(Product("RTTI", "Real Time Traffic Information", "Traffic.", (Offer(3, 15000),)),),
)
GOOD = ModemStatus(SimState.ACTIVE, Registration.REGISTERED_HOME, SignalLevel.GOOD, "4G", -80.0, True)
NONE = ModemStatus(SimState.ACTIVE, Registration.SEARCHING, SignalLevel.NONE, "", None, False)


class FakeModem:
    """A modem the test turns."""

    def __init__(self) -> None:
        self._status = GOOD
        self._listeners: list[ModemListener] = []

    def status(self) -> ModemStatus:
        """See ModemPort."""
        return self._status

    def on_change(self, listener: ModemListener) -> None:
        """See ModemPort."""
        self._listeners.append(listener)

    def turn_to(self, status: ModemStatus) -> None:
        """A new reading."""
        self._status = status
        for listener in self._listeners:
            listener(status)


class OneDisplay(OneCar):
    """A car with a display."""

    def __init__(self) -> None:
        super().__init__()
        self.car: Car
        self.modem = FakeModem()
        self.pictures: list[ScreenSnapshot] = []
        self._packets: list[tuple[str, str]] = []

    async def start(self) -> None:
        """Begin a life; the ignition is on and the car stands."""
        self._lives += 1
        self.modem = FakeModem()

        async def life() -> None:
            self._life = copy_context()
            self.car = Car(self.runtime, CarConfig(VIN, "broker", 1883), self.modem, self.ports)
            await self.car.run()

        self.loop.spawn(f"car#{self._lives}", life())
        await self.turn()
        self._life.run(self.car.read_speed, 0.0)
        self._life.run(self.car.on_screen, self.pictures.append)
        self._packets.clear()
        self.car.on_packet(lambda way, kind, key, size: self._packets.append((way, kind)))

    async def online(self) -> None:
        """The road is there and the Store is known."""
        self.port.connect()
        await self.turn()
        self.port.deliver(msgspec.structs.replace(STORE, key=f"store-{self.clock.now_ms()}"))
        snapshot = self.snapshot(1)
        self.port.deliver(msgspec.structs.replace(snapshot, contract_number="13800000001"))
        self.port.acknowledge_all()

    async def stand(self, for_s: int = 5) -> None:
        """Stand still; the bus says so once a second."""
        for _ in range(for_s):
            await asyncio.sleep(1)
            self._life.run(self.car.read_speed, 0.0)

    def press(self, *events: ControllerEvent) -> None:
        """The hand."""
        for event in events:
            self._life.run(self.car.press, event)

    def choose(self, *labels: str) -> None:
        """Turn to each row in turn and press."""
        for label in labels:
            self.press(*steps_to(self.screen, label))

    def press_again(self) -> None:
        """Press where the focus is."""
        self.press(PRESS)

    def drives_at(self, speed_kmh: float) -> None:
        """The bus says that the car moves."""
        self._life.run(self.car.read_speed, speed_kmh)

    def request(self) -> SentRequest:
        """The request on its way, as the car has it on its disk."""
        request = self.store().sent_request()
        assert request is not None
        return request

    def basket(self) -> tuple[Line, ...]:
        """What the car has on its disk."""
        return self.store().basket().lines

    def store(self) -> CarStore:
        """The car's disk."""
        return CarStore(self.disk.connect("car"))

    @property
    def packets(self) -> list[tuple[str, str]]:
        """Way and kind of every message of this life."""
        return self._packets

    @property
    def screen(self) -> ScreenSnapshot:
        """What the driver sees."""
        return self._life.run(self.car.screen)

    @property
    def code(self) -> str:
        """The code in small print of the banner, "" without one."""
        return self.screen.banner.code if self.screen.banner else ""

    def rows(self) -> tuple[str, ...]:
        """All rows by name."""
        return tuple(row.label for row in self.screen.rows)


def drive(story: Callable[[OneDisplay], Coroutine[Any, Any, None]]) -> OneDisplay:
    """Let a new car with a display live through `story`."""
    car = OneDisplay()

    async def with_display(one: OneCar) -> None:
        assert isinstance(one, OneDisplay)
        await story(one)

    car.live(with_display)
    return car
