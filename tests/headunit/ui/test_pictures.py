"""What the driver and the engineer see, as pictures on file."""

from tests.headunit.ui.conftest import Photographer
from tests.headunit.ui.pictures import (
    BOOKED,
    CHECKOUT_OFFLINE,
    CHINESE,
    IN_A_TUNNEL,
    LONG,
    MAIN_MENU,
    MARKUP,
    STORE,
)


async def test_the_main_menu(photographer: Photographer) -> None:
    await photographer.compare(MAIN_MENU)


async def test_the_store_says_what_the_focused_line_means(photographer: Photographer) -> None:
    await photographer.compare(STORE)


async def test_checkout_without_a_network_keeps_the_basket(photographer: Photographer) -> None:
    await photographer.compare(CHECKOUT_OFFLINE)


async def test_booked_services_with_a_dead_emergency_call(photographer: Photographer) -> None:
    await photographer.compare(BOOKED)


async def test_80_by_24_is_enough(photographer: Photographer) -> None:
    await photographer.compare(BOOKED, size=(80, 24))


async def test_chinese_lines_up_in_cells(photographer: Photographer) -> None:
    await photographer.compare(CHINESE)


async def test_a_long_list_scrolls_under_a_still_focus(photographer: Photographer) -> None:
    await photographer.compare(LONG, keys=("down",))


async def test_what_looks_like_markup_is_drawn_as_it_stands(photographer: Photographer) -> None:
    await photographer.compare(MARKUP)


async def test_the_bench_panel_takes_the_place_of_the_display(photographer: Photographer) -> None:
    await photographer.compare(STORE, keys=("f2",), reports=IN_A_TUNNEL)


async def test_the_bench_panel_stands_beside_a_wide_display(photographer: Photographer) -> None:
    await photographer.compare(STORE, size=(160, 40), keys=("f2",), reports=IN_A_TUNNEL)


async def test_help_names_every_key(photographer: Photographer) -> None:
    await photographer.compare(STORE, keys=("f1",))
