"""The SIM subscription as a table (specification, section 3); what it does not list is refused."""

from enum import Enum, auto

from contracts.modem import SimState
from telematics.errors import SubscriptionRefusedError


class SubscriptionEvent(Enum):
    """What can happen to a subscription."""

    ACTIVATE = auto()
    """The dealer activates it, or activates it again."""
    SUSPEND = auto()
    """No traffic; whether the Emergency Call is suspended too is the backend's affair (R-514)."""
    LIFT = auto()
    """The end of a suspension."""
    DEACTIVATE = auto()
    """Full deactivation, or the last service has ended."""


SUBSCRIPTION = {
    (SimState.PROVISIONED, SubscriptionEvent.ACTIVATE): SimState.ACTIVE,
    (SimState.ACTIVE, SubscriptionEvent.SUSPEND): SimState.SUSPENDED,
    (SimState.SUSPENDED, SubscriptionEvent.LIFT): SimState.ACTIVE,
    (SimState.ACTIVE, SubscriptionEvent.DEACTIVATE): SimState.DEACTIVATED,
    (SimState.SUSPENDED, SubscriptionEvent.DEACTIVATE): SimState.DEACTIVATED,
    (SimState.DEACTIVATED, SubscriptionEvent.ACTIVATE): SimState.ACTIVE,
}


def after(state: SimState, event: SubscriptionEvent) -> SimState:
    """The state that follows. Raises SubscriptionRefusedError when the table does not list the pair."""
    try:
        return SUBSCRIPTION[state, event]
    except KeyError:
        raise SubscriptionRefusedError(
            f"{event.name} is not possible while the SIM is {state.value}"
        ) from None


def moved(state: SimState, target: SimState) -> SimState:
    """`target`, when one event leads there or it is the present state already.

    Raises SubscriptionRefusedError when the table knows no such way.
    """
    if target is state or any(
        before is state and following is target for (before, _), following in SUBSCRIPTION.items()
    ):
        return target
    raise SubscriptionRefusedError(f"no event leads a SIM that is {state.value} to {target.value}")
