"""What the backend knows about a car."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class VehicleRecord:
    """One car.

    `contract_number` is the mobile number of the service agreement (R-203); `first_activation` is
    the local date on which the dealer activated it, None = the day this backend first knows of it;
    `base_package_months` is the term of the package it came with (D-51). `purchased_on` decides on its
    free extension (R-506); `first_registration` and `engine_number` identify the car (D-35);
    `is_handed_over` is False for a car whose dealer has yet to activate it (R-701); `owner_name` is the
    person the service agreement is with, as far as known (R-605, R-712).
    """

    vin: str
    model: str = "320Li"
    equipment: tuple[str, ...] = ("navigation", "telephony")
    contract_number: str = ""
    first_activation: date | None = None
    base_package_months: int = 36
    purchased_on: date | None = None
    first_registration: date | None = None
    engine_number: str = ""
    is_handed_over: bool = True
    owner_name: str = ""

    @property
    def is_bmw_i(self) -> bool:
        """Whether the car carries the BMW i name (R-003)."""
        return self.model.startswith("i")

    @property
    def display_name(self) -> str:
        """What ConnectedDrive is called in this car (R-003)."""
        return "BMW i ConnectedDrive" if self.is_bmw_i else "BMW ConnectedDrive"
