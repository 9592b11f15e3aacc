"""The bench: carries out commands on a world, and reports what happens in it."""

from collections.abc import Callable

import msgspec

from backend_stub.app import Backend
from backend_stub.errors import BackendError
from contracts.bench import (
    AdvanceClock,
    AnyCommand,
    AnyReport,
    BackendCommand,
    BenchInfo,
    ClockReport,
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
from contracts.modem import ModemStatus
from contracts.screen import ScreenSnapshot
from headunit.services.car import Car
from headunit.sim.script import NOT_RUNNING
from headunit.sim.world import World
from runtime.errors import CommandRefused
from runtime.report_hub import ReportHub
from telematics.errors import TelematicsError


class Bench:
    """One door to a world for the panel, the scenario runner, the CAN bridge and the tests.

    Args:
        world: what is commanded.
        hub: where reports go; without one nothing is reported, and nothing is drawn unasked.
    """

    def __init__(self, world: World, hub: ReportHub | None = None) -> None:
        self._world = world
        self._hub = hub
        self.is_busy = False
        self._done_listeners: list[Callable[[AnyCommand], None]] = []

    def on_done(self, listener: Callable[[AnyCommand], None]) -> None:
        """Have `listener` called with every command that was carried out."""
        self._done_listeners.append(listener)

    def screen(self) -> ScreenSnapshot:
        """What the driver sees."""
        return self._world.screen()

    async def handle(self, command: AnyCommand) -> None:
        """Carry out `command`. Raises CommandRefused, and then nothing has changed."""
        try:
            self.is_busy = True
            await self._carry_out(command)
            for listener in self._done_listeners:
                listener(command)
        except BackendError as error:
            raise CommandRefused(error.code, error.detail) from None
        except TelematicsError as error:
            raise CommandRefused("INVALID_STATE", str(error)) from None
        except LookupError as error:
            raise CommandRefused(NOT_RUNNING, str(error)) from None
        finally:
            self.is_busy = False

    async def _carry_out(self, command: AnyCommand) -> None:
        world = self._world
        match command:
            case PressKnob(event=event):
                world.press(event)
            case SetVehicle():
                self._set_vehicle(command)
            case SetSignal():
                world.telematics.set_signal(command)
            case Impair():
                world.telematics.impair(command)
            case SetSim():
                world.telematics.set_sim(command)
            case AdvanceClock(by_ms=by_ms):
                world.rig.clock.jump(by_ms)
                self.report_clock()
            case SetClock(to_ms=to_ms):
                self._set_clock(to_ms)
            case SetRate(rate=rate):
                world.rig.clock.set_rate(rate)
                self.report_clock()
            case _ if isinstance(command, BackendCommand):
                await world.at_backend(command)
            case _:
                raise CommandRefused("BAD_MESSAGE", f"{type(command).__name__} is not for the bench")

    def _set_clock(self, to_ms: int) -> None:
        clock = self._world.rig.clock
        by_ms = to_ms - clock.now_ms()
        if by_ms < 0:
            raise CommandRefused("INVALID_STATE", f"that was {-by_ms} ms ago; bench time never goes back")
        clock.jump(by_ms)
        self.report_clock()

    def _set_vehicle(self, command: SetVehicle) -> None:
        world = self._world
        if command.terminal is not None:
            world.car.terminal = command.terminal
        world.bus_is_ours = command.hold
        if command.hold:
            world.speed_kmh = command.speed_kmh
        if command.speed_kmh is not None or not command.hold:
            world.read_speed(command.speed_kmh)
        self._report_vehicle()

    # Reports

    def report_everything(self, info: BenchInfo) -> None:
        """From now on tell the hub what happens."""
        self._publish(info)
        self._world.on_car(self._watch_car)
        self._world.on_backend(self._watch_backend)
        telematics = self._world.telematics
        telematics.on_change(self._modem_changed)
        telematics.on_link(lambda _: self._report_link())
        self._modem_changed(telematics.status())
        self._report_link()
        self.report_clock()

    def report_clock(self) -> None:
        """Tell bench time and its rate."""
        clock = self._world.rig.clock
        self._publish(ClockReport(now_ms=clock.now_ms(), rate=clock.rate))
        if self._world.has_car:
            self._report_vehicle()

    def _watch_car(self, car: Car) -> None:
        car.on_screen(lambda screen: self._publish(ScreenReport(screen=screen)))
        car.on_session(lambda _: self._report_link())
        car.on_outbox(lambda _: self._report_outbox())
        car.on_packet(lambda way, kind, key, size: self._packet("car", way, kind, key, size))
        self._report_vehicle()
        self._report_outbox()

    def _watch_backend(self, backend: Backend) -> None:
        backend.on_change(self._report_outbox)
        backend.on_packet(lambda way, kind, key, size: self._packet("backend", way, kind, key, size))
        backend.on_sms(
            lambda sms: self._publish(
                SmsReport(number=sms.number, text=sms.text, url=sms.url, order_number=sms.order_number)
            )
        )

    def _modem_changed(self, status: ModemStatus) -> None:
        self._publish(ModemReport(at_ns=self._world.rig.clock.transport_ns(), status=status))
        self._report_link()

    def _report_link(self) -> None:
        is_up = self._world.has_car and self._world.car.session_up
        self._publish(msgspec.structs.replace(self._world.telematics.link_report(), session=is_up))

    def _report_outbox(self) -> None:
        world = self._world
        self._publish(
            OutboxReport(
                car=world.car.outbox_depth if world.has_car else 0,
                backend=world.backend.outbox_depth,
            )
        )

    def _report_vehicle(self) -> None:
        car = self._world.car
        self._publish(VehicleReport(speed_kmh=car.motion.speed_kmh, terminal=car.terminal, moving=car.moving))

    def _packet(self, who: str, way: str, kind: str, key: str, size: int) -> None:
        at_ns = self._world.rig.clock.transport_ns()
        self._publish(PacketSeen(at_ns=at_ns, who=who, way=way, kind=kind, key=key, size=size))

    def _publish(self, report: AnyReport) -> None:
        if self._hub is not None:
            self._hub.publish(report)
