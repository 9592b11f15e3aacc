"""The SIM subscription of a car as the backend keeps it: the table of section 3, and what depends on it.

`state` is what the backend has decided; `network` is what the mobile operator has carried out. The operator
carries out a stop `OPERATOR_DELAY_MS` after the decision and everything else at once: a car with coverage
has taken the snapshot that announces the stop by then (R-404), and no car is kept alive by being out of
reach.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from backend_stub.domain.calendar import MINUTE_MS
from backend_stub.domain.catalogue import EMERGENCY_CALL
from backend_stub.domain.entitlement import Entitlement
from backend_stub.errors import BackendError
from contracts.errors import ErrorCode
from contracts.messages import EntitlementState
from contracts.modem import SimState

S = SimState
E = EntitlementState

OPERATOR_DELAY_MS = MINUTE_MS
"""How long after the decision the operator takes a SIM off the network."""

IN_FORCE = (E.PENDING, E.ACTIVE, E.SUSPENDED)
"""A service in one of these states has not ended."""


class SimEvent(StrEnum):
    """What can happen to a SIM subscription."""

    DEALER_ACTIVATES = "dealer activates"
    SUSPEND = "suspend"
    LIFT = "lift"
    FULL_DEACTIVATION = "full deactivation"
    LAST_SERVICE_ENDED = "last service ended"
    DEALER_REACTIVATES = "dealer reactivates"


TRANSITIONS: dict[tuple[SimState, SimEvent], SimState] = {
    (S.PROVISIONED, SimEvent.DEALER_ACTIVATES): S.ACTIVE,
    (S.ACTIVE, SimEvent.SUSPEND): S.SUSPENDED,
    (S.SUSPENDED, SimEvent.LIFT): S.ACTIVE,
    (S.ACTIVE, SimEvent.FULL_DEACTIVATION): S.DEACTIVATED,
    (S.SUSPENDED, SimEvent.FULL_DEACTIVATION): S.DEACTIVATED,
    (S.ACTIVE, SimEvent.LAST_SERVICE_ENDED): S.DEACTIVATED,
    (S.SUSPENDED, SimEvent.LAST_SERVICE_ENDED): S.DEACTIVATED,
    (S.DEACTIVATED, SimEvent.DEALER_REACTIVATES): S.ACTIVE,
}
"""(state, event) to the next state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """The subscription of one car; `network` is what the operator has carried out of it."""

    state: SimState
    network: SimState

    @classmethod
    def of_new_car(cls, *, handed_over: bool) -> "Subscription":
        """As a car comes: active in a customer's hands, provisioned on the way to them."""
        state = S.ACTIVE if handed_over else S.PROVISIONED
        return cls(state=state, network=state)


def is_listed(state: SimState, event: SimEvent) -> bool:
    """Whether the table knows `event` in `state`."""
    return (state, event) in TRANSITIONS


def step(subscription: Subscription, event: SimEvent) -> Subscription:
    """The subscription after `event`; the operator has yet to carry it out.

    Raises BackendError with INVALID_STATE for an unlisted event.
    """
    state = TRANSITIONS.get((subscription.state, event))
    if state is None:
        raise BackendError(
            ErrorCode.INVALID_STATE, f"the SIM subscription is {subscription.state}: {event} is not possible"
        )
    return replace(subscription, state=state)


def operator_due_ms(subscription: Subscription, now_ms: int) -> int | None:
    """When the operator carries out what was decided at `now_ms`, None when nothing is left to do."""
    if subscription.state is subscription.network:
        return None
    return now_ms if subscription.state is S.ACTIVE else now_ms + OPERATOR_DELAY_MS


def has_service_left(entitlements: Iterable[Entitlement]) -> bool:
    """Whether any service of the car has not ended; standard ones count (R-515, D-28)."""
    return any(entitlement.state in IN_FORCE for entitlement in entitlements)


def ecall_available(sim: SimState, entitlements: Iterable[Entitlement]) -> bool:
    """SIM active AND Emergency Call entitlement active (R-515)."""
    return sim is S.ACTIVE and any(
        entitlement.service == EMERGENCY_CALL and entitlement.state is E.ACTIVE
        for entitlement in entitlements
    )
