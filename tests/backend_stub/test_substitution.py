"""A service gives way to another one without notice (R-104), and the range as a document (R-006)."""

import csv
from datetime import date
from io import StringIO

import pytest

from backend_stub.domain.catalogue import FIRST_LISTS, PRODUCTS, Substitute, working_features
from backend_stub.domain.descriptions import COLUMNS, descriptions_csv
from backend_stub.domain.substitution import current_code, current_name, list_with, products_now
from backend_stub.domain.vehicle import VehicleRecord
from backend_stub.errors import BackendError
from contracts.acts.agent import EndService
from contracts.acts.bmw import AnnounceEnd, ChangePriceList, SubstituteService
from contracts.acts.portal import ExportDescriptions
from contracts.bench import PaymentOutcome
from contracts.errors import ErrorCode
from contracts.messages import Catalogue, EntitlementState, OrderState, Product
from tests.backend_stub.ends_shop import does, refused, states
from tests.backend_stub.instants import in_shanghai
from tests.backend_stub.renewal_shop import USER, open_portal
from tests.backend_stub.shop import DAY, MINUTE, Shop

S = EntitlementState
NEW = SubstituteService(service="RTTI", by="LIVE", name="Live Traffic", description="Traffic, every minute.")
LIVE = Substitute("RTTI", "LIVE", "Live Traffic", "Traffic, every minute.")


def codes(products: tuple[Product, ...]) -> list[str]:
    return [product.service for product in products]


def pushed(shop: Shop) -> Catalogue:
    """The newest catalogue that waits for the car."""
    return [sent.message for sent in shop.sent() if isinstance(sent.message, Catalogue)][-1]


@pytest.mark.req("R-104")
def test_what_was_booked_goes_on_under_the_new_name_and_the_same_dates(shop: Shop) -> None:
    shop.paid("RTTI")
    shop.advance(MINUTE)
    before = shop.booked("RTTI")
    does(shop, NEW)
    after = shop.booked("LIVE")
    assert after.name == "Live Traffic"
    assert (after.state, after.booked_from, after.booked_until) == (
        before.state,
        before.booked_from,
        before.booked_until,
    )
    assert "RTTI" not in states(shop)


@pytest.mark.req("R-104")
def test_the_car_is_given_the_new_catalogue_at_once(shop: Shop) -> None:
    does(shop, NEW)
    catalogue = pushed(shop)
    assert codes(catalogue.products) == ["LIVE", "CONCIERGE", "PREMIUM"]
    assert catalogue.list_version == 2
    live, _, premium = catalogue.products
    assert (live.name, live.description) == ("Live Traffic", "Traffic, every minute.")
    assert [offer.amount_minor for offer in live.offers] == [15000, 28000, 50000, 128000]
    assert premium.includes == ("LIVE", "CONCIERGE", "REMOTE")
    assert shop.sync()[0].products == catalogue.products


@pytest.mark.req("R-104", "R-102")
def test_only_the_replacement_can_be_ordered_and_it_extends_what_was_replaced(shop: Shop) -> None:
    shop.paid("RTTI")
    shop.advance(MINUTE)
    does(shop, NEW)
    assert shop.refused("RTTI") is ErrorCode.NOT_ORDERABLE
    shop.paid("LIVE")
    [held] = shop.entitlements("LIVE")
    assert [period.bought_as for period in held.periods] == ["RTTI", ""]
    assert shop.booked("LIVE").booked_until == "2026-10-31"


@pytest.mark.req("R-104")
def test_what_waits_for_payment_or_activation_becomes_the_replacement(shop: Shop) -> None:
    shop.paid("RTTI")
    order = shop.accepted("CONCIERGE")
    does(shop, NEW)
    does(shop, SubstituteService(service="CONCIERGE", by="BUTLER"))
    shop.pay(order.number)
    shop.advance(MINUTE)
    assert states(shop)["LIVE"] is states(shop)["BUTLER"] is S.ACTIVE
    assert shop.booked("BUTLER").name == "Concierge Service"
    assert [period.bought_as for period in shop.entitlements("BUTLER")[0].periods] == ["CONCIERGE"]


@pytest.mark.req("R-104")
def test_a_service_that_is_sold_already_can_take_over_and_keeps_its_price(shop: Shop) -> None:
    shop.paid("RTTI")
    shop.advance(MINUTE)
    does(shop, SubstituteService(service="RTTI", by="PREMIUM"))
    assert codes(pushed(shop).products) == ["CONCIERGE", "PREMIUM"]
    assert pushed(shop).products[1].offers[0].amount_minor == 48000
    assert shop.booked("PREMIUM").booked_until == "2026-07-31"


@pytest.mark.req("R-104", "R-511")
def test_of_a_service_that_a_car_has_twice_the_later_end_is_shown_and_both_end_together(shop: Shop) -> None:
    shop.paid(("PREMIUM", 12))
    shop.paid("RTTI")
    shop.advance(MINUTE)
    does(shop, SubstituteService(service="RTTI", by="PREMIUM"))
    assert shop.booked("PREMIUM").booked_until == "2027-04-30"
    does(shop, EndService(service="PREMIUM"))
    assert [each.state for each in shop.entitlements("PREMIUM")] == [S.TERMINATED, S.TERMINATED]


@pytest.mark.req("R-104")
def test_substitutes_survive_restarts_and_new_prices(shop: Shop) -> None:
    does(shop, NEW)
    does(shop, ChangePriceList(percent=10))
    shop.restart_after(MINUTE)
    catalogue, _ = shop.sync()
    assert codes(catalogue.products) == ["LIVE", "CONCIERGE", "PREMIUM"]
    assert catalogue.products[0].offers[0].amount_minor == 16500


@pytest.mark.req("R-104")
def test_a_replacement_can_be_replaced(shop: Shop) -> None:
    shop.paid("RTTI")
    shop.advance(MINUTE)
    does(shop, NEW)
    does(shop, SubstituteService(service="LIVE", by="LIVE2", name="Live Traffic 2"))
    assert shop.booked("LIVE2").name == "Live Traffic 2"
    assert [period.bought_as for period in shop.entitlements("LIVE2")[0].periods] == ["RTTI"]


@pytest.mark.req("R-104")
@pytest.mark.parametrize(
    ("service", "by", "code"),
    [
        ("EMERGENCY_CALL", "LIVE", ErrorCode.NOT_ORDERABLE),
        ("NOTHING", "LIVE", ErrorCode.NOT_ORDERABLE),
        ("RTTI", "RTTI", ErrorCode.INVALID_STATE),
    ],
)
def test_what_cannot_be_replaced(shop: Shop, service: str, by: str, code: ErrorCode) -> None:
    assert refused(shop, SubstituteService(service=service, by=by)) is code


@pytest.mark.req("R-104")
def test_a_code_that_was_replaced_comes_back_for_its_own_replacement_only(shop: Shop) -> None:
    does(shop, NEW)
    taken = SubstituteService(service="CONCIERGE", by="RTTI")
    assert refused(shop, taken) is ErrorCode.INVALID_STATE
    does(shop, SubstituteService(service="LIVE", by="RTTI"))
    shop.paid("RTTI")
    shop.advance(MINUTE)
    assert states(shop)["RTTI"] is S.ACTIVE


@pytest.mark.req("R-104", "R-004")
@pytest.mark.parametrize("by", ["EMERGENCY_CALL", "TELESERVICES", "BASE"])
def test_what_is_never_for_sale_takes_nothing_over(shop: Shop, by: str) -> None:
    assert refused(shop, SubstituteService(service="RTTI", by=by)) is ErrorCode.NOT_ORDERABLE


@pytest.mark.req("R-104", "R-213")
def test_an_open_order_of_what_was_replaced_holds_the_replacement(shop: Shop) -> None:
    order = shop.accepted("RTTI")
    other = shop.accepted("CONCIERGE")
    does(shop, NEW)
    shop.sync()
    assert shop.refused("LIVE") is ErrorCode.SERVICE_IN_OPEN_ORDER
    assert shop.modify(other, "LIVE").code is ErrorCode.SERVICE_IN_OPEN_ORDER
    assert shop.modify(order, "LIVE").code is None


@pytest.mark.req("R-104", "R-212")
def test_an_order_is_not_reinstated_when_its_replacement_was_bought(shop: Shop) -> None:
    order = shop.accepted("RTTI")
    shop.advance_to(order.deadline_ms)
    shop.pay(order.number, PaymentOutcome.LATE, delay_ms=10 * MINUTE)
    does(shop, NEW)
    shop.advance(1)
    newer = shop.paid("LIVE")
    shop.advance(10 * MINUTE)
    assert shop.order(order.number).state is OrderState.CANCELLED
    assert shop.order(order.number).returned_minor == order.amount_minor
    assert shop.order(newer).state is OrderState.FULFILLED


@pytest.mark.req("R-104", "R-513")
def test_a_notice_follows_the_service(shop: Shop) -> None:
    shop.paid("RTTI")
    shop.advance(MINUTE)
    does(shop, AnnounceEnd(service="RTTI", last_day=date(2026, 6, 12)))
    does(shop, NEW)
    assert shop.booked("LIVE").ends_by_notice == "2026-06-12"
    shop.advance_to(in_shanghai("2026-06-13 00:00"))
    assert states(shop)["LIVE"] is S.TERMINATED


@pytest.mark.req("R-104", "R-403")
def test_the_replacement_expires_at_the_old_midnight(shop: Shop) -> None:
    shop.paid("RTTI")
    shop.advance(MINUTE)
    does(shop, NEW)
    shop.advance_to(in_shanghai("2026-08-01 00:00") - 1)
    assert states(shop)["LIVE"] is S.ACTIVE
    shop.advance(1)
    assert states(shop)["LIVE"] is S.EXPIRED


@pytest.mark.req("R-104", "R-105")
def test_packages_hold_the_replacement() -> None:
    products = products_now((LIVE,))
    assert working_features(["PREMIUM"], products) == {"PREMIUM", "LIVE", "CONCIERGE", "REMOTE"}
    assert products[0].needs == PRODUCTS[0].needs
    assert current_name("LIVE", (LIVE,)) == "Live Traffic"
    assert current_name("CONCIERGE", (LIVE,)) == "Concierge Service"


@pytest.mark.req("R-104", "R-105")
def test_a_package_holds_nothing_twice_and_not_itself() -> None:
    [_, premium] = products_now((Substitute("RTTI", "CONCIERGE"),))
    assert premium.includes == ("CONCIERGE", "REMOTE")
    [_, premium] = products_now((Substitute("RTTI", "PREMIUM"),))
    assert premium.includes == ("CONCIERGE", "REMOTE")


@pytest.mark.req("R-104")
def test_codes_follow_their_replacements_in_the_order_of_time() -> None:
    back = Substitute("LIVE", "RTTI")
    assert current_code("RTTI", ()) == "RTTI"
    assert current_code("RTTI", (LIVE, Substitute("LIVE", "LIVE2"))) == "LIVE2"
    assert current_code("RTTI", (LIVE, back)) == "RTTI"
    assert current_code("CONCIERGE", (LIVE, back)) == "CONCIERGE"
    with pytest.raises(BackendError):
        list_with(list_with(FIRST_LISTS["CN"], LIVE), LIVE)


@pytest.mark.req("R-006")
def test_the_document_lists_descriptions_durations_and_availability_for_the_car() -> None:
    plain = VehicleRecord(vin="V", equipment=("telephony",))
    head, *rows = csv.reader(StringIO(descriptions_csv(plain, PRODUCTS), newline=""))
    assert tuple(head) == COLUMNS
    table = {row[0]: row for row in rows}
    assert list(table) == ["RTTI", "CONCIERGE", "PREMIUM", "EMERGENCY_CALL", "TELESERVICES"]
    assert table["CONCIERGE"][1:] == [PRODUCTS[1].name, PRODUCTS[1].description, "3 6 12 36", "yes", "no"]
    assert [table[code][4] for code in table] == ["no", "yes", "no", "yes", "yes"]
    assert [table[code][5] for code in table] == ["no", "no", "no", "yes", "yes"]


@pytest.mark.req("R-006")
def test_the_portal_exports_it_for_the_linked_car(shop: Shop) -> None:
    assert refused(shop, ExportDescriptions(user=USER)) is ErrorCode.NOT_LOGGED_IN
    open_portal(shop)
    does(shop, ExportDescriptions(user=USER))
    [export] = [entry for entry in shop.book.entries if entry.kind == "export"]
    assert (export.key, export.state, export.data["services"]) == ("descriptions", "made", 5)


@pytest.mark.req("R-005")
def test_the_order_form_gives_the_term_and_all_origins_end_alike(shop: Shop) -> None:
    shop.paid(("RTTI", 6))
    shop.advance(MINUTE)
    shop.advance(3 * 366 * DAY)
    assert [each.origin for each in shop.entitlements("BASE")] == ["CONTRACT"]
    assert [each.origin for each in shop.entitlements("RTTI")] == ["STORE"]
    assert [each.origin for each in shop.entitlements("TELESERVICES")] == ["STANDARD"]
    assert [each.state for each in shop.entitlements("BASE")] == [S.EXPIRED]
    assert [each.state for each in shop.entitlements("RTTI")] == [S.EXPIRED]
    assert [each.state for each in shop.entitlements("TELESERVICES")] == [S.ACTIVE]
