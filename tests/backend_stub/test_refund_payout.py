"""When and to whom refunded money goes (R-604, R-605, D-32)."""

from collections.abc import Iterator
from datetime import date

import pytest

from backend_stub.domain.payment import PaymentState
from backend_stub.domain.refund import RefundState
from contracts.acts.agent import ChangeOwner, ChangePayee
from contracts.acts.bmw import SetHolidays
from contracts.acts.provider import BouncePayout, Signature
from contracts.bench import AtBmw, AtHotline, AtProvider, PaymentOutcome
from contracts.errors import ErrorCode
from contracts.messages import OrderState
from tests.backend_stub.refund_shop import OWNER, RefundShop
from tests.backend_stub.shop import DAY, HOUR, SECOND, shanghai

PAYOUT = shanghai("2026-06-05 00:00")
"""The 25th working day after 1 May 2026, a Friday, begins."""


@pytest.fixture
def shop() -> Iterator[RefundShop]:
    """A backend in China whose car has an owner with a name."""
    shop = RefundShop()
    yield shop
    shop.close()


@pytest.fixture
def verified(shop: RefundShop) -> str:
    """Number of an order whose only line was refunded on 1 May 2026."""
    number = shop.active("RTTI")
    shop.refund(number)
    return number


def payee(shop: RefundShop, number: str, holder: str = OWNER) -> AtHotline:
    return AtHotline(act=ChangePayee(order=number, service="RTTI", holder=holder, account="6222 0001"))


@pytest.mark.req("R-604")
def test_money_leaves_as_the_25th_working_day_begins(shop: RefundShop, verified: str) -> None:
    shop.advance_to(PAYOUT - 1)
    assert shop.the_refund(verified).state is RefundState.VERIFIED
    assert shop.order(verified).kept_minor == 15000
    shop.advance(1)
    assert shop.the_refund(verified).state is RefundState.PAID_OUT
    assert shop.order(verified).kept_minor == 2000
    [payout] = shop.backend.store.refunds.payouts()
    assert (payout.amount_minor, payout.currency, payout.paid_out_at_ms) == (13000, "CNY", PAYOUT)
    assert payout.transaction_id == shop.backend.audit().ledger[0].transaction_id
    assert shop.balances()


@pytest.mark.req("R-604")
def test_the_last_moment_of_a_day_belongs_to_that_day(shop: RefundShop) -> None:
    number = shop.active("RTTI")
    shop.advance_to(shanghai("2026-05-04 23:59") + 59_999)
    shop.request(number)
    shop.approve(number)
    assert shop.the_refund(number).payout_ms == shanghai("2026-06-08 00:00")


@pytest.mark.req("R-604")
def test_working_days_are_counted_from_the_approval_not_from_the_request(shop: RefundShop) -> None:
    number = shop.active("RTTI")
    shop.request(number)
    shop.advance(3 * DAY)
    shop.approve(number)
    assert shop.the_refund(number).payout_ms == shanghai("2026-06-08 00:00")


@pytest.mark.req("R-604")
def test_holidays_and_working_weekends_survive_a_restart(shop: RefundShop) -> None:
    shop.set_days((date(2026, 5, 4), date(2026, 5, 5)), (date(2026, 5, 9),))
    shop.restart_after(SECOND)
    number = shop.active("RTTI")
    shop.refund(number)
    assert shop.the_refund(number).payout_ms == shanghai("2026-06-08 00:00")
    shop.set_days()
    assert shop.the_refund(number).payout_ms == shanghai("2026-06-08 00:00")
    other = shop.active("PREMIUM")
    shop.refund(other)
    assert shop.the_refund(other, "PREMIUM").payout_ms == PAYOUT


@pytest.mark.req("R-604")
def test_a_working_weekend_that_is_a_monday_is_refused(shop: RefundShop) -> None:
    command = AtBmw(act=SetHolidays(working_weekends=(date(2026, 5, 4),)))
    assert shop.refusal(command) is ErrorCode.BAD_MESSAGE


@pytest.mark.req("R-604")
def test_a_payout_waits_for_a_backend_that_is_down(shop: RefundShop, verified: str) -> None:
    shop.kill()
    shop.advance_to(PAYOUT + HOUR)
    shop.start()
    assert [each.paid_out_at_ms for each in shop.backend.store.refunds.payouts()] == [PAYOUT + HOUR]
    shop.restart_after(DAY)
    assert len(shop.backend.store.refunds.payouts()) == 1
    assert shop.balances()


@pytest.mark.req("R-604")
def test_the_payment_is_refunded_with_its_first_payout_and_stays_so(shop: RefundShop) -> None:
    number = shop.active("RTTI", "PREMIUM")
    shop.refund(number, "RTTI")
    shop.advance_to(PAYOUT)
    assert [each.state for each in shop.backend.store.payments.all()] == [PaymentState.REFUNDED]
    shop.refund(number, "PREMIUM")
    shop.advance(60 * DAY)
    assert [each.state for each in shop.backend.store.payments.all()] == [PaymentState.REFUNDED]
    premium = shop.the_refund(number, "PREMIUM").amount_minor
    assert shop.order(number).kept_minor == 63000 - 13000 - premium
    assert shop.balances()


@pytest.mark.req("R-604", "R-305")
def test_the_money_goes_to_the_payment_that_was_kept(shop: RefundShop) -> None:
    order = shop.accepted("RTTI")
    shop.pay(order.number, PaymentOutcome.WRONG_AMOUNT)
    shop.pay(order.number)
    shop.refund(order.number)
    shop.advance_to(PAYOUT)
    [payout] = shop.backend.store.refunds.payouts()
    assert payout.payment_id == f"{order.number}-P2"
    states = [each.state for each in shop.backend.store.payments.all()]
    assert states == [PaymentState.RETURNED, PaymentState.REFUNDED]


@pytest.mark.req("R-604")
def test_it_goes_to_whoever_has_paid(shop: RefundShop, verified: str) -> None:
    refund = shop.the_refund(verified)
    assert (refund.holder, refund.account) == ("", "")
    told = [entry for entry in shop.book.entries if (entry.kind, entry.state) == ("refund", "VERIFIED")]
    assert [entry.data["payee"] for entry in told] == ["paying account"]


# Another account


@pytest.mark.req("R-605")
@pytest.mark.parametrize("holder", [OWNER, "chen  WEI"])
def test_the_customers_own_other_account_gets_it_on_the_same_day(
    shop: RefundShop, verified: str, holder: str
) -> None:
    due = shop.the_refund(verified).payout_ms
    shop.command(payee(shop, verified, holder))
    refund = shop.the_refund(verified)
    assert (refund.state, refund.payout_ms, refund.account) == (RefundState.VERIFIED, due, "6222 0001")
    shop.advance_to(PAYOUT)
    assert shop.the_refund(verified).state is RefundState.PAID_OUT


@pytest.mark.req("R-605")
def test_it_can_be_named_before_the_approval(shop: RefundShop) -> None:
    number = shop.active("RTTI")
    shop.request(number)
    shop.change_payee(number)
    assert shop.the_refund(number).state is RefundState.VERIFYING
    shop.approve(number)
    assert shop.the_refund(number).account == "6222 0001"


@pytest.mark.req("R-605")
@pytest.mark.parametrize("holder", ["Wang Fang", "", "Chen", "Chen Wei Wei"])
def test_somebody_elses_account_gets_nothing(shop: RefundShop, verified: str, holder: str) -> None:
    assert shop.refusal(payee(shop, verified, holder)) is ErrorCode.NAME_MISMATCH
    assert shop.the_refund(verified).account == ""


@pytest.mark.req("R-605", "R-712")
def test_the_verified_customer_is_who_owned_the_car_when_it_was_asked_for(
    shop: RefundShop, verified: str
) -> None:
    shop.agent(ChangeOwner(name="Wang Fang", number="15900000002", line="400-800-6666"))
    assert shop.refusal(payee(shop, verified, "Wang Fang")) is ErrorCode.NAME_MISMATCH
    shop.change_payee(verified)


@pytest.mark.req("R-605")
def test_an_account_is_named_only_where_money_is_on_its_way(shop: RefundShop) -> None:
    number = shop.active("RTTI")
    assert shop.refusal(payee(shop, number)) is ErrorCode.INVALID_STATE
    shop.refund(number)
    shop.advance_to(PAYOUT)
    assert shop.refusal(payee(shop, number)) is ErrorCode.INVALID_STATE
    blank = ChangePayee(order=number, service="PREMIUM", holder=OWNER, account="1")
    assert shop.refusal(AtHotline(act=blank)) is ErrorCode.INVALID_STATE


@pytest.mark.req("R-605")
def test_an_account_has_a_number(shop: RefundShop, verified: str) -> None:
    blank = ChangePayee(order=verified, service="RTTI", holder=OWNER, account=" ")
    assert shop.refusal(AtHotline(act=blank)) is ErrorCode.DATA_MISSING


# It bounces


@pytest.mark.req("R-604", "R-605")
def test_what_bounced_is_paid_at_once_to_another_account(shop: RefundShop, verified: str) -> None:
    shop.advance(10 * DAY)
    shop.bounce(verified)
    assert shop.the_refund(verified).state is RefundState.PAYOUT_FAILED
    shop.advance(60 * DAY)
    assert shop.the_refund(verified).state is RefundState.PAYOUT_FAILED
    assert shop.order(verified).kept_minor == 15000
    assert shop.refused_request(verified) is ErrorCode.ALREADY_REFUNDED
    at = shop.now
    shop.change_payee(verified)
    assert shop.the_refund(verified).state is RefundState.PAID_OUT
    assert [each.paid_out_at_ms for each in shop.backend.store.refunds.payouts()] == [at]
    assert shop.refund_states()[-3:] == [
        (f"{verified}/RTTI", "PAYOUT_FAILED"),
        (f"{verified}/RTTI", "VERIFIED"),
        (f"{verified}/RTTI", "PAID_OUT"),
    ]
    assert shop.order(verified).state is OrderState.REFUNDED
    assert shop.balances()


@pytest.mark.req("R-604")
def test_a_bounce_of_what_is_paid_out_is_acknowledged_and_changes_nothing(
    shop: RefundShop, verified: str
) -> None:
    shop.advance_to(PAYOUT)
    shop.bounce(verified)
    assert shop.the_refund(verified).state is RefundState.PAID_OUT
    assert shop.refund_states()[-1] == (f"{verified}/RTTI", "acknowledged")
    assert shop.balances()


@pytest.mark.req("R-604")
def test_nothing_bounces_where_nothing_is_to_be_paid_out(shop: RefundShop) -> None:
    number = shop.active("RTTI")
    assert shop.refusal(AtProvider(act=BouncePayout(order=number))) is ErrorCode.INVALID_STATE
    shop.request(number)
    assert shop.refusal(AtProvider(act=BouncePayout(order=number))) is ErrorCode.INVALID_STATE


@pytest.mark.req("R-604", "R-831")
@pytest.mark.parametrize("signature", [Signature.WRONG, Signature.MISSING])
def test_a_bounce_that_is_not_signed_is_ignored(
    shop: RefundShop, verified: str, signature: Signature
) -> None:
    shop.provider(BouncePayout(order=verified, signature=signature))
    assert shop.the_refund(verified).state is RefundState.VERIFIED
    assert shop.journal("callback") == [("provider", "ignored")]
