"""Writes down what is done on a running bench, as a scenario file that does it again."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from contracts.bench import (
    AdvanceClock,
    AnyCommand,
    AtBmw,
    AtDealer,
    AtHotline,
    AtPaymentPage,
    AtPortal,
    AtProvider,
    ChangePrices,
    HoldActivation,
    Impair,
    Pay,
    PressKnob,
    ResendSms,
    SetClock,
    SetRate,
    SetSignal,
    SetSim,
    SetSms,
    SetVehicle,
)
from contracts.controller import ControllerEvent
from headunit.sim.scenario import Vehicle
from runtime.journal import JournalEntry

SETTLE_S = 120


@dataclass(slots=True)
class Recorder:
    """Keeps steps and impairments with their second; `text` is the file.

    Args:
        elapsed_s: seconds since the bench began.
        start_ms: bench time at its beginning.
        market: of the car.
        vehicle: the car.
        is_commanded: whether a command is being carried out now; what it does is written down as itself.
    """

    elapsed_s: Callable[[], float]
    start_ms: int
    market: str
    vehicle: Vehicle
    is_commanded: Callable[[], bool]
    _steps: list[str] = field(default_factory=list)
    _causes: list[str] = field(default_factory=list)
    _begun: dict[str, float] = field(default_factory=dict)
    _sessions: dict[str, tuple[float, str]] = field(default_factory=dict)

    def done(self, command: AnyCommand) -> None:
        """The bench has carried out `command`."""
        at_s = self.elapsed_s()
        if isinstance(command, Impair):
            self._impaired(command, at_s)
            return
        verb = _verb(command)
        if verb:
            self._steps.append(f"[[script]]\nat_s = {at_s:.3f}\n{verb}\n")

    def journalled(self, entry: JournalEntry) -> None:
        """A payment that somebody made on the phone's pages becomes a step, too."""
        if entry.actor != "backend" or entry.kind != "payment":
            return
        if entry.state == "PENDING" and not self.is_commanded():
            self._sessions[entry.key] = (self.elapsed_s(), str(entry.data.get("provider", "AliPay")))
        elif entry.state in ("CAPTURED", "DECLINED") and entry.key in self._sessions:
            begun_s, provider = self._sessions.pop(entry.key)
            outcome = "approve" if entry.state == "CAPTURED" else "decline"
            delay_s = self.elapsed_s() - begun_s
            self._steps.append(
                f"[[script]]\nat_s = {begun_s:.3f}\n"
                f'pay = {{ provider = "{provider}", outcome = "{outcome}", delay_s = {delay_s:.3f} }}\n'
            )

    def text(self) -> str:
        """The scenario as it is so far; what still impairs ends now."""
        now_s = self.elapsed_s()
        running = [_cause(kind, from_s, now_s) for kind, from_s in self._begun.items()]
        head = (
            f"start = {_instant(self.start_ms)}\n"
            f'market = "{self.market}"\nduration_s = {now_s:.3f}\nsettle_s = {SETTLE_S}\n\n'
            f'[[vehicles]]\nvin = "{self.vehicle.vin}"\nmodel = "{self.vehicle.model}"\n'
        )
        return "\n".join([head, *self._causes, *running, *self._steps])

    def save(self, path: Path) -> None:
        """Write the file."""
        path.write_text(self.text(), encoding="utf-8")

    def _impaired(self, command: Impair, at_s: float) -> None:
        if command.active:
            self._begun.setdefault(command.kind, at_s)
        elif command.kind in self._begun:
            self._causes.append(_cause(command.kind, self._begun.pop(command.kind), at_s))


def _cause(kind: str, from_s: float, until_s: float) -> str:
    return (
        f'[[causes]]\nkind = "{kind}"\nfrom_s = {from_s:.3f}\nuntil_s = {max(until_s, from_s + 0.001):.3f}\n'
    )


def _verb(command: AnyCommand) -> str:
    """The line of a step that does `command`; empty for what a scenario does not hold."""
    match command:
        case PressKnob(event=event):
            return f'knob = ["{_word(event)}"]'
        case SetVehicle(speed_kmh=speed_kmh) if speed_kmh is not None and command.hold:
            return f"speed_kmh = {speed_kmh}"
        case SetSignal(rsrp_dbm=rsrp_dbm) if rsrp_dbm is not None:
            return f"rsrp_dbm = {rsrp_dbm}"
        case SetSim(state=state):
            return f'sim = "{state}"'
        case AtPortal() | AtHotline() | AtDealer() | AtBmw() | AtPaymentPage() | AtProvider():
            person = command.__struct_config__.tag
            return f"{person} = {_inline(msgspec.to_builtins(command.act))}"
        case SetClock(to_ms=to_ms):
            return (
                f"clock_to = {datetime.fromtimestamp(to_ms / 1000, UTC).isoformat(timespec='milliseconds')}"
            )
        case AdvanceClock(by_ms=by_ms):
            return f"advance_s = {by_ms / 1000}"
        case SetRate(rate=rate):
            return f"rate = {rate}"
        case Pay():
            payment = f'provider = "{command.provider}", outcome = "{command.outcome}"'
            return f"pay = {{ {payment}, delay_s = {command.delay_ms / 1000} }}"
        case HoldActivation(held=held):
            return f"hold_activation = {str(held).lower()}"
        case SetSms(delay_ms=delay_ms, lost=lost):
            return f"text_messages = {{ delay_s = {delay_ms / 1000}, lost = {str(lost).lower()} }}"
        case ResendSms(order_number=number):
            return f'resend_sms = "{number}"'
        case ChangePrices(percent=percent):
            return f"change_prices_percent = {percent}"
    return ""


def _instant(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")


def _inline(value: object) -> str:
    """A value of an act as TOML in one line; what is None is left out."""
    match value:
        case dict():
            words = [f"{name} = {_inline(each)}" for name, each in value.items() if each is not None]
            return f"{{ {', '.join(words)} }}"
        case list() | tuple():
            return f"[{', '.join(map(_inline, value))}]"
        case bool():
            return str(value).lower()
        case str():
            # A JSON string of ASCII is a basic string of TOML.
            return msgspec.json.encode(value).decode()
    return str(value)


def _word(event: ControllerEvent) -> str:
    return f"{event.action} {event.detents}" if event.detents else str(event.action)
