"""A Store that needs a Portal account: closed until the car is linked, and it says how (R-202, R-706)."""

import pytest

from contracts.errors import ErrorCode
from contracts.messages import Line
from headunit.domain import rules
from headunit.domain.intents import ChangeOrder, PlaceOrder, RequestSync
from headunit.domain.link_page import grouped
from headunit.domain.situation import situation_of
from tests.headunit.domain import car
from tests.headunit.domain.australia import facts, order, snapshot
from tests.headunit.domain.car import MENU, PRESS, RTTI, RTTI_NAME, STORE, TUNNEL, Driver

UNLINKED = snapshot(store_needs=ErrorCode.REGISTRATION_REQUIRED)
SPACED = "471 108"
LINE = Line(RTTI, 3)


@pytest.mark.req("R-202")
def test_the_store_of_an_unlinked_car_opens_to_what_has_to_be_done() -> None:
    driver = Driver(facts(snapshot=UNLINKED)).chooses(*STORE)
    assert driver.code == "REGISTRATION_REQUIRED"
    assert "not linked to a Portal account" in driver.told()
    assert driver.labels() == ("Link this car", "My basket", "Open orders", "Booked Services (1)")
    assert driver.screen.rows[driver.screen.focus].label == "Link this car"
    assert SPACED in driver.panel()


@pytest.mark.req("R-202", "R-706")
def test_the_page_for_linking_names_code_vin_and_the_other_feature() -> None:
    driver = Driver(facts(snapshot=UNLINKED)).chooses(*STORE, "Link this car")
    assert driver.screen.screen == "store.link"
    assert [line.text for line in driver.screen.panel if line.large] == [SPACED]
    for part in ("customer Portal", "VIN", SPACED, "date of first registration", "engine number"):
        assert part in driver.panel()
    driver.chooses("Synchronise now")
    assert isinstance(driver.last(), RequestSync)


@pytest.mark.req("R-706")
def test_without_a_code_the_page_says_when_there_will_be_one() -> None:
    known = snapshot(store_needs=ErrorCode.REGISTRATION_REQUIRED, link_code="")
    driver = Driver(facts(snapshot=known)).chooses(*STORE, "Link this car")
    assert "The code appears with the next synchronisation." in driver.panel()


def test_a_code_is_shown_in_groups_of_three() -> None:
    assert [grouped(code) for code in ("471108", "47110", "", "7QK2")] == ["471 108", "471 10", "", "7QK 2"]


@pytest.mark.req("R-202")
def test_the_store_opens_under_the_drivers_eyes_when_the_car_is_linked() -> None:
    driver = Driver(facts(snapshot=UNLINKED)).chooses(*STORE, "Link this car")
    driver.learns(snapshot=snapshot(2))
    assert "The Store is open to this car." in driver.panel()
    driver.chooses("ConnectedDrive Store")
    assert driver.labels()[0] == RTTI_NAME
    assert driver.code == ""


@pytest.mark.req("R-202")
def test_a_basket_from_before_is_kept_and_checkout_leads_to_linking() -> None:
    driver = Driver(facts()).chooses(*STORE, RTTI_NAME, "3 months", "Checkout")
    driver.learns(snapshot=snapshot(2, store_needs=ErrorCode.REGISTRATION_REQUIRED))
    assert driver.code == "REGISTRATION_REQUIRED"
    assert "Order with obligation to pay" not in driver.labels()
    driver.chooses("Link this car")
    assert driver.screen.screen == "store.link"
    assert driver.basket() == (LINE,)
    assert not any(isinstance(intent, PlaceOrder) for intent in driver.intents)


@pytest.mark.req("R-202")
def test_an_answer_that_the_car_is_not_linked_keeps_the_basket() -> None:
    driver = Driver(facts()).chooses(*STORE, RTTI_NAME, "3 months", "Checkout").does(PRESS)
    driver.hears("k", ErrorCode.REGISTRATION_REQUIRED)
    assert driver.code == "REGISTRATION_REQUIRED"
    assert driver.basket() == (LINE,)


@pytest.mark.req("R-202")
def test_every_way_to_order_is_refused_to_an_unlinked_car() -> None:
    here = situation_of(facts(snapshot=snapshot(orders=(order(),), store_needs="REGISTRATION_REQUIRED")), {})
    refusals = (
        rules.refuse_put(here, (), LINE),
        rules.refuse_place(here, (LINE,), ""),
        rules.refuse_change(here, order(), (LINE,)),
    )
    assert {(r.code, r.rule) for r in refusals if r is not None} == {("REGISTRATION_REQUIRED", "R-202")}
    assert None not in refusals
    assert rules.refuse_cancel(here, order()) is None


@pytest.mark.req("R-202")
def test_offline_a_car_that_has_never_heard_does_not_know_whether_it_may_order() -> None:
    unheard = facts(modem=TUNNEL, session=False, snapshot=None, offline_since_ms=car.NOW - 52_000)
    driver = Driver(unheard).chooses(*STORE)
    assert driver.code == "NO_CONNECTION"
    assert "Whether it is will be known with the next connection." in driver.told()
    assert driver.labels()[0] == "Try again"
    assert RTTI_NAME not in driver.labels()
    refused = rules.refuse_put(situation_of(unheard, {}), (), LINE)
    assert refused is not None
    assert (refused.code, refused.rule) == ("NO_CONNECTION", "R-202")
    driver.does(PRESS)
    assert driver.code == "NO_CONNECTION"


@pytest.mark.req("R-202")
def test_online_the_first_answer_is_awaited_without_alarm() -> None:
    driver = Driver(facts(snapshot=None)).chooses(*STORE)
    assert driver.labels()[0] == "Products appear with the first synchronisation"
    assert driver.code == ""


@pytest.mark.req("R-202")
def test_known_to_be_unlinked_and_offline_an_order_waits_for_the_network_first() -> None:
    here = situation_of(facts(snapshot=UNLINKED, modem=TUNNEL, session=False), {})
    refused = rules.refuse_place(here, (LINE,), "")
    assert refused is not None
    assert refused.code is ErrorCode.NO_CONNECTION


@pytest.mark.req("R-202")
def test_where_no_login_is_needed_the_store_is_open_before_the_first_snapshot() -> None:
    driver = Driver(car.facts(snapshot=None)).chooses(*STORE)
    assert driver.labels()[0] == RTTI_NAME
    assert rules.refuse_put(situation_of(car.facts(snapshot=None), {}), (), LINE) is None


@pytest.mark.req("R-705")
def test_a_store_closed_for_another_reason_says_so_and_offers_to_look_again() -> None:
    driver = Driver(facts(snapshot=snapshot(store_needs=ErrorCode.DATA_MISSING))).chooses(*STORE)
    assert driver.code == "DATA_MISSING"
    driver.chooses("Try again")
    assert isinstance(driver.last(), RequestSync)


@pytest.mark.req("R-202")
def test_a_change_put_together_before_is_not_sent_from_a_closed_store() -> None:
    driver = Driver(facts(snapshot=snapshot(orders=(order(),))))
    driver.chooses(*STORE, "Open orders", RTTI_NAME, "Change order", f"{RTTI_NAME} · 3 months", "6 months")
    driver.learns(snapshot=snapshot(2, orders=(order(),), store_needs=ErrorCode.REGISTRATION_REQUIRED))
    driver.chooses("Change with obligation to pay")
    assert driver.code == "REGISTRATION_REQUIRED"
    assert not any(isinstance(intent, ChangeOrder) for intent in driver.intents)


@pytest.mark.req("R-706", "R-833", "R-102")
def test_about_this_car_shows_code_terms_and_whom_to_call() -> None:
    driver = Driver(facts()).chooses("Settings", "About this car")
    assert driver.screen.screen == "settings.info"
    assert f"Code for linking in the Portal {SPACED}" in driver.panel()
    assert "Terms of use, version 2015-03" in driver.panel()
    assert "Questions about products 133 269" in driver.panel()
    assert "Orders and payments 133 269" in driver.panel()


@pytest.mark.req("R-833")
def test_what_the_car_has_not_been_told_is_left_out() -> None:
    driver = Driver().does(MENU).chooses("Settings", "About this car")
    assert "Terms" not in driver.panel()
    assert "Code" not in driver.panel()
