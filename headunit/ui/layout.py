"""Where everything of a ScreenSnapshot goes on a display of so many cells. Pure."""

from itertools import pairwise
from typing import NamedTuple

from contracts.screen import Banner, PanelLine, Row, ScreenSnapshot, Tone
from headunit.ui.large_digits import large
from headunit.ui.status_line import hint_line, rule, status_line
from headunit.ui.text import (
    ACCENT,
    MUTED,
    PLAIN,
    Ink,
    Line,
    Span,
    both_ends,
    clean,
    fit,
    fit_line,
    width_of,
    wrap,
)

MIN_WIDTH = 40
"""Narrower displays are drawn as if they were this wide, and cut."""

_PANEL_MAX = 64
_LONE_LIST_MAX = 96
_LIST_PERCENT = (43, 52, 62)
"""Where the rule between list and panel may stand: few places, so that it rarely moves."""

_LIST_MAX = 74
_EDGES = 7
"""Cells of a row that are neither label nor value: the arc left, the arrow right."""

_NAME_MIN = 8
"""A name is not cut shorter than this before its term or its value is cut."""

_DOT = " · "
_BLANK: Line = ()


class Picture(NamedTuple):
    """A laid-out screen: its lines from the top, and which list row each line shows."""

    lines: tuple[Line, ...]
    rows: dict[int, int]
    list_width: int


def compose(screen: ScreenSnapshot, width: int, height: int) -> Picture:
    """Lay `screen` out on `width` × `height` cells."""
    inner = max(width, MIN_WIDTH)
    body_height = max(0, height - 4)
    head = _banner(screen.banner, inner) if screen.banner else []
    if body_height - len(head) >= 16:
        head = [_BLANK, *head]
    list_height = max(1, body_height - len(head))
    split = bool(screen.panel)
    list_width = _split_at(screen.rows, inner) if split else min(inner, _LONE_LIST_MAX)
    listed, shown = _list(screen.rows, screen.focus, list_width, list_height)
    if split:
        panel = _panel(screen.panel, min(inner - list_width - 6, _PANEL_MAX), list_height)
        listed = [
            (*fit_line(left, list_width), Span(" │  ", MUTED), *right)
            for left, right in zip(listed, panel, strict=True)
        ]
    body = [*head, *listed][:body_height]
    lines = [
        status_line(screen, inner),
        rule(inner, screen.status.warning),
        *body,
        *[_BLANK] * (body_height - len(body)),
        rule(inner),
        hint_line(screen, inner),
    ]
    return Picture(
        tuple(fit_line(line, width) for line in lines[:height]),
        {2 + len(head) + y: index for y, index in shown.items()},
        list_width,
    )


def _split_at(rows: tuple[Row, ...], width: int) -> int:
    """Where the rule between list and panel stands: the leftmost place at which no row is cut."""
    needed = max((_needed(row) for row in rows if row.selectable or row.value), default=0)
    places = [min(width * percent // 100, _LIST_MAX) for percent in _LIST_PERCENT]
    return next((place for place in places if needed <= place), places[-1])


def _needed(row: Row) -> int:
    return _EDGES + width_of(row.label) + (2 + width_of(row.value) if row.value else 0)


def _banner(banner: Banner, width: int) -> list[Line]:
    ink = Ink(banner.tone)
    code = width_of(banner.code) + 2 if banner.code else 0
    texts = wrap(banner.text, width - 8)
    if width_of(texts[-1]) + code > width - 8:
        texts = wrap(banner.text, width - 8 - code)
    lines: list[Line] = [(Span("  ▌ ", ink), Span(text, ink)) for text in texts]
    if banner.code:
        lines[-1] = both_ends(lines[-1], (Span(f"  {banner.code}  ", MUTED),), width)
    return [*lines, _BLANK]


def _list(rows: tuple[Row, ...], focus: int, width: int, height: int) -> tuple[list[Line], dict[int, int]]:
    """The list on its arc, and which row each of its lines shows.

    The first and last line are kept for the ends of the arc; a short list breathes, a long one scrolls
    under a still focus.
    """
    step = 2 if len(rows) * 2 <= height - 1 else 1
    visible = max(1, (height - 2 + step - 1) // step)
    first = min(max(0, focus - visible // 2), max(0, len(rows) - visible))
    lines: list[Line] = [_BLANK] * height
    shown: dict[int, int] = {}
    for place, index in enumerate(range(first, min(len(rows), first + visible))):
        y = min(height - 1, 1 + place * step)
        row = rows[index]
        lines[y] = _row(row, index == focus, width)
        shown[y] = index
        if step == 2 and not row.selectable and not row.value:
            texts = wrap(row.label, width - _EDGES)
            lines[y] = _row(Row(texts[0], tone=row.tone, selectable=False), False, width)
            lines[y + 1] = _row(Row(" ".join(texts[1:]), tone=row.tone, selectable=False), False, width)
        if index == focus:
            focus_y = y
    if focus in shown.values():
        for y, end in ((focus_y - 1, "╭"), (focus_y + 1, "╰")):
            if 0 <= y < height:
                lines[y] = (Span(f"  {end}", ACCENT), *lines[y][1:])
    if first > 0 and height > 2:
        lines[0] = _more(lines[0], "▴", width)
    if first + visible < len(rows) and height > 2:
        lines[-1] = _more(lines[-1], "▾", width)
    return lines, shown


def _row(row: Row, focused: bool, width: int) -> Line:
    if focused:
        ink, value_ink, arc = Ink(Tone.ACCENT, True, True), Ink(Tone.PLAIN, False, True), "│"
    else:
        ink = Ink(row.tone if row.selectable or row.tone is not Tone.PLAIN else Tone.MUTED)
        value_ink, arc = (MUTED if row.tone is Tone.PLAIN else ink), " "
    room = max(1, width - _EDGES)
    value = fit(row.value, min(width_of(row.value), max(1, room - _NAME_MIN - 1))) if row.value else ""
    label = _fit_name(row.label, room - (width_of(value) + 1 if value else 0))
    bar = Ink(raised=focused)
    return (
        Span(f"  {arc}", ACCENT),
        Span(" ", bar),
        Span(label, ink),
        *((Span(" ", bar), Span(value, value_ink)) if value else ()),
        Span(" ◀ " if focused else "   ", Ink(Tone.ACCENT, False, focused)),
    )


def _fit_name(label: str, width: int) -> str:
    """`label` in `width` cells; of "name · term" the name gives way, for the term tells rows apart."""
    name, dot, term = label.rpartition(_DOT)
    rest = width_of(dot + term)
    if not dot or width_of(label) <= width or width - rest < _NAME_MIN:
        return fit(label, width)
    return fit(name, width - rest) + dot + clean(term)


def _more(line: Line, mark: str, width: int) -> Line:
    return (*fit_line(line, width - 3), Span(f" {mark} ", MUTED))


def _panel(panel: tuple[PanelLine, ...], width: int, height: int) -> list[Line]:
    """The entries from the top, paragraphs apart from each other as long as there is room for that."""
    blocks = [_panel_entry(entry, width) for entry in panel]
    apart = [False, *(_apart(*pair) for pair in pairwise(zip(panel, blocks, strict=True)))]
    if 1 + sum(map(len, blocks)) + sum(apart) > height:
        apart = [False] * len(blocks)
    lines: list[Line] = [_BLANK]
    for block, is_apart in zip(blocks, apart, strict=True):
        lines += [_BLANK, *block] if is_apart else block
    if len(lines) > height:
        lines = [*lines[: height - 1], (Span("…", MUTED),)]
    return [*lines, *[_BLANK] * (height - len(lines))]


def _apart(before: tuple[PanelLine, list[Line]], after: tuple[PanelLine, list[Line]]) -> bool:
    """Whether a blank line belongs between two entries.

    Tables and paragraphs stand apart; small print does not.
    """
    if after[0].tone is Tone.MUTED or not before[0].text or not after[0].text:
        return False
    if bool(before[0].value) != bool(after[0].value):
        return True
    return not after[0].value and (len(before[1]) > 1 or len(after[1]) > 1)


def _panel_entry(entry: PanelLine, width: int) -> list[Line]:
    ink = Ink(entry.tone, entry.tone is Tone.ACCENT)
    if entry.large:
        return [(Span(text, ink),) for text in large(clean(entry.text), width)]
    value_ink = PLAIN if entry.tone is Tone.MUTED else ink
    value = fit(entry.value, min(width_of(entry.value), width)) if entry.value else ""
    room = width - (width_of(value) + 2 if value else 0)
    if value and (room < _NAME_MIN or room < width_of(entry.text) <= width):
        text_lines = _panel_entry(PanelLine(entry.text, "", entry.tone), width) if entry.text else []
        return [*text_lines, both_ends((), (Span(value, value_ink),), width)]
    lines: list[Line] = [(Span(text, ink),) for text in wrap(entry.text, room)]
    if value:
        lines[-1] = both_ends(lines[-1], (Span(value, value_ink),), width)
    return lines
