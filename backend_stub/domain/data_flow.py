"""Which data of a car may go to whom, for what (R-821, R-822): an allow-list; what it leaves out is denied.

The lists themselves are values of the market profiles. "Absent permission = refused" (D-42).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from backend_stub.errors import BackendError
from contracts.errors import ErrorCode


class DataCategory(StrEnum):
    """What an outgoing item is about."""

    ORDER = "order"
    NUMBER = "number"
    PERSON = "person"
    VEHICLE = "vehicle"
    POSITION = "position"
    USE = "use"
    DIAGNOSTIC = "diagnostic"
    MAINTENANCE = "maintenance"
    EMERGENCY = "emergency"


class Recipient(StrEnum):
    """Who can be sent data; `BMW` is BMW in the market itself."""

    BMW = "bmw"
    BMW_GERMANY = "bmw_germany"
    CHINA_UNICOM = "china_unicom"
    DEALER = "dealer"
    EMERGENCY_SERVICES = "emergency_services"
    AUTHORITIES = "authorities"
    PROVIDER_AU = "provider_au"
    PROVIDER_DK = "provider_dk"
    PROVIDER_FR = "provider_fr"
    PROVIDER_DE = "provider_de"
    PROVIDER_PH = "provider_ph"


class Purpose(StrEnum):
    """What data is sent for; a legal case opens the road to authorities alone (R-821)."""

    QUALITY_ASSURANCE = "quality_assurance"
    SERVICE_SUPPORT = "service_support"
    PROCESSING = "processing"
    EMERGENCY_ASSISTANCE = "emergency_assistance"
    LEGAL = "legal"


EVERYTHING = tuple(DataCategory)
CONDITION = (DataCategory.DIAGNOSTIC, DataCategory.MAINTENANCE)
"""What the car reports of its own state (R-822)."""

ANY_PURPOSE = (
    Purpose.QUALITY_ASSURANCE,
    Purpose.SERVICE_SUPPORT,
    Purpose.PROCESSING,
    Purpose.EMERGENCY_ASSISTANCE,
)
IN_EMERGENCIES = (Purpose.EMERGENCY_ASSISTANCE,)
FOR_AUTHORITIES = (Purpose.EMERGENCY_ASSISTANCE, Purpose.LEGAL)


@dataclass(frozen=True, slots=True)
class Allowance:
    """One row of an allow-list: `recipient` may get `categories` for `purposes`."""

    recipient: Recipient
    categories: tuple[DataCategory, ...] = EVERYTHING
    purposes: tuple[Purpose, ...] = ANY_PURPOSE


@dataclass(frozen=True, slots=True)
class Flow:
    """One outgoing item."""

    category: DataCategory
    recipient: Recipient
    purpose: Purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowEntry:
    """An item that has gone out, as the ledger keeps it."""

    at_ms: int
    vin: str
    market: str
    flow: Flow


def read_flow(category: str, recipient: str, purpose: str) -> Flow:
    """The flow that people name in these words.

    Raises BackendError with DATA_FLOW_DENIED for a word that no list knows.
    """
    try:
        return Flow(DataCategory(category), Recipient(recipient), Purpose(purpose))
    except ValueError as error:
        raise BackendError(ErrorCode.DATA_FLOW_DENIED, f"{error}: it is on no list") from None


def is_allowed(allowances: Iterable[Allowance], flow: Flow) -> bool:
    """Whether a row of the list names category, recipient and purpose together."""
    return any(
        flow.recipient is row.recipient and flow.category in row.categories and flow.purpose in row.purposes
        for row in allowances
    )


def check_flow(allowances: Iterable[Allowance], flow: Flow) -> None:
    """Raises BackendError with DATA_FLOW_DENIED for an unlisted combination (R-821)."""
    if not is_allowed(allowances, flow):
        raise BackendError(
            ErrorCode.DATA_FLOW_DENIED,
            f"{flow.category} data may not go to {flow.recipient} for {flow.purpose}",
        )
