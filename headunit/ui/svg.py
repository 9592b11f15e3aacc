"""Screens as SVG: self-contained, and wide characters get the two cells they are drawn in."""

import re
from html import unescape
from pathlib import Path

from rich.cells import cell_len

_TEXT = re.compile(
    r'(?P<head><text[^>]* textLength=")(?P<length>[^"]+)(?P<tail>"[^>]*>)(?P<text>[^<]*)(?=</text>)'
)
_WEB_FONT = re.compile(r"\s*@font-face\s*\{[^}]*\}")


def corrected(svg: str) -> str:
    """`svg` as the terminal library exports it, without fonts from the web, with lengths in cells."""

    def lengthen(match: re.Match[str]) -> str:
        text = unescape(match["text"])
        cells = cell_len(text)
        if cells == len(text) or not text:
            return match[0]
        length = float(match["length"]) * cells / len(text)
        return f"{match['head']}{length:g}{match['tail']}{match['text']}"

    return _TEXT.sub(lengthen, _WEB_FONT.sub("", svg))


def save(svg: str, folder: Path) -> Path:
    """Write `svg` under the next free number in `folder`; returns where. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        path = folder / f"screen-{number:03}.svg"
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(corrected(svg))
        except FileExistsError:
            number += 1
        else:
            return path
