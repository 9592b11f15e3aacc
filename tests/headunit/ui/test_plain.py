"""Plain mode: words in, text out."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator

import msgspec

from contracts.controller import PRESS, rotate
from headunit.ui.bench_link import BenchClient
from headunit.ui.errors import BenchGoneError
from headunit.ui.plain import PlainView, plain_lines
from tests.headunit.ui.menu import Menu
from tests.headunit.ui.pictures import BOOKED, CHECKOUT_OFFLINE, MARKUP, STORE
from tests.headunit.ui.small_bench import SmallBench


class Host:
    """A bench that is up at once, or dead at once."""

    def __init__(self, bench: SmallBench, *, dead: bool = False) -> None:
        self._bench = bench
        self._dead = dead

    async def open(self) -> BenchClient:
        """Its channel."""
        if self._dead:
            raise BenchGoneError("Its process ended with exit code 4.", lines=("no room",), log="bench.log")
        return self._bench.channel()

    async def ended(self) -> BenchGoneError:
        """Never."""
        await asyncio.Event().wait()
        raise AssertionError


async def said(*lines: str) -> AsyncIterator[str]:
    """Lines of standard input."""
    for line in lines:
        yield f"{line}\n"


async def never() -> AsyncIterator[str]:
    """A standard input that stays silent."""
    await asyncio.Event().wait()
    yield ""


def test_a_screen_reads_without_colour_and_place() -> None:
    lines = plain_lines(STORE)
    assert lines[0] == "14:32 | CN | ConnectedDrive > ConnectedDrive Store | 4G 4/4 | ⇅ online | ✉ 1"
    assert "> Concierge Service" in lines
    assert "  Booked Services: 3" in lines
    assert "  | 3 months: ¥ 300.00" in lines
    assert lines[-1] == "(last sync 14:31:58)"


def test_banner_lock_and_warning_are_words() -> None:
    assert any(line.startswith("! Your basket is kept") for line in plain_lines(CHECKOUT_OFFLINE))
    assert plain_lines(BOOKED)[0].endswith("⊘ locked | ⚠ Emergency Call unavailable")
    assert "  line·break ·[31m" in plain_lines(MARKUP)


async def test_words_move_the_knob_and_the_end_of_input_waits_for_the_bench() -> None:
    bench, written = SmallBench(), list[str]()
    bench.show()
    view = PlainView(Menu(), written.append)
    assert await view.run(Host(bench), said("rotate 2", "press", "", "nonsense")) == 0
    assert bench.menu.applied == [rotate(2), PRESS]
    assert "> Concierge Service" in written[0]
    assert any("> My basket: 1" in text for text in written)
    assert any(text.startswith("? nonsense") for text in written)


async def test_a_screen_is_not_written_again_for_its_clock_alone() -> None:
    written: list[str] = []
    menu = Menu()
    view = PlainView(menu, written.append)
    bench = SmallBench()
    later = msgspec.structs.replace(STORE, status=msgspec.structs.replace(STORE.status, clock="14:33"))
    bench.menu = Menu(later)
    bench.show()
    await view.run(Host(bench), said("show"))
    assert len(written) == 2


async def test_a_dead_bench_is_said_with_its_last_words() -> None:
    written: list[str] = []
    assert await PlainView(Menu(), written.append).run(Host(SmallBench(), dead=True), never()) == 1
    assert "exit code 4" in written[-2]
    assert "no room" in written[-2]
    assert "bench.log" in written[-1]


def test_plain_mode_needs_no_terminal_library() -> None:
    code = "import sys, headunit.ui.plain; print('textual' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
