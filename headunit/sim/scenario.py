"""Scenario files: one TOML file that runs in virtual time, in real time and on a bench.

The structs are the format; their JSON Schema is published as docs/reference/scenario.schema.json.
All `_s` are seconds since the start of the run, in transport time.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from contracts.acts.agent import AnyAgentAct
from contracts.acts.bmw import AnyBmwAct
from contracts.acts.dealer import AnyDealerAct
from contracts.acts.payer import AnyPayerAct
from contracts.acts.portal import AnyPortalAct
from contracts.acts.provider import AnyProviderAct
from contracts.bench import ImpairmentKind, PaymentOutcome
from contracts.errors import ErrorCode
from contracts.modem import SimState

MOST_S = 1e9
"""Thirty years; a longer time, or one without end, is a slip of the pen."""
Seconds = Annotated[float, Meta(ge=0, le=MOST_S)]
Dbm = Annotated[float, Meta(ge=-160, le=-30)]
"""What `contracts.bench.SetSignal` carries."""
Label = Annotated[str, Meta(min_length=1)]
DEFAULT_VIN = "WBAHEADUN1T000001"
DEFAULT_NUMBER = "13800000001"


class ScenarioStruct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every table of the file; a key it does not know is an error."""


class Vehicle(ScenarioStruct, frozen=True, kw_only=True):
    """`[[vehicles]]`: a car as the backend knows it.

    A car is bought, registered and handed over long before the scenario, unless it says otherwise:
    `handed_over = false` leaves its SIM and its owner to the dealer's `activate`.
    """

    vin: Annotated[str, Meta(pattern="^[A-HJ-NPR-Z0-9]{17}$")] = DEFAULT_VIN
    model: str = "320Li"
    contract_number: Annotated[str, Meta(pattern="^1[0-9]{10}$")] = DEFAULT_NUMBER
    equipment: tuple[str, ...] = ("navigation", "telephony")
    base_package_months: Annotated[int, Meta(ge=0, le=120)] = 36
    first_activation: date | None = None
    purchased_on: date | None = None
    first_registration: date = date(2014, 6, 2)
    engine_number: str = "N20B20A0001234"
    handed_over: bool = True


class Drive(ScenarioStruct, frozen=True, kw_only=True):
    """`[drive]`: where the car goes; `recording` is a G-NetTrack CSV, beside the file or in `$BENCH_DATA/…`.

    `from_s` and `until_s` cut a piece out of the recording; `park_before_s` lets the car stand at its
    first point before it drives off.
    """

    recording: str | None = None
    park_before_s: Seconds = 0.0
    from_s: Seconds = 0.0
    until_s: Seconds | None = None


class Radio(ScenarioStruct, frozen=True, kw_only=True):
    """`[radio]`: what replaces the radio of the recording.

    `levels` are pairs (from second, RSRP in dBm); `rate_down` and `rate_up` name a rate trace
    (mahimahi, or `seconds<TAB>Mbit/s`).
    """

    levels: tuple[tuple[Seconds, Dbm], ...] = ()
    rate_down: str | None = None
    rate_up: str | None = None


class Cause(ScenarioStruct, frozen=True, kw_only=True):
    """`[[causes]]`: something between car and backend, from one second until another (R-804)."""

    kind: ImpairmentKind
    from_s: Seconds
    until_s: Seconds


class FaultKind(StrEnum):
    """What can break."""

    KILL = "kill"
    POWER_CUT = "power_cut"
    DELAY = "delay"
    DUPLICATE = "duplicate"
    DROP_BEFORE = "drop_before"
    DROP_AFTER = "drop_after"
    REFUSE_MESSAGE = "refuse_message"
    REFUSE_CONNECTION = "refuse_connection"


class Program(StrEnum):
    """A program that can be hit by a fault."""

    CAR = "car"
    BACKEND = "backend"
    BROKER = "broker"


class Fault(ScenarioStruct, frozen=True, kw_only=True):
    """`[[faults]]`: what breaks at `at_s`.

    With `kill` and `power_cut` the program stops without a farewell and starts again `down_s` later. The
    other kinds are what the broker does wrong for `for_s` (to the end when left out), `times` times at
    most (0: each time), to messages or connections of `client` (car or backend; anybody when left out) in
    `topic`: it delivers `delay_s` late, or twice; breaks the connection before it has taken the message,
    or after, without an acknowledgement; or refuses message or connection.
    """

    kind: FaultKind
    program: Program
    at_s: Seconds
    down_s: Seconds = 2.0
    for_s: Seconds | None = None
    delay_s: Seconds = 0.0
    client: Program | None = None
    topic: Label = "#"
    times: Annotated[int, Meta(ge=0)] = 0


class BrokerTable(ScenarioStruct, frozen=True, kw_only=True):
    """`[broker]`: how our broker is set up; `keeps_sessions` lets them survive its end.

    `profile` is default, or what mosquitto, EMQX or HiveMQ do by default.
    """

    profile: Annotated[str, Meta(pattern="^(default|mosquitto|emqx|hivemq)$")] = "default"
    keeps_sessions: bool = False


class Payment(ScenarioStruct, frozen=True, kw_only=True):
    """How the payer pays: the newest unpaid order, as soon as there is one, unless a number is given."""

    order: str = ""
    provider: str = "AliPay"
    outcome: PaymentOutcome = PaymentOutcome.APPROVE
    delay_s: Seconds = 0.0


class TextMessages(ScenarioStruct, frozen=True, kw_only=True):
    """How text messages travel from now on."""

    delay_s: Seconds = 0.0
    lost: bool = False


class Step(ScenarioStruct, frozen=True, kw_only=True):
    """`[[script]]`: what somebody does at `at_s`; exactly one verb.

    A step that cannot be done ends the run; an `optional` one is passed over, as nobody pays without a bill.
    One that must be `refused` names the code of its refusal, and fails the run when it is done or refused
    with another code.

    Driver: `choose` turns the knob to each row in turn, by its visible label, and presses (`within_s`
    bounds the wait for a row, or for a bill, to appear); `knob` is raw: "rotate 2", "press", "back", ….
    Payer: `pay`, and `payer` on the payment page. `provider`: what a payment provider reports.
    `portal`: somebody in the Portal. `agent`: at the hotline (`resend_sms` is short for one of its acts).
    `dealer`, `bmw`: at their desks. Clock: `advance_s`, `clock_to` (an instant with its zone), `rate`.
    Bench: `speed_kmh`, `sim`, `rsrp_dbm`. Backend: `hold_activation`, `change_prices_percent`,
    `text_messages`.
    """

    at_s: Seconds
    choose: Annotated[tuple[Label, ...], Meta(min_length=1)] | None = None
    within_s: Seconds = 30.0
    optional: bool = False
    refused: ErrorCode | None = None
    knob: Annotated[tuple[Label, ...], Meta(min_length=1)] | None = None
    pay: Payment | None = None
    payer: AnyPayerAct | None = None
    provider: AnyProviderAct | None = None
    portal: AnyPortalAct | None = None
    agent: AnyAgentAct | None = None
    dealer: AnyDealerAct | None = None
    bmw: AnyBmwAct | None = None
    resend_sms: str | None = None
    speed_kmh: Annotated[float, Meta(ge=0, le=400)] | None = None
    sim: SimState | None = None
    rsrp_dbm: Dbm | None = None
    advance_s: Seconds | None = None
    clock_to: datetime | None = None
    rate: Annotated[float, Meta(gt=0, le=100_000)] | None = None
    hold_activation: bool | None = None
    change_prices_percent: Annotated[int, Meta(ge=-90, le=900)] | None = None
    text_messages: TextMessages | None = None

    def verb(self) -> str:
        """The name of the one thing this step does. Raises ValueError unless it is exactly one."""
        verbs = [name for name in VERBS if getattr(self, name) is not None]
        if len(verbs) != 1:
            raise ValueError(f"a step does exactly one thing; here: {', '.join(verbs) or 'nothing'}")
        return verbs[0]


_NO_VERBS = ("at_s", "within_s", "optional", "refused")
VERBS = tuple(name for name in Step.__struct_fields__ if name not in _NO_VERBS)


class Expectation(ScenarioStruct, frozen=True, kw_only=True):
    """`[[expect]]`: the journal must show this by `by_s` (by the end when left out).

    `key`, `state` and the values of `data` may hold `*`; `data` names fields of the entry beside them, such
    as `{ booked_until = "2015-07-31", amount_minor = 15000 }`. `count`, when given, is how often exactly it
    is seen by then; 0 means never.
    """

    actor: str
    kind: str
    key: str = "*"
    state: str = "*"
    data: dict[str, str | int | bool] = {}
    by_s: Seconds | None = None
    count: Annotated[int, Meta(ge=0)] | None = None
    rule: str = ""


class Scenario(ScenarioStruct, frozen=True, kw_only=True):
    """A whole file.

    `duration_s` is the length of the drive when left out; `settle_s` is the healed time after it.
    """

    title: str = ""
    seed: int = 1
    start: datetime
    market: Annotated[str, Meta(pattern="^(CN|AU)$")] = "CN"
    duration_s: Seconds | None = None
    settle_s: Seconds = 120.0
    activation_delay_s: Seconds = 20.0
    vehicles: tuple[Vehicle, ...] = (Vehicle(),)
    drive: Drive = Drive()
    radio: Radio = Radio()
    broker: BrokerTable = BrokerTable()
    causes: tuple[Cause, ...] = ()
    faults: tuple[Fault, ...] = ()
    script: tuple[Step, ...] = ()
    expect: tuple[Expectation, ...] = ()
