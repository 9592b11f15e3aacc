"""The SIM subscription's table (specification, section 3)."""

import pytest

from contracts.errors import ErrorCode
from contracts.modem import SimState
from telematics.errors import SubscriptionRefusedError
from telematics.uicc.subscription import SUBSCRIPTION, SubscriptionEvent, after, moved

LISTED = [
    (SimState.PROVISIONED, SubscriptionEvent.ACTIVATE, SimState.ACTIVE),
    (SimState.ACTIVE, SubscriptionEvent.SUSPEND, SimState.SUSPENDED),
    (SimState.SUSPENDED, SubscriptionEvent.LIFT, SimState.ACTIVE),
    (SimState.ACTIVE, SubscriptionEvent.DEACTIVATE, SimState.DEACTIVATED),
    (SimState.SUSPENDED, SubscriptionEvent.DEACTIVATE, SimState.DEACTIVATED),
    (SimState.DEACTIVATED, SubscriptionEvent.ACTIVATE, SimState.ACTIVE),
]


@pytest.mark.parametrize(("state", "event", "following"), LISTED)
def test_a_listed_event_moves_the_subscription(
    state: SimState, event: SubscriptionEvent, following: SimState
) -> None:
    assert after(state, event) is following
    assert moved(state, following) is following


@pytest.mark.parametrize("state", list(SimState))
@pytest.mark.parametrize("event", list(SubscriptionEvent))
def test_an_unlisted_event_is_refused(state: SimState, event: SubscriptionEvent) -> None:
    if (state, event) in [listed[:2] for listed in LISTED]:
        assert (state, event) in SUBSCRIPTION
        return
    with pytest.raises(SubscriptionRefusedError) as caught:
        after(state, event)
    assert caught.value.code == ErrorCode.INVALID_STATE


@pytest.mark.parametrize("state", list(SimState))
def test_staying_is_no_move(state: SimState) -> None:
    assert moved(state, state) is state


@pytest.mark.parametrize(
    ("state", "target"),
    [
        (SimState.PROVISIONED, SimState.SUSPENDED),
        (SimState.PROVISIONED, SimState.DEACTIVATED),
        (SimState.ACTIVE, SimState.PROVISIONED),
        (SimState.SUSPENDED, SimState.PROVISIONED),
        (SimState.DEACTIVATED, SimState.PROVISIONED),
        (SimState.DEACTIVATED, SimState.SUSPENDED),
    ],
)
def test_a_target_that_no_event_leads_to_is_refused(state: SimState, target: SimState) -> None:
    with pytest.raises(SubscriptionRefusedError, match=f"{state.value} to {target.value}"):
        moved(state, target)
