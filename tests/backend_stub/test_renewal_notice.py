"""Notice of renewal at work: by form and by order, in time and late, and what the car is shown."""

from collections.abc import Iterator

import pytest

from backend_stub.errors import BackendError
from contracts.errors import ErrorCode
from contracts.messages import (
    UP_MESSAGES,
    CancelOrder,
    EntitlementState,
    ModifyOrder,
    OrderState,
    SubmitOrder,
    SyncRequest,
)
from tests.backend_stub.instants import in_melbourne
from tests.backend_stub.renewal_shop import AuShop
from tests.backend_stub.shop import DAY, MINUTE, Shop

S = EntitlementState
LAST_DAY = in_melbourne("2026-06-19 00:00")
"""The last day for notice of a service that ends on 31 July."""


@pytest.fixture
def au_shop() -> Iterator[AuShop]:
    """A shop in which the car has RTTI from 1 May to 31 July 2026."""
    shop = AuShop()
    assert shop.booked_service().booked_until == "2026-07-31"
    yield shop
    shop.close()


def closed_for_orders(shop: AuShop, *services: str) -> BackendError:
    before = shop.backend.audit()
    with pytest.raises(BackendError) as refused:
        shop.order_in_portal(*services)
    assert shop.backend.audit() == before
    assert refused.value.code is ErrorCode.RENEWAL_WINDOW_CLOSED
    return refused.value


@pytest.mark.req("R-504")
def test_the_car_is_shown_until_when_notice_can_be_given(au_shop: AuShop) -> None:
    assert (au_shop.booked("RTTI").renew_by, au_shop.booked("RTTI").auto_renew) == ("2026-06-19", False)
    assert (au_shop.booked("EMERGENCY_CALL").renew_by, au_shop.booked("EMERGENCY_CALL").auto_renew) == (
        "",
        None,
    )


@pytest.mark.req("R-505")
def test_the_car_can_only_read_what_was_chosen() -> None:
    assert UP_MESSAGES == (SyncRequest, SubmitOrder, ModifyOrder, CancelOrder)


@pytest.mark.req("R-501", "R-503")
def test_where_renewal_needs_no_notice_the_car_is_shown_none(shop: Shop) -> None:
    shop.paid("RTTI")
    shop.advance(MINUTE)
    assert (shop.booked("RTTI").renew_by, shop.booked("RTTI").auto_renew) == ("", None)


@pytest.mark.req("R-501", "R-504")
def test_an_order_within_the_window_is_notice_and_extends_on_capture(au_shop: AuShop) -> None:
    au_shop.advance_to(LAST_DAY + DAY - 1)
    number = au_shop.order_in_portal(("RTTI", 6))
    au_shop.pay_by_card(number)
    view = au_shop.booked("RTTI")
    assert (view.state, view.booked_until, view.renew_by) == (S.ACTIVE, "2027-01-31", "2026-12-20")
    assert au_shop.order(number).state is OrderState.FULFILLED


@pytest.mark.req("R-504")
def test_an_order_a_millisecond_late_is_refused_whole(au_shop: AuShop) -> None:
    au_shop.advance_to(LAST_DAY + DAY)
    refused = closed_for_orders(au_shop, "CONCIERGE", "RTTI")
    assert "2026-06-19" in refused.detail
    assert "auto-renew" in refused.detail
    assert au_shop.submit("CONCIERGE", "RTTI").code is ErrorCode.RENEWAL_WINDOW_CLOSED
    au_shop.order_in_portal("CONCIERGE")


@pytest.mark.req("R-504")
def test_the_cutoff_is_checked_at_submit_and_the_payment_may_come_later(au_shop: AuShop) -> None:
    au_shop.advance_to(LAST_DAY + DAY - 1)
    number = au_shop.order_in_portal("RTTI")
    au_shop.advance(MINUTE)
    au_shop.pay_by_card(number)
    assert au_shop.booked("RTTI").booked_until == "2026-10-31"


@pytest.mark.req("R-504", "R-206")
def test_a_renewal_that_is_added_to_an_open_order_is_notice_at_that_moment(au_shop: AuShop) -> None:
    au_shop.advance_to(LAST_DAY + DAY - 1)
    before = au_shop.view(au_shop.order_in_portal("RTTI"))
    other = au_shop.view(au_shop.order_in_portal("CONCIERGE"))
    au_shop.advance(1)
    kept = au_shop.modify(before, ("RTTI", 12))
    assert kept.code is None
    au_shop.cancel(before.number)
    added = au_shop.modify(other, "CONCIERGE", "RTTI")
    assert added.code is ErrorCode.RENEWAL_WINDOW_CLOSED


@pytest.mark.req("R-504")
def test_a_form_within_the_window_is_taken_and_one_after_it_is_not(au_shop: AuShop) -> None:
    au_shop.advance_to(LAST_DAY + DAY - 1)
    au_shop.notice()
    assert ("RTTI", "notice") in au_shop.journal("renewal")
    assert au_shop.booked("RTTI").auto_renew is False
    au_shop.advance(1)
    with pytest.raises(BackendError) as refused:
        au_shop.notice()
    assert refused.value.code is ErrorCode.RENEWAL_WINDOW_CLOSED
    assert au_shop.journal("refusal") == [("portal.notice", "RENEWAL_WINDOW_CLOSED")]


@pytest.mark.req("R-504")
def test_a_term_without_notice_or_auto_renew_ends_and_the_service_can_be_bought_anew(au_shop: AuShop) -> None:
    au_shop.advance_to(in_melbourne("2026-08-01 00:00") - 1)
    assert au_shop.booked("RTTI").state is S.ACTIVE
    closed_for_orders(au_shop, "RTTI")
    au_shop.advance(1)
    assert au_shop.booked("RTTI").state is S.EXPIRED
    assert len(au_shop.backend.audit().ledger) == 1
    assert au_shop.booked_service().booked_from == "2026-08-01"


@pytest.mark.req("R-504", "R-501")
def test_a_service_that_waits_for_activation_is_extended_without_a_window(au_shop: AuShop) -> None:
    au_shop.pay_by_card(au_shop.order_in_portal("PREMIUM"))
    assert au_shop.booked("PREMIUM").renew_by == ""
    au_shop.pay_by_card(au_shop.order_in_portal("PREMIUM"))
    au_shop.advance(MINUTE)
    assert au_shop.booked("PREMIUM").booked_until == "2026-10-31"
    assert len(au_shop.entitlements("PREMIUM")) == 1


@pytest.mark.req("R-504")
def test_a_chosen_renewal_of_a_service_that_waits_is_planned_when_its_end_is_known(au_shop: AuShop) -> None:
    au_shop.pay_by_card(au_shop.order_in_portal("PREMIUM"))
    au_shop.auto_renew(True, "PREMIUM")
    au_shop.advance_to(in_melbourne("2026-07-31 00:00"))
    assert au_shop.booked("PREMIUM").booked_until == "2026-10-31"


@pytest.mark.req("R-504")
@pytest.mark.parametrize("service", ["CONCIERGE", "EMERGENCY_CALL"])
def test_what_is_not_booked_or_not_sold_cannot_be_renewed(au_shop: AuShop, service: str) -> None:
    with pytest.raises(BackendError) as refused:
        au_shop.notice(service)
    assert refused.value.code in (ErrorCode.INVALID_STATE, ErrorCode.NOT_ELIGIBLE)
