"""The digit speller: a number typed with the knob (R-203)."""

from contracts.screen import PanelLine, Tone
from headunit.domain.formats import SMS_NUMBER_DIGITS, phone_number
from headunit.domain.menu import DeleteDigit, Node, Page, TakeNumber, TypeDigit
from headunit.domain.rows import does
from headunit.domain.view import View, lines

OK_KEY = "ok"
_DIGITS = "1234567890"


def typed_on(typed: str, digit: str) -> str:
    """The number after one more digit; a full number takes no more."""
    return typed if len(typed) >= SMS_NUMBER_DIGITS else typed + digit


def number(view: View, node: Node) -> Page:
    """Digits to choose from, deletion, and OK."""
    typed = view.state.typed
    panel = (
        PanelLine(view.say("Link goes to"), phone_number(typed.ljust(SMS_NUMBER_DIGITS, "_")), Tone.ACCENT),
        *lines(view.say("11 digits starting with 1; it is used for this order only.")),
    )
    entries = [does(digit, digit, TypeDigit(digit), view.say("type"), panel=panel) for digit in _DIGITS]
    entries.append(
        does("delete", view.say("Delete last digit"), DeleteDigit(), view.say("delete"), panel=panel)
    )
    entries.append(does(OK_KEY, view.say("OK"), TakeNumber(), view.say("use this number"), panel=panel))
    snapshot = view.facts.snapshot
    if snapshot is not None and snapshot.contract_number:
        entries.append(
            does(
                "agreement",
                view.say("Number of the agreement"),
                TakeNumber(agreement=True),
                view.say("use this number"),
                value=phone_number(snapshot.contract_number),
                panel=panel,
            )
        )
    return Page(tuple(entries))
