"""The panel's buttons: each is one command of the bench channel, chosen from what the panel knows. Pure."""

from typing import NamedTuple

from contracts.bench import (
    AdvanceClock,
    AnyCommand,
    HoldActivation,
    Impair,
    ImpairmentKind,
    Pay,
    PaymentOutcome,
    SetRate,
    SetSignal,
    SetSim,
    SetVehicle,
)
from contracts.modem import SimState
from headunit.ui.bench.state import BenchState

FIVE_MINUTES_MS = 5 * 60 * 1000
DAY_MS = 24 * 3600 * 1000
FAST_RATE = 60.0
TOWN_SPEED_KMH = 50.0

_IMPAIRMENTS = (
    ("t", ImpairmentKind.TUNNEL, "tunnel"),
    ("n", ImpairmentKind.NO_COVERAGE, "no coverage"),
    ("l", ImpairmentKind.PEAK_LOAD, "peak load"),
    ("x", ImpairmentKind.OPERATOR_DOWN, "operator down"),
)


class Button(NamedTuple):
    """A key, what it says, whether what it stands for is on, and the commands it sends."""

    key: str
    label: str
    lit: bool
    commands: tuple[AnyCommand, ...]


class Choices:
    """What the buttons remember because no report says it."""

    __slots__ = ("held", "outcome")

    def __init__(self) -> None:
        self.held = False
        self.outcome = PaymentOutcome.APPROVE

    def next_outcome(self) -> None:
        """The provider's next behaviour in turn."""
        outcomes = list(PaymentOutcome)
        self.outcome = outcomes[(outcomes.index(self.outcome) + 1) % len(outcomes)]


def buttons(state: BenchState, choices: Choices) -> list[Button]:
    """All buttons as they stand now."""
    causes = state.link.causes if state.link else ()
    speed = state.vehicle.speed_kmh if state.vehicle else None
    sim_active = state.modem is None or state.modem.status.sim is SimState.ACTIVE
    fast = state.clock is not None and state.clock.rate != 1
    found = [
        Button(key, label, kind.value in causes, (Impair(kind=kind, active=kind.value not in causes),))
        for key, kind, label in _IMPAIRMENTS
    ]
    clear = tuple(Impair(kind=kind, active=False) for _, kind, _ in _IMPAIRMENTS if kind.value in causes)
    found += [
        Button("d", "signal as driven", False, (*clear, SetSignal(rsrp_dbm=None))),
        Button("0", "stand still", speed == 0, (SetVehicle(speed_kmh=0.0),)),
        Button("5", "drive 50 km/h", bool(speed), (SetVehicle(speed_kmh=TOWN_SPEED_KMH),)),
        Button(
            "s",
            "SIM off",
            not sim_active,
            (SetSim(state=SimState.SUSPENDED if sim_active else SimState.ACTIVE),),
        ),
        Button("c", "clock +5 min", False, (AdvanceClock(by_ms=FIVE_MINUTES_MS),)),
        Button("C", "clock +24 h", False, (AdvanceClock(by_ms=DAY_MS),)),
        Button("r", "rate 60×", fast, (SetRate(rate=1.0 if fast else FAST_RATE),)),
        Button("h", "hold activation", choices.held, (HoldActivation(held=not choices.held),)),
        Button("v", f"provider: {choices.outcome.value.replace('_', ' ')}", False, ()),
        Button("b", "pay the bill", False, (Pay(outcome=choices.outcome),)),
        Button("p", "phone page", False, ()),
    ]
    return found
