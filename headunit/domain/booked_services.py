"""Booked Services: what this car has, in which state, until when (R-405)."""

from typing import Final

from contracts.errors import ErrorCode
from contracts.messages import EntitlementState, EntitlementView
from contracts.screen import PanelLine, Tone
from headunit.domain.explanations import EXPLANATIONS
from headunit.domain.menu import Entry, Kind, Node, Open, Page
from headunit.domain.reception import ecall_available
from headunit.domain.rows import back_row, does
from headunit.domain.store import notice_lines
from headunit.domain.texts import mark
from headunit.domain.validity import EMERGENCY_CALL, RENEWABLE, STANDARD, state_on
from headunit.domain.view import View, lines
from headunit.domain.words import ENTITLEMENT_STATES

_ENDED_EARLY: Final = (EntitlementState.TERMINATED, EntitlementState.DEACTIVATED)
"""States in which the last day that was bought says nothing any more (R-517)."""


def booked(view: View, node: Node) -> Page:
    """Standard services first, then what runs, then what has ended."""
    if view.facts.snapshot is None:
        waiting = view.say("Booked services appear with the first synchronisation.")
        return Page((back_row(view),), panel=lines(waiting), stale=True)
    entries = tuple(_row(view, name, item) for name, item in _named(view))
    if not entries:
        return Page((back_row(view),), panel=lines(view.say("Nothing is booked.")), stale=True)
    return Page(entries, stale=True)


def _named(view: View) -> list[tuple[str, EntitlementView]]:
    """Every entitlement under a name of its own: a service that was booked twice is there twice."""
    snapshot = view.facts.snapshot
    items = list(snapshot.entitlements) if snapshot is not None else []
    items.sort(key=lambda item: (item.origin != STANDARD, _state(view, item) not in RENEWABLE))
    seen: dict[str, int] = {}
    named = []
    for item in items:
        nth = seen[item.service] = seen.get(item.service, 0) + 1
        named.append((item.service if nth == 1 else f"{item.service}.{nth}", item))
    return named


def _state(view: View, item: EntitlementView) -> EntitlementState:
    """The state that holds today by server time; a cached end date ends a service (R-406)."""
    return state_on(item, view.today())


def _words(view: View, item: EntitlementView, state: EntitlementState) -> tuple[str, Tone]:
    """The state in words; an Emergency Call that would not work is never called active (R-515)."""
    if (
        item.service == EMERGENCY_CALL
        and state is EntitlementState.ACTIVE
        and not ecall_available(view.facts, view.today())
    ):
        return mark("not available"), Tone.BAD
    return ENTITLEMENT_STATES[state]


def _row(view: View, name: str, item: EntitlementView) -> Entry:
    state = _state(view, item)
    words, tone = _words(view, item, state)
    value = view.say(words)
    if item.origin != STANDARD and item.booked_until is not None and state not in _ENDED_EARLY:
        value = f"{value} · {view.formats.iso_date(item.booked_until)}"
    return Entry(
        f"service:{name}",
        item.name,
        value,
        Tone.BAD if item.overdue else tone,
        press=Open(Node(Kind.BOOKED_SERVICE, name)),
        verb=view.say("open"),
        panel=_facts(view, item),
    )


def _facts(view: View, item: EntitlementView) -> tuple[PanelLine, ...]:
    state = _state(view, item)
    words, tone = _words(view, item, state)
    rows = [PanelLine(view.say("State"), view.say(words), tone)]
    if item.origin == STANDARD:
        rows.extend(lines(view.say("Belongs to every car; it has no end date.")))
    elif item.booked_until is not None:
        if item.booked_from is not None:
            rows.append(PanelLine(view.say("Booked from"), view.formats.iso_date(item.booked_from)))
        until = view.say("Was booked until") if state in _ENDED_EARLY else view.say("Booked until")
        rows.append(PanelLine(until, view.formats.iso_date(item.booked_until)))
    if state in RENEWABLE and item.ends_by_notice:
        last = view.formats.iso_date(item.ends_by_notice)
        rows.extend(
            lines(view.say("BMW ends this service. Its last day is {date}.", date=last), tone=Tone.WARN)
        )
    elif state in RENEWABLE:
        rows.extend(_renewal(view, item))
    if item.overdue:
        text = view.say(
            EXPLANATIONS[ErrorCode.ACTIVATION_OVERDUE],
            service=item.name,
            disturbance_line=view.disturbance_line,
        )
        rows.append(PanelLine(text, "", Tone.BAD))
        rows.append(PanelLine(ErrorCode.ACTIVATION_OVERDUE.value, "", Tone.MUTED))
    elif state is EntitlementState.PENDING:
        rows.extend(lines(view.say("Paid. It becomes active by itself, at latest 24 hours after payment.")))
    elif state is EntitlementState.SUSPENDED:
        rows.extend(
            lines(view.say("Suspended, contact support: {support}", support=view.support), tone=Tone.WARN)
        )
    elif state is EntitlementState.DEACTIVATED:
        rows.extend(lines(view.say("Deactivated. Ask your dealer."), tone=Tone.BAD))
    elif state is EntitlementState.TERMINATED:
        text = view.say("It has been ended and no longer works. Questions: {hotline}", hotline=view.hotline)
        rows.extend(lines(text))
    elif state is EntitlementState.EXPIRED:
        rows.extend(lines(view.say("Its time is over and it no longer works.")))
    elif state is EntitlementState.ACTIVE:
        text = view.say("Does it not work? Call {disturbance_line}", disturbance_line=view.disturbance_line)
        rows.extend(lines(text, tone=Tone.MUTED))
    return tuple(rows)


def _renewal(view: View, item: EntitlementView) -> list[PanelLine]:
    """Auto-renew, to read only, and the last day for notice, where the market knows them (R-504, R-505)."""
    rows = []
    if item.auto_renew is not None:
        rows.append(PanelLine(view.say("Auto-renew"), view.say("on") if item.auto_renew else view.say("off")))
        rows.extend(lines(view.say("Switched in the Portal"), tone=Tone.MUTED))
    rows.extend(notice_lines(view, item))
    return rows


def booked_service(view: View, node: Node) -> Page:
    """One booked service, and the way to renew it."""
    item = dict(_named(view)).get(node.subject)
    if item is None:
        return Page((back_row(view),), panel=lines(view.say("This service is no longer listed.")), stale=True)
    entries = []
    if view.product(item.service) is not None:
        product = Open(Node(Kind.PRODUCT, item.service))
        label = view.say("Renew") if _state(view, item) in RENEWABLE else view.say("Book again")
        entries.append(does("renew", label, product, view.say("open")))
    return Page((*entries, back_row(view)), panel=_facts(view, item), stale=True)
