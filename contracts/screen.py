"""What the driver's eye sees: one immutable picture of the display, before anything draws it.

The presenter makes it, the view draws it, a scenario reads it. Strings are final text in the driver's
language; nothing in them is markup.
"""

from enum import StrEnum

import msgspec


class Tone(StrEnum):
    """Meaning of a piece of text; the view chooses the colour, and words always say it, too."""

    PLAIN = "plain"
    MUTED = "muted"
    ACCENT = "accent"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"


class Row(msgspec.Struct, frozen=True):
    """One line of the list under the knob: label left, `value` right-aligned."""

    label: str
    value: str = ""
    tone: Tone = Tone.PLAIN
    selectable: bool = True


class PanelLine(msgspec.Struct, frozen=True):
    """One line of the right half: what the focused row means; `large` is for a text to be read from afar."""

    text: str = ""
    value: str = ""
    tone: Tone = Tone.PLAIN
    large: bool = False


class Banner(msgspec.Struct, frozen=True):
    """A notice over the list: what happened, what is safe, what to do; `code` in small print."""

    text: str
    tone: Tone = Tone.WARN
    code: str = ""


class StatusBar(msgspec.Struct, frozen=True):
    """The top line. `bars` is 0–4; `data` is a symbol with its word ("⇅ online")."""

    clock: str
    market: str
    technology: str
    bars: int
    data: str
    data_tone: Tone
    messages: int = 0
    locked: bool = False
    warning: str = ""


class ScreenSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The display at one instant.

    `path` is where the driver is, outermost first; `focus` indexes `rows` (-1 = nothing to focus);
    `hints` is what the knob does here; `freshness` says how old the content is; `screen` names the
    menu node for machines ("store.checkout"); `events` counts ControllerEvents applied so far.
    """

    screen: str
    path: tuple[str, ...]
    status: StatusBar
    rows: tuple[Row, ...]
    focus: int
    panel: tuple[PanelLine, ...] = ()
    banner: Banner | None = None
    hints: tuple[str, ...] = ()
    freshness: str = ""
    freshness_tone: Tone = Tone.MUTED
    events: int = 0
