"""Plays a scenario's script: the driver turns and presses, everyone else gives commands to the bench."""

import asyncio
from typing import Protocol

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
from contracts.controller import PRESS, ControllerAction, ControllerEvent, rotate
from contracts.errors import ErrorCode
from contracts.screen import ScreenSnapshot
from headunit.domain.navigate import has_row, steps_to
from headunit.errors import RowNotFoundError
from headunit.sim.errors import ScriptError
from headunit.sim.scenario import Step
from runtime.errors import CommandRefused

POLL_S = 0.25
NOT_RUNNING = "NOT_RUNNING"
"""Refusal of a command whose program is down."""
HAND_S = 0.5
"""How long a hand takes from one press to the next."""


class ScriptBench(Protocol):
    """What a script needs of the bench."""

    def screen(self) -> ScreenSnapshot:
        """The display now."""

    async def handle(self, command: AnyCommand) -> None:
        """Carry out a command. Raises CommandRefused."""


def commands_of(step: Step) -> list[AnyCommand]:
    """The bench commands that a step stands for; none for `choose`, which reads the screen first.

    Raises ValueError when a `knob` word is none.
    """
    if act := _act_of(step):
        return [act]
    match step.verb():
        case "choose":
            return []
        case "knob":
            return [PressKnob(event=parse_knob(word)) for word in step.knob or ()]
        case "pay" if step.pay is not None:
            payment = step.pay
            return [
                Pay(
                    order_number=payment.order,
                    provider=payment.provider,
                    outcome=payment.outcome,
                    delay_ms=round(payment.delay_s * 1000),
                )
            ]
        case "resend_sms" if step.resend_sms is not None:
            return [ResendSms(order_number=step.resend_sms)]
        case "speed_kmh":
            return [SetVehicle(speed_kmh=step.speed_kmh)]
        case "sim" if step.sim is not None:
            return [SetSim(state=step.sim)]
        case "rsrp_dbm":
            return [SetSignal(rsrp_dbm=step.rsrp_dbm)]
        case "advance_s" if step.advance_s is not None:
            return [AdvanceClock(by_ms=round(step.advance_s * 1000))]
        case "clock_to" if step.clock_to is not None:
            return [SetClock(to_ms=round(step.clock_to.timestamp() * 1000))]
        case "rate" if step.rate is not None:
            return [SetRate(rate=step.rate)]
        case "hold_activation" if step.hold_activation is not None:
            return [HoldActivation(held=step.hold_activation)]
        case "change_prices_percent" if step.change_prices_percent is not None:
            return [ChangePrices(percent=step.change_prices_percent)]
        case "text_messages" if step.text_messages is not None:
            return [SetSms(delay_ms=round(step.text_messages.delay_s * 1000), lost=step.text_messages.lost)]
    raise ValueError(f"no such verb: {step.verb()}")


def _act_of(step: Step) -> AnyCommand | None:
    """The command of a step in which a person does something at the backend."""
    if step.portal is not None:
        return AtPortal(act=step.portal)
    if step.agent is not None:
        return AtHotline(act=step.agent)
    if step.dealer is not None:
        return AtDealer(act=step.dealer)
    if step.bmw is not None:
        return AtBmw(act=step.bmw)
    if step.payer is not None:
        return AtPaymentPage(act=step.payer)
    if step.provider is not None:
        return AtProvider(act=step.provider)
    return None


def parse_knob(word: str) -> ControllerEvent:
    """A controller event from "rotate 2", "rotate -1", "press", "tilt_left", "back", "menu", "option", …

    Raises ValueError naming the word.
    """
    action, _, detents = word.partition(" ")
    try:
        if action == ControllerAction.ROTATE:
            return rotate(int(detents or "1"))
        if detents:
            raise ValueError
        return ControllerEvent(ControllerAction(action))
    except ValueError:
        known = ", ".join(a for a in ControllerAction)
        raise ValueError(f"{word!r} is no movement of the controller ({known})") from None


async def play_step(step: Step, bench: ScriptBench) -> None:
    """Do what `step` says, now.

    Raises ScriptError when the driver does not find a row in time, or what must be refused is not;
    CommandRefused when the bench refuses.
    """
    try:
        await _play(step, bench)
    except CommandRefused as refusal:
        if refusal.code == step.refused:
            return
        raise
    if step.refused is not None:
        raise ScriptError(f"is done, and had to be refused with {step.refused}")


async def _play(step: Step, bench: ScriptBench) -> None:
    for n, label in enumerate(step.choose or ()):
        if n:
            await asyncio.sleep(HAND_S)
        await choose(label, step.within_s, bench)
    for command in commands_of(step):
        await _insist(command, step.within_s, bench)


async def _insist(command: AnyCommand, within_s: float, bench: ScriptBench) -> None:
    """Give a command; try again, as a person would, while its program is down or there is no bill yet."""
    waits_for = [NOT_RUNNING]
    if isinstance(command, Pay) and not command.order_number:
        waits_for.append(ErrorCode.UNKNOWN_ORDER)
    for _ in range(round(within_s / POLL_S)):
        try:
            return await bench.handle(command)
        except CommandRefused as refused:
            if refused.code not in waits_for:
                raise
        await asyncio.sleep(POLL_S)
    await bench.handle(command)


def _screen(bench: ScriptBench) -> ScreenSnapshot | None:
    """The display, None while the car is down."""
    try:
        return bench.screen()
    except LookupError:
        return None


async def choose(label: str, within_s: float, bench: ScriptBench) -> None:
    """Turn to the row called `label` as soon as there is one, and press."""
    screen = None
    for _ in range(round(within_s / POLL_S) + 1):
        screen = _screen(bench)
        if screen is not None and has_row(screen, label):
            break
        await asyncio.sleep(POLL_S)
    if screen is None:
        raise ScriptError(f"the car is down for longer than {within_s:g} s; nobody can choose {label!r}")
    try:
        movements = steps_to(screen, label)
    except RowNotFoundError as error:
        banner = f"; banner: {screen.banner.text}" if screen.banner else ""
        raise ScriptError(f"not found within {within_s:g} s: {error}{banner}") from None
    for movement in movements[:-1]:
        await bench.handle(PressKnob(event=movement))
    if steps_to(bench.screen(), label) != (PRESS,):
        raise ScriptError(f"the focus does not reach {label!r} on screen {bench.screen().screen!r}")
    await bench.handle(PressKnob(event=PRESS))
