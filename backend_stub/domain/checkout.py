"""The checks between a basket and an accepted order (R-004, R-101 to R-103, R-201 to R-205, R-213)."""

from collections.abc import Iterable, Sequence

from backend_stub.domain.catalogue import (
    BASE_PACKAGE,
    PRODUCTS,
    PriceList,
    Service,
    Substitute,
    check_orderable,
    service_name,
)
from backend_stub.domain.market import MarketProfile
from backend_stub.domain.order import Order, OrderLine, is_open
from backend_stub.domain.substitution import current_codes
from backend_stub.domain.tax import Taxed, taxed
from backend_stub.domain.vehicle import VehicleRecord
from backend_stub.errors import BackendError
from contracts.errors import ErrorCode
from contracts.messages import Line, OrderState, SubmitOrder


def check_login(needs: ErrorCode | None) -> None:
    """Whether the Store in the car is open; `needs` is what it wants first (R-202, R-705).

    Raises BackendError with that.
    """
    if needs is ErrorCode.DATA_MISSING:
        raise BackendError(needs, "complete your data in the Portal first")
    if needs is not None:
        raise BackendError(needs, "this car's Store needs a linked Portal account")


def check_not_locked(orders: Iterable[Order], now_ms: int) -> None:
    """The cancellation lock of the car (R-209). Raises BackendError with CANCEL_SYNC."""
    until_ms = locked_until_ms(orders)
    if until_ms is not None and now_ms < until_ms:
        left_s = -((now_ms - until_ms) // 1000)
        raise BackendError(
            ErrorCode.CANCEL_SYNC, f"a cancellation is being settled; {left_s // 60}:{left_s % 60:02d} to go"
        )


def locked_until_ms(orders: Iterable[Order]) -> int | None:
    """When the car may order again, None when it may now (R-209)."""
    return max(
        (
            order.cancel_until_ms
            for order in orders
            if order.state is OrderState.CANCELLING and order.cancel_until_ms is not None
        ),
        default=None,
    )


def check_lines(
    lines: Sequence[Line],
    vehicle: VehicleRecord,
    profile: MarketProfile,
    products: Sequence[Service] = PRODUCTS,
) -> None:
    """Recheck the lines of an order, for submit and for modify; `products` are those sold now.

    Raises BackendError with EMPTY_CART, NOT_ORDERABLE, PORTAL_ONLY, BAD_TERM, NOT_ELIGIBLE or
    DUPLICATE_SERVICE.
    """
    if not lines:
        raise BackendError(ErrorCode.EMPTY_CART, "an order needs at least one service")
    seen: list[str] = []
    for line in lines:
        if line.service == BASE_PACKAGE and profile.base_extension_before is not None:
            raise BackendError(
                ErrorCode.PORTAL_ONLY,
                f"{service_name(line.service)} is not for sale; the Portal can extend it",
            )
        check_orderable(line.service, line.months, vehicle, products)
        if line.service in seen:
            raise BackendError(
                ErrorCode.DUPLICATE_SERVICE, f"{service_name(line.service)} is in the order more than once"
            )
        seen.append(line.service)


def check_request(request: SubmitOrder) -> None:
    """Wishes that cannot be granted (R-205). Raises BackendError."""
    if request.start_date is not None:
        raise BackendError(ErrorCode.START_DATE_UNSUPPORTED, "a start date cannot be chosen")
    if request.instalments is not None:
        raise BackendError(ErrorCode.INSTALMENT_UNSUPPORTED, "an order is paid at once")


def message_number(request_number: str | None, vehicle: VehicleRecord, profile: MarketProfile) -> str:
    """The number that gets the payment link: the one asked for, else the contract's (R-203, D-05).

    Empty in markets that send none. Raises BackendError with BAD_NUMBER.
    """
    if profile.number_pattern is None:
        return ""
    number = vehicle.contract_number if request_number is None else request_number
    if not profile.number_pattern.fullmatch(number):
        raise BackendError(ErrorCode.BAD_NUMBER, "a mobile number has 11 digits and starts with 1")
    return number


def check_not_in_open_order(
    lines: Sequence[Line],
    orders: Iterable[Order],
    substitutes: Sequence[Substitute] = (),
    editing: str = "",
) -> None:
    """A service sits in one open order only; `editing` is the order that is being modified (R-213).

    An order holds what has replaced its services by `substitutes` since (R-104). Raises BackendError with
    SERVICE_IN_OPEN_ORDER.
    """
    for order in orders:
        if order.number == editing or not is_open(order):
            continue
        held = current_codes(order.services, substitutes)
        for line in lines:
            if line.service in held:
                raise BackendError(
                    ErrorCode.SERVICE_IN_OPEN_ORDER,
                    f"{service_name(line.service)} is in open order {order.number}: change or cancel it",
                )


def check_list_version(asked: int, current: PriceList) -> None:
    """A basket is bought at the list it was shown with (R-103). Raises BackendError with PRICE_CHANGED."""
    if asked != current.version:
        raise BackendError(
            ErrorCode.PRICE_CHANGED, f"price list {asked} is outdated; confirm list {current.version}"
        )


def price_of(service: str, months: int, prices: PriceList, profile: MarketProfile) -> Taxed:
    """What a line costs at the list, with the tax of the market (R-310). Raises KeyError for no such row."""
    price = prices.prices[service, months]
    return taxed(price.amount_minor, profile.tax_percent, prices.tax_included)


def priced(lines: Sequence[Line], prices: PriceList, profile: MarketProfile) -> tuple[OrderLine, ...]:
    """The lines with the prices of the list frozen into them, tax per line (R-103, R-310)."""
    return tuple(
        OrderLine(line.service, line.months, total.amount_minor, price.fee_minor, total.tax_minor)
        for line in lines
        for price in (prices.prices[line.service, line.months],)
        for total in (price_of(line.service, line.months, prices, profile),)
    )
