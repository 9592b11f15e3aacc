"""Steering by what the display says: for scripts that name rows as a driver would."""

import re
from collections.abc import Callable

from contracts.controller import PRESS, ControllerEvent, rotate
from contracts.screen import ScreenSnapshot
from headunit.errors import RowNotFoundError

_COUNT = re.compile(r" \(\d+\)$")


def find_row(snapshot: ScreenSnapshot, label: str) -> int:
    """Detents from the focus to the row called `label`, clockwise positive.

    A whole label comes first, then one whose count in brackets was left out ("My basket" finds
    "My basket (1)"), then a beginning ("Order" finds "Order with obligation to pay"). Rows to read only
    cannot be found. Raises RowNotFoundError, listing the rows there are.
    """
    rows = [(index, row.label) for index, row in enumerate(snapshot.rows) if row.selectable]
    labels = [name for _, name in rows]
    here = next((place for place, (index, _) in enumerate(rows) if index == snapshot.focus), 0)
    for fits in (label.__eq__, lambda name: _COUNT.sub("", name) == label, _begins_with(label)):
        found = next((place for place, name in enumerate(labels) if fits(name)), None)
        if found is not None:
            return found - here
    shown = ", ".join(repr(name) for name in labels) or "no row to choose"
    raise RowNotFoundError(f"{snapshot.screen!r} shows {shown}, not {label!r}")


def _begins_with(label: str) -> Callable[[str], bool]:
    return lambda name: name.startswith(label)


def has_row(snapshot: ScreenSnapshot, label: str) -> bool:
    """Whether a row called `label` can be chosen now."""
    try:
        find_row(snapshot, label)
    except RowNotFoundError:
        return False
    return True


def steps_to(snapshot: ScreenSnapshot, label: str) -> tuple[ControllerEvent, ...]:
    """What the hand does to choose the row called `label`: rotate there, press. Raises RowNotFoundError."""
    detents = find_row(snapshot, label)
    return (rotate(detents), PRESS) if detents else (PRESS,)
