"""What the driver and the engineer see, as pictures on file."""

from contracts.bench import (
    AnyReport,
    BenchInfo,
    ClockReport,
    LinkReport,
    ModemReport,
    OutboxReport,
    SmsReport,
    Terminal,
    VehicleReport,
)
from contracts.link import LinkConditions, LinkState
from contracts.modem import ModemStatus, Registration, SignalLevel, SimState
from tests.headunit.ui.conftest import Photographer
from tests.headunit.ui.pictures import (
    BOOKED,
    CHECKOUT_OFFLINE,
    CHINESE,
    LONG,
    MAIN_MENU,
    MARKUP,
    STORE,
)

IN_A_TUNNEL: tuple[AnyReport, ...] = (
    BenchInfo(
        vin="TEST0000000000001", market="CN", broker="127.0.0.1:1883", phone_url="http://127.0.0.1:8080/phone"
    ),
    ModemReport(
        at_ns=0,
        status=ModemStatus(SimState.ACTIVE, Registration.SEARCHING, SignalLevel.NONE, "4G", -121.0, False),
    ),
    LinkReport(
        at_ns=0, state=LinkState.DOWN, conditions=LinkConditions(up=False), causes=("tunnel",), session=False
    ),
    OutboxReport(car=2, backend=1),
    VehicleReport(speed_kmh=50.0, terminal=Terminal.IGNITION, moving=True),
    ClockReport(now_ms=1_780_000_000_000, rate=60.0),
    SmsReport(
        number="138****0001", text="Pay ¥ 300.00 [now]", url="http://127.0.0.1:8080/pay/x", order_number="1"
    ),
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
