"""The car display: paints the newest ScreenSnapshot and says what the hand does to it."""

from textual import events
from textual.message import Message

from contracts.controller import PRESS, ControllerEvent, rotate
from contracts.screen import ScreenSnapshot
from headunit.ui.canvas import Canvas
from headunit.ui.keys import KNOB_KEYS
from headunit.ui.layout import Picture, compose
from headunit.ui.text import Line


class Display(Canvas, can_focus=True):
    """One focus, one knob."""

    class Moved(Message):
        """The hand did `event`."""

        def __init__(self, event: ControllerEvent) -> None:
            super().__init__()
            self.event = event

    def __init__(self, screen: ScreenSnapshot, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.snapshot = screen
        self._picture: Picture | None = None

    def show(self, screen: ScreenSnapshot) -> None:
        """Draw `screen` from now on."""
        self.snapshot = screen
        self.redraw()

    def picture(self, width: int, height: int) -> tuple[Line, ...]:
        self._picture = compose(self.snapshot, width, height)
        return self._picture.lines

    def on_key(self, key: events.Key) -> None:
        """A key that is a movement of the controller."""
        event = KNOB_KEYS.get(key.key)
        if event is not None:
            key.stop()
            key.prevent_default()
            self.post_message(self.Moved(event))

    def on_mouse_scroll_down(self, scroll: events.MouseScrollDown) -> None:
        """The wheel turns the knob."""
        scroll.stop()
        self.post_message(self.Moved(rotate(1)))

    def on_mouse_scroll_up(self, scroll: events.MouseScrollUp) -> None:
        """The wheel turns the knob back."""
        scroll.stop()
        self.post_message(self.Moved(rotate(-1)))

    def on_click(self, click: events.Click) -> None:
        """A click on a row turns the knob there and presses it."""
        picture = self._picture
        if picture is None or click.x >= picture.list_width:
            return
        index = picture.rows.get(click.y)
        if index is None or not self.snapshot.rows[index].selectable:
            return
        detents = detents_to(self.snapshot, index)
        if detents:
            self.post_message(self.Moved(rotate(detents)))
        self.post_message(self.Moved(PRESS))


def detents_to(screen: ScreenSnapshot, index: int) -> int:
    """How many clicks of the knob lie between the focus and row `index`: one per selectable row."""
    low, high = sorted((screen.focus, index))
    steps = sum(row.selectable for row in screen.rows[low + 1 : high + 1])
    return steps if index > screen.focus else -sum(row.selectable for row in screen.rows[low:high])
