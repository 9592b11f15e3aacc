"""States and causes in words."""

from typing import Final

from contracts.messages import CancelReason, EntitlementState, OrderState
from contracts.screen import Tone
from headunit.domain.texts import mark

ORDER_STATES: Final[dict[OrderState, tuple[str, Tone]]] = {
    OrderState.AWAITING_PAYMENT: (mark("awaiting payment"), Tone.ACCENT),
    OrderState.PAYING: (mark("payment in progress"), Tone.ACCENT),
    OrderState.PAYMENT_FAILED: (mark("payment failed"), Tone.BAD),
    OrderState.CANCELLING: (mark("cancelling"), Tone.WARN),
    OrderState.CANCELLED: (mark("cancelled"), Tone.MUTED),
    OrderState.PAID: (mark("paid, activating"), Tone.GOOD),
    OrderState.FULFILLED: (mark("paid, active"), Tone.GOOD),
    OrderState.PARTLY_REFUNDED: (mark("paid"), Tone.MUTED),
    OrderState.REFUNDED: (mark("paid"), Tone.MUTED),
}
"""Order states as the car shows them; refunds are no business of its display (visibility table)."""

CANCEL_REASONS: Final = {
    CancelReason.USER: mark("cancelled by you"),
    CancelReason.TIMEOUT: mark("not paid in time"),
    CancelReason.OWNER: mark("owner changed"),
}

ENTITLEMENT_STATES: Final[dict[EntitlementState, tuple[str, Tone]]] = {
    EntitlementState.PENDING: (mark("activating"), Tone.ACCENT),
    EntitlementState.ACTIVE: (mark("active"), Tone.GOOD),
    EntitlementState.SUSPENDED: (mark("suspended"), Tone.WARN),
    EntitlementState.EXPIRED: (mark("expired"), Tone.MUTED),
    EntitlementState.TERMINATED: (mark("ended"), Tone.MUTED),
    EntitlementState.DEACTIVATED: (mark("deactivated"), Tone.BAD),
}

CAUSES: Final = {
    "REGION": mark("no coverage in this region"),
    "ATMOSPHERE": mark("atmospheric conditions"),
    "TOPOGRAPHY": mark("terrain"),
    "POSITION": mark("position of the car"),
    "OBSTRUCTION": mark("obstruction"),
    "NETWORK_DOWN": mark("network failure"),
    "FORCE_MAJEURE": mark("force majeure"),
    "WORKS": mark("maintenance works"),
    "PEAK_LOAD": mark("peak load"),
    "THIRD_PARTY_TELECOM": mark("disturbance at another operator"),
    "GPS": mark("positioning fault"),
    "GSM": mark("mobile network fault"),
    "GPRS": mark("mobile data fault"),
    "GEOCODING": mark("map data fault"),
    "THIRD_PARTY_CEASED": mark("a supplier has ceased its service"),
    "THIRD_PARTY_ACT": mark("interference by others"),
    "OTHER": mark("other disturbance"),
}
"""Cause classes that the backend may announce (R-804, R-805)."""
