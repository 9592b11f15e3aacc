"""What the car can learn from its modem: SIM, registration, signal; never the cause of an outage.

Registration values copy TS 27.007 clause 10.1.22 (`+CEREG`).
"""

from enum import IntEnum, StrEnum
from typing import Protocol

import msgspec


class Registration(IntEnum):
    """EPS network registration status, `<stat>` of `+CEREG`."""

    NOT_REGISTERED = 0
    REGISTERED_HOME = 1
    SEARCHING = 2
    REGISTRATION_DENIED = 3
    UNKNOWN = 4
    REGISTERED_ROAMING = 5


class SignalLevel(StrEnum):
    """Reception in the four steps of D-38."""

    GOOD = "GOOD"
    FAIR = "FAIR"
    POOR = "POOR"
    NONE = "NONE"


class SimState(StrEnum):
    """SIM subscription, section 3 of the specification."""

    PROVISIONED = "PROVISIONED"
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    DEACTIVATED = "DEACTIVATED"


class ModemStatus(msgspec.Struct, frozen=True):
    """One reading of the modem.

    `technology` is what a status bar shows ("5G", "4G", "3G", "2G", ""); `rsrp_dbm` is None while
    no cell is measured; `data` says whether an IP bearer is up (R-802).
    """

    sim: SimState
    registration: Registration
    level: SignalLevel
    technology: str
    rsrp_dbm: float | None
    data: bool


class ModemPort(Protocol):
    """The car's view of the modem: simulated directly, or AT on a port."""

    def status(self) -> ModemStatus:
        """The newest reading."""

    def on_change(self, listener: "ModemListener") -> None:
        """Have `listener` called with every new reading that differs from the last."""


class ModemListener(Protocol):
    """Called with each new reading."""

    def __call__(self, status: ModemStatus, /) -> None: ...
