"""The bench channel of one program that is served alone: its own commands, its own reports.

Beside a whole bench (`headunit.sim.bench`) each program answers for itself only; a command for another one
is refused with where to send it. Bench time is the machine's: set in one process alone it would tear the
programs apart.
"""

import asyncio
from typing import TYPE_CHECKING, Final

from contracts.bench import (
    AdvanceClock,
    AnyCommand,
    BackendCommand,
    Impair,
    ModemReport,
    OutboxReport,
    PacketSeen,
    PressKnob,
    ScreenReport,
    SetClock,
    SetRate,
    SetSignal,
    SetSim,
    SetVehicle,
    SmsReport,
    VehicleReport,
)
from contracts.modem import ModemPort, ModemStatus
from headunit.sim.script import NOT_RUNNING
from runtime.errors import CommandRefused
from runtime.ports import Clock
from runtime.report_hub import ReportHub

if TYPE_CHECKING:
    from backend_stub.app import Backend
    from headunit.services.car import Car
    from telematics.app import Telematics

BUS_PERIOD_S: Final = 1.0
"""How often a vehicle bus repeats speed (R-811 calls two seconds too old)."""

_WHOSE: Final[dict[type[AnyCommand], str]] = {
    PressKnob: "the car",
    SetVehicle: "the car",
    SetSignal: "the telematics unit",
    Impair: "the telematics unit",
    SetSim: "the telematics unit",
}


def _not_here(command: AnyCommand) -> CommandRefused:
    name = type(command).__name__
    if isinstance(command, AdvanceClock | SetClock | SetRate):
        detail = "programs that are served alone keep the machine's time; `headunit bench serve` has its own"
        return CommandRefused(NOT_RUNNING, detail)
    whose = (
        "the backend" if isinstance(command, BackendCommand) else _WHOSE.get(type(command), "another program")
    )
    return CommandRefused(NOT_RUNNING, f"{name} is for {whose}")


class CarBench:
    """The car's: the knob and the vehicle; `run` is the vehicle's bus."""

    def __init__(self, car: "Car", modem: ModemPort, clock: Clock, hub: ReportHub) -> None:
        self._car = car
        self._clock = clock
        self._hub = hub
        self._is_bus_ours = True
        self._speed_kmh: float | None = 0.0
        car.on_screen(lambda screen: hub.publish(ScreenReport(screen=screen)))
        car.on_outbox(lambda depth: hub.publish(OutboxReport(car=depth, backend=0)))
        car.on_packet(self._packet)
        modem.on_change(self._modem_changed)
        self._modem_changed(modem.status())
        hub.publish(OutboxReport(car=car.outbox_depth, backend=0))

    async def handle(self, command: AnyCommand) -> None:
        """Carry out a command. Raises CommandRefused, and then nothing has changed."""
        match command:
            case PressKnob(event=event):
                self._car.press(event)
            case SetVehicle():
                if command.terminal is not None:
                    self._car.terminal = command.terminal
                self._is_bus_ours = command.hold
                self._speed_kmh = command.speed_kmh
                if command.speed_kmh is not None or not command.hold:
                    self._car.read_speed(command.speed_kmh)
                self._report_vehicle()
            case _:
                raise _not_here(command)

    async def run(self) -> None:
        """Repeat the speed, until cancelled."""
        while True:
            if self._is_bus_ours:
                self._car.read_speed(0.0 if self._speed_kmh is None else self._speed_kmh)
            self._report_vehicle()
            await asyncio.sleep(BUS_PERIOD_S)

    def _modem_changed(self, status: ModemStatus) -> None:
        self._hub.publish(ModemReport(at_ns=self._clock.transport_ns(), status=status))

    def _report_vehicle(self) -> None:
        car = self._car
        self._hub.publish(
            VehicleReport(speed_kmh=car.motion.speed_kmh, terminal=car.terminal, moving=car.moving)
        )

    def _packet(self, way: str, kind: str, key: str, size: int) -> None:
        at_ns = self._clock.transport_ns()
        self._hub.publish(PacketSeen(at_ns=at_ns, who="car", way=way, kind=kind, key=key, size=size))


class BackendBench:
    """The backend's: payers, payment provider, text messages, prices."""

    def __init__(self, backend: "Backend", clock: Clock, hub: ReportHub) -> None:
        self._backend = backend
        self._clock = clock
        self._hub = hub
        backend.on_change(self._report_outbox)
        backend.on_packet(self._packet)
        backend.on_sms(
            lambda sms: hub.publish(
                SmsReport(number=sms.number, text=sms.text, url=sms.url, order_number=sms.order_number)
            )
        )
        self._report_outbox()

    async def handle(self, command: AnyCommand) -> None:
        """Carry out a command. Raises CommandRefused, and then nothing has changed."""
        from backend_stub.errors import BackendError

        if not isinstance(command, BackendCommand):
            raise _not_here(command)
        try:
            await self._backend.handle(command)
        except BackendError as error:
            raise CommandRefused(error.code, error.detail) from None

    def _report_outbox(self) -> None:
        self._hub.publish(OutboxReport(car=0, backend=self._backend.outbox_depth))

    def _packet(self, way: str, kind: str, key: str, size: int) -> None:
        at_ns = self._clock.transport_ns()
        self._hub.publish(PacketSeen(at_ns=at_ns, who="backend", way=way, kind=kind, key=key, size=size))


class TelematicsBench:
    """The telematics unit's: signal, what stands in the way, SIM."""

    def __init__(self, telematics: "Telematics", clock: Clock, hub: ReportHub) -> None:
        self._telematics = telematics
        self._clock = clock
        self._hub = hub
        telematics.on_change(self._modem_changed)
        telematics.on_link(lambda report: hub.publish(report))
        self._modem_changed(telematics.status())
        hub.publish(telematics.link_report())

    async def handle(self, command: AnyCommand) -> None:
        """Carry out a command. Raises CommandRefused, and then nothing has changed."""
        from telematics.errors import TelematicsError

        try:
            match command:
                case SetSignal():
                    self._telematics.set_signal(command)
                case Impair():
                    self._telematics.impair(command)
                case SetSim():
                    self._telematics.set_sim(command)
                case _:
                    raise _not_here(command)
        except TelematicsError as error:
            raise CommandRefused("INVALID_STATE", str(error)) from None

    def _modem_changed(self, status: ModemStatus) -> None:
        self._hub.publish(ModemReport(at_ns=self._clock.transport_ns(), status=status))
