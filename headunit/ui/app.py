"""The Textual application: one display, one knob, and the engineer's panel on F2."""

import gc
from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from textual.app import App, ComposeResult, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen

from contracts.bench import AnyCommand, AnyReport, PressKnob, Refused, ScreenReport, Subscribe
from contracts.controller import BACK, MENU, OPTION, PRESS, ControllerEvent
from headunit.ui.bench_link import BenchClient, BenchGoneError, BenchHost
from headunit.ui.display import Display
from headunit.ui.handover import HandOver, LocalPresenter
from headunit.ui.theme import BACKGROUND
from runtime.errors import ChannelError

if TYPE_CHECKING:
    from headunit.ui.bench.desk import Desk
    from headunit.ui.bench.panel import BenchPanel

SPLIT_WIDTH = 140
"""From this width on the bench panel stands beside the display, below it takes its place."""

_SAMPLE_PERIOD_S = 0.5


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
    ) -> None:
        super().__init__()
        self._hand_over = HandOver(presenter)
        self._host = host
        self._client: BenchClient | None = None
        self._unsent: list[ControllerEvent] = []
        self._sending = False
        self._pictures = pictures
        self._bench_open = bench_open
        self._car_display = Display(self._hand_over.screen)
        self._early: list[AnyReport] = []
        self._desk: Desk | None = None
        self._panel: BenchPanel | None = None
        self._next_id = 1

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
        """Bring the bench up, draw what it shows, and say so when it goes."""
        try:
            client = await host.open()
            self._client = client
            await client.request(Subscribe(id=self._take_id()))
            async for report in client.reports():
                self._take(report)
        except ChannelError:
            pass
        except BenchGoneError as error:
            await self._say_gone(error)
            return
        self._client = None
        await self._say_gone(await host.ended())

    async def _say_gone(self, error: BenchGoneError) -> None:
        from headunit.ui.screens import gone_screen

        self._client = None
        await self.push_screen(gone_screen(error))

    def _take(self, report: AnyReport) -> None:
        if isinstance(report, ScreenReport):
            self._unsent += self._hand_over.reported(report.screen)
            self._car_display.show(self._hand_over.screen)
            self._send()
        elif self._desk is not None:
            self._desk.take(report)
        else:
            self._early.append(report)
            if len(self._early) > 500:
                del self._early[:250]

    def on_display_moved(self, message: Display.Moved) -> None:
        """The hand moved the controller."""
        self.move(message.event)

    def move(self, event: ControllerEvent) -> None:
        """Do `event`: here until there is a bench, there from then on."""
        self._unsent += self._hand_over.moved(event)
        self._car_display.show(self._hand_over.screen)
        self._send()

    def _send(self) -> None:
        if self._unsent and not self._sending and self._client is not None:
            self._sending = True
            self.run_worker(self._send_all(), name="knob")

    async def _send_all(self) -> None:
        try:
            while self._unsent and self._client is not None:
                await self._client.request(PressKnob(id=self._take_id(), event=self._unsent[0]))
                del self._unsent[0]
        except ChannelError:
            pass
        finally:
            self._sending = False

    def _take_id(self) -> int:
        self._next_id += 1
        return self._next_id

    async def tell(self, command: AnyCommand) -> Refused | None:
        """Have the bench carry out `command`; returns why not, if not."""
        if self._client is None:
            return Refused(id=command.id, code="NO_BENCH", detail="the bench is not up")
        try:
            answer = await self._client.request(command)
        except ChannelError as error:
            return Refused(id=command.id, code="NO_BENCH", detail=str(error))
        return answer if isinstance(answer, Refused) else None

    # Actions

    async def action_bench(self) -> None:
        """Show or hide the bench panel."""
        await self._open_bench() if self._panel is None else await self._close_bench()

    async def _open_bench(self) -> None:
        from headunit.ui.bench.desk import Desk
        from headunit.ui.bench.panel import BenchPanel

        if self._desk is None:
            self._desk = Desk(self.tell, self.open_url)
            for report in self._early:
                self._desk.take(report)
            self._early.clear()
            self.set_interval(_SAMPLE_PERIOD_S, self._sample)
        self._panel = BenchPanel(self._desk)
        await self.screen.mount(self._panel)
        self._arrange()

    async def _close_bench(self) -> None:
        if self._panel is not None:
            await self._panel.remove()
            self._panel = None
        self._arrange()

    def _sample(self) -> None:
        if self._desk is not None:
            self._desk.sample()
        if self._panel is not None:
            self._panel.redraw()

    def on_resize(self) -> None:
        """Panel beside the display or in its place."""
        self._arrange()

    def _arrange(self) -> None:
        alone = self._panel is not None and self.size.width < SPLIT_WIDTH
        self.screen_stack[0].set_class(alone, "alone")
        target = self._panel if alone else self._car_display
        if target is not None:
            target.focus()

    def action_help(self) -> None:
        """Show what every key does."""
        from headunit.ui.screens import help_screen

        self.push_screen(help_screen())

    def action_picture(self) -> None:
        """Save the screen as SVG and say where."""
        try:
            path = self.save_screenshot(path=self._pictures)
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
        yield SystemCommand("Menu", "MENU button of the controller (m)", lambda: self.move(MENU))
        yield SystemCommand("Back", "BACK button of the controller (Backspace)", lambda: self.move(BACK))
        yield SystemCommand("Option", "OPTION button of the controller (o)", lambda: self.move(OPTION))
        yield SystemCommand("Press", "Press the controller (Enter)", lambda: self.move(PRESS))
        if self._panel is not None and self._desk is not None:
            for button in self._desk.buttons():
                yield SystemCommand(f"Bench: {button.label}", f"Key {button.key} in the panel", button.press)
        yield SystemCommand("Quit", "Leave; the bench ends with the view (q)", self.action_quit)

    async def action_quit(self) -> None:
        """End the bench and leave."""
        self._client = None
        self.exit(0)
