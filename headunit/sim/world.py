"""One world: car, telematics unit, broker and backend on a rig, and what happens to them."""

import asyncio
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass
from typing import TypeVar

from backend_stub.adapters.mqtt_endpoint import CLIENT_ID
from backend_stub.app import Backend, BackendConfig
from backend_stub.domain.vehicle import VehicleRecord
from contracts.bench import Command, SetSim
from contracts.controller import ControllerEvent
from contracts.modem import ModemListener, ModemPort, ModemStatus, SimState
from contracts.screen import ScreenSnapshot
from headunit.services.car import Car, CarConfig
from headunit.services.session import client_id
from headunit.sim.broker_world import broker_fault
from headunit.sim.rig import Rig
from headunit.sim.scenario import Fault, FaultKind, Program, Scenario, Vehicle
from runtime.mqtt.port import MqttPortFactory
from runtime.ports import Runtime
from telematics.app import Telematics
from telematics.errors import TelematicsError
from telematics.radio.timeline import RadioTimeline
from telematics.unit import TelematicsUnit

T = TypeVar("T")
NS_PER_S = 1_000_000_000
BUS_PERIOD_S = 1.0
"""How often the vehicle bus repeats speed (R-811 calls two seconds too old)."""

MakeBackend = Callable[[Runtime, BackendConfig, MqttPortFactory], Backend]


@dataclass(frozen=True, slots=True)
class WorldConfig:
    """What a world is made of, beyond its rig."""

    vehicle: Vehicle
    market: str
    activation_delay_ms: int
    language: str = "en"
    public_url: str = "http://127.0.0.1"
    database: str = ""

    @classmethod
    def of(cls, scenario: Scenario, language: str = "en", database: str = "") -> "WorldConfig":
        """The world that a scenario describes, its backend's store at `database` (`BackendConfig`)."""
        return cls(
            vehicle=scenario.vehicles[0],
            market=scenario.market,
            activation_delay_ms=round(scenario.activation_delay_s * 1000),
            language=language,
            database=database,
        )


class ModemOfOneLife:
    """The modem as one life of the car sees it: a dead car hears nothing any more.

    Make it inside the car's own task: what the car does when it hears something belongs to that life.
    """

    def __init__(self, modem: ModemPort) -> None:
        self._modem = modem
        self._life = copy_context()
        self.listener: ModemListener | None = None
        modem.on_change(self._changed)

    def status(self) -> ModemStatus:
        """See ModemPort."""
        return self._modem.status()

    def on_change(self, listener: ModemListener) -> None:
        """See ModemPort; the car listens once."""
        self.listener = listener

    def _changed(self, status: ModemStatus) -> None:
        if self.listener is not None:
            self._life.run(self.listener, status)


class World:
    """The programs of one bench, each started with its runtime; a killed program begins another life here.

    Args:
        rig: where the world is.
        config: which car, which market.
        timeline: what the car drives through.
        make_backend: the backend's class; tests put broken ones here.
    """

    def __init__(
        self, rig: Rig, config: WorldConfig, timeline: RadioTimeline, make_backend: MakeBackend = Backend
    ) -> None:
        self.rig = rig
        self.config = config
        self.timeline = timeline
        self.start_ns = 0
        self.speed_kmh: float | None = None
        self.bus_is_ours = True
        self._make_backend = make_backend
        self._down: list[Program] = []
        self._car: Car | None = None
        self._car_life = copy_context()
        self._backend_life = copy_context()
        self._car_modem: ModemOfOneLife | None = None
        self._backend: Backend | None = None
        self._telematics: Telematics | None = None
        self._on_car: list[Callable[[Car], None]] = []
        self._on_backend: list[Callable[[Backend], None]] = []
        self._own_life = copy_context()
        self._sim = SimState.ACTIVE if config.vehicle.handed_over else SimState.PROVISIONED
        self.on_backend(self._follow_subscription)

    async def open(self) -> None:
        """Start everything; the car's first second is now."""
        await self.rig.open()
        self.rig.launch("backend", self._live_backend)
        self.start_ns = self.rig.clock.transport_ns()
        unit = TelematicsUnit(
            self.timeline,
            self.rig.link,
            self.rig.randomness.stream("modem"),
            start_ns=self.start_ns,
            sim=self._sim,
        )
        self._telematics = Telematics(self.rig.runtime("telematics"), unit, self.rig.apply_conditions)
        self.rig.launch("telematics", self._telematics.run)
        self.rig.launch("car", self._live_car)
        self.rig.launch("vehicle", self._live_vehicle)

    async def alive(self) -> None:
        """Return when car and backend have begun their first life."""
        both = asyncio.Event()

        def look(_: object) -> None:
            if self._car is not None and self._backend is not None:
                both.set()

        self.on_car(look)
        self.on_backend(look)
        await both.wait()

    @property
    def car(self) -> Car:
        """The car in its present life."""
        return _alive(self._car, "car")

    @property
    def has_car(self) -> bool:
        """Whether the car is alive."""
        return self._car is not None

    @property
    def backend(self) -> Backend:
        """The backend in its present life."""
        return _alive(self._backend, "backend")

    @property
    def telematics(self) -> Telematics:
        """The telematics unit."""
        return _alive(self._telematics, "telematics unit")

    @property
    def elapsed_s(self) -> float:
        """Seconds since the world was opened, in transport time: what a scenario counts in."""
        return (self.rig.clock.transport_ns() - self.start_ns) / NS_PER_S

    def on_car(self, listener: Callable[[Car], None]) -> None:
        """Have `listener` called with the car of every life, also the present one."""
        self._on_car.append(listener)
        if self._car is not None:
            listener(self._car)

    def on_backend(self, listener: Callable[[Backend], None]) -> None:
        """Have `listener` called with the backend of every life, also the present one."""
        self._on_backend.append(listener)
        if self._backend is not None:
            listener(self._backend)

    # What the rig does to a program belongs to the life of that program: it ends with it.

    def screen(self) -> ScreenSnapshot:
        """What the driver sees."""
        return self._car_life.run(self.car.screen)

    def press(self, event: ControllerEvent) -> None:
        """The driver's hand."""
        self._car_life.run(self.car.press, event)

    def read_speed(self, speed_kmh: float | None) -> None:
        """The vehicle bus speaks."""
        self._car_life.run(self.car.read_speed, speed_kmh)

    async def at_backend(self, command: Command) -> None:
        """Somebody does something at the backend."""
        loop = asyncio.get_running_loop()
        await loop.create_task(self.backend.handle(command), context=self._backend_life.copy())

    async def strike(self, kind: FaultKind, program: Program, down_s: float) -> None:
        """Stop `program` without a farewell, and start it again `down_s` later; one that is down stays so."""
        if program in self._down:
            return
        self._down.append(program)
        self.rig.book.actor("rig").record("fault", program, kind)
        self.rig.halt(program, power_cut=kind is FaultKind.POWER_CUT)
        match program:
            case Program.CAR:
                self._car = None
                if self._car_modem is not None:
                    self._car_modem.listener = None
            case Program.BACKEND:
                self.leave_database()
                self._backend = None
            case Program.BROKER:
                pass
        await asyncio.sleep(down_s)
        match program:
            case Program.CAR:
                self.rig.launch("car", self._live_car)
            case Program.BACKEND:
                self.rig.launch("backend", self._live_backend)
            case Program.BROKER:
                self.rig.restart_broker()
        self._down.remove(program)
        self.rig.book.actor("rig").record("fault", program, "over")

    def leave_database(self) -> None:
        """End the backend's connection to a database on a server, which would not know that it is dead."""
        if self._backend is not None:
            self._backend.store.abandon()

    async def misbehave(self, fault: Fault, until_s: float) -> None:
        """The broker does something wrong, for as long as `fault` says or until second `until_s`."""
        wrong = broker_fault(
            fault, {Program.CAR: client_id(self.config.vehicle.vin), Program.BACKEND: CLIENT_ID}
        )
        journal = self.rig.book.actor("rig")
        journal.record("fault", Program.BROKER, fault.kind)
        self.rig.break_broker(wrong)
        await asyncio.sleep(max(0.0, until_s - self.elapsed_s) if fault.for_s is None else fault.for_s)
        self.rig.mend_broker(wrong)
        journal.record("fault", Program.BROKER, f"{fault.kind} over")

    async def _live_car(self) -> None:
        host, port = self.rig.broker_address("car")
        modem = self._car_modem = ModemOfOneLife(self.telematics)
        car = Car(
            self.rig.runtime("car"),
            CarConfig(
                vin=self.config.vehicle.vin,
                broker_host=host,
                broker_port=port,
                market=self.config.market,
                language=self.config.language,
                model=self.config.vehicle.model,
            ),
            modem,
            self.rig.make_port("car"),
        )
        self._car = car
        self._car_life = copy_context()
        for listener in self._on_car:
            listener(car)
        await car.run()

    async def _live_backend(self) -> None:
        host, port = self.rig.broker_address("backend")
        backend = self._make_backend(
            self.rig.runtime("backend"),
            BackendConfig(
                market=self.config.market,
                vehicles=(vehicle_record(self.config.vehicle),),
                broker_host=host,
                broker_port=port,
                activation_delay_ms=self.config.activation_delay_ms,
                public_url=self.config.public_url,
                database=self.config.database,
            ),
            self.rig.make_port("backend"),
        )
        self._backend = backend
        self._backend_life = copy_context()
        for listener in self._on_backend:
            listener(backend)
        await backend.run()

    def _follow_subscription(self, backend: Backend) -> None:
        """From now on the car's SIM is what the operator has made of its subscription (R-515, R-516)."""
        vin = self.config.vehicle.vin

        def switched(which: str, state: SimState) -> None:
            if which == vin and state is not self._sim:
                # The unit outlives the backend: what it is told must not end with this life of the other.
                self._own_life.copy().run(self._switch_sim, state)

        backend.on_subscription(switched)
        if vin in (networks := backend.networks()):
            switched(vin, networks[vin])

    @property
    def sim(self) -> SimState:
        """What the operator has made of the car's SIM, whatever a hand has done to it since."""
        return self._sim

    def _switch_sim(self, state: SimState) -> None:
        self._sim = state
        if self._telematics is None:
            return
        try:
            self.telematics.set_sim(SetSim(state=state))
        except TelematicsError:
            # The operator's hand may have led the SIM elsewhere; from ACTIVE every state can be reached.
            self.telematics.set_sim(SetSim(state=SimState.ACTIVE))
            self.telematics.set_sim(SetSim(state=state))

    async def _live_vehicle(self) -> None:
        """The vehicle bus: repeats the speed of the drive, or of the operator's hand, once a second."""
        while True:
            if self.bus_is_ours and self._car is not None:
                elapsed_ns = self.rig.clock.transport_ns() - self.start_ns
                speed = self.speed_kmh
                if speed is None:
                    speed = self.timeline.at(elapsed_ns).speed_kmh or 0.0
                self.read_speed(speed)
            await asyncio.sleep(BUS_PERIOD_S)


def vehicle_record(vehicle: Vehicle) -> VehicleRecord:
    """What the backend knows about the car of a scenario."""
    return VehicleRecord(
        vin=vehicle.vin,
        model=vehicle.model,
        equipment=vehicle.equipment,
        contract_number=vehicle.contract_number,
        first_activation=vehicle.first_activation,
        base_package_months=vehicle.base_package_months,
        purchased_on=vehicle.purchased_on,
        first_registration=vehicle.first_registration,
        engine_number=vehicle.engine_number,
        is_handed_over=vehicle.handed_over,
    )


def _alive(program: T | None, name: str) -> T:
    if program is None:
        raise LookupError(f"the {name} is not running now")
    return program
