"""The panel's blocks: each turns the newest reports into a few lines. Pure."""

from datetime import UTC, datetime

from contracts.link import LinkConditions, LinkState
from contracts.modem import Registration, SignalLevel, SimState
from contracts.screen import Tone
from headunit.ui.bench.state import BenchState
from headunit.ui.text import MUTED, PLAIN, STRONG, Ink, Line, Span, fit

_LABEL = 9
_REGISTRATION = {
    Registration.NOT_REGISTERED: "not registered",
    Registration.REGISTERED_HOME: "registered, home",
    Registration.SEARCHING: "searching",
    Registration.REGISTRATION_DENIED: "denied",
    Registration.UNKNOWN: "unknown",
    Registration.REGISTERED_ROAMING: "registered, roaming",
}
_LEVEL = {
    SignalLevel.GOOD: Tone.GOOD,
    SignalLevel.FAIR: Tone.GOOD,
    SignalLevel.POOR: Tone.WARN,
    SignalLevel.NONE: Tone.BAD,
}
_LINK = {LinkState.UP: Tone.GOOD, LinkState.SLOW: Tone.WARN, LinkState.DOWN: Tone.BAD}
_LINK_SYMBOL = {LinkState.UP: "⇅", LinkState.SLOW: "⇅", LinkState.DOWN: "✕"}


def modem_lines(state: BenchState) -> list[Line]:
    """What the modem says of itself."""
    if state.modem is None:
        return [_entry("modem", Span("no reading yet", MUTED))]
    status = state.modem.status
    rsrp = "no cell" if status.rsrp_dbm is None else f"{status.rsrp_dbm:.0f} dBm"
    return [
        _entry(
            "modem",
            Span(f"{status.technology or '–'}  {rsrp}  ", STRONG),
            Span(status.level.value, Ink(_LEVEL[status.level])),
            Span(f"  {_REGISTRATION[status.registration]}", PLAIN),
            Span("  data up", PLAIN) if status.data else Span("  no data", Ink(Tone.BAD)),
            Span(f"  SIM {status.sim.value}", PLAIN if status.sim is SimState.ACTIVE else Ink(Tone.BAD)),
        ),
    ]


def link_lines(state: BenchState) -> list[Line]:
    """Ground truth of the road, as configured."""
    if state.link is None:
        return [_entry("link", Span("no report yet", MUTED))]
    link = state.link
    return [
        _entry(
            "link",
            Span(f"{_LINK_SYMBOL[link.state]} {link.state.value}", Ink(_LINK[link.state], True)),
            Span(
                "  session up" if link.session else "  no session", PLAIN if link.session else Ink(Tone.WARN)
            ),
            Span("".join(f"  {cause.replace('_', ' ')}" for cause in link.causes), Ink(Tone.WARN)),
        ),
        _entry("", Span(conditions_text(link.conditions), MUTED)),
    ]


def conditions_text(conditions: LinkConditions) -> str:
    """Rates, delays, loss and queue of a link in one line."""
    if not conditions.up:
        return "nothing moves, TCP waits"
    return (
        f"↑ {_rate(conditions.rate_up_bps)} {conditions.delay_up_ms:.0f} ms"
        f"   ↓ {_rate(conditions.rate_down_bps)} {conditions.delay_down_ms:.0f} ms"
        f"   loss {conditions.loss * 100:.3g} %   queue {conditions.queue_ms} ms"
    )


def _rate(bps: int) -> str:
    if bps == 0:
        return "no limit"
    if bps >= 1_000_000:
        return f"{bps / 1e6:.3g} Mbit/s"
    return f"{bps / 1e3:.3g} kbit/s"


def outbox_lines(state: BenchState) -> list[Line]:
    """What waits to be sent."""
    if state.outbox is None:
        return [_entry("outbox", Span("no report yet", MUTED))]
    return [
        _entry(
            "outbox",
            *_depth("car", state.outbox.car),
            Span("    ", PLAIN),
            *_depth("backend", state.outbox.backend),
        )
    ]


def _depth(who: str, depth: int) -> tuple[Span, ...]:
    ink = PLAIN if depth == 0 else Ink(Tone.WARN)
    bar = "▪" * min(depth, 10) + ("…" if depth > 10 else "")
    return (Span(f"{who} ", MUTED), Span(f"{depth} {bar}".rstrip(), ink))


def vehicle_lines(state: BenchState) -> list[Line]:
    """Speed, terminal and the motion lock as the car sees them."""
    if state.vehicle is None:
        return [_entry("vehicle", Span("no reading yet", MUTED))]
    vehicle = state.vehicle
    speed = "speed unknown" if vehicle.speed_kmh is None else f"{vehicle.speed_kmh:.0f} km/h"
    lock = (
        Span("⊘ locked while moving", Ink(Tone.WARN))
        if vehicle.moving
        else Span("selection free", Ink(Tone.GOOD))
    )
    terminal = "–" if vehicle.terminal is None else vehicle.terminal.value
    return [_entry("vehicle", Span(f"{speed}  ", STRONG), Span(f"terminal {terminal}  ", PLAIN), lock)]


def clock_lines(state: BenchState) -> list[Line]:
    """Bench time and how fast it runs."""
    if state.clock is None:
        return [_entry("clock", Span("no report yet", MUTED))]
    now = datetime.fromtimestamp(state.clock.now_ms / 1000, UTC)
    return [
        _entry(
            "clock",
            Span(f"{now:%Y-%m-%d %H:%M:%S} UTC", STRONG),
            Span(f"   {state.clock.rate:g}×", PLAIN if state.clock.rate == 1 else Ink(Tone.WARN)),
        )
    ]


def sms_lines(state: BenchState, width: int) -> list[Line]:
    """The newest text message and its link."""
    if state.sms is None:
        return [_entry("SMS", Span("none yet", MUTED))]
    sms = state.sms
    lines = [
        _entry(
            "SMS",
            Span(f"{sms.number}  ", STRONG),
            Span(fit(sms.text, max(8, width - _LABEL - 20)).rstrip(), PLAIN),
        )
    ]
    if sms.url:
        lines.append(_entry("", Span(sms.url, Ink(Tone.ACCENT))))
    return lines


def info_lines(state: BenchState) -> list[Line]:
    """What this bench is and where it can be reached."""
    if state.info is None:
        return [_entry("bench", Span("starting", MUTED))]
    info = state.info
    return [
        _entry(
            "bench", Span(f"…{info.vin[-7:]}  {info.market}", STRONG), Span(f"  broker {info.broker}", PLAIN)
        ),
        *([_entry("phone", Span(info.phone_url, Ink(Tone.ACCENT)))] if info.phone_url else []),
    ]


def packet_lines(state: BenchState, width: int, count: int, now_s: float) -> list[Line]:
    """The last `count` MQTT messages, newest first."""
    title = _entry("MQTT", Span(f"{state.seen} messages" if state.seen else "none yet", MUTED))
    lines = [title]
    for seen in list(reversed(state.packets))[:count]:
        packet = seen.packet
        arrow = "↑" if packet.way == "up" else "↓"
        age = f"{max(0.0, now_s - seen.at_s):.0f} s"
        lines.append(
            _entry(
                "",
                Span(f"{arrow} ", Ink(Tone.ACCENT)),
                Span(fit(packet.who, 9), MUTED),
                Span(fit(packet.kind, 16), PLAIN),
                Span(f"{packet.size:>6} B", MUTED),
                Span(f"{age:>8}", MUTED),
            )
        )
    return lines


def _entry(label: str, *spans: Span) -> Line:
    return (Span(fit(label, _LABEL), MUTED), *spans)
