"""What was done on a bench can be done again: the recorder writes a scenario that the loader reads."""

from datetime import date
from pathlib import Path

from contracts.acts.agent import RequestRefund
from contracts.acts.bmw import AnnounceEnd
from contracts.acts.dealer import DeactivateVehicle
from contracts.acts.payer import SetInvoice
from contracts.acts.portal import PlaceOrder
from contracts.acts.provider import ReportCapture, Signature
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
    ImpairmentKind,
    Pay,
    PaymentOutcome,
    PressKnob,
    ResendSms,
    SetClock,
    SetRate,
    SetSignal,
    SetSim,
    SetSms,
    SetVehicle,
)
from contracts.controller import BACK, PRESS, rotate
from contracts.messages import Line
from contracts.modem import SimState
from headunit.sim.recorder import Recorder
from headunit.sim.scenario import Scenario, Vehicle
from headunit.sim.scenario_file import load_scenario
from headunit.sim.script import commands_of
from runtime.journal import JournalEntry

START_MS = 1_772_436_000_000


class Watch:
    """Seconds, set by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def read_back(recorder: Recorder, tmp_path: Path) -> Scenario:
    path = tmp_path / "recorded.toml"
    recorder.save(path)
    return load_scenario(path)


def payment(key: str, state: str, **data: str) -> JournalEntry:
    return JournalEntry(0, 0, "backend", 1, "payment", key, state, dict(data))


def test_every_command_that_a_scenario_can_hold_comes_back_as_itself(tmp_path: Path) -> None:
    watch = Watch()
    recorder = Recorder(watch, START_MS, "CN", Vehicle(), lambda: False)
    done: list[AnyCommand] = [
        PressKnob(event=rotate(-2)),
        PressKnob(event=PRESS),
        PressKnob(event=BACK),
        SetVehicle(speed_kmh=50.0),
        SetSignal(rsrp_dbm=-104.5),
        SetSim(state=SimState.SUSPENDED),
        AdvanceClock(by_ms=300_000),
        SetRate(rate=60.0),
        Pay(provider="Tenpay", outcome=PaymentOutcome.LATE, delay_ms=1500),
        HoldActivation(held=True),
        SetSms(delay_ms=2000, lost=True),
        ResendSms(order_number="CN-000001"),
        ChangePrices(percent=-10),
        SetClock(to_ms=START_MS + 86_400_001),
        AtPortal(act=PlaceOrder(user='a "quoted" one', lines=(Line("RTTI", 3), Line("PREMIUM", 12)))),
        AtHotline(act=RequestRefund(order="CN-000001", services=("RTTI",), number="13800000009")),
        AtDealer(act=DeactivateVehicle(confirmed=True)),
        AtBmw(act=AnnounceEnd(service="RTTI", last_day=date(2026, 6, 30), refund=True)),
        AtPaymentPage(act=SetInvoice(title="宝马 GmbH", address="Street 1\nCity")),
        AtProvider(act=ReportCapture(after_order_s=86_400.001, signature=Signature.WRONG)),
    ]
    for command in done:
        watch.seconds += 1.25
        recorder.done(command)
    scenario = read_back(recorder, tmp_path)
    assert [command for step in scenario.script for command in commands_of(step)] == done
    assert [step.at_s for step in scenario.script] == [1.25 * n for n in range(1, len(done) + 1)]
    assert round(scenario.start.timestamp() * 1000) == START_MS


def test_an_impairment_becomes_a_cause_with_both_its_ends(tmp_path: Path) -> None:
    watch = Watch()
    recorder = Recorder(watch, START_MS, "CN", Vehicle(), lambda: False)
    recorder.done(Impair(kind=ImpairmentKind.TUNNEL, active=True))
    watch.seconds = 12.5
    recorder.done(Impair(kind=ImpairmentKind.TUNNEL, active=False))
    recorder.done(Impair(kind=ImpairmentKind.PEAK_LOAD, active=True))
    watch.seconds = 20.0
    causes = read_back(recorder, tmp_path).causes
    assert [(c.kind, c.from_s, c.until_s) for c in causes] == [("tunnel", 0, 12.5), ("peak_load", 12.5, 20)]


def test_a_payment_on_the_phone_becomes_a_step(tmp_path: Path) -> None:
    watch = Watch()
    recorder = Recorder(watch, START_MS, "CN", Vehicle(), lambda: False)
    watch.seconds = 5.0
    recorder.journalled(payment("CN-000001-P1", "PENDING", provider="Tenpay"))
    watch.seconds = 7.5
    recorder.journalled(payment("CN-000001-P1", "DECLINED"))
    step = read_back(recorder, tmp_path).script[0]
    assert step.at_s == 5.0
    assert step.pay is not None
    assert (step.pay.provider, step.pay.outcome, step.pay.delay_s) == ("Tenpay", "decline", 2.5)


def test_a_payment_by_command_is_written_down_once(tmp_path: Path) -> None:
    recorder = Recorder(Watch(), START_MS, "CN", Vehicle(), lambda: True)
    recorder.journalled(payment("CN-000001-P1", "PENDING", provider="AliPay"))
    recorder.journalled(payment("CN-000001-P1", "CAPTURED"))
    recorder.done(Pay())
    assert len(read_back(recorder, tmp_path).script) == 1
