"""Which key is which movement of the controller."""

from contracts.controller import (
    BACK,
    MENU,
    OPTION,
    PRESS,
    TILT_LEFT,
    TILT_RIGHT,
    ControllerAction,
    ControllerEvent,
    rotate,
)

PAGE_DETENTS = 5

KNOB_KEYS: dict[str, ControllerEvent] = {
    "up": rotate(-1),
    "down": rotate(1),
    "pageup": rotate(-PAGE_DETENTS),
    "pagedown": rotate(PAGE_DETENTS),
    "enter": PRESS,
    "space": PRESS,
    "left": TILT_LEFT,
    "right": TILT_RIGHT,
    "shift+up": ControllerEvent(ControllerAction.TILT_UP),
    "shift+down": ControllerEvent(ControllerAction.TILT_DOWN),
    "backspace": BACK,
    "escape": BACK,
    "m": MENU,
    "o": OPTION,
}
"""Key names as the terminal library calls them."""

WORDS: dict[str, ControllerEvent] = {
    "press": PRESS,
    "left": TILT_LEFT,
    "right": TILT_RIGHT,
    "up": ControllerEvent(ControllerAction.TILT_UP),
    "down": ControllerEvent(ControllerAction.TILT_DOWN),
    "back": BACK,
    "menu": MENU,
    "option": OPTION,
}
"""What plain mode reads, beside `rotate N`."""


def parse_words(line: str) -> ControllerEvent | None:
    """The event that a typed line means, None when it means nothing: "rotate -2", "press", "back"."""
    words = line.lower().split()
    match words:
        case ["rotate"]:
            return rotate(1)
        case ["rotate", number]:
            try:
                return rotate(int(number))
            except ValueError:
                return None
        case [word]:
            return WORDS.get(word)
        case _:
            return None
