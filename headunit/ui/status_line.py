"""The top and bottom lines of every screen: where I am, what the radio does, what the knob does here."""

from contracts.screen import ScreenSnapshot, StatusBar, Tone
from headunit.ui.text import MUTED, PLAIN, STRONG, Ink, Line, Span, both_ends, fit_line, line_width, width_of

_BARS = "▂▄▆█"
_NO_BAR = "▁"
_TRAIL = " ▸ "


def status_line(screen: ScreenSnapshot, width: int) -> Line:
    """Clock, market and path left; lock, radio, data and messages right."""
    status = screen.status
    right = _radio(status)
    left = (Span(f" {status.clock} ", STRONG), Span(f"{status.market}  ", MUTED))
    room = width - line_width(right) - line_width(left) - 2
    return both_ends((*left, *_path(screen.path, room)), right, width)


def _path(path: tuple[str, ...], room: int) -> Line:
    """The path, outer levels giving way first; where I am is never dropped."""
    for skip in range(len(path)):
        names = path[skip:]
        shown = ("…", *names) if skip else names
        if sum(map(width_of, shown)) + len(_TRAIL) * (len(shown) - 1) <= room or len(names) == 1:
            if skip and len(names) == 1 and width_of(names[0]) + len(_TRAIL) + 1 > room:
                shown = names
            outer = "".join(name + _TRAIL for name in shown[:-1])
            return (*((Span(outer, MUTED),) if outer else ()), Span(shown[-1], STRONG))
    return ()


def _radio(status: StatusBar) -> Line:
    spans: list[Span] = []
    if status.locked:
        spans.append(Span("  ⊘ ▸▸", Ink(Tone.WARN)))
    lit = max(0, min(4, status.bars))
    spans.append(Span(f"  {status.technology} " if status.technology else "  ", PLAIN))
    if lit:
        spans.append(Span(_BARS[:lit], PLAIN))
    if lit < 4:
        spans.append(Span(_NO_BAR * (4 - lit), MUTED))
    spans.append(Span(f"  {status.data}", Ink(status.data_tone)))
    if status.messages:
        spans.append(Span(f"   ✉ {status.messages}", PLAIN))
    spans.append(Span(" ", PLAIN))
    return tuple(spans)


def rule(width: int, notice: str = "") -> Line:
    """The thin rule; `notice` interrupts it and so stands on every screen."""
    if not notice:
        return (Span(" " + "─" * (width - 2) + " ", MUTED),)
    text = f" {notice} " if notice.startswith(("⚠", "!")) else f" ⚠ {notice} "
    return fit_line(
        (
            Span(" ──", MUTED),
            Span(text, Ink(Tone.BAD, True)),
            Span("─" * max(0, width - 4 - width_of(text)) + " ", MUTED),
        ),
        width,
    )


def hint_line(screen: ScreenSnapshot, width: int) -> Line:
    """What the knob does here, and how old what I see is."""
    right = (Span(f"  {screen.freshness}  " if screen.freshness else "", Ink(screen.freshness_tone)),)
    room = width - line_width(right) - 2
    hints = [*screen.hints, "F1 ?"]
    while len(hints) > 1 and sum(map(width_of, hints)) + 3 * (len(hints) - 1) > room:
        del hints[-2]
    return both_ends((Span("  " + "   ".join(hints), MUTED),), right, width)
