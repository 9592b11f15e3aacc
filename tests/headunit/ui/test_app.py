"""Keys, mouse and the bench behind the view."""

import asyncio
import os
from pathlib import Path

import pytest

from contracts.bench import Impair, ImpairmentKind, PressKnob
from contracts.controller import (
    BACK,
    MENU,
    OPTION,
    PRESS,
    TILT_LEFT,
    TILT_RIGHT,
    ControllerAction,
    ControllerEvent,
    rotate,
)
from headunit.ui.app import HeadunitApp
from headunit.ui.bench_link import BenchClient
from headunit.ui.display import Display
from headunit.ui.errors import BenchGoneError
from headunit.ui.svg import corrected
from tests.headunit.ui.menu import Menu
from tests.headunit.ui.pictures import IN_A_TUNNEL
from tests.headunit.ui.small_bench import SmallBench

SIZE = (100, 30)


class Host:
    """A bench that comes up when it is told to, and goes when it is told to."""

    def __init__(self, bench: SmallBench) -> None:
        self._channel = bench.channel()
        self._hub = bench.hub
        self.up = asyncio.Event()
        self.error = BenchGoneError("Its process ended by SIGKILL.", lines=("last [words]",), log="bench.log")

    async def open(self) -> BenchClient:
        """Wait until it may come up."""
        await self.up.wait()
        return self._channel

    async def ended(self) -> BenchGoneError:
        """What is known of its end."""
        return self.error

    def die(self) -> None:
        """End without a word."""
        self._channel.close()


@pytest.mark.parametrize(
    ("key", "event"),
    [
        ("up", rotate(-1)),
        ("down", rotate(1)),
        ("enter", PRESS),
        ("space", PRESS),
        ("left", TILT_LEFT),
        ("right", TILT_RIGHT),
        ("shift+up", ControllerEvent(ControllerAction.TILT_UP)),
        ("shift+down", ControllerEvent(ControllerAction.TILT_DOWN)),
        ("backspace", BACK),
        ("escape", BACK),
        ("m", MENU),
        ("o", OPTION),
    ],
)
async def test_a_key_is_a_movement_of_the_controller(key: str, event: ControllerEvent) -> None:
    menu = Menu()
    async with HeadunitApp(menu).run_test(size=SIZE) as pilot:
        await pilot.press(key)
        await pilot.pause()
        assert menu.applied == [event]


async def test_a_click_on_a_row_turns_the_knob_there_and_presses_it() -> None:
    menu = Menu()
    app = HeadunitApp(menu)
    async with app.run_test(size=SIZE) as pilot:
        assert await pilot.click(Display, offset=(8, 10))
        await pilot.pause()
        assert menu.applied == [rotate(2), PRESS]


async def test_a_click_beside_the_list_does_nothing() -> None:
    menu = Menu()
    async with HeadunitApp(menu).run_test(size=SIZE) as pilot:
        await pilot.click(Display, offset=(70, 10))
        await pilot.click(Display, offset=(8, 25))
        await pilot.pause()
        assert menu.applied == []


async def test_what_was_done_before_the_bench_was_up_is_done_there_once_and_in_order() -> None:
    bench = SmallBench()
    bench.show()
    host = Host(bench)
    app = HeadunitApp(Menu(), host)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("down", "enter", "up")
        assert bench.menu.applied == []
        host.up.set()
        await pilot.pause()
        await pilot.press("m")
        await pilot.pause()
        assert bench.menu.applied == [rotate(1), PRESS, rotate(-1), MENU]
        assert app.query_one(Display).snapshot is bench.menu.screen()


async def test_when_the_bench_dies_the_view_says_so_and_leaves_at_any_key() -> None:
    bench = SmallBench()
    bench.show()
    host = Host(bench)
    app = HeadunitApp(Menu(), host)
    async with app.run_test(size=SIZE) as pilot:
        host.up.set()
        await pilot.pause()
        host.die()
        await pilot.pause()
        picture = app.export_screenshot().replace("&#160;", " ")
        assert "The bench has stopped" in picture
        assert "SIGKILL" in picture
        assert "last [words]" in picture
        assert "bench.log" in picture
        await pilot.press("enter")
    assert app.return_value == 1


async def test_a_button_of_the_panel_is_a_command_of_the_bench_channel() -> None:
    bench = SmallBench()
    bench.show()
    host = Host(bench)
    app = HeadunitApp(Menu(), host, sample_period_s=3600)
    async with app.run_test(size=SIZE) as pilot:
        host.up.set()
        await pilot.press("f2", "t")
        await pilot.pause()
        assert bench.commands == [Impair(kind=ImpairmentKind.TUNNEL, active=True)]


async def test_beside_a_wide_display_knob_and_buttons_both_work() -> None:
    bench = SmallBench()
    bench.show()
    host = Host(bench)
    app = HeadunitApp(Menu(), host, sample_period_s=3600)
    async with app.run_test(size=(160, 40)) as pilot:
        host.up.set()
        await pilot.press("f2", "t", "down")
        await pilot.pause()
        assert bench.commands == [
            Impair(kind=ImpairmentKind.TUNNEL, active=True),
            PressKnob(event=rotate(1)),
        ]


async def test_the_panel_goes_beside_the_display_or_in_its_place_as_the_terminal_is_resized() -> None:
    app = HeadunitApp(Menu(), sample_period_s=3600)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("f2")
        for width, display_is_seen in ((150, True), (100, False), (140, True), (139, False)):
            await pilot.resize_terminal(width, 30)
            await pilot.pause()
            assert app.query_one(Display).display is display_is_seen


async def test_a_refused_button_shows_the_code() -> None:
    bench = SmallBench()
    bench.show()
    host = Host(bench)
    app = HeadunitApp(Menu(), host, sample_period_s=3600)
    async with app.run_test(size=SIZE) as pilot:
        host.up.set()
        await pilot.press("f2", "h")
        await pilot.pause()
        assert "NOT_HERE" in app.export_screenshot()


async def test_without_a_bench_a_button_says_so() -> None:
    app = HeadunitApp(Menu(), sample_period_s=3600)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("f2", "t")
        await pilot.pause()
        assert "not up" in app.export_screenshot().replace("&#160;", " ")


async def test_the_driver_gets_the_display_back_after_the_panel() -> None:
    menu = Menu()
    async with HeadunitApp(menu, sample_period_s=3600).run_test(size=SIZE) as pilot:
        await pilot.press("f2", "down", "f2", "down")
        await pilot.pause()
        assert menu.applied == [rotate(1)]


async def test_a_panel_opened_late_shows_the_signal_from_the_first_report_on() -> None:
    app = HeadunitApp(Menu(), sample_period_s=3600)
    async with app.run_test(size=SIZE) as pilot:
        for report in IN_A_TUNNEL:
            app.hear(report)
        for _ in range(40):
            app.sample()
        await pilot.press("f2")
        await pilot.pause()
        assert "T" * 20 in app.export_screenshot()


async def test_help_fits_80_by_24_without_a_cut() -> None:
    app = HeadunitApp(Menu())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f1")
        await pilot.pause()
        drawn = app.export_screenshot().replace("&#160;", " ")
    assert "Any key goes back." in drawn
    assert "…" not in drawn


async def test_a_picture_of_the_screen_is_kept_as_svg(tmp_path: Path) -> None:
    async with HeadunitApp(Menu(), pictures=str(tmp_path)).run_test(size=SIZE) as pilot:
        await pilot.press("f8", "f8")
        await pilot.pause()
    names = os.listdir(tmp_path)
    assert sorted(names) == ["screen-001.svg", "screen-002.svg"]


def test_a_picture_brings_no_fonts_from_the_web_and_counts_cells() -> None:
    font = '@font-face { font-family: "X"; src: url("https://example.org/x"); }'
    text = '<text x="0" textLength="36.6">{}</text>'
    svg = f"<style>{font}</style>{text.format('abc')}{text.format('已预订')}"
    assert (
        corrected(svg)
        == f"<style></style>{text.format('abc')}{text.replace('36.6', '73.2').format('已预订')}"
    )


@pytest.mark.parametrize("key", ["q", "ctrl+c", "ctrl+q"])
async def test_quitting_leaves_with_success(key: str) -> None:
    app = HeadunitApp(Menu())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press(key)
    assert app.return_value == 0
