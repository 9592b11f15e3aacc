"""Outage and age of what is shown, in words: what the car can know, never the cause (R-805)."""

from headunit.domain.reception import has_network, sim_off
from headunit.domain.texts import mark
from headunit.domain.view import View


def outage(view: View) -> str:
    """Why a car that is offline is so, as far as it can tell, since when and for how long."""
    facts = view.facts
    if facts.starting:
        return view.say("Starting")
    if sim_off(facts.modem):
        alone, since = mark("SIM off"), mark("SIM off, no connection since {time} ({age})")
    elif facts.modem is None or has_network(facts.modem):
        alone, since = mark("No data connection"), mark("No data connection since {time} ({age})")
    else:
        alone, since = mark("No reception"), mark("No reception since {time} ({age})")
    if facts.offline_since_ms is None:
        return view.say(alone)
    return view.say(
        since,
        time=view.formats.exact_moment(facts.offline_since_ms, facts.now_ms),
        age=view.age(facts.offline_since_ms),
    )


def freshness(view: View, *, stale: bool) -> str:
    """How old what is shown is; `stale`: the page shows synchronised values and says so when offline."""
    facts = view.facts
    if not view.situation.online and not stale:
        return outage(view)
    if facts.last_sync_ms is None:
        return view.say("not synchronised yet")
    time = view.formats.exact_moment(facts.last_sync_ms, facts.now_ms)
    if view.situation.online:
        return view.say("last sync {time}", time=time)
    return view.say("not current since {time}", time=time)
