"""Commands to and reports from a running bench: what the engineer's panel, the HTTP API, the scenario
runner and the CAN bridge say. It never crosses the modelled link.

Every command is answered with `Done` or `Refused`. Reports stream to whoever has subscribed.
"""

from enum import StrEnum
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

from contracts.acts.agent import AnyAgentAct
from contracts.acts.bmw import AnyBmwAct
from contracts.acts.dealer import AnyDealerAct
from contracts.acts.payer import AnyPayerAct
from contracts.acts.portal import AnyPortalAct
from contracts.acts.provider import AnyProviderAct
from contracts.controller import ControllerEvent
from contracts.link import LinkConditions, LinkState
from contracts.modem import ModemStatus, SimState
from contracts.screen import ScreenSnapshot


class ImpairmentKind(StrEnum):
    """What the operator's hand or a script can put between car and backend (a first part of R-804)."""

    TUNNEL = "tunnel"
    NO_COVERAGE = "no_coverage"
    PEAK_LOAD = "peak_load"
    OPERATOR_DOWN = "operator_down"
    BRIDGE = "bridge"
    BUILDING = "building"
    GARAGE = "garage"


class Terminal(StrEnum):
    """Terminal of the ignition (DIN 72552): 30 = off, R = radio, 15 = ignition, 50 = starter."""

    OFF = "30"
    R = "R"
    IGNITION = "15"
    STARTER = "50"


class PaymentOutcome(StrEnum):
    """What the scripted payment provider does with the next payment."""

    APPROVE = "approve"
    DECLINE = "decline"
    LATE = "late"
    DUPLICATE = "duplicate"
    SILENT = "silent"
    WRONG_AMOUNT = "wrong_amount"


class Command(msgspec.Struct, frozen=True, kw_only=True, tag_field="command"):
    """Something the bench is told; `id` comes back in the answer."""

    id: int = 0


class Subscribe(Command, tag="subscribe", frozen=True, kw_only=True):
    """Stream reports to this client from now on, the newest values at once.

    `reports` lists tags; empty means all.
    """

    reports: tuple[str, ...] = ()


class PressKnob(Command, tag="press_knob", frozen=True, kw_only=True):
    """The driver's hand."""

    event: ControllerEvent


class SetVehicle(Command, tag="set_vehicle", frozen=True, kw_only=True):
    """Speed (None = unknown) and terminal as the vehicle bus reports them now.

    With `hold` the bench goes on repeating the reading once a second, as a bus would; a bridge to a real
    bus repeats it itself and leaves `hold` off, so that a silent bus is noticed (R-811).
    """

    speed_kmh: Annotated[float, Meta(ge=0, le=400)] | None = None
    hold: bool = True
    terminal: Terminal | None = None


class SetSignal(Command, tag="set_signal", frozen=True, kw_only=True):
    """Hold reception at `rsrp_dbm`; None gives it back to the drive."""

    rsrp_dbm: Annotated[float, Meta(ge=-160, le=-30)] | None = None


class Impair(Command, tag="impair", frozen=True, kw_only=True):
    """Begin (`active`) or end an impairment."""

    kind: ImpairmentKind
    active: bool


class SetSim(Command, tag="set_sim", frozen=True, kw_only=True):
    """Move the SIM subscription to a state (as dealer and backend would)."""

    state: SimState


class AdvanceClock(Command, tag="advance_clock", frozen=True, kw_only=True):
    """Jump bench time forward by `by_ms`; sleepers wake in order."""

    by_ms: Annotated[int, Meta(ge=0)]


class SetClock(Command, tag="set_clock", frozen=True, kw_only=True):
    """Jump bench time forward to the instant `to_ms`; sleepers wake in order."""

    to_ms: Annotated[int, Meta(ge=0)]


class SetRate(Command, tag="set_rate", frozen=True, kw_only=True):
    """Let bench time run `rate` times as fast as transport time."""

    rate: Annotated[float, Meta(gt=0, le=100_000)]


class Pay(Command, tag="pay", frozen=True, kw_only=True):
    """The payer opens the link of an order and pays, and the provider does `outcome`.

    An empty `order_number` means the newest unpaid order.
    """

    order_number: str = ""
    provider: str = "AliPay"
    outcome: PaymentOutcome = PaymentOutcome.APPROVE
    delay_ms: Annotated[int, Meta(ge=0)] = 0


class HoldActivation(Command, tag="hold_activation", frozen=True, kw_only=True):
    """Keep paid services from being activated, or let them (R-401)."""

    held: bool


class SetSms(Command, tag="set_sms", frozen=True, kw_only=True):
    """Delay of text messages; `lost` loses them (R-308)."""

    delay_ms: Annotated[int, Meta(ge=0)] = 0
    lost: bool = False


class ResendSms(Command, tag="resend_sms", frozen=True, kw_only=True):
    """The agent at 10101018 sends the payment link again (R-306)."""

    order_number: str


class ChangePrices(Command, tag="change_prices", frozen=True, kw_only=True):
    """Put a new price list into force, every price changed by `percent` (R-103)."""

    percent: Annotated[int, Meta(ge=-90, le=900)]


class AtPortal(Command, tag="portal", frozen=True, kw_only=True):
    """Somebody does something in the Portal."""

    act: AnyPortalAct


class AtHotline(Command, tag="agent", frozen=True, kw_only=True):
    """An agent does something on the telephone."""

    act: AnyAgentAct


class AtDealer(Command, tag="dealer", frozen=True, kw_only=True):
    """A dealer does something at the console."""

    act: AnyDealerAct


class AtBmw(Command, tag="bmw", frozen=True, kw_only=True):
    """BMW's desk does something."""

    act: AnyBmwAct


class AtPaymentPage(Command, tag="payer", frozen=True, kw_only=True):
    """Whoever holds a payment link does something on its page."""

    act: AnyPayerAct


class AtProvider(Command, tag="provider", frozen=True, kw_only=True):
    """A payment provider says something of its own accord."""

    act: AnyProviderAct


BackendCommand: TypeAlias = (
    Pay
    | HoldActivation
    | SetSms
    | ResendSms
    | ChangePrices
    | AtPortal
    | AtHotline
    | AtDealer
    | AtBmw
    | AtPaymentPage
    | AtProvider
)
"""What the backend carries out."""

AnyCommand: TypeAlias = (
    Subscribe
    | PressKnob
    | SetVehicle
    | SetSignal
    | Impair
    | SetSim
    | AdvanceClock
    | SetClock
    | SetRate
    | BackendCommand
)


class Report(msgspec.Struct, frozen=True, kw_only=True, tag_field="report"):
    """Something the bench says."""


class Done(Report, tag="done", frozen=True, kw_only=True):
    """Command `id` was carried out."""

    id: int


class Refused(Report, tag="refused", frozen=True, kw_only=True):
    """Command `id` changed nothing; `code` names the rule's code where there is one."""

    id: int
    code: str
    detail: str


class BenchInfo(Report, tag="bench_info", frozen=True, kw_only=True):
    """What this bench is and where it can be reached; addresses are loopback."""

    vin: str
    market: str
    broker: str
    phone_url: str = ""


class ScreenReport(Report, tag="screen", frozen=True, kw_only=True):
    """The display has changed."""

    screen: ScreenSnapshot


class ModemReport(Report, tag="modem", frozen=True, kw_only=True):
    """The modem has a new reading."""

    at_ns: int
    status: ModemStatus


class LinkReport(Report, tag="link", frozen=True, kw_only=True):
    """Ground truth of the road: state, conditions configured, and the causes at work."""

    at_ns: int
    state: LinkState
    conditions: LinkConditions
    causes: tuple[str, ...] = ()
    session: bool = False


class OutboxReport(Report, tag="outbox", frozen=True, kw_only=True):
    """How many messages wait, in car and backend."""

    car: int
    backend: int


class PacketSeen(Report, tag="packet", frozen=True, kw_only=True):
    """An MQTT application message passed an endpoint. `who` is "car" or "backend"."""

    at_ns: int
    who: str
    way: str
    kind: str
    key: str
    size: int


class VehicleReport(Report, tag="vehicle", frozen=True, kw_only=True):
    """Speed and terminal as the car sees them; `moving` is the motion lock of R-811."""

    speed_kmh: float | None
    terminal: Terminal | None
    moving: bool


class ClockReport(Report, tag="clock", frozen=True, kw_only=True):
    """Bench time now (UTC milliseconds) and how fast it runs."""

    now_ms: int
    rate: float


class SmsReport(Report, tag="sms", frozen=True, kw_only=True):
    """A text message has reached a phone; the number is masked."""

    number: str
    text: str
    url: str
    order_number: str


AnyReport: TypeAlias = (
    Done
    | Refused
    | BenchInfo
    | ScreenReport
    | ModemReport
    | LinkReport
    | OutboxReport
    | PacketSeen
    | VehicleReport
    | ClockReport
    | SmsReport
)
