"""Pages around the Store: main menu, ConnectedDrive, options, and pages that only inform."""

from typing import Final

from contracts.modem import Registration, SignalLevel
from contracts.screen import PanelLine, Tone
from headunit.domain.connection import outage
from headunit.domain.menu import Entry, Kind, Node, Open, Page, Sync
from headunit.domain.reception import ecall_available, is_deactivated, sim_off
from headunit.domain.rows import does, opens, split_row
from headunit.domain.texts import mark
from headunit.domain.view import View, lines

_SECTIONS: Final = {
    Kind.MEDIA: mark("Radio and music. The bench does not model them."),
    Kind.COMMUNICATION: mark("Telephone and messages. The bench does not model them."),
    Kind.NAVIGATION: mark("Map and route. The bench does not model them."),
    Kind.CONNECTED_DRIVE: mark("Services that come over the air: Store, Emergency Call, data connection."),
    Kind.VEHICLE: mark("Trip computer and status of the car. The bench does not model them."),
    Kind.SETTINGS: mark("Language, split screen, about this car, and deletion of personal data."),
}

_REGISTRATIONS: Final = {
    Registration.NOT_REGISTERED: mark("not registered"),
    Registration.REGISTERED_HOME: mark("registered"),
    Registration.SEARCHING: mark("searching"),
    Registration.REGISTRATION_DENIED: mark("registration denied"),
    Registration.UNKNOWN: mark("unknown"),
    Registration.REGISTERED_ROAMING: mark("registered, roaming"),
}

_LEVELS: Final = {
    SignalLevel.GOOD: mark("good"),
    SignalLevel.FAIR: mark("fair"),
    SignalLevel.POOR: mark("poor"),
    SignalLevel.NONE: mark("none"),
}


def main(view: View, node: Node) -> Page:
    """The main menu."""
    return Page(
        tuple(opens(view, kind, panel=lines(view.say(text))) for kind, text in _SECTIONS.items()),
        first=Kind.CONNECTED_DRIVE.name,
    )


def section(view: View, node: Node) -> Page:
    """A branch of the menu that the bench does not model."""
    return Page((), panel=lines(view.say(_SECTIONS[node.kind])))


def connected_drive(view: View, node: Node) -> Page:
    """ConnectedDrive."""
    return Page(
        (
            opens(view, Kind.STORE, panel=lines(view.say("Book services and see what is booked."))),
            opens(
                view,
                Kind.EMERGENCY_CALL,
                value="" if ecall_available(view.facts, view.today()) else view.say("not available"),
                panel=emergency_call(view, node).panel,
            ),
            opens(view, Kind.CONNECTION, panel=connection(view, node).panel),
            opens(view, Kind.SUPPORT, panel=support(view, node).panel),
        )
    )


def emergency_call(view: View, node: Node) -> Page:
    """Whether the Emergency Call would work (R-515)."""
    if ecall_available(view.facts, view.today()):
        return Page((), panel=lines(view.say("Emergency Call available"), tone=Tone.GOOD))
    if is_deactivated(view.facts):
        reason = view.say("All services of this car are deactivated.")
    elif sim_off(view.facts.modem):
        reason = view.say("The SIM is not active.")
    else:
        reason = view.say("The service is not active.")
    advice = view.say("Ask your dealer.")
    return Page(
        (), panel=(*lines(view.say("Emergency Call unavailable"), tone=Tone.BAD), *lines(reason, advice))
    )


def connection(view: View, node: Node) -> Page:
    """What the car knows about its connection."""
    facts, modem = view.facts, view.facts.modem
    rows: list[PanelLine] = []
    if modem is not None:
        network = view.say(_REGISTRATIONS[modem.registration])
        rows.append(PanelLine(view.say("Network"), f"{modem.technology} {network}".strip()))
        rows.append(PanelLine(view.say("Reception"), view.say(_LEVELS[modem.level])))
    if view.situation.online:
        rows.append(PanelLine(view.say("Backend"), view.say("online"), Tone.GOOD))
    else:
        rows.append(PanelLine(outage(view), "", Tone.WARN))
    if facts.last_sync_ms is not None:
        time = view.formats.exact_moment(facts.last_sync_ms, facts.now_ms)
        rows.append(PanelLine(view.say("Last sync"), time))
    sync = does("sync", view.say("Synchronise now"), Sync(), view.say("synchronise"))
    return Page((sync,), panel=tuple(rows))


def support(view: View, node: Node) -> Page:
    """Whom to call (section 2.9)."""
    return Page((), panel=support_lines(view))


def support_lines(view: View) -> tuple[PanelLine, ...]:
    """Whom to call for what."""
    return (
        PanelLine(view.say("Questions about products"), view.support),
        PanelLine(view.say("Orders and payments"), view.hotline),
        PanelLine(view.say("Faults"), view.disturbance_line),
    )


def options(view: View, node: Node) -> Page:
    """What OPTION offers on every page."""
    settings_row = Entry(
        "settings", view.title(Node(Kind.SETTINGS)), press=Open(Node(Kind.SETTINGS)), verb=view.say("open")
    )
    panel = lines(view.say("Asks for prices, orders and booked services anew."))
    sync = does("sync", view.say("Synchronise now"), Sync(), view.say("synchronise"), panel=panel)
    return Page((sync, split_row(view), settings_row))
