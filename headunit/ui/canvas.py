"""A widget that paints prepared lines and repaints only the cells that differ."""

from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from headunit.ui.text import Line, width_of
from headunit.ui.theme import style_of


class Canvas(Widget):
    """Paints what `picture(width, height)` returns: one Line per row, each exactly `width` cells wide."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self._lines: tuple[Line, ...] = ()
        self._strips: list[Strip] = []
        self._drawn_for: tuple[int, int] = (-1, -1)

    def picture(self, width: int, height: int) -> tuple[Line, ...]:
        """The lines to paint now."""
        raise NotImplementedError

    def redraw(self) -> None:
        """Compare the picture with what is on the screen and repaint the difference."""
        width, height = self.size
        if not width or not height or self._drawn_for != (width, height):
            self._drawn_for = (-1, -1)
            if self.is_mounted:
                self.refresh()
            return
        old = self._lines
        self._lines = new = self.picture(width, height)
        regions = []
        for y, (before, after) in enumerate(zip(old, new, strict=True)):
            if before != after:
                left, right = changed_cells(before, after)
                regions.append(Region(left, y, max(1, width - right - left), 1))
                self._strips[y] = _strip(after, width)
        if regions:
            self.refresh(*regions)

    def render_line(self, y: int) -> Strip:
        """Line `y` as Textual wants it."""
        width, height = self.size
        if self._drawn_for != (width, height):
            self._lines = self.picture(width, height)
            self._strips = [_strip(line, width) for line in self._lines]
            self._drawn_for = (width, height)
        return self._strips[y] if y < len(self._strips) else Strip.blank(width)


def changed_cells(before: Line, after: Line) -> tuple[int, int]:
    """How many cells at the left and at the right of two lines of the same width are the same."""
    shortest = min(len(before), len(after))
    first = 0
    while first < shortest and before[first] == after[first]:
        first += 1
    last = 0
    while last < shortest - first and before[-1 - last] == after[-1 - last]:
        last += 1
    left = sum(width_of(span.text) for span in after[:first])
    right = sum(width_of(span.text) for span in after[len(after) - last :])
    return left, right


def _strip(line: Line, width: int) -> Strip:
    return Strip([Segment(span.text, style_of(span.ink)) for span in line], width)
