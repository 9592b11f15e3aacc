"""What the driver wants done, as the presenter hands it to the car's services."""

from typing import TypeAlias

import msgspec

from contracts.messages import Line


class PlaceOrder(msgspec.Struct, frozen=True):
    """Order these lines with obligation to pay, at price list `list_version`, now or not at all (R-204).

    sms_number replaces the number of the service agreement for this order; None keeps it (R-203).
    """

    lines: tuple[Line, ...]
    list_version: int
    sms_number: str | None = None


class ChangeOrder(msgspec.Struct, frozen=True):
    """Replace the lines of an unpaid order, as seen in its version `order_version` (R-206)."""

    order_number: str
    order_version: int
    lines: tuple[Line, ...]


class CancelOrder(msgspec.Struct, frozen=True):
    """End an unpaid order (R-208, R-209)."""

    order_number: str


class RequestSync(msgspec.Struct, frozen=True):
    """Ask the backend for the catalogue and a fresh snapshot."""


class KeepBasket(msgspec.Struct, frozen=True):
    """The basket has changed: write it down so that it survives a restart.

    number is the phone number the driver typed for this order, None when the agreement's is used.
    """

    lines: tuple[Line, ...]
    number: str | None = None


class KeepLanguage(msgspec.Struct, frozen=True):
    """The driver has chosen a language ("en", "de", "zh"); the menu speaks it from now on."""

    language: str


class ErasePersonalData(msgspec.Struct, frozen=True):
    """Erase what is the driver's own, all of it or nothing, then tell `Presenter.erased` (R-715).

    locked_until_ms is the cancellation lock that must outlive the orders it comes from (R-209).
    """

    locked_until_ms: int | None = None


Intent: TypeAlias = (
    PlaceOrder | ChangeOrder | CancelOrder | RequestSync | KeepBasket | KeepLanguage | ErasePersonalData
)
