"""Who may have things done on the telephone: order number, VIN and mobile number must all match (R-601)."""

from typing import NoReturn

from backend_stub.domain.order import Order
from backend_stub.errors import BackendError
from contracts.errors import ErrorCode


def verified_order(
    order: Order | None, *, registered_number: str, vin: str | None = None, number: str | None = None
) -> Order:
    """The order a caller has named and may have changed.

    Args:
        order: the order of that number, None when there is none.
        registered_number: the number that the car's owner is registered with, empty without one.
        vin: the VIN the caller says; None = the right one.
        number: the mobile number the caller says, the one of this order's text message (R-203) or the
            registered one, never a payer's; None = a right one.

    Raises BackendError with VERIFICATION_FAILED, which never says what did not match.
    """
    if order is None:
        _fail()
    numbers = [each for each in (order.sms_number, registered_number) if each]
    if not numbers:
        _fail()
    if vin is not None and vin != order.vin:
        _fail()
    if number is not None and number not in numbers:
        _fail()
    return order


def _fail() -> NoReturn:
    raise BackendError(
        ErrorCode.VERIFICATION_FAILED, "order number, VIN and mobile number do not belong together"
    )
