"""The top line: clock, market, radio, data, lock, and the one warning that stays on every screen."""

from contracts.modem import ModemStatus, SignalLevel
from contracts.screen import StatusBar, Tone
from headunit.domain.reception import ecall_available, has_network, is_deactivated, is_slow, sim_off
from headunit.domain.view import View

_BARS = {SignalLevel.GOOD: 4, SignalLevel.FAIR: 3, SignalLevel.POOR: 1, SignalLevel.NONE: 0}
_WEAK_FAIR_DBM = -92.5
"""Below the middle of FAIR (D-38) one bar less is shown."""


def bars(modem: ModemStatus | None) -> int:
    """Reception in 0–4 bars."""
    if modem is None or sim_off(modem) or not has_network(modem):
        return 0
    if modem.level is SignalLevel.FAIR and modem.rsrp_dbm is not None and modem.rsrp_dbm < _WEAK_FAIR_DBM:
        return 2
    return _BARS[modem.level]


def status_bar(view: View) -> StatusBar:
    """The top line now."""
    facts, modem = view.facts, view.facts.modem
    data, tone = _data(view)
    return StatusBar(
        clock=view.formats.clock(facts.now_ms),
        market=facts.market,
        technology=modem.technology if modem is not None and bars(modem) else "",
        bars=bars(modem),
        data=data,
        data_tone=tone,
        locked=view.situation.moving,
        warning=_warning(view),
    )


def _warning(view: View) -> str:
    """What stays on every screen while it is so (R-514, R-515)."""
    if is_deactivated(view.facts):
        return "⚠ " + view.say("Deactivated: the Emergency Call does not work")
    return "" if ecall_available(view.facts, view.today()) else "⚠ " + view.say("Emergency Call unavailable")


def _data(view: View) -> tuple[str, Tone]:
    facts, modem = view.facts, view.facts.modem
    if facts.starting:
        return "◌ " + view.say("starting"), Tone.MUTED
    if sim_off(modem):
        return view.say("SIM off"), Tone.BAD
    if modem is not None and not has_network(modem):
        return "✕ " + view.say("no network"), Tone.BAD
    if not view.situation.online:
        return "◌ " + view.say("no data"), Tone.WARN
    if is_slow(modem):
        return "⇅ " + view.say("slow"), Tone.WARN
    return "⇅ " + view.say("online"), Tone.GOOD
