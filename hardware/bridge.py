"""A real iDrive controller and vehicle bus at the menu: CAN frames in, bench commands out.

Speed goes out with the frame that brought it and never later, so that a reading is never made to look
younger than it is (R-811): the car takes one older than 2 s for unknown.
"""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import Protocol

import msgspec

from contracts.bench import AnyCommand, PressKnob, SetVehicle, Terminal
from contracts.controller import ControllerAction, ControllerEvent
from hardware.can_source import CanSource
from hardware.idrive_frames import IdriveDecoder
from hardware.vehicle_frames import VehicleDecoder, VehicleReading
from runtime.errors import CommandRefused

REPEAT_S = 1.0
"""A reading that does not change is sent again after this time, as long as frames come."""

SPEED_TRUSTED_S = 2.0
"""Without a speed frame for longer than this, speed is unknown (R-811)."""


class CommandChannel(Protocol):
    """What the bridge needs of the bench channel."""

    async def request(self, command: AnyCommand) -> None:
        """Return when `command` was carried out. Raises CommandRefused or ChannelError."""


class BridgeSummary(msgspec.Struct, kw_only=True):
    """What went over the bridge. Rotation is counted in detents, everything else in frames or events."""

    frames: int = 0
    detents_right: int = 0
    detents_left: int = 0
    presses: int = 0
    tilts_left: int = 0
    tilts_right: int = 0
    tilts_up: int = 0
    tilts_down: int = 0
    menu: int = 0
    back: int = 0
    option: int = 0
    vehicle_reports: int = 0
    refused: int = 0
    crc_errors: int = 0
    stale_frames: int = 0
    invalid_frames: int = 0

    def to_json(self) -> str:
        """One JSON object, for machines."""
        return msgspec.json.encode(self).decode()

    def to_text(self) -> str:
        """Some lines, for people."""
        return "\n".join(
            (
                f"frames    {self.frames} ({self.crc_errors} with a wrong checksum, "
                f"{self.stale_frames} stale, {self.invalid_frames} invalid)",
                f"rotation  {self.detents_right} detents right, {self.detents_left} left",
                f"presses   {self.presses}",
                f"tilts     {self.tilts_left} left, {self.tilts_right} right, "
                f"{self.tilts_up} up, {self.tilts_down} down",
                f"buttons   MENU {self.menu}, BACK {self.back}, OPTION {self.option}",
                f"vehicle   {self.vehicle_reports} reports sent",
                f"refused   {self.refused} commands",
            )
        )


_COUNTED_AS = {
    ControllerAction.PRESS: "presses",
    ControllerAction.TILT_LEFT: "tilts_left",
    ControllerAction.TILT_RIGHT: "tilts_right",
    ControllerAction.TILT_UP: "tilts_up",
    ControllerAction.TILT_DOWN: "tilts_down",
    ControllerAction.MENU: "menu",
    ControllerAction.BACK: "back",
    ControllerAction.OPTION: "option",
}


class VehicleReporter:
    """Decides which vehicle frame is worth a report. Pure: instants are arguments, in seconds."""

    __slots__ = ("_sent", "_sent_at_s", "_speed_at_s", "_terminal")

    def __init__(self) -> None:
        self._terminal: Terminal | None = None
        self._speed_at_s: float | None = None
        self._sent: VehicleReading | None = None
        self._sent_at_s = 0.0

    def report(self, reading: VehicleReading, now_s: float) -> VehicleReading | None:
        """What to tell the car at `now_s`, when `reading` came; None for nothing.

        A terminal travels with the next speed frame; alone it goes only while speed is unknown.
        """
        if reading.terminal is not None:
            self._terminal = reading.terminal
        if reading.speed_kmh is not None:
            self._speed_at_s = now_s
        elif self._speed_at_s is not None and now_s - self._speed_at_s <= SPEED_TRUSTED_S:
            return None
        known = VehicleReading(reading.speed_kmh, self._terminal)
        if known == self._sent and now_s - self._sent_at_s < REPEAT_S:
            return None
        self._sent = known
        self._sent_at_s = now_s
        return known


async def run_bridge(
    source: CanSource, channel: CommandChannel, *, now_s: Callable[[], float] | None = None
) -> BridgeSummary:
    """Send what `source` says over `channel` until it ends; `source.close()` ends it early.

    `now_s` is a monotonic clock in seconds, by default the loop's. A command that the bench refuses is
    counted and the bridge goes on. Raises CanSourceError when the source fails and ChannelError when
    the bench is gone.
    """
    clock = now_s or asyncio.get_running_loop().time
    summary = BridgeSummary()
    idrive, vehicle, reporter = IdriveDecoder(), VehicleDecoder(), VehicleReporter()

    async def send(command: AnyCommand) -> None:
        try:
            await channel.request(command)
        except CommandRefused:
            summary.refused += 1

    async with aclosing(source.frames()) as frames:
        async for frame in frames:
            summary.frames += 1
            event = idrive.decode(frame.arbitration_id, frame.data)
            if event is not None:
                _count(summary, event)
                await send(PressKnob(event=event))
                continue
            reading = vehicle.decode(frame.arbitration_id, frame.data)
            report = reporter.report(reading, clock()) if reading is not None else None
            if report is not None:
                summary.vehicle_reports += 1
                await send(SetVehicle(speed_kmh=report.speed_kmh, terminal=report.terminal))
    summary.crc_errors = vehicle.crc_errors
    summary.stale_frames = vehicle.stale
    summary.invalid_frames = vehicle.invalid
    return summary


def _count(summary: BridgeSummary, event: ControllerEvent) -> None:
    if event.action is ControllerAction.ROTATE:
        if event.detents > 0:
            summary.detents_right += event.detents
        else:
            summary.detents_left -= event.detents
    else:
        name = _COUNTED_AS[event.action]
        setattr(summary, name, getattr(summary, name) + 1)
