"""What the driver wants done, as the presenter hands it to the car's services."""

from dataclasses import dataclass
from typing import TypeAlias

from contracts.messages import Line


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    """Order these lines with obligation to pay, at price list `list_version`, now or not at all (R-204).

    sms_number replaces the number of the service agreement for this order; None keeps it (R-203).
    """

    lines: tuple[Line, ...]
    list_version: int
    sms_number: str | None = None


@dataclass(frozen=True, slots=True)
class ChangeOrder:
    """Replace the lines of an unpaid order, as seen in its version `order_version` (R-206)."""

    order_number: str
    order_version: int
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """End an unpaid order (R-208, R-209)."""

    order_number: str


@dataclass(frozen=True, slots=True)
class RequestSync:
    """Ask the backend for the catalogue and a fresh snapshot."""


@dataclass(frozen=True, slots=True)
class KeepBasket:
    """The basket has changed: write it down so that it survives a restart.

    number is the phone number the driver typed for this order, None when the agreement's is used.
    """

    lines: tuple[Line, ...]
    number: str | None = None


@dataclass(frozen=True, slots=True)
class KeepLanguage:
    """The driver has chosen a language ("en", "de", "zh"): remember it for the next start."""

    language: str


Intent: TypeAlias = PlaceOrder | ChangeOrder | CancelOrder | RequestSync | KeepBasket | KeepLanguage
