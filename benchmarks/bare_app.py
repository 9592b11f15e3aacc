"""The smallest Textual app that shows a full screen and answers a key: what the view is measured against."""

from typing import ClassVar

from textual import events
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.widget import Widget


class Page(Widget, can_focus=True):
    """Fills the screen; a key turns its first line."""

    turned = 0

    def render(self) -> str:
        """As many lines as there are, the last one marked."""
        line = "─" * self.size.width
        lines = [f"turned {self.turned}", *[line] * (self.size.height - 2), "READY"]
        return "\n".join(lines)

    def on_key(self, key: events.Key) -> None:
        """Turn."""
        if key.key in ("up", "down"):
            self.turned += 1
            self.refresh()


class BareApp(App[None]):
    """One widget."""

    CSS = "Page { width: 1fr; height: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [("q", "quit", "Quit")]

    def compose(self) -> ComposeResult:
        """The one widget."""
        yield Page(markup=False)


if __name__ == "__main__":
    BareApp().run()
