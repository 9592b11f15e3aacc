"""A car with a known Store, and a driver who works its knob by what the display says."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from contracts.controller import BACK, MENU, OPTION, PRESS, TILT_LEFT, TILT_RIGHT, ControllerEvent, rotate
from contracts.errors import ErrorCode
from contracts.messages import (
    Catalogue,
    EntitlementState,
    EntitlementView,
    Line,
    Offer,
    OrderReply,
    OrderState,
    OrderView,
    PricedLine,
    Product,
    Snapshot,
)
from contracts.modem import ModemStatus, Registration, SignalLevel, SimState
from contracts.screen import ScreenSnapshot
from headunit.domain.facts import CarFacts, Motion, PendingRequest, RequestKind
from headunit.domain.intents import Intent
from headunit.domain.navigate import steps_to
from headunit.domain.presenter import Presenter
from headunit.domain.texts import load_translation

__all__ = ["BACK", "MENU", "OPTION", "PRESS", "TILT_LEFT", "TILT_RIGHT", "rotate"]


def shanghai(text: str) -> int:
    """An instant in milliseconds from the wall time in Shanghai."""
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Asia/Shanghai")).timestamp() * 1000)


NOW = shanghai("2026-07-10T14:32:00")
DAY_MS = 86_400_000
RTTI, CONCIERGE, PREMIUM = "RTTI", "CONCIERGE", "PREMIUM"
RTTI_NAME, CONCIERGE_NAME, PREMIUM_NAME = (
    "Real Time Traffic Information",
    "Concierge Service",
    "Premium Package",
)

GOOD_RADIO = ModemStatus(SimState.ACTIVE, Registration.REGISTERED_HOME, SignalLevel.GOOD, "4G", -80.0, True)
TUNNEL = ModemStatus(SimState.ACTIVE, Registration.SEARCHING, SignalLevel.NONE, "", None, False)


def _product(service: str, name: str, prices: tuple[int, int, int, int], *includes: str) -> Product:
    offers = tuple(Offer(months, price) for months, price in zip((3, 6, 12, 36), prices, strict=True))
    return Product(service, name, f"What {name} does.", offers, includes)


CATALOGUE = Catalogue(
    key="catalogue-1",
    sent_at_ms=NOW,
    list_version=1,
    market="CN",
    currency="CNY",
    products=(
        _product(RTTI, RTTI_NAME, (15000, 28000, 50000, 128000)),
        _product(CONCIERGE, CONCIERGE_NAME, (30000, 56000, 100000, 258000)),
        _product(PREMIUM, PREMIUM_NAME, (48000, 90000, 160000, 420000), RTTI, CONCIERGE),
    ),
    support="10101018",
    hotline="10101018",
    disturbance_line="400-800-6666",
)
DEARER = msgspec.structs.replace(
    CATALOGUE,
    key="catalogue-2",
    list_version=2,
    products=(
        _product(RTTI, RTTI_NAME, (20000, 30000, 60000, 130000)),
        *CATALOGUE.products[1:],
    ),
)

EMERGENCY_CALL = EntitlementView(
    service="ECALL", name="Emergency Call", origin="STANDARD", state=EntitlementState.ACTIVE
)


def snapshot(
    revision: int = 1, *, orders: tuple[OrderView, ...] = (), at_ms: int = NOW, **fields: Any
) -> Snapshot:
    """What the backend says about this car."""
    values: dict[str, Any] = {
        "key": f"snapshot-{revision}",
        "sent_at_ms": at_ms,
        "revision": revision,
        "entitlements": (EMERGENCY_CALL,),
        "orders": orders,
        "contract_number": "13800000001",
    }
    return Snapshot(**(values | fields))


def order(state: OrderState = OrderState.AWAITING_PAYMENT, number: str = "1042", **fields: Any) -> OrderView:
    """An order for the traffic service."""
    values: dict[str, Any] = {
        "number": number,
        "client_order_id": f"client-{number}",
        "version": 1,
        "state": state,
        "lines": (PricedLine(RTTI, 3, 15000),),
        "amount_minor": 15000,
        "currency": "CNY",
        "accepted_at_ms": NOW,
        "deadline_ms": NOW + DAY_MS,
        "sms_number": "138****0001",
    }
    return OrderView(**(values | fields))


def entitlement(state: EntitlementState, until: str | None = None, **fields: Any) -> EntitlementView:
    """The traffic service as booked."""
    values: dict[str, Any] = {
        "service": RTTI,
        "name": RTTI_NAME,
        "origin": "STORE",
        "booked_from": "2026-05-01",
    }
    return EntitlementView(state=state, booked_until=until, **(values | fields))


def facts(now_ms: int = NOW, **fields: Any) -> CarFacts:
    """A standing car, online and synchronised, unless `fields` say otherwise."""
    values: dict[str, Any] = {
        "market": "CN",
        "modem": GOOD_RADIO,
        "session": True,
        "online_since_ms": NOW - 60_000,
        "last_sync_ms": NOW - 2_000,
        "catalogue": CATALOGUE,
        "snapshot": snapshot(),
        "motion": Motion(0.0, now_ms, NOW - 60_000),
    }
    return CarFacts(now_ms=now_ms, **(values | fields))


def offline(now_ms: int = NOW, *, since_ms: int = NOW - 52_000, **fields: Any) -> CarFacts:
    """The same car in a tunnel."""
    return facts(now_ms, **({"modem": TUNNEL, "session": False, "offline_since_ms": since_ms} | fields))


class Driver:
    """Works the knob of one presenter and remembers what the services were asked to do."""

    def __init__(self, first: CarFacts | None = None, language: str = "en") -> None:
        self.presenter = Presenter(load_translation(language), language)
        self.intents: list[Intent] = []
        self.facts = first or facts()
        self.learns()

    def learns(self, new: CarFacts | None = None, **fields: Any) -> "Driver":
        """The car knows something new."""
        self.facts = new or msgspec.structs.replace(self.facts, **fields)
        self.intents.extend(self.presenter.update(self.facts))
        return self

    def does(self, *events: ControllerEvent) -> "Driver":
        """The hand does this."""
        for event in events:
            self.intents.extend(self.presenter.handle(event))
        return self

    def chooses(self, *labels: str) -> "Driver":
        """Rotates to each row in turn and presses."""
        for label in labels:
            self.does(*steps_to(self.screen, label))
        return self

    def hears(self, reply_to: str, code: ErrorCode | None = None, **fields: Any) -> "Driver":
        """The backend answers the request with key `reply_to`."""
        values: dict[str, Any] = {"key": f"reply-{reply_to}", "sent_at_ms": self.facts.now_ms}
        self.learns(request=None)
        reply = OrderReply(request_key=reply_to, code=code, **(values | fields))
        self.intents.extend(self.presenter.answer(reply))
        return self

    def awaits(self, kind: RequestKind, key: str) -> "Driver":
        """The services have sent the request."""
        return self.learns(request=PendingRequest(kind, key, self.facts.now_ms))

    @property
    def screen(self) -> ScreenSnapshot:
        """What the driver sees."""
        return self.presenter.screen()

    @property
    def code(self) -> str:
        """The code in small print of the banner, "" without one."""
        return self.screen.banner.code if self.screen.banner else ""

    def basket(self) -> tuple[Line, ...]:
        """What the driver has chosen."""
        return self.presenter.basket

    def asked_for(self) -> list[Intent]:
        """What the services were asked to do, in order."""
        return self.intents

    def last(self) -> Intent:
        """What the services were asked to do last."""
        return self.intents[-1]

    def hints(self) -> tuple[str, ...]:
        """What the knob does here."""
        return self.screen.hints

    def told(self) -> str:
        """The banner's text, "" without one."""
        return self.screen.banner.text if self.screen.banner else ""

    def row(self, label: str) -> str:
        """The value of the row called `label`."""
        return next(row.value for row in self.screen.rows if row.label == label)

    def labels(self) -> tuple[str, ...]:
        """All rows by name."""
        return tuple(row.label for row in self.screen.rows)

    def panel(self) -> str:
        """All of the right half as one text."""
        return "\n".join(f"{line.text} {line.value}".strip() for line in self.screen.panel)


STORE = ("ConnectedDrive", "ConnectedDrive Store")
