"""Booked Services: what this car has, in which state, until when (R-405)."""

from contracts.errors import ErrorCode
from contracts.messages import EntitlementState, EntitlementView
from contracts.screen import PanelLine, Tone
from headunit.domain.explanations import EXPLANATIONS
from headunit.domain.menu import Entry, Kind, Node, Open, Page
from headunit.domain.rows import back_row, does
from headunit.domain.validity import RENEWABLE, STANDARD, state_on
from headunit.domain.view import View, lines
from headunit.domain.words import ENTITLEMENT_STATES


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
    return state_on(item, view.formats.today(view.facts.server_now_ms))


def _row(view: View, name: str, item: EntitlementView) -> Entry:
    words, tone = ENTITLEMENT_STATES[_state(view, item)]
    value = view.say(words)
    if item.origin != STANDARD and item.booked_until is not None:
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
    words, tone = ENTITLEMENT_STATES[state]
    rows = [PanelLine(view.say("State"), view.say(words), tone)]
    if item.origin == STANDARD:
        rows.extend(lines(view.say("Belongs to every car; it has no end date.")))
    elif item.booked_until is not None:
        if item.booked_from is not None:
            rows.append(PanelLine(view.say("Booked from"), view.formats.iso_date(item.booked_from)))
        rows.append(PanelLine(view.say("Booked until"), view.formats.iso_date(item.booked_until)))
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
    return tuple(rows)


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
