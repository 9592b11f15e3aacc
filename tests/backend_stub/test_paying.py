"""Payment, its races, and the text messages that lead to it."""

import pytest

from backend_stub.domain.payment import PaymentState, Transaction
from backend_stub.errors import BackendError
from contracts.bench import Pay, PaymentOutcome, ResendSms, SetSms
from contracts.errors import ErrorCode
from contracts.messages import OrderState
from tests.backend_stub.shop import MINUTE, SECOND, Shop

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


@pytest.mark.req("R-301")
def test_an_accepted_order_sends_its_link_to_the_chosen_number(shop: Shop) -> None:
    order = shop.accepted("RTTI", sms_number="15900000002")
    [sms] = shop.phone
    assert sms.order_number == order.number
    assert sms.number == "159****0002"
    assert sms.url.startswith("http://127.0.0.1:8080/pay/")
    assert "¥150.00" in sms.text
    assert shop.backend.store.sms.arrived()[0].number == "15900000002"


@pytest.mark.req("R-302", "R-832")
def test_links_are_random_and_lead_to_their_order(shop: Shop) -> None:
    first, second = shop.accepted("RTTI"), shop.accepted("CONCIERGE")
    tokens = [sms.url.rpartition("/")[2] for sms in shop.phone]
    assert len(tokens[0]) >= 22
    assert tokens[0] != tokens[1]
    found = [shop.backend.store.orders.by_token(token) for token in tokens]
    assert [order.number for order in found if order] == [first.number, second.number]


@pytest.mark.req("R-303")
def test_other_providers_than_alipay_and_tenpay_are_refused(shop: Shop) -> None:
    order = shop.accepted("RTTI")
    assert refusal(shop, Pay(provider="Card")) is ErrorCode.PROVIDER_UNSUPPORTED
    assert state(shop, order.number) is OrderState.AWAITING_PAYMENT
    shop.command(Pay(provider="Tenpay"))
    assert state(shop, order.number) is OrderState.PAID


@pytest.mark.req("R-303")
def test_paying_begins_when_a_session_opens_and_not_before(shop: Shop) -> None:
    order = shop.accepted("RTTI")
    assert state(shop, order.number) is OrderState.AWAITING_PAYMENT
    shop.open_session(order.number)
    assert state(shop, order.number) is OrderState.PAYING
    with pytest.raises(BackendError):
        shop.open_session(order.number)


@pytest.mark.req("R-304")
def test_a_wrong_amount_goes_back_and_the_order_can_be_paid_again(shop: Shop) -> None:
    order = shop.accepted("RTTI")
    shop.pay(order.number, PaymentOutcome.WRONG_AMOUNT)
    assert state(shop, order.number) is OrderState.PAYMENT_FAILED
    assert shop.backend.audit().ledger[0].reason == ErrorCode.AMOUNT_MISMATCH
    assert is_settled(shop, order.number)
    shop.pay(order.number)
    assert state(shop, order.number) is OrderState.PAID
    assert is_settled(shop, order.number)
    assert payment_states(shop) == [PaymentState.RETURNED, PaymentState.CAPTURED]


@pytest.mark.req("R-305")
def test_a_report_that_comes_twice_takes_effect_once(shop: Shop) -> None:
    order = shop.accepted("RTTI")
    shop.pay(order.number, PaymentOutcome.DUPLICATE)
    shop.advance(MINUTE)
    assert len(shop.backend.audit().ledger) == 1
    assert len(shop.entitlements("RTTI")[0].periods) == 1
    assert ("CN-000001-P1", "REPEATED") in shop.journal("payment")
    assert is_settled(shop, order.number)


@pytest.mark.req("R-305")
@pytest.mark.parametrize("amount_minor", [15000, 1])
def test_another_transaction_for_a_paid_order_is_returned_in_full(shop: Shop, amount_minor: int) -> None:
    order = shop.accepted("RTTI")
    session = shop.open_session(order.number)
    shop.decide(session, PaymentOutcome.APPROVE)
    second = Transaction(
        transaction_id="second", session=session, captured_minor=amount_minor, currency="CNY", at_ms=shop.now
    )
    shop.report(second)
    assert state(shop, order.number) is OrderState.PAID
    assert [entry.returned_minor for entry in shop.backend.audit().ledger] == [0, amount_minor]
    assert is_settled(shop, order.number)
    assert len(shop.entitlements("RTTI")[0].periods) == 1


@pytest.mark.req("R-304")
def test_another_currency_goes_back_too(shop: Shop) -> None:
    order = shop.accepted("RTTI")
    session = shop.open_session(order.number)
    shop.report(
        Transaction(
            transaction_id="first", session=session, captured_minor=15000, currency="AUD", at_ms=shop.now
        )
    )
    assert state(shop, order.number) is OrderState.PAYMENT_FAILED
    assert is_settled(shop, order.number)


@pytest.mark.req("R-305", "R-306")
def test_what_an_earlier_session_says_late_is_kept_once(shop: Shop) -> None:
    order = shop.accepted("RTTI")
    first = shop.open_session(order.number)
    shop.advance(15 * MINUTE)
    second = shop.open_session(order.number)
    declined = Transaction(
        transaction_id="a", session=first, captured_minor=0, currency="CNY", at_ms=shop.now
    )
    shop.report(declined, declined=True)
    assert state(shop, order.number) is OrderState.PAYING
    shop.report(
        Transaction(transaction_id="b", session=first, captured_minor=15000, currency="CNY", at_ms=shop.now)
    )
    assert state(shop, order.number) is OrderState.PAID
    shop.decide(second, PaymentOutcome.APPROVE)
    assert [entry.returned_minor for entry in shop.backend.audit().ledger] == [0, 15000]
    assert is_settled(shop, order.number)


@pytest.mark.req("R-304", "R-305")
def test_a_wrong_amount_of_an_earlier_session_does_not_stop_the_right_one(shop: Shop) -> None:
    order = shop.accepted("RTTI")
    first = shop.open_session(order.number)
    shop.advance(15 * MINUTE)
    second = shop.open_session(order.number)
    shop.report(
        Transaction(transaction_id="a", session=first, captured_minor=1, currency="CNY", at_ms=shop.now)
    )
    shop.decide(second, PaymentOutcome.APPROVE)
    assert state(shop, order.number) is OrderState.PAID
    assert is_settled(shop, order.number)


@pytest.mark.req("R-306")
def test_a_declined_payment_is_tried_again_through_the_same_link_by_the_same_deadline(shop: Shop) -> None:
    order = shop.accepted("RTTI")
    shop.pay(order.number, PaymentOutcome.DECLINE)
    assert state(shop, order.number) is OrderState.PAYMENT_FAILED
    assert shop.view(order.number).deadline_ms == order.deadline_ms
    assert payment_states(shop) == [PaymentState.DECLINED]
    shop.pay(order.number)
    assert state(shop, order.number) is OrderState.PAID
    assert payment_states(shop) == [PaymentState.CAPTURED]


@pytest.mark.req("R-306", "R-308")
def test_the_hotline_sends_the_same_link_again_without_a_new_deadline(shop: Shop) -> None:
    order = shop.accepted("RTTI")
    shop.advance(MINUTE)
    shop.command(ResendSms(order_number=order.number))
    assert [sms.url for sms in shop.phone] == [shop.phone[0].url] * 2
    assert shop.view(order.number).deadline_ms == order.deadline_ms


@pytest.mark.req("R-306", "R-308")
def test_nothing_is_sent_again_for_an_order_that_is_paid_or_over(shop: Shop) -> None:
    paid = shop.paid("RTTI")
    over = shop.accepted("CONCIERGE").number
    shop.cancel(over)
    assert refusal(shop, ResendSms(order_number=paid)) is ErrorCode.INVALID_STATE
    assert refusal(shop, ResendSms(order_number=over)) is ErrorCode.INVALID_STATE
    assert refusal(shop, ResendSms(order_number="CN-999999")) is ErrorCode.UNKNOWN_ORDER
    assert len(shop.phone) == 2


@pytest.mark.req("R-307")
def test_a_lost_confirmation_is_found_by_asking_after_15_minutes(shop: Shop) -> None:
    order = shop.accepted("RTTI")
    paid_at = shop.now
    shop.pay(order.number, PaymentOutcome.SILENT)
    shop.advance(15 * MINUTE - 1)
    assert state(shop, order.number) is OrderState.PAYING
    shop.advance(1)
    assert state(shop, order.number) is OrderState.FULFILLED
    assert shop.backend.audit().ledger[0].captured_at_ms == paid_at


@pytest.mark.req("R-307")
def test_a_session_the_payer_left_fails_after_15_minutes(shop: Shop) -> None:
    order = shop.accepted("RTTI")
    session = shop.open_session(order.number)
    shop.advance(15 * MINUTE)
    assert state(shop, order.number) is OrderState.PAYMENT_FAILED
    with pytest.raises(BackendError):
        shop.decide(session, PaymentOutcome.APPROVE)


@pytest.mark.req("R-307")
def test_while_the_provider_does_not_know_the_order_stays_paying(shop: Shop) -> None:
    order = shop.accepted("RTTI")
    shop.pay(order.number, PaymentOutcome.SILENT, delay_ms=20 * MINUTE)
    shop.advance(15 * MINUTE)
    assert state(shop, order.number) is OrderState.PAYING
    shop.advance(15 * MINUTE)
    assert state(shop, order.number) is OrderState.FULFILLED


@pytest.mark.req("R-307", "R-305")
def test_the_report_that_comes_after_the_query_changes_nothing_more(shop: Shop) -> None:
    order = shop.accepted("RTTI")
    shop.pay(order.number, PaymentOutcome.LATE, delay_ms=20 * MINUTE)
    shop.advance(30 * MINUTE)
    assert len(shop.backend.audit().ledger) == 1
    assert is_settled(shop, order.number)


@pytest.mark.req("R-308")
def test_a_message_takes_its_time_or_is_lost_and_the_order_lives_on(shop: Shop) -> None:
    shop.command(SetSms(delay_ms=90 * SECOND))
    slow = shop.accepted("RTTI")
    shop.advance(90 * SECOND - 1)
    assert shop.phone == []
    shop.advance(1)
    assert [sms.order_number for sms in shop.phone] == [slow.number]
    shop.command(SetSms(lost=True))
    lost = shop.accepted("CONCIERGE")
    shop.advance(MINUTE)
    assert len(shop.phone) == 1
    assert ("CN-000002", "lost") in shop.journal("sms")
    assert shop.order(lost.number).state is OrderState.AWAITING_PAYMENT
    shop.command(SetSms())
    shop.command(ResendSms(order_number=lost.number))
    assert [sms.order_number for sms in shop.phone] == [slow.number, lost.number]


@pytest.mark.req("R-308")
def test_a_message_under_way_survives_a_restart(shop: Shop) -> None:
    shop.command(SetSms(delay_ms=MINUTE))
    shop.accepted("RTTI")
    shop.restart_after(2 * MINUTE)
    assert len(shop.phone) == 1


def test_paying_without_a_number_pays_the_newest_order_that_waits(shop: Shop) -> None:
    assert refusal(shop, Pay()) is ErrorCode.UNKNOWN_ORDER
    shop.accepted("RTTI")
    newest = shop.accepted("CONCIERGE")
    shop.command(Pay())
    assert state(shop, newest.number) is OrderState.PAID


def test_the_bench_decides_a_session_that_the_payer_opened_by_hand(shop: Shop) -> None:
    order = shop.accepted("RTTI")
    shop.open_session(order.number, "Tenpay")
    shop.pay(order.number)
    assert state(shop, order.number) is OrderState.PAID
    assert len(shop.backend.store.payments.all()) == 1
