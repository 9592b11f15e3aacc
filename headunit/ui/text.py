"""Text in terminal cells: spans with a meaning, cut, padded and wrapped by cell width (UAX #11).

Nothing here is markup. What comes from outside loses its control characters, so that no name in a price
list can move the cursor.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from rich.cells import cell_len, set_cell_size

from contracts.screen import Tone

_CONTROLS = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0)], "·") | dict.fromkeys(
    [0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)], ""
)
"""C0, DEL and C1 become visible; bidirectional overrides (UAX #9) vanish."""

_CLOSING = "，。、；：？！）》」』”"


class Ink(NamedTuple):
    """How a span looks: its tone, whether it is bold, whether it lies on the focus bar."""

    tone: Tone = Tone.PLAIN
    bold: bool = False
    raised: bool = False


class Span(NamedTuple):
    """A run of text in one ink."""

    text: str
    ink: Ink


Line: TypeAlias = tuple[Span, ...]

PLAIN = Ink()
MUTED = Ink(Tone.MUTED)
ACCENT = Ink(Tone.ACCENT)
STRONG = Ink(bold=True)


@lru_cache(2048)
def clean(text: str) -> str:
    """`text` without anything a terminal would act on."""
    return text.translate(_CONTROLS)


@lru_cache(2048)
def width_of(text: str) -> int:
    """Width of `text` in cells."""
    return cell_len(clean(text))


@lru_cache(2048)
def fit(text: str, width: int) -> str:
    """`text` in exactly `width` cells: cut with an ellipsis, or padded on the right."""
    text = clean(text)
    if width <= 0:
        return ""
    if cell_len(text) > width:
        return set_cell_size(text, width - 1) + "…"
    return set_cell_size(text, width)


def fit_line(line: Iterable[Span], width: int, ink: Ink = PLAIN) -> Line:
    """`line` in exactly `width` cells; the rest is filled in `ink`."""
    spans: list[Span] = []
    left = width
    for span in line:
        text = clean(span.text)
        cells = cell_len(text)
        if cells > left:
            if left:
                spans.append(Span(fit(text, left), span.ink))
            left = 0
            break
        if cells:
            spans.append(Span(text, span.ink))
        left -= cells
    if left:
        spans.append(Span(" " * left, ink))
    return tuple(spans)


def line_width(line: Iterable[Span]) -> int:
    """Width of `line` in cells."""
    return sum(width_of(span.text) for span in line)


def both_ends(left: Line, right: Line, width: int) -> Line:
    """`left` at the left edge and `right` at the right one; `left` gives way when both do not fit."""
    room = max(0, width - line_width(right))
    return fit_line((*fit_line(left, room), *right), width)


@lru_cache(1024)
def wrap(text: str, width: int) -> tuple[str, ...]:
    """`text` in lines of at most `width` cells, broken at spaces, or anywhere between wide characters."""
    lines: list[str] = []
    line = ""
    for word in _words(clean(text)):
        if cell_len(line) + cell_len(word.rstrip()) <= width:
            line += word
            continue
        if line.strip():
            lines.append(line.rstrip())
        line = word.lstrip()
        while cell_len(line.rstrip()) > width > 0:
            head = set_cell_size(line, width).rstrip()
            lines.append(head)
            line = line[len(head) :]
    lines.append(line.rstrip())
    return tuple(lines)


def _words(text: str) -> list[str]:
    """Where a line may be broken: not in a spaced number, not before closing punctuation (UAX #14, CL)."""
    words: list[str] = []
    word = ""
    for place, char in enumerate(text):
        if char in _CLOSING and not word and words:
            words[-1] += char
        elif cell_len(char) > 1:
            if word:
                words.append(word)
            words.append(char)
            word = ""
        elif char == " " and not _in_number(text, place):
            words.append(word + char)
            word = ""
        else:
            word += char
    if word:
        words.append(word)
    return words


def _in_number(text: str, space: int) -> bool:
    return text[space - 1 : space].isdigit() and text[space + 1 : space + 2].isdigit()
