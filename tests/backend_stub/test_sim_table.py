"""The SIM subscription table of section 3, what the operator makes of it, when an Emergency Call works."""

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from backend_stub.domain import sim_subscription as sim
from backend_stub.domain.entitlement import Entitlement, Origin
from backend_stub.domain.sim_subscription import SimEvent, Subscription
from backend_stub.errors import BackendError
from contracts.errors import ErrorCode
from contracts.messages import EntitlementState
from contracts.modem import SimState

S = SimState
E = SimEvent
B = EntitlementState

DOCUMENT = """
PROVISIONED       | dealer activates                       | ACTIVE
ACTIVE            | suspend                                | SUSPENDED
SUSPENDED         | lift                                   | ACTIVE
ACTIVE, SUSPENDED | full deactivation; last service ended  | DEACTIVATED
DEACTIVATED       | dealer reactivates                     | ACTIVE
"""


def rows() -> dict[tuple[S, E], S]:
    found = {}
    for line in DOCUMENT.strip().splitlines():
        states, events, after = (cell.strip() for cell in line.split("|"))
        for state, event in product(states.split(", "), events.split("; ")):
            found[S(state), E(event)] = S(after)
    return found


ROWS = rows()


def subscription(state: SimState) -> Subscription:
    return Subscription(state=state, network=state)


def service(code: str, state: EntitlementState) -> Entitlement:
    return Entitlement(entitlement_id=1, vin="V", service=code, origin=Origin.STANDARD, state=state)


@pytest.mark.req("R-514", "R-515", "R-516", "R-701")
def test_the_codes_table_is_the_documents_row_for_row() -> None:
    assert sim.TRANSITIONS == ROWS


@pytest.mark.req("R-514", "R-515", "R-516", "R-701")
@pytest.mark.parametrize(("state", "event"), list(product(S, E)), ids=lambda each: each.name)
def test_every_event_in_every_state(state: SimState, event: SimEvent) -> None:
    before = subscription(state)
    assert sim.is_listed(state, event) == ((state, event) in ROWS)
    if (state, event) in ROWS:
        after = sim.step(before, event)
        assert after == replace(before, state=ROWS[state, event])
        return
    with pytest.raises(BackendError) as refused:
        sim.step(before, event)
    assert refused.value.code is ErrorCode.INVALID_STATE
    assert before == subscription(state)


@pytest.mark.req("R-701")
def test_a_new_car_is_provisioned_until_its_dealer_hands_it_over() -> None:
    assert Subscription.of_new_car(handed_over=False) == subscription(S.PROVISIONED)
    assert Subscription.of_new_car(handed_over=True) == subscription(S.ACTIVE)


@pytest.mark.req("R-514", "R-516")
@pytest.mark.parametrize("event", [E.SUSPEND, E.FULL_DEACTIVATION, E.LAST_SERVICE_ENDED])
def test_the_operator_gives_the_car_a_minute_to_hear_of_a_stop(event: SimEvent) -> None:
    after = sim.step(subscription(S.ACTIVE), event)
    assert after.network is S.ACTIVE
    assert sim.operator_due_ms(after, 1_000) == 61_000


@pytest.mark.req("R-514", "R-516")
@pytest.mark.parametrize(
    ("state", "event"),
    [(S.SUSPENDED, E.LIFT), (S.DEACTIVATED, E.DEALER_REACTIVATES), (S.PROVISIONED, E.DEALER_ACTIVATES)],
)
def test_the_operator_lets_a_sim_work_at_once(state: SimState, event: SimEvent) -> None:
    assert sim.operator_due_ms(sim.step(subscription(state), event), 1_000) == 1_000


@pytest.mark.req("R-516")
def test_a_suspension_that_is_lifted_before_it_was_carried_out_leaves_nothing_to_do() -> None:
    lifted = sim.step(sim.step(subscription(S.ACTIVE), E.SUSPEND), E.LIFT)
    assert sim.operator_due_ms(lifted, 1_000) is None


@pytest.mark.req("R-515")
@pytest.mark.parametrize(("state", "ecall"), list(product(S, B)), ids=lambda each: each.name)
def test_an_emergency_call_needs_an_active_sim_and_an_active_entitlement(
    state: SimState, ecall: EntitlementState
) -> None:
    held = (service("TELESERVICES", B.ACTIVE), service("EMERGENCY_CALL", ecall))
    assert sim.ecall_available(state, held) == (state is S.ACTIVE and ecall is B.ACTIVE)
    assert not sim.ecall_available(state, held[:1])


@pytest.mark.req("R-515")
def test_a_fresh_emergency_call_counts_beside_a_dead_one() -> None:
    held = (service("EMERGENCY_CALL", B.DEACTIVATED), service("EMERGENCY_CALL", B.ACTIVE))
    assert sim.ecall_available(S.ACTIVE, held)


@pytest.mark.req("R-515")
@pytest.mark.parametrize("state", B)
def test_what_has_not_ended_is_a_service_standard_ones_too(state: EntitlementState) -> None:
    ended = (service("RTTI", B.EXPIRED), service("CONCIERGE", B.TERMINATED))
    assert not sim.has_service_left(ended)
    is_left = state in (B.PENDING, B.ACTIVE, B.SUSPENDED)
    assert sim.has_service_left((*ended, service("TELESERVICES", state))) == is_left


class WalkThroughTheTable(RuleBasedStateMachine):
    """Whatever is decided, and however late the operator is: state and network are those of a model."""

    def __init__(self) -> None:
        super().__init__()
        self.real = subscription(S.PROVISIONED)
        self.due_ms: int | None = None
        self.now_ms = 0
        self.state = self.network = S.PROVISIONED
        self.decided_ms = 0

    @rule(event=st.sampled_from(list(E)))
    def decide(self, event: SimEvent) -> None:
        if (self.state, event) not in ROWS:
            with pytest.raises(BackendError) as refused:
                sim.step(self.real, event)
            assert refused.value.code is ErrorCode.INVALID_STATE
            return
        self.real = sim.step(self.real, event)
        self.due_ms = sim.operator_due_ms(self.real, self.now_ms)
        self.state, self.decided_ms = ROWS[self.state, event], self.now_ms

    @rule(span_ms=st.sampled_from((1, 59_999, 60_000, 3_600_000)))
    def time_passes(self, span_ms: int) -> None:
        self.now_ms += span_ms

    @invariant()
    def the_operator_follows(self) -> None:
        if self.due_ms is not None and self.due_ms <= self.now_ms:
            self.real = replace(self.real, network=self.real.state)
            self.due_ms = None
        if self.state is S.ACTIVE or self.now_ms - self.decided_ms >= 60_000:
            self.network = self.state
        assert (self.real.state, self.real.network) == (self.state, self.network)


TestWalkThroughTheTable = WalkThroughTheTable.TestCase
TestWalkThroughTheTable.settings = settings(max_examples=40, stateful_step_count=15, deadline=None)
