"""What an Australian driver sees, on file: three languages, the smallest display and a large one."""

from collections.abc import Callable
from typing import Final

import pytest

from contracts.controller import MENU, PRESS, rotate
from contracts.errors import ErrorCode
from headunit.domain.texts import LANGUAGES
from headunit.ui.layout import compose
from headunit.ui.text import line_width
from tests.headunit.domain.australia import booked, facts, order, snapshot
from tests.headunit.domain.car import Driver
from tests.headunit.domain.test_ended_and_switched_off import DEACTIVATED, EMERGENCY
from tests.headunit.ui.conftest import Photographer

CONNECTED_DRIVE, SETTINGS, STORE = 3, 5, 0
OPEN = ("2026-08-21", "2026-07-10")
CLOSED = ("2026-08-20", "2026-07-09")


def choosing(driver: Driver, *rows: int) -> Driver:
    """Presses rows by their place, which is the same in every language."""
    for row in rows:
        driver.does(rotate(-99), *((rotate(row),) if row else ()), PRESS)
    return driver


def in_the_store(driver: Driver, *rows: int) -> Driver:
    return choosing(driver, CONNECTED_DRIVE, STORE, *rows)


def link(language: str) -> Driver:
    known = snapshot(store_needs=ErrorCode.REGISTRATION_REQUIRED)
    return in_the_store(Driver(facts(snapshot=known), language), 0)


def closed_store(language: str) -> Driver:
    known = snapshot(store_needs=ErrorCode.REGISTRATION_REQUIRED)
    return in_the_store(Driver(facts(snapshot=known), language))


def product(language: str) -> Driver:
    return in_the_store(Driver(facts(snapshot=snapshot(entitlements=(booked(*OPEN),))), language), 0)


def checkout(language: str) -> Driver:
    driver = in_the_store(Driver(facts(), language), 0, 0).does(MENU)
    return in_the_store(driver, 1, 1).does(PRESS)


def refused(language: str) -> Driver:
    known = snapshot(entitlements=(booked(*CLOSED),))
    driver = in_the_store(Driver(facts(snapshot=known), language), 0, 0).does(PRESS, PRESS)
    return driver.hears("k", ErrorCode.RENEWAL_WINDOW_CLOSED, detail="RTTI 2026-07-09")


def an_order(language: str) -> Driver:
    return in_the_store(Driver(facts(snapshot=snapshot(orders=(order(),))), language), 4, 0)


def service(language: str) -> Driver:
    known = snapshot(entitlements=(EMERGENCY, booked(*CLOSED)))
    return in_the_store(Driver(facts(snapshot=known), language), 5, 1)


def deactivated(language: str) -> Driver:
    return in_the_store(Driver(facts(snapshot=DEACTIVATED), language), 5)


def about(language: str) -> Driver:
    return choosing(Driver(facts(), language), SETTINGS, 2)


def deletion(language: str) -> Driver:
    return choosing(Driver(facts(), language), SETTINGS, 3)


def deleted(language: str) -> Driver:
    driver = choosing(Driver(facts(), language), SETTINGS, 3, 1)
    driver.presenter.erased()
    return driver


SCREENS: Final[dict[str, Callable[[str], Driver]]] = {
    story.__name__: story
    for story in (
        closed_store,
        link,
        product,
        checkout,
        refused,
        an_order,
        service,
        deactivated,
        about,
        deletion,
        deleted,
    )
}
ON_FILE = ("link", "checkout", "service", "deactivated")
SIZES = ((80, 24), (120, 40))


@pytest.mark.parametrize("size", SIZES, ids="{0[0]}x{0[1]}".format)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ON_FILE)
async def test_screen(photographer: Photographer, name: str, language: str, size: tuple[int, int]) -> None:
    await photographer.compare(SCREENS[name](language).screen, size=size)


@pytest.mark.parametrize("size", SIZES, ids="{0[0]}x{0[1]}".format)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", SCREENS)
def test_every_line_fills_the_width_and_the_rule_stands_straight(
    name: str, language: str, size: tuple[int, int]
) -> None:
    width, height = size
    screen = SCREENS[name](language).screen
    picture = compose(screen, width, height)
    assert [line_width(line) for line in picture.lines] == [width] * height
    cells = ["".join(span.text for span in line) for line in picture.lines]
    places = {line_width(line[:place]) for line in picture.lines for place in _rules(line)}
    assert len(places) <= 1
    assert "…" not in "".join(cells[3:-2]).replace("Inf… ·", ""), "something is cut"


def _rules(line: tuple[object, ...]) -> list[int]:
    return [place for place, span in enumerate(line) if getattr(span, "text", "").startswith(" │")]
