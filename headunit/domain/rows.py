"""Rows that several pages share."""

from contracts.screen import PanelLine
from headunit.domain.menu import Action, Entry, GoBack, Kind, Node, Open, ToggleSplit
from headunit.domain.view import View


def opens(
    view: View, kind: Kind, *, count: int = 0, value: str = "", panel: tuple[PanelLine, ...] = ()
) -> Entry:
    """A row that opens the node of `kind`, with how many things are in it."""
    label = (
        view.say("{title} ({n})", title=view.title(Node(kind)), n=str(count))
        if count
        else view.title(Node(kind))
    )
    return Entry(kind.name, label, value, press=Open(Node(kind)), verb=view.say("open"), panel=panel)


def does(
    key: str, label: str, action: Action, verb: str, *, value: str = "", panel: tuple[PanelLine, ...] = ()
) -> Entry:
    """A row that does something."""
    return Entry(key, label, value, press=action, verb=verb, panel=panel)


def reads(key: str, label: str, value: str = "") -> Entry:
    """A row to read only."""
    return Entry(key, label, value)


def back_row(view: View, label: str = "") -> Entry:
    """A row that does what BACK does."""
    return Entry("back", label or view.say("Back"), press=GoBack(), verb=view.say("back"))


def split_row(view: View) -> Entry:
    """The switch of the split screen."""
    value = view.say("on") if view.state.split else view.say("off")
    return does("split", view.say("Split screen"), ToggleSplit(), view.say("switch"), value=value)
