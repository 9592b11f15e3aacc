"""Settings: language, split screen, what there is to know about the car, and deletion of personal data."""

from contracts.screen import PanelLine
from headunit.domain.link_page import grouped
from headunit.domain.main_menu import support_lines
from headunit.domain.menu import Erase, Kind, Node, Page, Speak
from headunit.domain.rows import back_row, does, opens, split_row
from headunit.domain.texts import LANGUAGES
from headunit.domain.view import View, lines


def settings(view: View, node: Node) -> Page:
    """Settings; changing one needs a standing car (R-811)."""
    return Page(
        (
            opens(view, Kind.LANGUAGE, value=LANGUAGES[view.voice.language]),
            split_row(view),
            opens(view, Kind.INFO, panel=about(view)),
            opens(view, Kind.ERASE, panel=lines(_erased(view))),
        )
    )


def language(view: View, node: Node) -> Page:
    """Languages, by their own names."""
    entries = tuple(
        does(code, name, Speak(code), view.say("choose"), value="✓" if code == view.voice.language else "")
        for code, name in LANGUAGES.items()
    )
    return Page(entries, first=view.voice.language)


def info(view: View, node: Node) -> Page:
    """About this car: whom to call, terms, code for the Portal (R-102, R-706, R-833)."""
    return Page((back_row(view),), panel=about(view), stale=True)


def about(view: View) -> tuple[PanelLine, ...]:
    """What the information page says."""
    rows = [*support_lines(view)]
    snapshot = view.facts.snapshot
    if snapshot is not None and snapshot.terms_version:
        rows.append(PanelLine(view.say("Terms of use, version"), snapshot.terms_version))
    if snapshot is not None and snapshot.link_code:
        rows.append(PanelLine(view.say("Code for linking in the Portal"), grouped(snapshot.link_code)))
    return tuple(rows)


def erase(view: View, node: Node) -> Page:
    """Asks once before personal data is deleted, and says what that means (R-715)."""
    stays = view.say(
        "Booked services stay and are synchronised again. Orders already placed are not cancelled by this."
    )
    keep = back_row(view, view.say("Keep everything"))
    confirm = does("confirm", view.say("Yes, delete personal data"), Erase(), view.say("delete"))
    return Page((keep, confirm), first=keep.key, safe=keep.key, panel=lines(_erased(view), stays))


def _erased(view: View) -> str:
    return view.say(
        "Deletes contacts, destinations, messages, the basket, telephone numbers and everything the car "
        "keeps for quicker display."
    )
