"""Refunds of extensions: newest first, and booked-until falls back (R-603, D-31)."""

from collections.abc import Iterator

import pytest

from contracts.acts.bmw import SubstituteService, SuspendServices
from contracts.bench import HoldActivation
from contracts.errors import ErrorCode
from contracts.messages import EntitlementState, OrderState
from tests.backend_stub.refund_shop import RefundShop
from tests.backend_stub.shop import DAY, shanghai


@pytest.fixture
def shop() -> Iterator[RefundShop]:
    """A backend in China whose car has an owner with a name."""
    shop = RefundShop()
    yield shop
    shop.close()


@pytest.mark.req("R-603")
def test_an_extension_goes_before_what_it_extends(shop: RefundShop) -> None:
    first, second = shop.active("RTTI"), shop.active(("RTTI", 6))
    assert shop.booked("RTTI").booked_until == "2027-01-31"
    assert shop.refused_request(first) is ErrorCode.REFUND_LATEST_FIRST
    shop.request(second)
    shop.request(first)
    assert shop.refused_approval(first) is ErrorCode.REFUND_LATEST_FIRST
    shop.approve(second)
    assert shop.booked("RTTI").booked_until == "2026-07-31"
    assert shop.booked("RTTI").state is EntitlementState.ACTIVE
    assert shop.order(second).state is OrderState.REFUNDED
    shop.approve(first)
    assert shop.booked("RTTI").state is EntitlementState.TERMINATED
    assert shop.order(first).state is OrderState.REFUNDED
    assert shop.balances()


@pytest.mark.req("R-603")
def test_an_extension_that_has_not_begun_gives_all_but_the_fee_back(shop: RefundShop) -> None:
    shop.active("RTTI")
    second = shop.active(("RTTI", 6))
    shop.advance_to(shanghai("2026-07-31 23:59"))
    shop.refund(second)
    assert shop.the_refund(second).amount_minor == 26000
    assert shop.booked("RTTI").state is EntitlementState.ACTIVE
    shop.advance(60_000)
    assert shop.booked("RTTI").state is EntitlementState.EXPIRED


@pytest.mark.req("R-603")
def test_while_an_extension_runs_its_refund_ends_the_service(shop: RefundShop) -> None:
    first, second = shop.active("RTTI"), shop.active(("RTTI", 6))
    shop.advance_to(shanghai("2026-08-01 00:00"))
    assert shop.booked("RTTI").state is EntitlementState.ACTIVE
    shop.refund(second)
    assert shop.the_refund(second).amount_minor == 26000 - 26000 // 184
    assert shop.booked("RTTI").state is EntitlementState.TERMINATED
    assert shop.refused_request(first) is ErrorCode.NOTHING_REFUNDABLE


@pytest.mark.req("R-603", "R-501")
def test_what_waits_for_activation_falls_back_too(shop: RefundShop) -> None:
    shop.command(HoldActivation(held=True))
    first, second = shop.paid("RTTI"), shop.paid(("RTTI", 12))
    shop.refund(second)
    assert len(shop.entitlements("RTTI")[0].periods) == 1
    shop.command(HoldActivation(held=False))
    shop.advance(DAY)
    assert shop.booked("RTTI").booked_until == "2026-07-31"
    assert shop.order(first).state is OrderState.FULFILLED
    assert shop.balances()


@pytest.mark.req("R-603", "R-516")
def test_what_is_suspended_can_be_refunded(shop: RefundShop) -> None:
    first, second = shop.active("RTTI"), shop.active("RTTI")
    shop.bmw(SuspendServices(services=("RTTI",)))
    shop.refund(second)
    assert shop.booked("RTTI").state is EntitlementState.SUSPENDED
    assert shop.booked("RTTI").booked_until == "2026-07-31"
    shop.refund(first)
    assert shop.booked("RTTI").state is EntitlementState.TERMINATED


@pytest.mark.req("R-603", "R-501")
def test_what_was_refunded_can_be_bought_again(shop: RefundShop) -> None:
    first = shop.active("RTTI")
    shop.refund(first)
    second = shop.active("RTTI")
    assert [each.state for each in shop.entitlements("RTTI")] == [
        EntitlementState.TERMINATED,
        EntitlementState.ACTIVE,
    ]
    shop.refund(second)
    assert shop.balances()


@pytest.mark.req("R-603", "R-104")
def test_what_was_substituted_is_refunded_under_the_name_it_was_bought_by(shop: RefundShop) -> None:
    first = shop.active("RTTI", "CONCIERGE")
    second = shop.active("RTTI")
    shop.bmw(SubstituteService(service="RTTI", by="TRAFFIC"))
    shop.refund(second, "RTTI")
    assert shop.booked("TRAFFIC").booked_until == "2026-07-31"
    shop.refund(first, "RTTI")
    assert shop.booked("TRAFFIC").state is EntitlementState.TERMINATED
    assert shop.booked("CONCIERGE").state is EntitlementState.ACTIVE
    assert shop.balances()


@pytest.mark.req("R-603", "R-104")
def test_an_extension_under_a_new_name_goes_first_and_then_no_longer_stands(shop: RefundShop) -> None:
    first = shop.active("RTTI")
    shop.bmw(SubstituteService(service="RTTI", by="TRAFFIC"))
    second = shop.active("TRAFFIC")
    assert shop.refused_request(first) is ErrorCode.REFUND_LATEST_FIRST
    shop.request(second)
    shop.request(first)
    shop.end_service("TRAFFIC")
    assert shop.refused_approval(first) is ErrorCode.REFUND_LATEST_FIRST
    shop.approve(second)
    shop.approve(first)
    assert shop.order(first).state is shop.order(second).state is OrderState.REFUNDED
    assert shop.balances()


@pytest.mark.req("R-603", "R-402")
def test_a_term_that_still_waits_for_activation_has_not_passed(shop: RefundShop) -> None:
    shop.command(HoldActivation(held=True))
    first, second = shop.paid("RTTI"), shop.paid(("RTTI", 12))
    shop.advance(100 * DAY)
    shop.refund(second)
    assert shop.the_refund(second).amount_minor == 48000
    shop.command(HoldActivation(held=False))
    shop.advance(DAY)
    assert shop.booked("RTTI").booked_until == "2026-11-08"
    assert shop.order(first).state is OrderState.FULFILLED


@pytest.mark.req("R-602", "R-603", "R-511")
def test_what_ended_while_it_waited_was_never_used(shop: RefundShop) -> None:
    shop.command(HoldActivation(held=True))
    first, second = shop.paid("RTTI"), shop.paid(("RTTI", 12))
    shop.advance(100 * DAY)
    shop.end_service()
    shop.refund(second)
    shop.refund(first)
    assert shop.the_refund(second).amount_minor == 48000
    assert shop.the_refund(first).amount_minor == 15000
