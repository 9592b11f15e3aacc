"""What the panel knows: the newest report of each kind, and the past of the signal. Pure."""

from collections import deque
from typing import NamedTuple

from contracts.bench import (
    AnyReport,
    BenchInfo,
    ClockReport,
    LinkReport,
    ModemReport,
    OutboxReport,
    PacketSeen,
    SmsReport,
    VehicleReport,
)
from contracts.link import LinkState

HISTORY = 1200
"""Samples of the signal that are kept: ten minutes at two a second."""

PACKETS = 12


class Sample(NamedTuple):
    """The signal at one instant; causes are the ground truth the car cannot see."""

    rsrp_dbm: float | None
    link: LinkState | None
    causes: tuple[str, ...]


class SeenPacket(NamedTuple):
    """A packet and when the panel heard of it, in seconds of the view's own clock."""

    packet: PacketSeen
    at_s: float


class BenchState:
    """Folds reports into what the blocks draw."""

    __slots__ = ("clock", "history", "info", "link", "modem", "outbox", "packets", "seen", "sms", "vehicle")

    def __init__(self) -> None:
        self.info: BenchInfo | None = None
        self.modem: ModemReport | None = None
        self.link: LinkReport | None = None
        self.outbox: OutboxReport | None = None
        self.vehicle: VehicleReport | None = None
        self.clock: ClockReport | None = None
        self.sms: SmsReport | None = None
        self.packets: deque[SeenPacket] = deque(maxlen=PACKETS)
        self.history: deque[Sample] = deque(maxlen=HISTORY)
        self.seen = 0

    def take(self, report: AnyReport, at_s: float) -> None:
        """The bench said `report` at `at_s` of the view's clock."""
        match report:
            case ModemReport():
                self.modem = report
            case LinkReport():
                self.link = report
            case OutboxReport():
                self.outbox = report
            case PacketSeen():
                self.packets.append(SeenPacket(report, at_s))
                self.seen += 1
            case VehicleReport():
                self.vehicle = report
            case ClockReport():
                self.clock = report
            case SmsReport():
                self.sms = report
            case BenchInfo():
                self.info = report
            case _:
                pass

    def sample(self) -> None:
        """Write down the signal as it is now."""
        modem, link = self.modem, self.link
        self.history.append(
            Sample(
                modem.status.rsrp_dbm if modem else None,
                link.state if link else None,
                link.causes if link else (),
            )
        )
