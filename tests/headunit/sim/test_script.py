"""The script's hands: words of the knob, rows that are waited for, programs that are down for a while."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec
import pytest

from contracts.bench import (
    AdvanceClock,
    AnyCommand,
    ChangePrices,
    HoldActivation,
    Pay,
    PaymentOutcome,
    PressKnob,
    ResendSms,
    SetRate,
    SetSignal,
    SetSim,
    SetSms,
    SetVehicle,
)
from contracts.controller import PRESS, ControllerAction, ControllerEvent, rotate
from contracts.modem import SimState
from contracts.screen import Banner, Row, ScreenSnapshot, StatusBar, Tone
from headunit.sim.errors import ScriptError
from headunit.sim.scenario import Payment, Step, TextMessages
from headunit.sim.script import HAND_S, NOT_RUNNING, commands_of, parse_knob, play_step
from runtime.errors import CommandRefused
from runtime.virtual_loop import VirtualLoop

BAR = StatusBar(clock="14:32", market="CN", technology="4G", bars=4, data="online", data_tone=Tone.GOOD)


def picture(*labels: str, focus: int = 0, banner: Banner | None = None) -> ScreenSnapshot:
    """A screen; a label in brackets cannot be selected."""
    rows = tuple(Row(label=label.strip("()"), selectable=not label.startswith("(")) for label in labels)
    return ScreenSnapshot(screen="store", path=("Store",), status=BAR, rows=rows, focus=focus, banner=banner)


@dataclass
class SmallBench:
    """A display with rows, a knob, and a car that may be down."""

    screen_now: ScreenSnapshot
    is_dark: bool = False
    refuses: CommandRefused | None = None
    turns: bool = True
    commands: list[AnyCommand] = field(default_factory=list)
    times_s: list[float] = field(default_factory=list)
    pressed: list[str] = field(default_factory=list)

    def screen(self) -> ScreenSnapshot:
        """See ScriptBench."""
        if self.is_dark:
            raise LookupError("the car is not running now")
        return self.screen_now

    async def handle(self, command: AnyCommand) -> None:
        """See ScriptBench."""
        self.times_s.append(asyncio.get_running_loop().time())
        if self.refuses is not None:
            raise self.refuses
        self.commands.append(command)
        if isinstance(command, PressKnob):
            self._move(command.event)

    def _move(self, event: ControllerEvent) -> None:
        now = self.screen_now
        if event == PRESS:
            self.pressed.append(now.rows[now.focus].label)
        elif self.turns:
            rows = [n for n, row in enumerate(now.rows) if row.selectable]
            place = min(max(rows.index(now.focus) + event.detents, 0), len(rows) - 1)
            self.screen_now = msgspec.structs.replace(now, focus=rows[place])


def after(delay_s: float, change: Callable[[], None]) -> Callable[[], None]:
    """Something that happens to the bench while the script plays."""

    def begin() -> None:
        asyncio.get_running_loop().call_later(delay_s, change)

    return begin


def play(step: Step, bench: SmallBench, *meanwhile: Callable[[], None]) -> float:
    """Play in virtual time; returns how many seconds it took."""
    loop = VirtualLoop()

    async def main() -> float:
        begin_s = loop.time()
        for each in meanwhile:
            each()
        await play_step(step, bench)
        return loop.time() - begin_s

    try:
        return loop.run_until_complete(main())
    finally:
        loop.close()


# The knob in words


@pytest.mark.parametrize(
    ("word", "event"),
    [
        ("rotate 2", rotate(2)),
        ("rotate -3", rotate(-3)),
        ("rotate", rotate(1)),
        *((str(action), ControllerEvent(action)) for action in ControllerAction if action != "rotate"),
    ],
)
def test_a_word_is_a_movement(word: str, event: ControllerEvent) -> None:
    assert parse_knob(word) == event


@pytest.mark.parametrize("word", ["", "push", "rotate left", "press 2", "rotate 1.5", "PRESS"])
def test_other_words_are_told_which_there_are(word: str) -> None:
    with pytest.raises(ValueError, match="is no movement of the controller") as caught:
        parse_knob(word)
    assert repr(word) in str(caught.value)
    assert all(action in str(caught.value) for action in ControllerAction)


# Every verb


@pytest.mark.parametrize(
    ("step", "commands"),
    [
        (Step(at_s=0, choose=("A",)), []),
        (Step(at_s=0, knob=("rotate 2", "press")), [PressKnob(event=rotate(2)), PressKnob(event=PRESS)]),
        (
            Step(at_s=0, pay=Payment(order="CN-1", outcome=PaymentOutcome.LATE, delay_s=1.5)),
            [Pay(order_number="CN-1", provider="AliPay", outcome=PaymentOutcome.LATE, delay_ms=1500)],
        ),
        (Step(at_s=0, resend_sms="CN-1"), [ResendSms(order_number="CN-1")]),
        (Step(at_s=0, speed_kmh=50), [SetVehicle(speed_kmh=50)]),
        (Step(at_s=0, sim=SimState.SUSPENDED), [SetSim(state=SimState.SUSPENDED)]),
        (Step(at_s=0, rsrp_dbm=-110), [SetSignal(rsrp_dbm=-110)]),
        (Step(at_s=0, advance_s=86_400), [AdvanceClock(by_ms=86_400_000)]),
        (Step(at_s=0, rate=60), [SetRate(rate=60)]),
        (Step(at_s=0, hold_activation=False), [HoldActivation(held=False)]),
        (Step(at_s=0, change_prices_percent=-10), [ChangePrices(percent=-10)]),
        (Step(at_s=0, text_messages=TextMessages(delay_s=2, lost=True)), [SetSms(delay_ms=2000, lost=True)]),
    ],
    ids=lambda value: value.verb() if isinstance(value, Step) else "",
)
def test_a_step_is_its_commands(step: Step, commands: list[AnyCommand]) -> None:
    assert commands_of(step) == commands


# Choosing


@pytest.mark.parametrize("focus", [0, 1, 3])
def test_the_hand_turns_to_the_row_and_presses(focus: int) -> None:
    bench = SmallBench(picture("A", "B", "(C)", "D", focus=focus))
    play(Step(at_s=0, choose=("B", "D", "A")), bench)
    assert bench.pressed == ["B", "D", "A"]


def test_a_hand_takes_half_a_second_between_two_rows_and_none_before_the_first() -> None:
    assert play(Step(at_s=0, choose=("A", "B", "A")), SmallBench(picture("A", "B"))) == 2 * HAND_S


def test_a_row_that_is_not_there_yet_is_waited_for() -> None:
    bench = SmallBench(picture("Back"))

    def appear() -> None:
        bench.screen_now = picture("Back", "Order")

    took_s = play(Step(at_s=0, choose=("Order",)), bench, after(4.1, appear))
    assert bench.pressed == ["Order"]
    assert took_s == 4.25


@pytest.mark.parametrize(("appears_s", "is_found"), [(1.9, True), (2.1, False)])
def test_the_wait_has_an_end(appears_s: float, is_found: bool) -> None:
    bench = SmallBench(picture("Back"))

    def appear() -> None:
        bench.screen_now = picture("Back", "Order")

    step = Step(at_s=0, choose=("Order",), within_s=2)
    if is_found:
        play(step, bench, after(appears_s, appear))
    else:
        with pytest.raises(ScriptError):
            play(step, bench, after(appears_s, appear))
    assert bool(bench.pressed) is is_found


def test_a_miss_names_screen_rows_and_banner() -> None:
    bench = SmallBench(picture("Back", "(Total)", "Try again", banner=Banner("Your basket is kept.")))
    with pytest.raises(ScriptError) as caught:
        play(Step(at_s=0, choose=("Order",), within_s=1), bench)
    assert str(caught.value) == (
        "not found within 1 s: 'store' shows 'Back', 'Try again', not 'Order'; banner: Your basket is kept."
    )


def test_an_empty_screen_is_named_as_such() -> None:
    with pytest.raises(ScriptError, match="shows no row to choose"):
        play(Step(at_s=0, choose=("Order",), within_s=0), SmallBench(picture(focus=-1)))


def test_a_knob_that_does_nothing_is_noticed() -> None:
    bench = SmallBench(picture("A", "B"), turns=False)
    with pytest.raises(ScriptError, match="the focus does not reach 'B'"):
        play(Step(at_s=0, choose=("B",)), bench)


# Programs that are down


def test_a_dark_display_is_waited_for() -> None:
    bench = SmallBench(picture("Order"), is_dark=True)

    def light() -> None:
        bench.is_dark = False

    assert play(Step(at_s=0, choose=("Order",)), bench, after(3, light)) == pytest.approx(3, abs=0.26)
    assert bench.pressed == ["Order"]


def test_a_display_that_stays_dark_is_told() -> None:
    bench = SmallBench(picture("Order"), is_dark=True)
    with pytest.raises(ScriptError, match="the car is down for longer than 2 s; nobody can choose 'Order'"):
        play(Step(at_s=0, choose=("Order",), within_s=2), bench)


def test_a_payer_tries_again_while_the_backend_is_down() -> None:
    bench = SmallBench(
        picture("Order"), refuses=CommandRefused(NOT_RUNNING, "the backend is not running now")
    )

    def come_back() -> None:
        bench.refuses = None

    took_s = play(Step(at_s=0, pay=Payment()), bench, after(5.1, come_back))
    assert took_s == 5.25
    assert bench.commands == [Pay(provider="AliPay")]


def test_a_backend_that_stays_down_is_told() -> None:
    bench = SmallBench(
        picture("Order"), refuses=CommandRefused(NOT_RUNNING, "the backend is not running now")
    )
    with pytest.raises(CommandRefused, match="the backend is not running now"):
        play(Step(at_s=0, pay=Payment(), within_s=3), bench)
    assert bench.times_s[-1] - bench.times_s[0] == 3


def test_a_payer_waits_for_the_link_of_an_order_still_to_come() -> None:
    bench = SmallBench(
        picture("Order"), refuses=CommandRefused("UNKNOWN_ORDER", "no order waits for payment")
    )

    def order() -> None:
        bench.refuses = None

    assert play(Step(at_s=0, pay=Payment()), bench, after(7, order)) == pytest.approx(7, abs=0.26)
    assert bench.commands == [Pay(provider="AliPay")]


@pytest.mark.parametrize(
    ("payment", "code"),
    [(Payment(order="CN-000009"), "UNKNOWN_ORDER"), (Payment(provider="Cash"), "PROVIDER_UNSUPPORTED")],
)
def test_any_other_refusal_is_told_at_once(payment: Payment, code: str) -> None:
    bench = SmallBench(picture("Order"), refuses=CommandRefused(code))
    with pytest.raises(CommandRefused, match=code):
        play(Step(at_s=0, pay=payment), bench)
    assert len(bench.times_s) == 1
