"""The Service entitlement table of section 3: every state against every event, and a walk through it."""

from datetime import date, timedelta
from itertools import product

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from backend_stub.domain import entitlement as booked
from backend_stub.domain.delivery import is_delivered
from backend_stub.domain.entitlement import Entitlement, EntitlementEvent, Origin, RenewalChoice
from backend_stub.domain.market import CN
from backend_stub.errors import BackendError
from contracts.errors import ErrorCode
from contracts.messages import EntitlementState
from tests.backend_stub.instants import SHANGHAI, in_shanghai

S = EntitlementState
E = EntitlementEvent

DOCUMENT = """
PENDING                     | activated                                         | ACTIVE
PENDING                     | > 24 h                                            | PENDING
ACTIVE                      | extension captured                                | ACTIVE
PENDING, SUSPENDED          | extension captured                                | same
ACTIVE                      | newest period refunded, an earlier one still valid | ACTIVE
ACTIVE                      | only remaining period refunded                    | TERMINATED
ACTIVE, SUSPENDED           | midnight after end                                | EXPIRED
EXPIRED                     | late-reported last-day capture                    | ACTIVE
ACTIVE                      | suspend                                           | SUSPENDED
SUSPENDED                   | lift                                              | ACTIVE
PENDING, ACTIVE, SUSPENDED  | terminate                                         | TERMINATED
PENDING, ACTIVE, SUSPENDED  | dealer deactivation                               | DEACTIVATED
"""
"""The rows as the document has them; "same" beside the last two means the three states before."""


def rows() -> dict[tuple[S, E], S]:
    found = {}
    for line in DOCUMENT.strip().splitlines():
        states, event, after = (cell.strip() for cell in line.split("|"))
        for state in states.split(", "):
            found[S(state), E(event)] = S(state) if after == "same" else S(after)
    return found


ROWS = rows()
BOUGHT = in_shanghai("2026-05-01 12:00")
NOW = in_shanghai("2026-06-10 09:00")
ENDS = (E.TERMINATE, E.DEACTIVATE, E.LAST_REFUNDED)


def held(state: EntitlementState) -> Entitlement:
    return Entitlement(
        entitlement_id=1,
        vin="V",
        service="RTTI",
        origin=Origin.STORE,
        state=state,
        periods=(booked.fresh_period("CN-000001", 3, BOUGHT, CN),),
        renewal=RenewalChoice.AUTO,
    )


@pytest.mark.req("R-401", "R-501", "R-502", "R-511", "R-514", "R-516")
def test_the_codes_table_is_the_documents_row_for_row() -> None:
    assert booked.TRANSITIONS == ROWS


@pytest.mark.req("R-401", "R-501", "R-502", "R-511", "R-514", "R-516", "R-517")
@pytest.mark.parametrize(("state", "event"), list(product(S, E)), ids=lambda each: each.name)
def test_every_event_in_every_state(state: EntitlementState, event: EntitlementEvent) -> None:
    before = held(state)
    if (state, event) in ROWS:
        after = booked.step(before, event)
        assert after.state is ROWS[state, event]
        assert after.periods == before.periods
        return
    with pytest.raises(BackendError) as refused:
        booked.step(before, event)
    assert refused.value.code is ErrorCode.INVALID_STATE
    with pytest.raises(BackendError):
        booked.stop(before, event, NOW)
    assert before == held(state)


@pytest.mark.req("R-511", "R-514", "R-516")
@pytest.mark.parametrize("state", [S.PENDING, S.ACTIVE, S.SUSPENDED])
@pytest.mark.parametrize("event", [E.TERMINATE, E.DEACTIVATE])
def test_an_end_keeps_the_dates_and_its_instant_and_renews_nothing(
    state: EntitlementState, event: EntitlementEvent
) -> None:
    before = held(state)
    after = booked.stop(before, event, NOW)
    assert after.ended_at_ms == NOW
    assert after.renewal is RenewalChoice.NONE
    assert (after.booked_from, after.booked_until) == (before.booked_from, before.booked_until)


@pytest.mark.req("R-516")
def test_a_suspension_changes_nothing_but_the_state() -> None:
    suspended = booked.step(held(S.ACTIVE), E.SUSPEND)
    assert suspended.booked_until == date(2026, 7, 31)
    assert booked.step(suspended, E.LIFT) == held(S.ACTIVE)


class WalkThroughTheTable(RuleBasedStateMachine):
    """Whatever happens to a service, in whatever order: state and dates are those of a model of the document.

    The model is a state and the last day; months are only added where the document adds them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.real = held(S.PENDING)
        self.state = S.PENDING
        self.last_day = date(2026, 7, 31)
        self.today = date(2026, 5, 1)
        self.ended = False

    @initialize(state=st.sampled_from(list(S)))
    def begin(self, state: EntitlementState) -> None:
        self.real, self.state = held(state), state

    @rule(days=st.integers(1, 60))
    def time_passes(self, days: int) -> None:
        self.today += timedelta(days=days)

    @rule(event=st.sampled_from([e for e in E if e not in (E.EXTENDED, E.LATE_EXTENDED)]))
    def something_happens(self, event: EntitlementEvent) -> None:
        noon = in_shanghai(f"{self.today} 12:00")
        if (self.state, event) not in ROWS:
            with pytest.raises(BackendError) as refused:
                booked.step(self.real, event)
            assert refused.value.code is ErrorCode.INVALID_STATE
            return
        if event in ENDS:
            self.real = booked.stop(self.real, event, noon)
        else:
            self.real = booked.step(self.real, event)
        self.state = ROWS[self.state, event]
        self.ended = self.ended or event in ENDS

    @rule()
    def a_month_on_the_first_is_bought(self) -> None:
        """Terms of this chain begin on the first of a month, so that a month's last day ends them."""
        event = E.LATE_EXTENDED if self.state is S.EXPIRED else E.EXTENDED
        if (self.state, event) not in ROWS:
            with pytest.raises(BackendError) as refused:
                booked.extend(self.real, "CN-000002", 3, BOUGHT)
            assert refused.value.code is ErrorCode.INVALID_STATE
            return
        self.real = booked.extend(self.real, "CN-000002", 3, BOUGHT)
        self.state = ROWS[self.state, event]
        first = self.last_day + timedelta(days=1)
        months = first.year * 12 + first.month - 1 + 3
        self.last_day = date(months // 12, months % 12 + 1, 1) - timedelta(days=1)

    @invariant()
    def the_service_is_what_the_model_says(self) -> None:
        assert self.real.state is self.state
        assert self.real.booked_until == self.last_day
        assert (self.real.ended_at_ms is not None) == self.ended

    @invariant()
    def delivered_is_what_is_active_and_not_over(self) -> None:
        noon = in_shanghai(f"{self.today} 12:00")
        wanted = self.state is S.ACTIVE and self.today <= self.last_day
        assert is_delivered(self.real, noon, SHANGHAI) == wanted


TestWalkThroughTheTable = WalkThroughTheTable.TestCase
TestWalkThroughTheTable.settings = settings(max_examples=40, stateful_step_count=15, deadline=None)
