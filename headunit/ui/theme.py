"""Colours of the car display: near-black blue, warm white, one amber accent; state colours only for state."""

from functools import cache

from rich.style import Style

from contracts.screen import Tone
from headunit.ui.text import Ink

BACKGROUND = "#0a0f18"
RAISED = "#182233"
TEXT = "#ece5d6"
FAINT = "#7c8798"
AMBER = "#ffb02e"
GREEN = "#7fc978"
RED = "#ff6a57"

_COLOURS = {
    Tone.PLAIN: TEXT,
    Tone.MUTED: FAINT,
    Tone.ACCENT: AMBER,
    Tone.GOOD: GREEN,
    Tone.WARN: AMBER,
    Tone.BAD: RED,
}


@cache
def style_of(ink: Ink) -> Style:
    """The terminal style of an ink."""
    return Style(
        color=_COLOURS[ink.tone],
        bgcolor=RAISED if ink.raised else BACKGROUND,
        bold=ink.bold or None,
    )
