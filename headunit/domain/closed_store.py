"""A Store in which this car may not order: why, and what to do about it (R-202)."""

from contracts.errors import ErrorCode
from contracts.screen import Banner, Tone
from headunit.domain.connection import outage
from headunit.domain.link_page import link_row
from headunit.domain.menu import Entry, TryAgain
from headunit.domain.notices import notice_banner
from headunit.domain.rows import does, reads
from headunit.domain.state import Notice
from headunit.domain.view import View


def closed_rows(view: View) -> list[Entry]:
    """The one row that leads on; to read only while the first synchronisation is under way."""
    needs = view.situation.store_needs
    if needs is ErrorCode.REGISTRATION_REQUIRED:
        return [link_row(view)]
    if view.situation.online and view.facts.snapshot is None:
        return [reads("waiting", view.say("Products appear with the first synchronisation"))]
    look = "" if view.situation.online else outage(view)
    return [does("retry", view.say("Try again"), TryAgain(), view.say("look again"), value=look)]


def closed_banner(view: View) -> Banner | None:
    """Why the Store is closed; None while it is open, or while the answer is on its way."""
    needs = view.situation.store_needs
    if needs is None or (view.situation.online and view.facts.snapshot is None):
        return None
    if view.facts.snapshot is None:
        unknown = view.say(
            "This car must be linked to a Portal account before it can order. "
            "Whether it is will be known with the next connection."
        )
        return Banner(unknown, Tone.WARN, needs)
    return notice_banner(view, Notice(needs))
