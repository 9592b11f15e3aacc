"""Digits three lines high, for a code that is to be read from the driver's seat."""

from typing import Final

from headunit.ui.text import width_of

_DOTS: Final = {
    "0": ("###", "# #", "# #", "# #", "###"),
    "1": (" # ", "## ", " # ", " # ", "###"),
    "2": ("###", "  #", "###", "#  ", "###"),
    "3": ("###", "  #", "###", "  #", "###"),
    "4": ("# #", "# #", "###", "  #", "  #"),
    "5": ("###", "#  ", "###", "  #", "###"),
    "6": ("###", "#  ", "###", "# #", "###"),
    "7": ("###", "  #", " # ", " # ", " # "),
    "8": ("###", "# #", "###", "# #", "###"),
    "9": ("###", "# #", "###", "  #", "###"),
    " ": (" ", " ", " ", " ", " "),
}
_HALVES: Final = {("#", "#"): "█", ("#", " "): "▀", (" ", "#"): "▄", (" ", " "): " "}


def large(text: str, width: int) -> tuple[str, ...]:
    """`text` as large as `width` cells allow: three lines of half blocks, or characters set apart, or itself.

    Only digits and spaces have a large form.
    """
    if all(char in _DOTS for char in text):
        lines = _blocks(text)
        if width_of(lines[0]) <= width:
            return lines
    apart = " ".join(text)
    return (apart if width_of(apart) <= width else text,)


def _blocks(text: str) -> tuple[str, ...]:
    rows = [" ".join(_DOTS[char][row] for char in text) for row in range(5)]
    rows.append(" " * len(rows[0]))
    pairs = zip(rows[::2], rows[1::2], strict=True)
    return tuple("".join(_HALVES[dots] for dots in zip(*pair, strict=True)) for pair in pairs)
