"""The Payment and Service entitlement tables of section 3."""

from datetime import date
from itertools import pairwise, product

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from backend_stub.domain import entitlement as booked
from backend_stub.domain import payment
from backend_stub.domain.entitlement import Entitlement, EntitlementEvent, Origin, Period
from backend_stub.domain.market import AU, CN
from backend_stub.domain.payment import PaymentEvent, PaymentState
from backend_stub.errors import BackendError
from contracts.errors import ErrorCode
from contracts.messages import EntitlementState
from tests.backend_stub.shop import DAY, shanghai

P = PaymentState
PE = PaymentEvent
PAYMENT_ROWS = {
    (P.CREATED, PE.SESSION_OPENED): P.PENDING,
    (P.PENDING, PE.DECLINED): P.DECLINED,
    (P.PENDING, PE.NONE_FOUND): P.DECLINED,
    (P.DECLINED, PE.RETRY): P.PENDING,
    (P.PENDING, PE.ACCEPTED): P.CAPTURED,
    (P.PENDING, PE.NOT_ACCEPTED): P.RETURNED,
    (P.CAPTURED, PE.REPEATED): P.CAPTURED,
    (P.CAPTURED, PE.PAID_OUT): P.REFUNDED,
}
LATE_SUCCESS = (PE.ACCEPTED, PE.NOT_ACCEPTED)

S = EntitlementState
EE = EntitlementEvent
ENTITLEMENT_ROWS = {
    (S.PENDING, EE.ACTIVATED): S.ACTIVE,
    (S.PENDING, EE.OVERDUE): S.PENDING,
    (S.ACTIVE, EE.EXTENDED): S.ACTIVE,
    (S.PENDING, EE.EXTENDED): S.PENDING,
    (S.SUSPENDED, EE.EXTENDED): S.SUSPENDED,
    (S.ACTIVE, EE.NEWEST_REFUNDED): S.ACTIVE,
    (S.ACTIVE, EE.LAST_REFUNDED): S.TERMINATED,
    (S.ACTIVE, EE.MIDNIGHT_AFTER_END): S.EXPIRED,
    (S.SUSPENDED, EE.MIDNIGHT_AFTER_END): S.EXPIRED,
    (S.EXPIRED, EE.LATE_EXTENDED): S.ACTIVE,
    (S.ACTIVE, EE.SUSPEND): S.SUSPENDED,
    (S.SUSPENDED, EE.LIFT): S.ACTIVE,
    **{(state, EE.TERMINATE): S.TERMINATED for state in (S.PENDING, S.ACTIVE, S.SUSPENDED)},
    **{(state, EE.DEACTIVATE): S.DEACTIVATED for state in (S.PENDING, S.ACTIVE, S.SUSPENDED)},
}

CAPTURED = shanghai("2015-05-01 12:00")


def entitlement_in(state: EntitlementState) -> Entitlement:
    period = booked.fresh_period("CN-000001", 3, CAPTURED, CN)
    return Entitlement(
        entitlement_id=1, vin="V", service="RTTI", origin=Origin.STORE, state=state, periods=(period,)
    )


@pytest.mark.req("R-305", "R-306")
@pytest.mark.parametrize(("state", "event"), list(product(P, PE)), ids=lambda each: each.name)
def test_a_payment_follows_the_documents_rows(state: PaymentState, event: PaymentEvent) -> None:
    if (state, event) in PAYMENT_ROWS:
        assert payment.step(state, event) is PAYMENT_ROWS[state, event]
    elif event in LATE_SUCCESS and (state, event) in payment.TRANSITIONS:
        assert payment.step(state, event) in (P.CAPTURED, P.RETURNED, P.REFUNDED)
    else:
        with pytest.raises(BackendError) as refused:
            payment.step(state, event)
        assert refused.value.code is ErrorCode.INVALID_STATE


@pytest.mark.req("R-305")
@pytest.mark.parametrize("state", P)
def test_no_success_is_ever_refused(state: PaymentState) -> None:
    after = payment.step(state, PE.NOT_ACCEPTED)
    assert after is (state if state in (P.CAPTURED, P.REFUNDED) else P.RETURNED)


@pytest.mark.req("R-401", "R-501", "R-502")
@pytest.mark.parametrize(("state", "event"), list(product(S, EE)), ids=lambda each: each.name)
def test_an_entitlement_follows_the_documents_rows(state: EntitlementState, event: EntitlementEvent) -> None:
    before = entitlement_in(state)
    if (state, event) in ENTITLEMENT_ROWS:
        after = booked.step(before, event)
        assert after.state is ENTITLEMENT_ROWS[state, event]
        assert after.periods == before.periods
        return
    with pytest.raises(BackendError) as refused:
        booked.step(before, event)
    assert refused.value.code is ErrorCode.INVALID_STATE


@pytest.mark.req("R-402", "R-403")
def test_three_months_bought_on_1_may_2015_end_on_31_july() -> None:
    activated = booked.activate(entitlement_in(S.PENDING), CAPTURED + 60_000, CN)
    assert activated.booked_from == date(2015, 5, 1)
    assert activated.booked_until == date(2015, 7, 31)


@pytest.mark.req("R-401", "R-402")
def test_activation_at_exactly_24_hours_is_on_time_and_a_millisecond_later_moves_the_dates() -> None:
    on_time = booked.activate(entitlement_in(S.PENDING), CAPTURED + DAY, CN)
    late = booked.activate(entitlement_in(S.PENDING), CAPTURED + DAY + 1, CN)
    assert (on_time.booked_from, on_time.booked_until) == (date(2015, 5, 1), date(2015, 7, 31))
    assert (late.booked_from, late.booked_until) == (date(2015, 5, 2), date(2015, 8, 1))


@pytest.mark.req("R-402")
def test_where_the_profile_says_so_activation_decides_the_first_day() -> None:
    activated = booked.activate(entitlement_in(S.PENDING), CAPTURED + DAY // 2, AU)
    assert activated.booked_from == date(2015, 5, 2)


@pytest.mark.req("R-402", "R-501")
def test_an_overdue_activation_moves_the_extensions_behind_it_too() -> None:
    pending = booked.extend(entitlement_in(S.PENDING), "CN-000002", 6, CAPTURED + 1)
    assert pending.booked_until == date(2016, 1, 31)
    late = booked.activate(pending, CAPTURED + 3 * DAY, CN)
    assert late.booked_until == date(2016, 2, 3)
    assert [period.first_day for period in late.periods] == [date(2015, 5, 4), date(2015, 8, 4)]


@pytest.mark.req("R-501", "R-502")
@pytest.mark.parametrize("state", [S.ACTIVE, S.SUSPENDED, S.EXPIRED])
def test_the_capture_instant_decides_between_extension_and_a_fresh_term(state: EntitlementState) -> None:
    held = entitlement_in(state)
    midnight = shanghai("2015-08-01 00:00")
    assert booked.is_extension(held, midnight - 1, CN)
    assert not booked.is_extension(held, midnight, CN)


@pytest.mark.req("R-501")
@pytest.mark.parametrize("state", [S.TERMINATED, S.DEACTIVATED])
def test_what_was_ended_is_never_extended(state: EntitlementState) -> None:
    assert not booked.is_extension(entitlement_in(state), CAPTURED, CN)
    with pytest.raises(BackendError):
        booked.extend(entitlement_in(state), "CN-000002", 3, CAPTURED)


@pytest.mark.req("R-004")
def test_a_standard_service_has_no_end_to_extend() -> None:
    standard = Entitlement(
        entitlement_id=1, vin="V", service="TELESERVICES", origin=Origin.STANDARD, state=S.ACTIVE
    )
    assert standard.booked_until is None
    assert not booked.is_extension(standard, CAPTURED, CN)
    with pytest.raises(BackendError):
        booked.extend(standard, "CN-000002", 3, CAPTURED)


class ChainOfPeriods(RuleBasedStateMachine):
    """Whatever is bought, in whatever state, periods follow each other without gap or overlap."""

    def __init__(self) -> None:
        super().__init__()
        self.held = entitlement_in(S.PENDING)
        self.months = [3]

    @rule(months=st.sampled_from((3, 6, 12, 36)))
    def buy(self, months: int) -> None:
        if booked.is_extension(self.held, CAPTURED, CN):
            self.held = booked.extend(self.held, "CN-000002", months, CAPTURED)
            self.months.append(months)

    @rule(delay_ms=st.integers(0, 5 * DAY))
    def activate(self, delay_ms: int) -> None:
        if self.held.state is S.PENDING:
            self.held = booked.activate(self.held, CAPTURED + delay_ms, CN)

    @rule(event=st.sampled_from((EE.SUSPEND, EE.LIFT, EE.MIDNIGHT_AFTER_END, EE.OVERDUE)))
    def happen(self, event: EntitlementEvent) -> None:
        if (self.held.state, event) in ENTITLEMENT_ROWS:
            self.held = booked.step(self.held, event)

    @invariant()
    def periods_follow_each_other(self) -> None:
        periods: tuple[Period, ...] = self.held.periods
        assert [period.months for period in periods] == self.months
        for before, after in pairwise(periods):
            assert (after.first_day - before.last_day).days == 1
        assert all(period.first_day <= period.last_day for period in periods)


TestChainOfPeriods = ChainOfPeriods.TestCase
TestChainOfPeriods.settings = settings(max_examples=30, stateful_step_count=12, deadline=None)
