"""The Textual application: one display, one knob, and the engineer's panel on F2."""

import gc
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import App, ComposeResult, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen

from contracts.controller import BACK, MENU, OPTION, PRESS
from contracts.screen import ScreenSnapshot
from headunit.ui.bench_link import BenchHost, BenchLink
from headunit.ui.display import Display
from headunit.ui.handover import LocalPresenter
from headunit.ui.theme import BACKGROUND

if TYPE_CHECKING:
    from contracts.bench import AnyReport
    from headunit.ui.bench.desk import Desk
    from headunit.ui.bench.panel import BenchPanel

SPLIT_WIDTH = 140
"""From this width on the bench panel stands beside the display, below it takes its place."""


class HeadunitApp(App[int]):
    """Draws what the presenter shows, sends what the hand does; holds no rules and does no I/O."""

    TITLE = "headunit"
    ENABLE_COMMAND_PALETTE = True
    ESCAPE_TO_MINIMIZE = False
    CSS = f"""
    Screen {{ background: {BACKGROUND}; layout: horizontal; overflow: hidden; scrollbar-size: 0 0; }}
    Display, BenchPanel {{ width: 1fr; height: 1fr; background: {BACKGROUND}; }}
    .alone Display {{ display: none; }}
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "help", "What every key does"),
        Binding("f2", "bench", "Bench panel"),
        Binding("f8", "picture", "Save the screen as SVG"),
        Binding("q", "quit", "Quit"),
        Binding("ctrl+c", "quit", "Quit", priority=True, show=False),
        Binding("ctrl+q", "quit", "Quit", priority=True, show=False),
    ]

    def __init__(
        self,
        presenter: LocalPresenter,
        host: BenchHost | None = None,
        *,
        pictures: str = ".",
        bench_open: bool = False,
        sample_period_s: float = 0.5,
    ) -> None:
        super().__init__()
        self._host = host
        self._pictures = pictures
        self._bench_open = bench_open
        self._sample_period_s = sample_period_s
        self._link = BenchLink(presenter, show=self._show_screen, report=self.hear)
        self._car_display = Display(self._link.screen)
        self._desk: Desk | None = None
        self._panel: BenchPanel | None = None

    def compose(self) -> ComposeResult:
        yield self._car_display

    def on_mount(self) -> None:
        """Leave everything that is not the first frame until after it."""
        self._car_display.focus()
        self.call_after_refresh(self._first_frame_is_out)

    def _first_frame_is_out(self) -> None:
        gc.enable()
        if self._host is not None:
            self.run_worker(self._follow(self._host), name="bench")
        if self._bench_open:
            self.run_worker(self._open_bench())

    async def _follow(self, host: BenchHost) -> None:
        """Follow the bench; say so when it goes."""
        error = await self._link.run(host)
        from headunit.ui.screens import gone_screen

        await self.push_screen(gone_screen(error))

    def _show_screen(self, screen: ScreenSnapshot) -> None:
        self._car_display.show(screen)

    def hear(self, report: "AnyReport") -> None:
        """The bench said something that is no screen."""
        self._desk_now().take(report)

    def _desk_now(self) -> "Desk":
        """The desk, there from the bench's first report on: a panel opened later shows the past too."""
        if self._desk is None:
            from headunit.ui.bench.desk import Desk

            self._desk = Desk(self._link.tell, self.open_url)
            self.set_interval(self._sample_period_s, self.sample)
        return self._desk

    def on_display_moved(self, message: Display.Moved) -> None:
        """The hand moved the controller."""
        self._link.move(message.event)

    async def on_key(self, key: events.Key) -> None:
        """A key the display has no use for may be a button of the panel beside it."""
        if self._panel is not None and len(self.screen_stack) == 1 and await self._panel.press_key(key):
            key.stop()

    # Actions

    async def action_bench(self) -> None:
        """Show or hide the bench panel."""
        await self._open_bench() if self._panel is None else await self._close_bench()

    async def _open_bench(self) -> None:
        from headunit.ui.bench.panel import BenchPanel

        self._panel = BenchPanel(self._desk_now(), lambda: self._link.screen)
        await self.screen.mount(self._panel)
        self._arrange(self.size.width)

    async def _close_bench(self) -> None:
        if self._panel is not None:
            await self._panel.remove()
            self._panel = None
        self._arrange(self.size.width)

    def sample(self) -> None:
        """Another sample of the signal for the plot."""
        if self._desk is not None:
            self._desk.sample()
        if self._panel is not None:
            self._panel.redraw()

    def on_resize(self, resized: events.Resize) -> None:
        """Panel beside the display or in its place; `size` is still the one before."""
        self._arrange(resized.size.width)

    def _arrange(self, width: int) -> None:
        alone = self._panel is not None and width < SPLIT_WIDTH
        self.screen_stack[0].set_class(alone, "alone")
        if self._panel is not None:
            self._panel.beside = not alone
        target = self._panel if alone else self._car_display
        if target is not None:
            target.focus()

    def action_help(self) -> None:
        """Show what every key does."""
        from headunit.ui.screens import help_screen

        self.push_screen(help_screen())

    def action_picture(self) -> None:
        """Save the screen as SVG and say where."""
        from headunit.ui.svg import save

        try:
            path = save(self.export_screenshot(), Path(self._pictures))
        except OSError as error:
            self.notify(f"No picture saved: {error}", severity="error", markup=False)
        else:
            self.notify(f"Saved {path}", markup=False)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """What the command palette offers."""
        yield SystemCommand(
            "Bench panel", "Signal, link, queues, clock and their buttons (F2)", self.action_bench
        )
        yield SystemCommand("Help", "What every key does (F1)", self.action_help)
        yield SystemCommand("Picture", "Save the screen as SVG (F8)", self.action_picture)
        yield SystemCommand("Menu", "MENU button (m)", lambda: self._link.move(MENU))
        yield SystemCommand("Back", "BACK button (Backspace)", lambda: self._link.move(BACK))
        yield SystemCommand("Option", "OPTION button (o)", lambda: self._link.move(OPTION))
        yield SystemCommand("Press", "Press the controller (Enter)", lambda: self._link.move(PRESS))
        if self._panel is not None and self._desk is not None:
            for button in self._desk.buttons():
                yield SystemCommand(f"Bench: {button.label}", f"Key {button.key} in the panel", button.press)
        yield SystemCommand("Quit", "Leave; the bench ends with the view (q)", self.action_quit)

    async def action_quit(self) -> None:
        """End the bench and leave."""
        self.exit(0)
