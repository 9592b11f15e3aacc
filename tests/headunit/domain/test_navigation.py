"""Knob manners: clamped ends, remembered focus, a way back from everywhere, names for scripts."""

import msgspec
import pytest

from contracts.controller import ControllerAction, ControllerEvent
from contracts.screen import Row, ScreenSnapshot, StatusBar, Tone
from headunit.domain.facts import UNKNOWN_MOTION
from headunit.domain.menu import MAIN, TREE, Kind, Node, lineage, parent_of
from headunit.domain.navigate import find_row, has_row, steps_to
from headunit.errors import RowNotFoundError
from tests.headunit.domain.car import (
    BACK,
    CONCIERGE_NAME,
    MENU,
    NOW,
    OPTION,
    PREMIUM_NAME,
    PRESS,
    RTTI_NAME,
    STORE,
    TILT_LEFT,
    TILT_RIGHT,
    Driver,
    facts,
    offline,
    rotate,
)


def test_rotation_stops_at_both_ends() -> None:
    driver = Driver()
    assert driver.does(rotate(99)).screen.focus == 5
    assert driver.does(rotate(-99)).screen.focus == 0
    assert driver.does(rotate(2), rotate(-1)).screen.focus == 1


def test_tilting_up_and_down_moves_by_one_row() -> None:
    driver = Driver().does(rotate(-9), ControllerEvent(ControllerAction.TILT_DOWN))
    assert driver.screen.focus == 1
    assert driver.does(ControllerEvent(ControllerAction.TILT_UP)).screen.focus == 0


def test_rotation_passes_over_rows_to_read_only() -> None:
    driver = Driver().chooses(*STORE, RTTI_NAME, "3 months")
    assert [row.selectable for row in driver.screen.rows] == [True, False, True]
    assert driver.does(rotate(-1)).screen.focus == 0


def test_tilting_right_opens_and_never_buys() -> None:
    driver = Driver().does(TILT_RIGHT, TILT_RIGHT, TILT_RIGHT)
    assert driver.screen.screen == "store.product.RTTI"
    driver.does(TILT_RIGHT)
    assert driver.screen.screen == "store.product.RTTI"
    assert driver.asked_for() == []


def test_tilting_left_goes_one_level_up_and_back_to_the_page_before() -> None:
    driver = Driver().chooses(*STORE, RTTI_NAME, "3 months")
    assert driver.screen.path == ("ConnectedDrive", "ConnectedDrive Store", "My basket")
    assert driver.does(BACK).screen.screen == "store.product.RTTI"
    assert driver.does(TILT_LEFT).screen.screen == "store"
    assert driver.does(TILT_LEFT, TILT_LEFT, TILT_LEFT).screen.screen == "main"


def test_the_focus_is_remembered_on_every_page() -> None:
    driver = Driver().chooses(*STORE, PREMIUM_NAME).does(TILT_LEFT)
    assert driver.screen.rows[driver.screen.focus].label == PREMIUM_NAME
    driver.does(MENU)
    assert driver.screen.rows[driver.screen.focus].label == "ConnectedDrive"


def test_the_focus_stays_on_its_row_when_rows_come_and_go() -> None:
    driver = Driver().chooses(*STORE).does(rotate(1))
    fewer = driver.facts.catalogue
    assert fewer is not None
    driver.learns(catalogue=msgspec.structs.replace(fewer, products=fewer.products[1:]))
    assert (driver.screen.focus, driver.screen.rows[0].label) == (0, CONCIERGE_NAME)


def test_back_after_menu_returns() -> None:
    driver = Driver().chooses(*STORE).does(MENU)
    assert driver.screen.screen == "main"
    assert driver.does(BACK).screen.screen == "store"


def test_option_opens_and_closes_the_options_and_is_not_on_the_way_back() -> None:
    driver = Driver().chooses(*STORE).does(OPTION)
    assert driver.screen.screen == "options"
    driver.chooses("Settings").does(BACK)
    assert driver.screen.screen == "store"
    assert driver.does(OPTION, TILT_LEFT).screen.screen == "store"


def test_every_event_is_counted_even_when_nothing_happens() -> None:
    driver = Driver().does(BACK, rotate(-9), rotate(-9), PRESS)
    assert driver.screen.events == 4


def test_the_same_picture_is_the_same_object() -> None:
    driver = Driver()
    before = driver.screen
    assert driver.learns(driver.facts).screen is before
    assert driver.learns(now_ms=driver.facts.now_ms + 1).screen is before


@pytest.mark.parametrize(
    ("age_ms", "told", "next_in_ms"),
    [
        (0, "0 s", 1_000),
        (51_400, "51 s", 600),
        (60_000, "1 min", 60_000),
        (7_199_999, "1 h", 1),
        (172_800_000, "2 days", 86_400_000),
    ],
)
def test_an_age_is_told_in_its_largest_unit_and_says_when_it_grows(
    age_ms: int, told: str, next_in_ms: int
) -> None:
    since_ms = NOW - age_ms
    driver = Driver(offline(NOW, since_ms=since_ms, motion=UNKNOWN_MOTION))
    assert driver.screen.freshness.endswith(f"({told})")
    assert driver.presenter.next_change_ms() == NOW + min(next_in_ms, 60_000)


def test_every_page_says_what_the_knob_does() -> None:
    driver = Driver()
    assert driver.hints() == ("⟳ rotate", "⏎ open", "→ details", "OPTION")
    driver.chooses(*STORE, RTTI_NAME)
    assert driver.hints() == ("⟳ rotate", "⏎ put into the basket", "← back", "OPTION")
    driver.does(MENU).chooses("Media")
    assert driver.hints() == ("← back", "OPTION")
    assert driver.screen.focus == -1
    assert "The bench does not model them." in driver.panel()


def test_the_tree_has_every_kind_and_one_root() -> None:
    assert set(TREE) == set(Kind)
    for kind in Kind:
        node = Node(kind, "a", "b")
        assert parent_of(node) is not None or node.kind is Kind.MAIN
        assert "{" not in node.screen
        assert lineage(node)[0] == node or lineage(node)[0] != MAIN


def test_a_script_finds_rows_by_their_label() -> None:
    driver = Driver().chooses(*STORE, RTTI_NAME, "3 months").does(TILT_LEFT)
    assert find_row(driver.screen, "Booked Services (1)") == find_row(driver.screen, "Booked Services")
    assert steps_to(driver.screen, "My basket")[-1] == PRESS
    assert has_row(driver.screen, CONCIERGE_NAME)
    assert not has_row(driver.screen, "Nothing")


def test_a_row_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(RowNotFoundError, match=r"'main' shows 'Media', .*, not 'Store'"):
        find_row(Driver().screen, "Store")
    with pytest.raises(RowNotFoundError, match="no row to choose"):
        find_row(Driver().chooses("Media").screen, "Store")


def test_rows_to_read_only_cannot_be_chosen() -> None:
    with pytest.raises(RowNotFoundError):
        find_row(Driver().chooses(*STORE, RTTI_NAME, "3 months").screen, "Total")


def test_a_row_is_found_by_its_whole_label_before_its_beginning() -> None:
    status = StatusBar("", "", "", 0, "", Tone.GOOD)
    rows = (Row("Order history"), Row("Order", selectable=False), Row("Order"), Row("My basket (1)"))
    screen = ScreenSnapshot(screen="store", path=(), status=status, rows=rows, focus=0)
    assert find_row(screen, "Order") == 1
    assert find_row(screen, "Order h") == 0
    assert find_row(screen, "My basket") == 2
    assert not has_row(screen, "basket")


@pytest.mark.req("R-003")
@pytest.mark.parametrize(
    ("model", "name"), [("i3", "BMW i ConnectedDrive"), ("320Li", "ConnectedDrive"), ("", "ConnectedDrive")]
)
def test_bmw_i_cars_carry_the_bmw_i_name(model: str, name: str) -> None:
    driver = Driver(facts(model=model)).chooses(name)
    driver.chooses("ConnectedDrive Store")
    assert driver.screen.path == (name, "ConnectedDrive Store")
