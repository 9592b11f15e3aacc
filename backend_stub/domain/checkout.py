"""The checks between a basket and an accepted order (R-004, R-101 to R-103, R-201 to R-205, R-213)."""

from collections.abc import Iterable, Sequence

from backend_stub.domain.catalogue import PriceList, check_orderable, service_name
from backend_stub.domain.market import MarketProfile, StoreLogin
from backend_stub.domain.order import Order, OrderLine, is_open
from backend_stub.domain.vehicle import VehicleRecord
from backend_stub.errors import BackendError
from contracts.errors import ErrorCode
from contracts.messages import Line, OrderState, SubmitOrder


def check_login(profile: MarketProfile) -> None:
    """Whether the car Store is open without an account (R-202). Raises BackendError."""
    if profile.store_login is not StoreLogin.NONE:
        raise BackendError(ErrorCode.NOT_ORDERABLE, "this car's Store needs a linked Portal account")


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


def check_lines(lines: Sequence[Line], vehicle: VehicleRecord) -> None:
    """Recheck the lines of an order, for submit and for modify.

    Raises BackendError with EMPTY_CART, NOT_ORDERABLE, BAD_TERM, NOT_ELIGIBLE or DUPLICATE_SERVICE.
    """
    if not lines:
        raise BackendError(ErrorCode.EMPTY_CART, "an order needs at least one service")
    seen: list[str] = []
    for line in lines:
        check_orderable(line.service, line.months, vehicle)
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


def check_not_in_open_order(lines: Sequence[Line], orders: Iterable[Order], editing: str = "") -> None:
    """A service sits in one open order only; `editing` is the order that is being modified (R-213).

    Raises BackendError with SERVICE_IN_OPEN_ORDER.
    """
    for order in orders:
        if order.number == editing or not is_open(order):
            continue
        for line in lines:
            if line.service in order.services:
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


def priced(lines: Sequence[Line], prices: PriceList) -> tuple[OrderLine, ...]:
    """The lines with the prices of the list frozen into them (R-103)."""
    return tuple(
        OrderLine(line.service, line.months, price.amount_minor, price.fee_minor)
        for line in lines
        for price in (prices.prices[line.service, line.months],)
    )
