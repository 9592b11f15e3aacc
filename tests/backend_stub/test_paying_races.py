"""Money against cancellation and time-out: capture time decides (R-209 to R-212)."""

import pytest

from backend_stub.domain.payment import PaymentState
from backend_stub.errors import BackendError
from contracts.bench import Pay, PaymentOutcome, ResendSms
from contracts.errors import ErrorCode
from contracts.messages import CancelReason, OrderState
from tests.backend_stub.shop import DAY, MINUTE, SECOND, Shop

LOCK = 5 * MINUTE


def state(shop: Shop, number: str) -> OrderState:
    return shop.order(number).state


def payment_states(shop: Shop) -> list[PaymentState]:
    return [payment.state for payment in shop.backend.store.payments.all()]


def refusal(shop: Shop, command: Pay | ResendSms) -> ErrorCode:
    with pytest.raises(BackendError) as refused:
        shop.command(command)
    return refused.value.code


def is_settled(shop: Shop, number: str) -> bool:
    """Whether exactly the price is kept of a paid order, and nothing of any other."""
    order = shop.order(number)
    paid = order.state in (OrderState.PAID, OrderState.FULFILLED)
    return order.captured_minor - order.returned_minor == (order.amount_minor if paid else 0)


@pytest.mark.req("R-209")
def test_cancelling_while_paying_locks_the_car_for_exactly_five_minutes(shop: Shop) -> None:
    order = shop.accepted("RTTI")
    other = shop.accepted("PREMIUM")
    shop.open_session(order.number)
    t0 = shop.now
    assert shop.cancel(order.number).code is None
    assert state(shop, order.number) is OrderState.CANCELLING
    assert shop.snapshots()[-1].locked_until_ms == t0 + LOCK
    assert shop.view(order.number).cancel_until_ms == t0 + LOCK
    assert shop.refused("CONCIERGE") is ErrorCode.CANCEL_SYNC
    assert shop.modify(other, "CONCIERGE").code is ErrorCode.CANCEL_SYNC
    assert shop.cancel(other.number).code is None
    shop.advance_to(t0 + LOCK - 1)
    assert shop.refused("CONCIERGE") is ErrorCode.CANCEL_SYNC
    shop.advance(1)
    assert state(shop, order.number) is OrderState.CANCELLED
    assert shop.view(order.number).cancel_reason is CancelReason.USER
    assert shop.snapshots()[-1].locked_until_ms is None
    shop.accepted("CONCIERGE")


@pytest.mark.req("R-209")
def test_the_time_that_is_left_is_told(shop: Shop) -> None:
    order = shop.accepted("RTTI")
    shop.open_session(order.number)
    shop.cancel(order.number)
    shop.advance(LOCK - 61 * SECOND + 1)
    assert "1:01" in shop.submit("CONCIERGE").detail


@pytest.mark.req("R-210")
def test_money_taken_before_the_cancellation_counts_when_reported_during_it(shop: Shop) -> None:
    order = shop.accepted("RTTI")
    shop.pay(order.number, PaymentOutcome.LATE, delay_ms=LOCK)
    shop.advance(1)
    shop.cancel(order.number)
    shop.advance_to(order.accepted_at_ms + LOCK)
    assert state(shop, order.number) is OrderState.FULFILLED
    assert shop.snapshots()[-1].locked_until_ms is None
    assert is_settled(shop, order.number)


@pytest.mark.req("R-210")
def test_money_taken_at_the_very_instant_of_the_cancellation_goes_back(shop: Shop) -> None:
    order = shop.accepted("RTTI")
    shop.pay(order.number, PaymentOutcome.LATE, delay_ms=MINUTE)
    shop.cancel(order.number)
    shop.advance(MINUTE)
    assert state(shop, order.number) is OrderState.CANCELLING
    assert shop.order(order.number).returned_minor == 15000
    shop.advance(LOCK)
    assert state(shop, order.number) is OrderState.CANCELLED
    assert is_settled(shop, order.number)


@pytest.mark.req("R-210")
def test_a_success_reported_at_the_instant_of_cancelled_goes_back(shop: Shop) -> None:
    order = shop.accepted("RTTI")
    shop.pay(order.number, PaymentOutcome.LATE, delay_ms=LOCK + 1)
    shop.advance(1)
    shop.cancel(order.number)
    shop.advance(LOCK)
    assert state(shop, order.number) is OrderState.CANCELLED
    assert shop.order(order.number).returned_minor == 15000
    assert is_settled(shop, order.number)


@pytest.mark.req("R-209", "R-210")
@pytest.mark.parametrize(("down_ms", "is_kept"), [(LOCK - 1, True), (LOCK, False), (LOCK + MINUTE, False)])
def test_a_report_that_waited_for_the_backends_return_counts_while_the_order_is_still_being_cancelled(
    shop: Shop, down_ms: int, is_kept: bool
) -> None:
    order = shop.accepted("RTTI")
    shop.pay(order.number, PaymentOutcome.LATE, delay_ms=3 * MINUTE)
    shop.advance(1)
    shop.cancel(order.number)
    shop.restart_after(down_ms)
    shop.advance(MINUTE)
    assert (state(shop, order.number) is OrderState.FULFILLED) == is_kept
    assert (state(shop, order.number) is OrderState.CANCELLED) != is_kept
    assert is_settled(shop, order.number)


@pytest.mark.req("R-210")
def test_a_decline_during_the_cancellation_changes_nothing(shop: Shop) -> None:
    order = shop.accepted("RTTI")
    session = shop.open_session(order.number)
    shop.cancel(order.number)
    shop.decide(session, PaymentOutcome.DECLINE)
    assert state(shop, order.number) is OrderState.CANCELLING
    shop.advance(LOCK)
    assert state(shop, order.number) is OrderState.CANCELLED


@pytest.mark.req("R-210", "R-307")
def test_money_of_a_cancelled_order_comes_back_even_when_its_report_was_lost(shop: Shop) -> None:
    order = shop.accepted("RTTI")
    shop.pay(order.number, PaymentOutcome.SILENT)
    shop.cancel(order.number)
    shop.advance(20 * MINUTE)
    assert state(shop, order.number) is OrderState.CANCELLED
    assert shop.order(order.number).returned_minor == 15000


@pytest.mark.req("R-211")
def test_a_capture_at_exactly_24_hours_counts_however_late_it_is_reported(shop: Shop) -> None:
    order = shop.accepted("RTTI")
    shop.advance(DAY - MINUTE)
    session = shop.open_session(order.number)
    shop.advance_to(order.deadline_ms)
    shop.decide(session, PaymentOutcome.APPROVE)
    assert state(shop, order.number) is OrderState.PAID


@pytest.mark.req("R-212")
def test_a_capture_in_time_that_is_reported_after_the_timeout_reinstates_the_order(shop: Shop) -> None:
    order = shop.accepted("RTTI")
    shop.advance_to(order.deadline_ms)
    shop.pay(order.number, PaymentOutcome.LATE, delay_ms=MINUTE)
    shop.advance(1)
    assert state(shop, order.number) is OrderState.CANCELLED
    shop.advance(MINUTE)
    assert state(shop, order.number) in (OrderState.PAID, OrderState.FULFILLED)
    assert shop.order(order.number).cancel_reason is None
    assert is_settled(shop, order.number)


@pytest.mark.req("R-212")
def test_a_capture_after_the_deadline_goes_back_with_the_fee(shop: Shop) -> None:
    order = shop.accepted("RTTI")
    shop.advance_to(order.deadline_ms)
    shop.pay(order.number, PaymentOutcome.APPROVE, delay_ms=1)
    shop.advance(MINUTE)
    assert state(shop, order.number) is OrderState.CANCELLED
    assert shop.order(order.number).returned_minor == shop.order(order.number).captured_minor == 15000


@pytest.mark.req("R-212")
def test_an_order_is_not_reinstated_when_its_service_was_bought_again(shop: Shop) -> None:
    old = shop.accepted("RTTI")
    shop.advance_to(old.deadline_ms)
    shop.pay(old.number, PaymentOutcome.LATE, delay_ms=10 * MINUTE)
    shop.advance(1)
    new = shop.paid("RTTI")
    shop.advance(10 * MINUTE)
    assert state(shop, old.number) is OrderState.CANCELLED
    assert is_settled(shop, old.number)
    assert is_settled(shop, new)
    assert len(shop.entitlements("RTTI")) == 1
