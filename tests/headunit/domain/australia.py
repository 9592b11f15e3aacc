"""An Australian car: a Store that needs a Portal account, prices without the tax, notice due early."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from contracts.messages import (
    EntitlementState,
    EntitlementView,
    Offer,
    OrderState,
    OrderView,
    PricedLine,
    Product,
    Snapshot,
)
from headunit.domain.facts import CarFacts
from tests.headunit.domain import car
from tests.headunit.domain.car import CONCIERGE, CONCIERGE_NAME, NOW, PREMIUM, PREMIUM_NAME, RTTI, RTTI_NAME

CODE = "471108"
ZONE = ZoneInfo("Australia/Melbourne")


def melbourne(text: str) -> int:
    """An instant in milliseconds from the wall time in Melbourne."""
    return round(datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp() * 1000)


def _product(service: str, name: str, prices: tuple[int, int, int, int], *includes: str) -> Product:
    offers = tuple(
        Offer(months, price, price // 10) for months, price in zip((3, 6, 12, 36), prices, strict=True)
    )
    return Product(service, name, f"What {name} does.", offers, includes)


CATALOGUE = msgspec.structs.replace(
    car.CATALOGUE,
    market="AU",
    currency="AUD",
    products=(
        _product(RTTI, RTTI_NAME, (4500, 8400, 15000, 38000)),
        _product(CONCIERGE, CONCIERGE_NAME, (9000, 16800, 30000, 76000)),
        _product(PREMIUM, PREMIUM_NAME, (14400, 27000, 48000, 120000), RTTI, CONCIERGE),
    ),
    support="133 269",
    hotline="133 269",
    disturbance_line="133 269",
)


def booked(until: str, renew_by: str, *, auto_renew: bool = False, **fields: Any) -> EntitlementView:
    """The traffic service as booked."""
    return car.entitlement(EntitlementState.ACTIVE, until, auto_renew=auto_renew, renew_by=renew_by, **fields)


def order(state: OrderState = OrderState.AWAITING_PAYMENT, **fields: Any) -> OrderView:
    """An order for the traffic service, with its tax."""
    values: dict[str, Any] = {
        "lines": (PricedLine(RTTI, 3, 4950, 450),),
        "amount_minor": 4950,
        "tax_minor": 450,
        "currency": "AUD",
        "sms_number": "",
    }
    return car.order(state, **(values | fields))


def facts(now_ms: int = NOW, **fields: Any) -> CarFacts:
    """A car in Australia, linked, online and standing, unless `fields` say otherwise."""
    values: dict[str, Any] = {"market": "AU", "catalogue": CATALOGUE, "snapshot": snapshot()}
    return car.facts(now_ms, **(values | fields))


def snapshot(revision: int = 1, **fields: Any) -> Snapshot:
    """What the backend says about this car."""
    values: dict[str, Any] = {"contract_number": "", "link_code": CODE, "terms_version": "2015-03"}
    return car.snapshot(revision, **(values | fields))
