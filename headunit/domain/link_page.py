"""How a car is linked to a Portal account, where its Store needs that (R-202, R-706)."""

from contracts.screen import PanelLine, Tone
from headunit.domain.menu import Entry, Kind, Node, Open, Page, Sync
from headunit.domain.rows import back_row, does, opens
from headunit.domain.view import View, lines

_GROUP = 3


def link(view: View, node: Node) -> Page:
    """What to do in the Portal, with the code it asks for; once linked, the way into the Store."""
    if view.situation.store_needs is None:
        linked = lines(view.say("The Store is open to this car."), tone=Tone.GOOD)
        return Page((opens(view, Kind.STORE), back_row(view)), panel=linked, stale=True)
    sync = does("sync", view.say("Synchronise now"), Sync(), view.say("synchronise"))
    return Page((sync, back_row(view)), panel=steps(view), safe="back", stale=True)


def link_row(view: View) -> Entry:
    """The row that leads here from a closed Store."""
    node = Node(Kind.LINK)
    return Entry("link", view.title(node), press=Open(node), verb=view.say("open"), panel=steps(view))


def steps(view: View) -> tuple[PanelLine, ...]:
    """Three steps; the code stands by itself, large."""
    return (
        *lines(
            view.say("1  Log in to the customer Portal, or register there."),
            view.say("2  Link this car there: enter its VIN, and this code."),
        ),
        *code_lines(view),
        *lines(
            view.say(
                "The Portal also asks for the date of first registration, or for the last characters of the "
                "engine number."
            ),
            view.say("3  Then synchronise here: the Store opens."),
        ),
    )


def code_lines(view: View) -> tuple[PanelLine, ...]:
    """The code on a line of its own; a car that has not been told one says so."""
    snapshot = view.facts.snapshot
    code = snapshot.link_code if snapshot is not None else ""
    if not code:
        return lines(view.say("The code appears with the next synchronisation."), tone=Tone.WARN)
    return (PanelLine(grouped(code), "", Tone.ACCENT, large=True),)


def grouped(code: str) -> str:
    """The code in groups of three, as people read it out."""
    return " ".join(code[start : start + _GROUP] for start in range(0, len(code), _GROUP))
