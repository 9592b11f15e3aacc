"""The signal over time in braille, its four steps (D-38) as colours, the cause as a band underneath. Pure."""

from collections.abc import Sequence

from contracts.link import LinkState
from contracts.screen import Tone
from headunit.ui.bench.state import Sample
from headunit.ui.text import MUTED, Ink, Line, Span, fit

_TOP_DBM = -65.0
_BOTTOM_DBM = -125.0
_AXIS = 5
_LEFT_DOTS = (0x40, 0x04, 0x02, 0x01)
_RIGHT_DOTS = (0x80, 0x20, 0x10, 0x08)
_STATE_TONE = {LinkState.UP: Tone.GOOD, LinkState.SLOW: Tone.WARN, LinkState.DOWN: Tone.BAD}


def signal_plot(history: Sequence[Sample], width: int, height: int) -> list[Line]:
    """`height` lines of braille, one band of causes and its legend, `width` cells wide; newest right."""
    columns = max(1, width - _AXIS - 1)
    samples = list(history)[-2 * columns :]
    padded: list[Sample | None] = [*[None] * (2 * columns - len(samples)), *samples]
    lines = []
    for row in range(height):
        spans = [Span(_axis_label(row, height), MUTED)]
        for column in range(columns):
            pair = padded[2 * column], padded[2 * column + 1]
            bits = _dots(pair[0], _LEFT_DOTS, row, height) | _dots(pair[1], _RIGHT_DOTS, row, height)
            newest = pair[1] or pair[0]
            spans.append(Span(chr(0x2800 + bits) if bits else " ", Ink(_level_tone(newest))))
        lines.append(_merged(spans))
    return [*lines, *_band(padded, columns)]


def _axis_label(row: int, height: int) -> str:
    if row not in (0, height // 2, height - 1):
        return (" dBm" if row == 1 else "").ljust(_AXIS)
    share = row / (height - 1) if height > 1 else 0.0
    return f"{_TOP_DBM + share * (_BOTTOM_DBM - _TOP_DBM):>4.0f} "


def _dots(sample: Sample | None, masks: tuple[int, int, int, int], row: int, height: int) -> int:
    """Dots of one sample in text row `row`, filled from the bottom up to its level."""
    if sample is None or sample.rsrp_dbm is None:
        return 0
    share = (sample.rsrp_dbm - _BOTTOM_DBM) / (_TOP_DBM - _BOTTOM_DBM)
    filled = round(min(1.0, max(0.0, share)) * height * 4)
    below = (height - 1 - row) * 4
    return sum(masks[dot] for dot in range(4) if filled > below + dot)


def _level_tone(sample: Sample | None) -> Tone:
    if sample is None or sample.rsrp_dbm is None:
        return Tone.MUTED
    if sample.rsrp_dbm >= -100:
        return Tone.GOOD
    return Tone.WARN if sample.rsrp_dbm >= -110 else Tone.BAD


def _band(padded: Sequence[Sample | None], columns: int) -> list[Line]:
    """One cell per two samples: the first letter of the cause, else ─ while the link is up."""
    spans = [Span(" " * _AXIS, MUTED)]
    causes: dict[str, None] = {}
    for column in range(columns):
        sample = padded[2 * column + 1] or padded[2 * column]
        if sample is None or sample.link is None:
            spans.append(Span(" ", MUTED))
            continue
        mark = "─" if sample.link is not LinkState.DOWN else "×"
        if sample.causes:
            mark = sample.causes[0][:1].upper()
            causes[sample.causes[0]] = None
        spans.append(Span(mark, Ink(_STATE_TONE[sample.link])))
    legend = "  ".join(f"{cause[:1].upper()} {cause.replace('_', ' ')}" for cause in causes)
    return [
        _merged(spans),
        (Span(" " * _AXIS, MUTED), Span(fit(legend or "no cause at work", columns), MUTED)),
    ]


def _merged(spans: list[Span]) -> Line:
    merged: list[Span] = []
    for span in spans:
        if merged and merged[-1].ink == span.ink:
            merged[-1] = Span(merged[-1].text + span.text, span.ink)
        else:
            merged.append(span)
    return tuple(merged)
