"""Screens over the display: help, and what is left when the bench has gone."""

from collections.abc import Callable
from functools import partial

from textual import events
from textual.screen import ModalScreen

from contracts.screen import Tone
from headunit.ui.canvas import Canvas
from headunit.ui.errors import BenchGoneError
from headunit.ui.status_line import rule
from headunit.ui.text import ACCENT, MUTED, PLAIN, STRONG, Ink, Line, Span, fit, fit_line, wrap

_KNOB = (
    ("↑ ↓", "rotate the knob; the mouse wheel does too, Page ↑ ↓ five clicks"),
    ("Enter", "press the knob; so does Space, or a click on a row"),
    ("← →", "tilt: ← goes back, → shows details"),
    ("Backspace", "BACK; Esc too, but terminals wait a tenth of a second after it"),
    ("m", "MENU: the start of the menu"),
    ("o", "OPTION: what else can be done here"),
)
_BENCH = (
    ("F2", "bench panel: signal, link, queues, clock, and their buttons"),
    ("F8", "save the screen as SVG"),
    ("Ctrl+P", "find an action by its name"),
    ("q", "quit; the bench ends with the view. Ctrl+C and Ctrl+Q too"),
)


class _Page(Canvas, can_focus=True):
    def __init__(self, lines: Callable[[int], list[Line]]) -> None:
        super().__init__()
        self._page = lines

    def picture(self, width: int, height: int) -> tuple[Line, ...]:
        page = self._page(width)
        while len(page) > height and () in page:
            page.remove(())
        blank: list[Line] = [()] * (height - len(page))
        return tuple(fit_line(line, width) for line in (*page, *blank)[:height])


class _PageScreen(ModalScreen[None]):
    CSS = "_PageScreen { align: left top; } _PageScreen _Page { width: 1fr; height: 1fr; }"

    def __init__(self, page: _Page, *, final: bool = False) -> None:
        super().__init__()
        self._page = page
        self._final = final

    def compose(self) -> list[_Page]:
        return [self._page]

    def on_key(self, key: events.Key) -> None:
        """Any key closes help; after the bench has gone, any key but F8 leaves."""
        if key.key in ("f8", "ctrl+c", "ctrl+q"):
            return
        key.stop()
        if self._final:
            self.app.exit(1)
        else:
            self.dismiss()


def help_screen() -> ModalScreen[None]:
    """What every key does."""
    return _PageScreen(_Page(_help))


def _help(width: int) -> list[Line]:
    return [
        (Span(" Keys", STRONG),),
        rule(width),
        (),
        (Span("  The knob", ACCENT),),
        *_keys(_KNOB),
        (),
        (Span("  The bench", ACCENT),),
        *_keys(_BENCH),
        (),
        (Span("  In the status line", ACCENT),),
        *_keys(
            (
                ("⇅", "data: online or slow, in the words beside it"),
                ("◌  ✕", "no data; no network at all"),
                ("⊘", "the car is moving: basket, orders and settings stay as they are"),
                ("✉", "messages waiting"),
            )
        ),
        (),
        (Span("  Any key goes back.", MUTED),),
    ]


def gone_screen(error: BenchGoneError) -> ModalScreen[None]:
    """The bench process has ended: what happened, what is safe, what to do."""
    return _PageScreen(_Page(partial(_gone, error)), final=True)


def _gone(error: BenchGoneError, width: int) -> list[Line]:
    return [
        (Span(" ✕ The bench has stopped", Ink(Tone.BAD, True)),),
        rule(width),
        (),
        *[(Span(f"  {text}", PLAIN),) for text in wrap(str(error), width - 4)],
        (),
        (Span("  Basket, orders and waiting messages are on disk: start again and go on.", PLAIN),),
        *([(Span(f"  Everything it wrote is in {error.log}", PLAIN),)] if error.log else []),
        (),
        *[(Span(f"  {line}", MUTED),) for line in error.lines[-14:]],
        (),
        (Span("  Any key leaves.", MUTED),),
    ]


def _keys(entries: tuple[tuple[str, str], ...]) -> list[Line]:
    return [(Span("    ", PLAIN), Span(fit(key, 12), STRONG), Span(text, PLAIN)) for key, text in entries]
