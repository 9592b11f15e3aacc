"""The bench panel as a widget: blocks from top to bottom, buttons at the foot."""

from collections.abc import Callable

from textual import events

from contracts.screen import ScreenSnapshot, Tone
from headunit.ui.bench import blocks
from headunit.ui.bench.desk import Desk
from headunit.ui.bench.plot import signal_plot
from headunit.ui.canvas import Canvas
from headunit.ui.keys import KNOB_KEYS
from headunit.ui.text import ACCENT, MUTED, PLAIN, STRONG, Ink, Line, Span, both_ends, fit, fit_line

_BUTTON_WIDTH = 22
_PACKETS_MAX = 8
_PLOT_MAX = 12
_FIXED_LINES = 6
"""Title, rule, band of causes, its legend, a blank line and the title of the messages."""


_SPARE_MIN = 3
"""Lines for plot and messages below which the bench's own addresses give way to them."""


class BenchPanel(Canvas, can_focus=True):
    """For the engineer, never for the driver."""

    def __init__(self, desk: Desk, car_screen: Callable[[], ScreenSnapshot]) -> None:
        super().__init__(id="bench")
        self._desk = desk
        self._car_screen = car_screen
        self._buttons: dict[tuple[int, int], str] = {}
        self.beside = False
        """Whether a rule parts the panel from a display on its left."""

    def picture(self, width: int, height: int) -> tuple[Line, ...]:
        edge = Span(" │ " if self.beside else "   ", MUTED)
        inner = max(20, width - 4)
        foot = self._foot(inner)
        body = self._body(inner, max(0, height - len(foot)))
        self._map_buttons(len(body), inner)
        return tuple(fit_line((edge, *line), width) for line in (*body, *foot)[:height])

    def _body(self, width: int, height: int) -> list[Line]:
        """Signal, then what holds now, then the last messages; the plot takes what the others leave."""
        state = self._desk.state
        reports = [
            *blocks.modem_lines(state),
            *blocks.link_lines(state),
            *blocks.outbox_lines(state),
            *blocks.vehicle_lines(state),
            *blocks.clock_lines(state),
            *blocks.sms_lines(state, width),
            *blocks.info_lines(state),
        ]
        spare = height - len(reports) - _FIXED_LINES
        if spare < _SPARE_MIN:
            del reports[-len(blocks.info_lines(state)) :]
            spare = height - len(reports) - _FIXED_LINES
        packets = max(1, min(_PACKETS_MAX, spare // 2))
        lines: list[Line] = [
            both_ends((Span("Bench", STRONG),), self._caption(), width),
            _rule(width),
            *signal_plot(state.history, width, max(2, min(_PLOT_MAX, spare - packets))),
            (),
            *reports,
            *blocks.packet_lines(state, width, packets, self._desk.now_s()),
        ]
        return [*lines[:height], *[()] * (height - len(lines))]

    def _caption(self) -> Line:
        """What the car shows, where the panel hides it."""
        if self.beside:
            return (Span("signal in dBm, its cause underneath", MUTED),)
        screen = self._car_screen()
        return (
            Span("  in the car: ", MUTED),
            Span(screen.path[-1] if screen.path else "", PLAIN),
            Span(f"  {screen.status.data}", Ink(screen.status.data_tone)),
        )

    def _foot(self, width: int) -> list[Line]:
        per_line = max(1, width // _BUTTON_WIDTH)
        found = self._desk.now()
        lines: list[Line] = [_rule(width)]
        for start in range(0, len(found), per_line):
            spans: list[Span] = []
            for button in found[start : start + per_line]:
                mark = "●" if button.lit else " "
                spans += [
                    Span(f"{button.key} ", ACCENT),
                    Span(fit(f"{button.label} {mark}", _BUTTON_WIDTH - 2), STRONG if button.lit else PLAIN),
                ]
            lines.append(tuple(spans))
        ink = Ink(Tone.BAD) if self._desk.refused else MUTED
        notice = (Span(f"{'✕ ' if self._desk.refused else ''}{self._desk.notice}", ink),)
        return [*lines, both_ends(notice, (Span("  F2 back   F1 ?", MUTED),), width)]

    def _map_buttons(self, top: int, width: int) -> None:
        per_line = max(1, width // _BUTTON_WIDTH)
        self._buttons = {
            (index % per_line, top + 1 + index // per_line): button.key
            for index, button in enumerate(self._desk.now())
        }

    async def on_key(self, key: events.Key) -> None:
        """A button's key; the knob does nothing here."""
        if key.key in ("escape", "backspace", "left"):
            key.stop()
            await self.app.run_action("bench")
        elif await self.press_key(key) or key.key in KNOB_KEYS:
            key.stop()

    async def press_key(self, key: events.Key) -> bool:
        """Press the button of a key, if it is one."""
        name = key.character or ""
        if not name or not self._desk.knows(name):
            return False
        await self._desk.press(name)
        self.redraw()
        return True

    async def on_click(self, click: events.Click) -> None:
        """A click presses the button under it."""
        name = self._buttons.get(((click.x - 3) // _BUTTON_WIDTH, click.y))
        if name is not None:
            await self._desk.press(name)
            self.redraw()


def _rule(width: int) -> Line:
    return (Span("─" * width, MUTED),)
