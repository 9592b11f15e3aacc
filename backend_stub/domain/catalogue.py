"""What can be bought, by which car, at what price (R-101 to R-105, D-03, D-04)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from backend_stub.domain.money import scale_minor
from backend_stub.domain.vehicle import VehicleRecord
from backend_stub.errors import BackendError
from contracts.errors import ErrorCode

TERMS_MONTHS = (3, 6, 12, 36)
"""Terms there are (R-101)."""


class ServiceKind(StrEnum):
    """Kind of a catalogue row; no apps are shipped (D-50)."""

    SERVICE = "service"
    APP = "app"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service that can be bought; `needs` lists equipment, `models` the models (empty = all)."""

    code: str
    name: str
    description: str
    needs: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    includes: tuple[str, ...] = ()
    kind: ServiceKind = ServiceKind.SERVICE

    def fits(self, vehicle: VehicleRecord) -> bool:
        """Whether model and equipment of `vehicle` match (R-102)."""
        return (not self.models or vehicle.model in self.models) and all(
            item in vehicle.equipment for item in self.needs
        )


PRODUCTS = (
    Service(
        code="RTTI",
        name="Real Time Traffic Information",
        description="Traffic on your route, refreshed every few minutes, with detours.",
        needs=("navigation",),
    ),
    Service(
        code="CONCIERGE",
        name="Concierge Service",
        description="An agent finds places for you and sends them to the navigation system.",
        needs=("telephony",),
    ),
    Service(
        code="PREMIUM",
        name="Premium Package",
        description="Traffic information, Concierge Service and remote functions in one package.",
        needs=("navigation", "telephony"),
        includes=("RTTI", "CONCIERGE", "REMOTE"),
    ),
)
"""The products of R-101, in the order in which they are listed."""

EMERGENCY_CALL = "EMERGENCY_CALL"
"""The standard service that safety hangs on (R-515)."""

STANDARD_NAMES: Mapping[str, str] = {
    EMERGENCY_CALL: "Intelligent Emergency Call",
    "TELESERVICES": "BMW TeleServices",
}
"""On every car from delivery, free, never for sale (R-004)."""

BASE_PACKAGE = "BASE"
"""The free package a car may begin with (D-51)."""

_BY_CODE = {product.code: product for product in PRODUCTS}


def service_name(code: str) -> str:
    """What people call the service `code`."""
    if code in _BY_CODE:
        return _BY_CODE[code].name
    if code == BASE_PACKAGE:
        return "ConnectedDrive Base Package"
    return STANDARD_NAMES.get(code, code)


@dataclass(frozen=True, slots=True)
class Price:
    """Total for a term; the one-time activation-and-test fee is inside it (D-03)."""

    amount_minor: int
    fee_minor: int


@dataclass(frozen=True, slots=True)
class Substitute:
    """`service` has given way to `by` (R-104); a new one has a name and a description, else the old ones."""

    service: str
    by: str
    name: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class PriceList:
    """One version of a market's prices, keyed by service and months; `tax_included` flags it (R-310).

    `substitutes` says what has been replaced up to this version, oldest first (R-104).
    """

    version: int
    prices: Mapping[tuple[str, int], Price]
    tax_included: bool
    substitutes: tuple[Substitute, ...] = ()

    def changed(self, percent: int, tax_included: bool | None = None) -> "PriceList":
        """The next version, every price changed by `percent`; the flag stays unless it is given."""
        return PriceList(
            self.version + 1,
            {
                row: Price(scale_minor(price.amount_minor, percent), scale_minor(price.fee_minor, percent))
                for row, price in self.prices.items()
            },
            self.tax_included if tax_included is None else tax_included,
            self.substitutes,
        )


def _list(
    fees: Mapping[str, int], totals: Mapping[str, tuple[int, int, int, int]], tax_included: bool
) -> PriceList:
    return PriceList(
        1,
        {
            (service, months): Price(total, fees[service])
            for service, row in totals.items()
            for months, total in zip(TERMS_MONTHS, row, strict=True)
        },
        tax_included,
    )


FIRST_LISTS: Mapping[str, PriceList] = {
    "CN": _list(
        {"RTTI": 2000, "CONCIERGE": 3000, "PREMIUM": 5000},
        {
            "RTTI": (15000, 28000, 50000, 128000),
            "CONCIERGE": (30000, 56000, 100000, 258000),
            "PREMIUM": (48000, 90000, 160000, 420000),
        },
        tax_included=True,
    ),
    "AU": _list(
        {"RTTI": 0, "CONCIERGE": 0, "PREMIUM": 0},
        {
            "RTTI": (4500, 8400, 15000, 38000),
            "CONCIERGE": (9000, 16800, 30000, 76000),
            "PREMIUM": (14400, 27000, 48000, 120000),
        },
        tax_included=False,
    ),
}
"""The test list of D-03: CNY fen and AUD cents (AU without GST)."""


def eligible(vehicle: VehicleRecord, products: Iterable[Service] = PRODUCTS) -> tuple[Service, ...]:
    """Products that match the car, in listing order (R-102)."""
    return tuple(product for product in products if product.fits(vehicle))


def check_orderable(
    service: str, months: int, vehicle: VehicleRecord, products: Iterable[Service] = PRODUCTS
) -> None:
    """Recheck one line as the backend must (R-102); `products` are those sold now (R-104).

    Raises BackendError with NOT_ORDERABLE (R-004), BAD_TERM (R-101) or NOT_ELIGIBLE (R-102).
    """
    product = next((each for each in products if each.code == service), None)
    if product is None:
        raise BackendError(ErrorCode.NOT_ORDERABLE, f"{service_name(service)} is not for sale")
    if months not in TERMS_MONTHS:
        terms = ", ".join(map(str, TERMS_MONTHS))
        raise BackendError(ErrorCode.BAD_TERM, f"{product.name}: {months} months; there are {terms}")
    if not product.fits(vehicle):
        raise BackendError(
            ErrorCode.NOT_ELIGIBLE, f"{product.name} does not fit this car; customer support can say why"
        )


def working_features(active: Iterable[str], products: Iterable[Service] = PRODUCTS) -> frozenset[str]:
    """Features that work while the services `active` are active (R-105)."""
    includes = {product.code: product.includes for product in products}
    working: set[str] = set()
    for code in active:
        working.add(code)
        working.update(includes.get(code, ()))
    return frozenset(working)
