"""Rows of refunds, payouts, invoices and working days: kept, guarded, and there after a restart."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest

from backend_stub.domain.invoice import InvoiceWish
from backend_stub.domain.refund import Payout, RefundGround, RefundRequest, RefundState
from backend_stub.domain.working_days import WorkCalendar
from backend_stub.errors import ConcurrentChangeError
from tests.backend_stub.refund_shop import RefundShop
from tests.backend_stub.shop import SECOND

REFUND = RefundRequest(
    refund_id=0,
    order_number="CN-000001",
    service="RTTI",
    ground=RefundGround.REQUEST,
    state=RefundState.VERIFYING,
    amount_minor=13000,
    currency="CNY",
    usage_date=date(2026, 5, 1),
    requested_at_ms=1,
    customer="Chen Wei",
)


@pytest.fixture
def shop() -> Iterator[RefundShop]:
    """A backend whose store has no refunds yet."""
    shop = RefundShop()
    yield shop
    shop.close()


@pytest.mark.req("R-603")
def test_a_line_has_one_request_that_counts_whoever_comes_second(shop: RefundShop) -> None:
    rows = shop.backend.store.refunds
    rejected = rows.add(replace(REFUND, state=RefundState.REJECTED, amount_minor=0))
    first = rows.add(REFUND)
    with pytest.raises(ConcurrentChangeError):
        rows.add(REFUND)
    other = rows.add(replace(REFUND, service="PREMIUM"))
    assert rows.of_order("CN-000001") == (rejected, first, other)
    assert rows.all() == (rejected, first, other)
    assert rows.get(first.refund_id) == first
    assert rows.get(999) is None


@pytest.mark.req("R-603", "R-605")
def test_who_has_read_an_older_row_changes_nothing(shop: RefundShop) -> None:
    rows = shop.backend.store.refunds
    first = rows.add(REFUND)
    verified = replace(first, state=RefundState.VERIFIED, verified_at_ms=2, payout_ms=3)
    rows.change(first, verified)
    with pytest.raises(ConcurrentChangeError):
        rows.change(first, replace(first, state=RefundState.VERIFIED, verified_at_ms=9))
    another = replace(verified, holder="Chen Wei", account="1")
    rows.change(verified, another)
    with pytest.raises(ConcurrentChangeError):
        rows.change(verified, replace(verified, holder="Chen Wei", account="2"))
    shop.restart_after(SECOND)
    assert shop.backend.store.refunds.of_order("CN-000001") == (another,)


@pytest.mark.req("R-604")
def test_a_request_is_paid_out_once(shop: RefundShop) -> None:
    rows = shop.backend.store.refunds
    payout = Payout(
        refund_id=7,
        order_number="CN-000001",
        service="RTTI",
        payment_id="CN-000001-P1",
        transaction_id="t",
        amount_minor=13000,
        currency="CNY",
        paid_out_at_ms=5,
    )
    rows.pay_out(payout)
    with pytest.raises(ConcurrentChangeError):
        rows.pay_out(replace(payout, paid_out_at_ms=6))
    assert rows.payouts() == (payout,)


@pytest.mark.req("R-604")
def test_special_days_take_the_place_of_those_before(shop: RefundShop) -> None:
    rows = shop.backend.store.workdays
    assert rows.get() == WorkCalendar()
    rows.put(WorkCalendar(frozenset({date(2026, 10, 1)}), frozenset({date(2026, 10, 10)})))
    work = WorkCalendar(frozenset({date(2026, 5, 1), date(2026, 5, 4)}), frozenset({date(2026, 5, 9)}))
    rows.put(work)
    shop.restart_after(SECOND)
    assert shop.backend.store.workdays.get() == work


@pytest.mark.req("R-611")
def test_a_wish_takes_the_place_of_the_one_before(shop: RefundShop) -> None:
    rows = shop.backend.store.invoices
    assert rows.wish_of("CN-000001") is None
    rows.wish("CN-000001", InvoiceWish("One", "Here"))
    rows.wish("CN-000001", InvoiceWish("Two", "There"))
    assert rows.wish_of("CN-000001") == InvoiceWish("Two", "There")
    assert rows.of_order("CN-000001") is None
