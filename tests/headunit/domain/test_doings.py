"""What single rows do, also when the world has changed since they were drawn."""

import msgspec
import pytest

from contracts.errors import ErrorCode
from contracts.messages import EntitlementState, Line, OrderState
from headunit.domain.doings import perform
from headunit.domain.facts import CarFacts, Motion, RequestKind
from headunit.domain.focus import focus_index, rotated
from headunit.domain.intents import RequestSync
from headunit.domain.market import profile_of
from headunit.domain.menu import (
    AcceptPrices,
    Action,
    Cancel,
    DeleteDigit,
    Drop,
    Edit,
    Entry,
    GoBack,
    Kind,
    Node,
    Page,
    Place,
    SendChange,
    SetTerm,
    TypeDigit,
)
from headunit.domain.situation import situation_of
from headunit.domain.state import Asked, Draft, MenuState
from headunit.domain.texts import LocalCode, Voice, load_translation
from headunit.domain.view import View
from headunit.errors import UnknownMarketError
from tests.headunit.domain.car import (
    BACK,
    CATALOGUE,
    CONCIERGE,
    DEARER,
    MENU,
    NOW,
    PRESS,
    RTTI,
    RTTI_NAME,
    STORE,
    TILT_LEFT,
    TILT_RIGHT,
    Driver,
    entitlement,
    facts,
    offline,
    order,
    rotate,
    snapshot,
)

LINE = Line(RTTI, 3)
MOVING = facts(motion=Motion(30.0, NOW, None))


def view_of(known: CarFacts | None = None, **memory: object) -> View:
    """A look at `known` with `memory` in the menu's state."""
    state = MenuState()
    for name, value in memory.items():
        setattr(state, name, value)
    return View(situation_of(known or facts(), {}), state, Voice(load_translation("en"), "en"))


def code_after(view: View, action: Action) -> str:
    """The code of the notice after an action that asks nothing of the services."""
    assert perform(view, action) == ()
    return view.state.notice.code if view.state.notice else ""


DRAFT = Draft("1042", 1, (LINE,))
WITH_ORDER = facts(snapshot=snapshot(orders=(order(),)))


@pytest.mark.parametrize("action", [Edit("9"), Cancel("9")])
def test_an_order_that_is_gone_is_unknown(action: Action) -> None:
    assert code_after(view_of(), action) == "UNKNOWN_ORDER"


def test_a_change_to_an_order_that_is_gone_is_not_sent() -> None:
    assert code_after(view_of(draft=DRAFT), SendChange("1042")) == "UNKNOWN_ORDER"


def test_without_a_draft_nothing_is_sent() -> None:
    assert code_after(view_of(WITH_ORDER), SendChange("1042")) == ""


def test_one_request_at_a_time() -> None:
    asked = Asked(RequestKind.CANCEL, "7", (), 0, NOW)
    view = view_of(WITH_ORDER, asked=asked, draft=DRAFT, basket=(Line(CONCIERGE, 3),))
    for action in (Place(), SendChange("1042"), Cancel("1042")):
        assert perform(view, action) == ()
    assert view.state.asked is asked


@pytest.mark.req("R-207")
@pytest.mark.parametrize(
    ("state", "code"),
    [(OrderState.PAYING, "PAYMENT_IN_PROGRESS"), (OrderState.PAYMENT_FAILED, "NOT_MODIFIABLE")],
)
def test_editing_is_refused_by_state(state: OrderState, code: str) -> None:
    assert code_after(view_of(facts(snapshot=snapshot(orders=(order(state),)))), Edit("1042")) == code


@pytest.mark.req("R-214")
def test_cancelling_a_paid_order_refers_to_the_hotline() -> None:
    view = view_of(facts(snapshot=snapshot(orders=(order(OrderState.PAID),))))
    assert code_after(view, Cancel("1042")) == "USE_HOTLINE"


@pytest.mark.req("R-811")
@pytest.mark.parametrize(
    "action",
    [
        SetTerm(LINE),
        SetTerm(LINE, "1042"),
        Drop(RTTI),
        Drop(RTTI, "1042"),
        AcceptPrices(),
        TypeDigit("1"),
        DeleteDigit(),
    ],
)
def test_basket_order_and_number_are_locked_while_moving(action: Action) -> None:
    view = view_of(MOVING, basket=(LINE,), draft=DRAFT, typed="13")
    assert code_after(view, action) == "NOT_WHILE_MOVING"
    assert (view.state.basket, view.state.draft, view.state.typed) == ((LINE,), DRAFT, "13")


@pytest.mark.req("R-103")
def test_a_price_that_changed_under_the_press_is_not_ordered() -> None:
    view = view_of(facts(catalogue=DEARER), basket=(LINE,), accepted=((RTTI, 3, 15000),))
    assert code_after(view, Place()) == "PRICE_CHANGED"


def test_lines_of_another_order_stay_untouched() -> None:
    view = view_of(draft=DRAFT)
    perform(view, SetTerm(Line(CONCIERGE, 3), "77"))
    perform(view, Drop(RTTI, "77"))
    assert view.state.draft == DRAFT


def test_removing_one_of_two_lines_keeps_the_typed_number() -> None:
    view = view_of(basket=(LINE, Line(CONCIERGE, 3)), number="13900000002")
    perform(view, Drop(RTTI))
    assert view.state.number == "13900000002"
    perform(view, Drop(CONCIERGE))
    assert view.state.number is None


def test_a_discarded_change_leaves_the_order_as_it_is() -> None:
    driver = Driver(WITH_ORDER).chooses(*STORE, "Open orders", RTTI_NAME, "Change order")
    driver.chooses("Discard the change")
    assert driver.screen.screen == "store.order.1042"
    assert driver.asked_for() == []
    driver.does(BACK)
    assert "Nothing is being changed." not in driver.panel()


def test_a_change_begun_is_found_again() -> None:
    driver = Driver(WITH_ORDER).chooses(*STORE, "Open orders", RTTI_NAME, "Change order")
    driver.chooses(f"{RTTI_NAME} · 3 months", "12 months").does(TILT_LEFT).chooses("Change order")
    assert f"{RTTI_NAME} · 12 months" in driver.labels()


def test_an_order_that_has_everything_offers_nothing_to_add() -> None:
    driver = Driver(WITH_ORDER).chooses(*STORE, "Open orders", RTTI_NAME, "Change order", "Add a service")
    driver.learns(catalogue=None)
    assert driver.labels() == ("Back",)


def test_a_change_that_was_left_and_sent_shows_nothing_to_change() -> None:
    driver = Driver(WITH_ORDER).chooses(*STORE, "Open orders", RTTI_NAME, "Change order")
    driver.chooses("Discard the change").does(MENU, BACK)
    assert driver.screen.screen == "store.order.1042"
    driver.chooses("Change order").learns(snapshot=snapshot(2))
    assert "Nothing is being changed." in driver.panel()


def test_an_answer_to_a_change_does_not_pull_the_driver_from_elsewhere() -> None:
    driver = Driver(WITH_ORDER).chooses(*STORE, "Open orders", RTTI_NAME, "Change order")
    driver.chooses("Change with obligation to pay").awaits(RequestKind.CHANGE, "c").does(MENU)
    driver.hears("c", order=order(version=2))
    assert driver.screen.screen == "main"
    assert driver.told().startswith("Order 1042 is changed.")


def test_a_change_discarded_while_its_answer_was_under_way_is_told_all_the_same() -> None:
    driver = Driver(WITH_ORDER).chooses(*STORE, "Open orders", RTTI_NAME, "Change order")
    driver.chooses("Change with obligation to pay").awaits(RequestKind.CHANGE, "c")
    driver.chooses("Discard the change").hears("c", order=order(version=2))
    assert driver.told().startswith("Order 1042 is changed.")


def test_an_answer_to_an_order_does_not_pull_the_driver_from_elsewhere() -> None:
    driver = Driver().chooses(*STORE, RTTI_NAME, "3 months", "Checkout").does(PRESS, MENU)
    driver.awaits(RequestKind.PLACE, "k").hears("k", order=order())
    assert driver.screen.screen == "main"


def test_an_answer_without_an_order_still_counts() -> None:
    driver = Driver().chooses(*STORE, RTTI_NAME, "3 months", "Checkout").does(PRESS)
    driver.awaits(RequestKind.PLACE, "k").hears("k")
    assert driver.basket() == ()
    driver.does(MENU).awaits(RequestKind.CANCEL, "c").hears("c")
    assert driver.told() == ""


def test_a_late_answer_to_something_else_only_brings_news() -> None:
    driver = Driver().chooses(*STORE, RTTI_NAME, "3 months").hears("old", order=order(number="5"))
    assert len(driver.basket()) == 1
    driver.does(TILT_LEFT)
    assert "Open orders (1)" in driver.labels()


def test_a_late_answer_for_an_unknown_outcome_is_taken() -> None:
    driver = Driver().chooses(*STORE, RTTI_NAME, "3 months", "Checkout").does(PRESS)
    driver.awaits(RequestKind.PLACE, "k").learns(request=None)
    driver.presenter.refuse(LocalCode.OUTCOME_UNKNOWN)
    assert driver.screen.rows[-2].label == "Look for the order"
    driver.chooses("Look for the order")
    assert driver.last() == RequestSync()
    driver.hears("k", order=order())
    assert driver.basket() == ()


@pytest.mark.req("R-103")
def test_a_change_at_old_prices_asks_for_the_new_ones() -> None:
    driver = Driver(WITH_ORDER).chooses(*STORE, "Open orders", RTTI_NAME, "Change order")
    driver.chooses("Change with obligation to pay").awaits(RequestKind.CHANGE, "c")
    driver.hears("c", ErrorCode.PRICE_CHANGED)
    assert driver.last() == RequestSync()


@pytest.mark.req("R-103")
def test_an_older_list_does_not_end_the_wait_for_the_new_one() -> None:
    driver = Driver().chooses(*STORE, RTTI_NAME, "3 months", "Checkout").does(PRESS)
    driver.awaits(RequestKind.PLACE, "k").hears("k", ErrorCode.PRICE_CHANGED)
    driver.learns(catalogue=CATALOGUE, now_ms=NOW + 1)
    assert "Get the new prices" in driver.labels()


def test_a_refusal_names_the_service_that_the_backend_names() -> None:
    driver = Driver().chooses(*STORE, RTTI_NAME, "3 months", "Checkout").does(PRESS)
    driver.awaits(RequestKind.PLACE, "k").hears("k", ErrorCode.NOT_ELIGIBLE, detail="RTTI")
    assert driver.told().startswith(f"{RTTI_NAME} is not available for this car.")


@pytest.mark.req("R-301", "R-203")
def test_where_no_link_is_sent_the_portal_is_named_and_no_number_asked() -> None:
    driver = Driver(facts(market="AU")).chooses(*STORE, RTTI_NAME, "3 months", "Checkout")
    assert "Link goes to" not in driver.labels()
    assert "Pay on the customer portal within 24 hours." in driver.panel()
    driver.does(PRESS).awaits(RequestKind.PLACE, "k").hears("k", order=order(sms_number=""))
    assert "Pay on the customer portal by 11/07/2026" in driver.told()
    assert "Pay on the customer portal." in driver.panel()
    assert "Link went to" not in driver.panel()


def test_without_a_number_of_the_agreement_the_speller_offers_none() -> None:
    driver = Driver(facts(snapshot=snapshot(contract_number="")))
    driver.chooses(*STORE, RTTI_NAME, "3 months", "Checkout", "Link goes to")
    assert driver.labels()[-1] == "OK"


def test_pages_whose_subject_has_gone_say_so_and_lead_back() -> None:
    booked = snapshot(entitlements=(entitlement(EntitlementState.ACTIVE, "2026-07-31"),))
    driver = Driver(facts(snapshot=booked)).chooses(*STORE, "Booked Services", RTTI_NAME)
    assert driver.screen.screen == "store.booked.RTTI"
    assert driver.labels() == ("Renew", "Back")
    driver.learns(snapshot=snapshot(2, entitlements=()))
    assert "This service is no longer listed." in driver.panel()
    driver.chooses("Back")
    assert "Nothing is booked." in driver.panel()


def test_an_ended_service_can_be_booked_again() -> None:
    ended = snapshot(
        entitlements=(
            entitlement(EntitlementState.EXPIRED, "2026-06-30"),
            entitlement(EntitlementState.ACTIVE, "2026-12-31"),
            entitlement(EntitlementState.ACTIVE, "2026-12-31", service="OLD", name="Old Service"),
        )
    )
    driver = Driver(facts(snapshot=ended)).chooses(*STORE, "Booked Services")
    assert driver.labels() == (RTTI_NAME, "Old Service", RTTI_NAME)
    driver.does(rotate(9), PRESS)
    assert driver.screen.screen == "store.booked.RTTI.2"
    driver.chooses("Book again")
    assert driver.screen.screen == "store.product.RTTI"
    driver.does(BACK, BACK).chooses("Old Service")
    assert driver.labels() == ("Back",)


def test_a_product_that_is_gone_names_customer_support() -> None:
    driver = Driver().chooses(*STORE, RTTI_NAME).learns(catalogue=None)
    assert "is not offered for this car now." in driver.panel()
    assert "Customer support: 10101018" in driver.panel()


def test_a_basket_emptied_under_an_open_page_says_so() -> None:
    driver = Driver().chooses(*STORE, RTTI_NAME, "3 months", f"{RTTI_NAME} · 3 months")
    driver.hears("k", order=order(client_order_id="k"))
    driver.does(MENU)
    driver.presenter.restore_basket((LINE,), None)
    driver.learns(snapshot=snapshot(5, at_ms=NOW + 5)).chooses(*STORE, "My basket", f"{RTTI_NAME} · 3 months")
    driver.presenter.restore_basket((), None)
    assert "This is no longer in the basket." in driver.panel()
    driver.presenter.restore_basket((LINE,), None)
    driver.does(BACK).chooses("Checkout")
    driver.presenter.restore_basket((), None)
    assert "Your basket is empty." in driver.panel()


def test_an_order_that_was_paid_meanwhile_cannot_be_cancelled_any_more() -> None:
    driver = Driver(WITH_ORDER).chooses(*STORE, "Open orders", RTTI_NAME, "Cancel order")
    driver.learns(snapshot=snapshot(2, orders=(order(OrderState.PAID),), at_ms=NOW + 1))
    assert "This order cannot be cancelled any more." in driver.panel()
    assert driver.labels() == ("Back",)


def test_a_service_without_a_name_is_shown_by_its_code() -> None:
    assert view_of(facts(catalogue=None, snapshot=None)).name("X") == "X"
    assert view_of(facts(catalogue=None)).name("ECALL") == "Emergency Call"
    assert view_of(facts(catalogue=None)).name("X") == "X"


def test_without_a_catalogue_the_market_profile_names_whom_to_call() -> None:
    view = view_of(facts(catalogue=None))
    assert (view.support, view.hotline, view.disturbance_line) == ("10101018", "10101018", "400-800-6666")


def test_a_countdown_that_is_over_stands_at_zero() -> None:
    assert view_of().countdown(NOW - 1) == "0:00"


@pytest.mark.req("R-209")
def test_an_offline_car_says_that_its_lock_waits_for_a_synchronisation() -> None:
    known = offline(NOW, since_ms=NOW - 600_000, snapshot=snapshot(locked_until_ms=NOW - 300_000))
    driver = Driver(msgspec.structs.replace(known, last_sync_ms=NOW - 600_000)).chooses("ConnectedDrive")
    assert driver.told().endswith("again in a moment, after the next synchronisation.")


def test_an_unknown_market_is_refused_with_those_there_are() -> None:
    with pytest.raises(UnknownMarketError, match="no market 'XX'; there are CN, AU"):
        profile_of("XX")


def test_going_back_and_opening_with_nothing_focused_do_no_harm() -> None:
    driver = Driver().chooses("Media").does(PRESS, TILT_RIGHT, rotate(3))
    assert driver.screen.screen == "media"
    view = view_of()
    perform(view, GoBack())
    assert view.state.wanderer.node == Node(Kind.MAIN)


def test_the_focus_falls_to_a_neighbour_when_its_row_vanishes_at_the_end() -> None:
    page = Page((Entry("a", "A", press=GoBack()), Entry("b", "B")))
    assert focus_index(page, "gone", 5) == 0
    page = Page((Entry("a", "A", press=GoBack()), Entry("b", "B"), Entry("c", "C")))
    assert focus_index(page, "gone", 2) == 0
    assert focus_index(Page(()), "gone", 5) == -1
    assert rotated(Page((Entry("b", "B"),)), -1, 3) == -1
