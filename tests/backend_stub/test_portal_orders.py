"""Orders placed, modified and cancelled in the Portal (R-201 to R-209, R-214)."""

from collections.abc import Iterator
from typing import Any

import pytest

from contracts.acts import portal
from contracts.bench import ChangePrices
from contracts.errors import ErrorCode
from contracts.messages import CancelReason, Line, OrderState
from tests.backend_stub.portal_shop import ALICE, NUMBER, PortalShop
from tests.backend_stub.shop import MINUTE, lines


@pytest.fixture
def shop() -> Iterator[PortalShop]:
    """A Chinese backend whose customer is logged in."""
    shop = PortalShop()
    shop.activated()
    yield shop
    shop.close()


def order(*services: str | tuple[str, int], **wishes: Any) -> portal.PlaceOrder:
    """An order of Li Wei's, for three months unless said otherwise."""
    return portal.PlaceOrder(user=NUMBER, lines=lines(*services), **wishes)


@pytest.mark.req("R-201", "R-203", "R-301")
def test_an_order_in_the_portal_is_like_one_in_the_car(shop: PortalShop) -> None:
    shop.does(order("RTTI", ("CONCIERGE", 12)))
    [placed] = shop.backend.audit().orders
    assert (placed.state, placed.amount_minor) == (OrderState.AWAITING_PAYMENT, 15000 + 100000)
    assert shop.view(placed.number).sms_number == "138****0001"
    assert shop.message(NUMBER, "payment").order_number == placed.number
    shop.does(order("PREMIUM", sms_number="15900000002"))
    assert shop.message("15900000002", "payment").order_number == "CN-000002"


@pytest.mark.req("R-101", "R-103", "R-201", "R-203", "R-205", "R-213")
@pytest.mark.parametrize(
    ("act", "code"),
    [
        (order(), ErrorCode.EMPTY_CART),
        (order("RTTI", ("RTTI", 12)), ErrorCode.DUPLICATE_SERVICE),
        (order(("RTTI", 4)), ErrorCode.BAD_TERM),
        (order("EMERGENCY_CALL"), ErrorCode.NOT_ORDERABLE),
        (order("RTTI", sms_number="1"), ErrorCode.BAD_NUMBER),
        (order("RTTI", start_date="2026-06-01"), ErrorCode.START_DATE_UNSUPPORTED),
        (order("RTTI", instalments=3), ErrorCode.INSTALMENT_UNSUPPORTED),
        (order("RTTI", list_version=7), ErrorCode.PRICE_CHANGED),
        (order("PREMIUM"), ErrorCode.SERVICE_IN_OPEN_ORDER),
        (portal.CancelOrder(user=NUMBER, order="CN-000009"), ErrorCode.UNKNOWN_ORDER),
    ],
)
def test_the_rules_of_the_car_hold_in_the_portal(
    shop: PortalShop, act: portal.PlaceOrder, code: ErrorCode
) -> None:
    shop.accepted("PREMIUM")
    assert shop.refuses(act) is code


@pytest.mark.req("R-204")
def test_a_repeated_order_is_the_same_order(shop: PortalShop) -> None:
    act = order("RTTI", client_order_id="one")
    shop.does(act, act)
    assert len(shop.backend.audit().orders) == 1


@pytest.mark.req("R-206")
def test_either_channel_modifies_what_the_other_has_ordered(shop: PortalShop) -> None:
    number = shop.accepted("RTTI").number
    shop.command(ChangePrices(percent=10))
    shop.does(portal.ModifyOrder(user=NUMBER, lines=lines("CONCIERGE")))
    assert shop.order(number).amount_minor == 33000
    stale = portal.ModifyOrder(user=NUMBER, lines=lines("RTTI"), order_version=1)
    assert shop.refuses(stale) is ErrorCode.ORDER_CHANGED
    assert shop.refuses(portal.ModifyOrder(user=NUMBER, lines=())) is ErrorCode.EMPTY_CART
    assert shop.modify(shop.view(number), "PREMIUM").code is None


@pytest.mark.req("R-207")
def test_while_somebody_pays_nothing_is_modified(shop: PortalShop) -> None:
    shop.open_session(shop.accepted("RTTI").number)
    act = portal.ModifyOrder(user=NUMBER, lines=lines("CONCIERGE"))
    assert shop.refuses(act) is ErrorCode.PAYMENT_IN_PROGRESS


@pytest.mark.req("R-208")
def test_an_unpaid_order_is_cancelled_at_once(shop: PortalShop) -> None:
    number = shop.accepted("RTTI").number
    shop.does(portal.CancelOrder(user=NUMBER))
    assert shop.order(number).cancel_reason is CancelReason.USER
    assert shop.refuses(portal.CancelOrder(user=NUMBER)) is ErrorCode.INVALID_STATE


@pytest.mark.req("R-209")
def test_a_cancellation_blocks_the_whole_car_but_in_the_portal_only_that_orders_services(
    shop: PortalShop,
) -> None:
    number = shop.accepted("RTTI").number
    shop.open_session(number)
    shop.does(portal.CancelOrder(user=NUMBER, order=number))
    assert shop.refused("CONCIERGE") is ErrorCode.CANCEL_SYNC
    assert shop.refuses(order("RTTI")) is ErrorCode.SERVICE_IN_OPEN_ORDER
    assert shop.refuses(order("RTTI", "PREMIUM")) is ErrorCode.SERVICE_IN_OPEN_ORDER
    shop.does(order("CONCIERGE"))
    add = portal.ModifyOrder(user=NUMBER, lines=lines("CONCIERGE", "RTTI"))
    assert shop.refuses(add) is ErrorCode.SERVICE_IN_OPEN_ORDER
    shop.advance(5 * MINUTE - 1)
    assert shop.refuses(order("RTTI")) is ErrorCode.SERVICE_IN_OPEN_ORDER
    shop.advance(1)
    assert shop.order(number).state is OrderState.CANCELLED
    shop.does(order("RTTI"))


@pytest.mark.req("R-214")
def test_a_paid_order_is_the_hotlines(shop: PortalShop) -> None:
    shop.paid("RTTI")
    assert shop.refuses(portal.CancelOrder(user=NUMBER)) is ErrorCode.USE_HOTLINE
    act = portal.ModifyOrder(user=NUMBER, lines=lines("CONCIERGE"))
    assert shop.refuses(act) is ErrorCode.USE_HOTLINE


@pytest.mark.req("R-301")
def test_in_australia_the_portal_orders_without_any_message() -> None:
    shop = PortalShop("AU")
    shop.registered()
    shop.does(portal.PlaceOrder(user=ALICE, lines=(Line("RTTI", 3),)))
    [placed] = shop.backend.audit().orders
    assert placed.amount_minor == 4950
    assert shop.backend.store.sms.arrived() == ()
    shop.close()


@pytest.mark.req("R-706")
def test_a_car_without_orders_has_none_to_cancel(shop: PortalShop) -> None:
    assert shop.refuses(portal.CancelOrder(user=NUMBER)) is ErrorCode.UNKNOWN_ORDER
