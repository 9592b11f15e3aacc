"""The Order table of section 3: every row, and every pair that has none."""

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from backend_stub.domain.order import (
    Facts,
    Order,
    OrderEffect,
    OrderEvent,
    OrderLine,
    holds_service_bought_again,
    is_listed,
    is_open,
    mask_number,
    step,
)
from backend_stub.errors import BackendError
from contracts.errors import ErrorCode
from contracts.messages import CancelReason, OrderState

S = OrderState
E = OrderEvent
ACCEPTED = 1_000_000
DEADLINE = ACCEPTED + 24 * 3600 * 1000
T0 = ACCEPTED + 60_000
LOCK = 5 * 60 * 1000

ORDER = Order(
    number="CN-000001",
    vin="V",
    client_order_id="c",
    lines=(OrderLine("RTTI", 3, 15000, 2000),),
    currency="CNY",
    sms_number="13800000001",
    accepted_at_ms=ACCEPTED,
    deadline_ms=DEADLINE,
    token="t",
)

IN_TIME = Facts(DEADLINE)
TOO_LATE = Facts(DEADLINE + 1)


def order_in(state: OrderState, reason: CancelReason | None = None) -> Order:
    """An order in `state`; one that is or was CANCELLING was cancelled at T0."""
    if state is S.CANCELLED and reason is None:
        reason = CancelReason.USER
    was_cancelling = state is S.CANCELLING
    return replace(
        ORDER,
        state=state,
        cancel_reason=reason,
        cancel_at_ms=T0 if was_cancelling else None,
        cancel_until_ms=T0 + LOCK if was_cancelling else None,
    )


ROWS = [
    ((S.AWAITING_PAYMENT,), E.MODIFY, IN_TIME, S.AWAITING_PAYMENT, None),
    ((S.AWAITING_PAYMENT, S.PAYMENT_FAILED), E.PAYER_STARTS, IN_TIME, S.PAYING, None),
    ((S.AWAITING_PAYMENT, S.PAYMENT_FAILED), E.CANCEL, IN_TIME, S.CANCELLED, CancelReason.USER),
    ((S.PAYING,), E.DECLINED, IN_TIME, S.PAYMENT_FAILED, None),
    ((S.PAYING,), E.MISMATCHED, IN_TIME, S.PAYMENT_FAILED, None),
    ((S.PAYING, S.AWAITING_PAYMENT, S.PAYMENT_FAILED), E.CAPTURED, IN_TIME, S.PAID, None),
    ((S.PAYING,), E.CANCEL, Facts(T0), S.CANCELLING, None),
    ((S.CANCELLING,), E.CAPTURED, Facts(T0 - 1), S.PAID, None),
    ((S.CANCELLING,), E.CAPTURED, Facts(T0), S.CANCELLING, None),
    ((S.CANCELLING,), E.DECLINED, Facts(T0), S.CANCELLING, None),
    ((S.CANCELLING,), E.CANCEL_DUE, Facts(T0 + LOCK), S.CANCELLED, CancelReason.USER),
    (
        (S.AWAITING_PAYMENT, S.PAYING, S.PAYMENT_FAILED, S.CANCELLING),
        E.OWNER_CHANGED,
        IN_TIME,
        S.CANCELLED,
        CancelReason.OWNER,
    ),
    (
        (S.AWAITING_PAYMENT, S.PAYING, S.PAYMENT_FAILED),
        E.DEADLINE_PASSED,
        TOO_LATE,
        S.CANCELLED,
        CancelReason.TIMEOUT,
    ),
    ((S.PAID,), E.ALL_LINES_ACTIVE, IN_TIME, S.FULFILLED, None),
    ((S.PAID, S.FULFILLED), E.SOME_REFUNDED, IN_TIME, S.PARTLY_REFUNDED, None),
    ((S.PAID, S.FULFILLED, S.PARTLY_REFUNDED), E.ALL_REFUNDED, IN_TIME, S.REFUNDED, None),
]
"""The document's rows, typed anew: states, event, facts under which the guard holds, next state, reason."""

LISTED = {(state, event) for states, event, *_ in ROWS for state in states} | {(S.CANCELLED, E.CAPTURED)}
CODES = {
    (S.PAYING, E.MODIFY): ErrorCode.PAYMENT_IN_PROGRESS,
    (S.PAYMENT_FAILED, E.MODIFY): ErrorCode.NOT_MODIFIABLE,
    (S.CANCELLING, E.MODIFY): ErrorCode.CANCEL_SYNC,
    **{
        (state, event): ErrorCode.USE_HOTLINE
        for state in (S.PAID, S.FULFILLED, S.PARTLY_REFUNDED, S.REFUNDED)
        for event in (E.MODIFY, E.CANCEL)
    },
}


@pytest.mark.req("R-206", "R-208", "R-209", "R-210", "R-211", "R-304")
@pytest.mark.parametrize(
    ("state", "event", "facts", "to", "reason"),
    [(state, event, facts, to, reason) for states, event, facts, to, reason in ROWS for state in states],
)
def test_every_row_leads_where_the_document_says(
    state: OrderState, event: OrderEvent, facts: Facts, to: OrderState, reason: CancelReason | None
) -> None:
    before = order_in(state)
    after = step(before, event, facts).order
    assert (after.state, after.cancel_reason) == (to, reason)
    assert after.version == before.version + (after != before)


@pytest.mark.req("R-207", "R-214")
@pytest.mark.parametrize(
    ("state", "event"), [pair for pair in product(S, E) if pair not in LISTED], ids=lambda each: each.name
)
def test_what_no_row_lists_is_refused_with_its_rules_code_and_changes_nothing(
    state: OrderState, event: OrderEvent
) -> None:
    assert not is_listed(state, event)
    order = order_in(state)
    if event in (E.CAPTURED, E.MISMATCHED, E.DECLINED):
        taken = step(order, event, IN_TIME)
        assert taken.order is order
        assert taken.effects == (() if event is E.DECLINED else (OrderEffect.RETURN_MONEY,))
        return
    with pytest.raises(BackendError) as refused:
        step(order, event, IN_TIME)
    assert refused.value.code is CODES.get((state, event), ErrorCode.INVALID_STATE)


@pytest.mark.req("R-211")
@pytest.mark.parametrize("state", [S.AWAITING_PAYMENT, S.PAYING, S.PAYMENT_FAILED])
def test_a_capture_counts_at_exactly_24_hours_and_not_a_millisecond_later(state: OrderState) -> None:
    in_time = step(order_in(state), E.CAPTURED, IN_TIME)
    assert in_time.order.state is S.PAID
    assert OrderEffect.BOOK in in_time.effects
    late = step(order_in(state), E.CAPTURED, TOO_LATE)
    assert late.order.state is state
    assert late.effects == (OrderEffect.RETURN_MONEY,)


@pytest.mark.req("R-211")
@pytest.mark.parametrize("state", [S.AWAITING_PAYMENT, S.PAYING, S.PAYMENT_FAILED])
def test_the_timeout_does_not_strike_at_exactly_24_hours(state: OrderState) -> None:
    with pytest.raises(BackendError):
        step(order_in(state), E.DEADLINE_PASSED, IN_TIME)


@pytest.mark.req("R-209")
def test_a_cancellation_is_settled_at_exactly_five_minutes() -> None:
    cancelling = step(order_in(S.PAYING), E.CANCEL, Facts(T0)).order
    assert (cancelling.cancel_at_ms, cancelling.cancel_until_ms) == (T0, T0 + LOCK)
    with pytest.raises(BackendError):
        step(cancelling, E.CANCEL_DUE, Facts(T0 + LOCK - 1))
    assert step(cancelling, E.CANCEL_DUE, Facts(T0 + LOCK)).order.state is S.CANCELLED


@pytest.mark.req("R-210", "R-212")
@pytest.mark.parametrize(
    ("reason", "facts", "to"),
    [
        (CancelReason.TIMEOUT, IN_TIME, S.PAID),
        (CancelReason.TIMEOUT, TOO_LATE, S.CANCELLED),
        (CancelReason.TIMEOUT, Facts(DEADLINE, bought_again=True), S.CANCELLED),
        (CancelReason.USER, Facts(T0), S.CANCELLED),
        (CancelReason.USER, Facts(ACCEPTED), S.CANCELLED),
        (CancelReason.OWNER, Facts(ACCEPTED), S.CANCELLED),
    ],
)
def test_only_a_timed_out_order_is_reinstated_by_a_capture_in_time(
    reason: CancelReason, facts: Facts, to: OrderState
) -> None:
    taken = step(order_in(S.CANCELLED, reason), E.CAPTURED, facts)
    assert taken.order.state is to
    assert (OrderEffect.RETURN_MONEY in taken.effects) == (to is S.CANCELLED)
    assert (OrderEffect.BOOK in taken.effects) == (to is S.PAID)


@pytest.mark.req("R-212")
def test_bought_again_means_a_newer_paid_order_with_one_of_its_services() -> None:
    newer = replace(ORDER, number="CN-000002", accepted_at_ms=ACCEPTED + 1, state=S.PAID)
    assert holds_service_bought_again(ORDER, (ORDER, newer))
    assert not holds_service_bought_again(newer, (replace(ORDER, state=S.PAID), newer))
    assert not holds_service_bought_again(ORDER, (replace(newer, state=S.AWAITING_PAYMENT),))
    other = replace(newer, lines=(OrderLine("CONCIERGE", 3, 1, 0),))
    assert not holds_service_bought_again(ORDER, (other,))


@pytest.mark.req("R-308", "R-832")
@pytest.mark.parametrize(("number", "shown"), [("13800000001", "138****0001"), ("1234", "****"), ("", "")])
def test_numbers_are_masked(number: str, shown: str) -> None:
    assert mask_number(number) == shown


class OrderAgainstModel(RuleBasedStateMachine):
    """Random stories of one order against a model that only knows money and the clock."""

    order: Order
    now: int

    @initialize()
    def accept(self) -> None:
        self.order = ORDER
        self.now = ACCEPTED
        self.kept = 0
        self.was_cancelled_by_user = False

    def happen(self, event: OrderEvent, at_ms: int) -> tuple[OrderEffect, ...]:
        before = self.order
        try:
            taken = step(before, event, Facts(at_ms))
        except BackendError:
            assert self.order is before
            return ()
        self.order = taken.order
        return taken.effects

    @rule(by_ms=st.integers(0, 13 * 3600 * 1000))
    def wait(self, by_ms: int) -> None:
        self.now += by_ms
        if self.now > DEADLINE:
            self.happen(E.DEADLINE_PASSED, self.now)
        self.happen(E.CANCEL_DUE, self.now)

    @rule()
    def payer_starts(self) -> None:
        self.happen(E.PAYER_STARTS, self.now)

    @rule(late_by_ms=st.sampled_from((0, 1, 60_000, LOCK, DEADLINE - ACCEPTED)))
    def captured(self, late_by_ms: int) -> None:
        effects = self.happen(E.CAPTURED, max(ACCEPTED, self.now - late_by_ms))
        assert (OrderEffect.BOOK in effects) != (OrderEffect.RETURN_MONEY in effects)
        self.kept += OrderEffect.BOOK in effects

    @rule()
    def declined(self) -> None:
        self.happen(E.DECLINED, self.now)

    @rule()
    def mismatched(self) -> None:
        assert self.happen(E.MISMATCHED, self.now) == (OrderEffect.RETURN_MONEY,)

    @rule()
    def cancel(self) -> None:
        self.happen(E.CANCEL, self.now)

    @precondition(lambda self: self.order.state is S.PAID)
    @rule()
    def activated(self) -> None:
        self.happen(E.ALL_LINES_ACTIVE, self.now)

    @invariant()
    def money_is_kept_once_and_only_for_paid_orders(self) -> None:
        assert self.kept == (self.order.state in (S.PAID, S.FULFILLED))

    @invariant()
    def nothing_stays_open_beyond_its_time(self) -> None:
        if self.now > DEADLINE + LOCK:
            assert not is_open(self.order)

    @invariant()
    def only_cancelled_orders_have_a_reason(self) -> None:
        assert (self.order.cancel_reason is not None) == (self.order.state is S.CANCELLED)


TestOrderAgainstModel = OrderAgainstModel.TestCase
TestOrderAgainstModel.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
