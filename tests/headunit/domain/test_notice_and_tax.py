"""What an Australian driver sees of tax, notice and auto-renew (R-310, R-504, R-505)."""

import pytest
from msgspec.structs import replace

from contracts.errors import ErrorCode
from contracts.messages import EntitlementState, OrderState
from headunit.domain.intents import PlaceOrder
from tests.headunit.domain import car
from tests.headunit.domain.australia import CATALOGUE, booked, facts, melbourne, order, snapshot
from tests.headunit.domain.car import BACK, CONCIERGE_NAME, MENU, PRESS, RTTI_NAME, STORE, Driver, rotate

LAST_DAY = "2026-08-21"  # 42 days after 10 July
NOTICE_BY = "2026-07-10"
MIDNIGHT = melbourne("2026-07-11T00:00:00")


def with_service(*, auto_renew: bool = False, now_ms: int = car.NOW) -> Driver:
    known = snapshot(entitlements=(booked(LAST_DAY, NOTICE_BY, auto_renew=auto_renew),))
    return Driver(facts(now_ms, snapshot=known))


@pytest.mark.req("R-310")
def test_price_lists_show_the_price_without_tax_and_say_so() -> None:
    driver = Driver(facts()).chooses(*STORE)
    assert "3 months A$ 45.00" in driver.panel()
    assert "Prices plus GST" in driver.panel()
    driver.chooses(RTTI_NAME)
    assert driver.row("3 months") == "A$ 45.00 plus GST"
    assert driver.row("36 months") == "A$ 380.00 plus GST"


@pytest.mark.req("R-310")
def test_basket_and_checkout_show_lines_tax_and_total() -> None:
    driver = Driver(facts()).chooses(*STORE, RTTI_NAME, "3 months")
    driver.does(MENU).chooses(*STORE, CONCIERGE_NAME, "6 months")
    for page in ("store.basket", "store.checkout"):
        if page == "store.checkout":
            driver.chooses("Checkout")
        assert driver.screen.screen == page
        assert driver.row(f"{RTTI_NAME} · 3 months") == "A$ 45.00"
        assert driver.row(f"{CONCIERGE_NAME} · 6 months") == "A$ 168.00"
        assert driver.row("plus GST") == "A$ 21.30"
        assert driver.row("Total") == "A$ 234.30"
    assert driver.row("Order with obligation to pay") == "A$ 234.30"


@pytest.mark.req("R-310", "R-103")
def test_a_new_tax_is_a_new_price_that_has_to_be_seen() -> None:
    driver = Driver(facts()).chooses(*STORE, RTTI_NAME, "3 months", "Checkout")
    traffic = CATALOGUE.products[0]
    offers = tuple(replace(offer, tax_minor=offer.tax_minor + 1) for offer in traffic.offers)
    products = (replace(traffic, offers=offers), *CATALOGUE.products[1:])
    driver.learns(catalogue=replace(CATALOGUE, products=products, list_version=2))
    assert "I have seen the new total" in driver.labels()
    assert driver.row("Total") == "A$ 49.51"


@pytest.mark.req("R-310")
def test_an_order_shows_the_tax_inside_its_total() -> None:
    driver = Driver(facts(snapshot=snapshot(orders=(order(),)))).chooses(*STORE, "Open orders")
    assert "Total A$ 49.50" in driver.panel()
    assert "of this GST A$ 4.50" in driver.panel()
    driver.chooses(RTTI_NAME)
    assert driver.row(f"{RTTI_NAME} · 3 months") == "A$ 49.50"


@pytest.mark.req("R-310")
def test_where_prices_include_the_tax_nothing_is_said_of_it() -> None:
    driver = Driver(car.facts(snapshot=car.snapshot(orders=(car.order(OrderState.PAID),)))).chooses(*STORE)
    assert "plus" not in driver.panel()
    driver.chooses(CONCIERGE_NAME)
    assert driver.row("3 months") == "¥ 300.00"
    driver.chooses("3 months", "Checkout")
    assert not any(label.startswith("plus") for label in driver.labels())
    driver.does(MENU).chooses(*STORE, "Open orders")
    assert "of this" not in driver.panel()


@pytest.mark.req("R-505")
@pytest.mark.parametrize(("auto_renew", "word"), [(True, "on"), (False, "off")])
def test_auto_renew_is_shown_and_cannot_be_switched_in_the_car(auto_renew: bool, word: str) -> None:
    driver = with_service(auto_renew=auto_renew).chooses(*STORE, "Booked Services", RTTI_NAME)
    assert f"Auto-renew {word}" in driver.panel()
    assert "Switched in the Portal" in driver.panel()
    assert driver.labels() == ("Renew", "Back")


@pytest.mark.req("R-504")
def test_booked_until_and_the_last_day_for_notice_are_shown() -> None:
    driver = with_service().chooses(*STORE, "Booked Services", RTTI_NAME)
    assert "Booked until 21/08/2026" in driver.panel()
    assert "Can be renewed until 10/07/2026" in driver.panel()


@pytest.mark.req("R-504")
def test_the_last_day_for_notice_counts_to_its_last_millisecond() -> None:
    driver = with_service(now_ms=MIDNIGHT - 1).chooses(*STORE, "Booked Services", RTTI_NAME)
    assert "Can be renewed until 10/07/2026" in driver.panel()
    assert driver.presenter.next_change_ms() == MIDNIGHT
    driver.learns(now_ms=MIDNIGHT)
    assert "Notice of renewal was due by 10/07/2026." in driver.panel()
    assert "Auto-renew can still be switched on in the Portal." in driver.panel()


@pytest.mark.req("R-505")
def test_after_the_last_day_for_notice_auto_renew_that_is_on_needs_nothing() -> None:
    driver = with_service(auto_renew=True, now_ms=MIDNIGHT).chooses(*STORE, "Booked Services", RTTI_NAME)
    assert "It renews by itself: auto-renew is on." in driver.panel()
    assert "can still be switched on" not in driver.panel()


@pytest.mark.req("R-504", "R-501")
def test_within_the_window_the_active_service_can_be_ordered() -> None:
    driver = with_service().chooses(*STORE, RTTI_NAME)
    assert "Booked until 21/08/2026 · renewing extends it without a gap to 21/11/2026" in driver.panel()
    driver.chooses("3 months", "Checkout").does(PRESS)
    assert isinstance(driver.last(), PlaceOrder)


@pytest.mark.req("R-504")
def test_after_the_window_no_extension_is_promised() -> None:
    driver = with_service(now_ms=MIDNIGHT).chooses(*STORE, RTTI_NAME)
    assert "Booked until 21/08/2026" in driver.panel()
    assert "extends" not in driver.panel()


@pytest.mark.req("R-504")
@pytest.mark.parametrize(
    ("detail", "date"),
    [
        ("RTTI 2026-07-09", "09/07/2026"),
        (f"{RTTI_NAME} could be renewed by notice until 2026-07-09; until 2026-08-20 00:00", "09/07/2026"),
        ("RTTI", "10/07/2026"),
        ("RTTI 2026-99-99", "10/07/2026"),
        ("", "–"),
    ],
)
def test_a_closed_window_is_explained_with_its_last_day_and_auto_renew_is_offered(
    detail: str, date: str
) -> None:
    driver = with_service().chooses(*STORE, RTTI_NAME, "3 months", "Checkout").does(PRESS)
    driver.hears("k", ErrorCode.RENEWAL_WINDOW_CLOSED, detail=detail)
    assert driver.code == "RENEWAL_WINDOW_CLOSED"
    assert f"the last day was {date}." in driver.told()
    assert driver.told().startswith(RTTI_NAME if detail else "The service")
    assert "Auto-renew can still be switched on in the Portal." in driver.told()
    assert len(driver.basket()) == 1


@pytest.mark.req("R-505")
def test_where_the_market_knows_no_auto_renew_nothing_is_said_of_it() -> None:
    bare = car.entitlement(EntitlementState.ACTIVE, "2026-07-31")
    driver = Driver(car.facts(snapshot=car.snapshot(entitlements=(bare,))))
    driver.chooses(*STORE, "Booked Services", RTTI_NAME)
    assert "Auto-renew" not in driver.panel()
    assert "renewed until" not in driver.panel()


@pytest.mark.req("R-505")
def test_on_the_last_day_nothing_is_left_to_switch() -> None:
    last_day = melbourne("2026-08-21T00:00:00")
    driver = with_service(now_ms=last_day - 1).chooses(*STORE, "Booked Services", RTTI_NAME)
    assert "Auto-renew can still be switched on in the Portal." in driver.panel()
    driver.learns(now_ms=last_day)
    assert "This is its last day; book it again tomorrow." in driver.panel()
    assert "can still be switched on" not in driver.panel()


@pytest.mark.req("R-301")
@pytest.mark.parametrize(
    ("state", "words"),
    [
        (OrderState.AWAITING_PAYMENT, "Pay on the customer portal."),
        (OrderState.PAYING, "The customer portal or 133 269 shows the true state."),
        (OrderState.PAYMENT_FAILED, "Pay again on the customer portal, or cancel."),
    ],
)
def test_where_no_link_is_sent_no_page_speaks_of_one(state: OrderState, words: str) -> None:
    driver = Driver(facts(snapshot=snapshot(orders=(order(state),))))
    driver.chooses(*STORE, "Open orders", RTTI_NAME)
    assert words in driver.panel()
    pages = [driver.panel(), driver.chooses("Cancel order").panel()]
    if state is OrderState.AWAITING_PAYMENT:
        changing = driver.does(BACK).chooses("Change order").does(rotate(2))
        pages.append(changing.panel())
        assert "The customer portal shows the new total; the deadline stays." in pages[-1]
    assert not any("link" in page for page in pages)
