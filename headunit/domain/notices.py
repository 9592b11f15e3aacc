"""Banners: what happened, what is safe, what to do; the code in small print."""

from contracts.screen import Banner, Tone
from headunit.domain.explanations import EXPLANATIONS, UNEXPLAINED
from headunit.domain.facts import RequestKind
from headunit.domain.reception import is_deactivated
from headunit.domain.rules import Refused
from headunit.domain.state import Notice
from headunit.domain.texts import mark
from headunit.domain.view import View
from headunit.domain.words import CAUSES

_SHOW_WAIT_MS = 1_000

_WAITS = {
    RequestKind.PLACE: mark("Waiting for the answer to your order ({age})"),
    RequestKind.CHANGE: mark("Waiting for the answer to your change ({age})"),
    RequestKind.CANCEL: mark("Waiting for the answer to your cancellation ({age})"),
}


def notice_of(view: View, refused: Refused) -> Notice:
    """The notice that explains a refusal."""
    return Notice(refused.code, values=(("service", view.name(refused.subject)),))


def notice_banner(view: View, notice: Notice) -> Banner:
    """A notice in words."""
    values = {
        "service": view.say("The service"),
        "support": view.support,
        "hotline": view.hotline,
        "disturbance_line": view.disturbance_line,
        "remaining": view.lock_remaining(),
        "date": "–",
        "left": "",
    }
    values.update({name: value for name, value in notice.values if value})
    message = notice.message or EXPLANATIONS.get(notice.code, UNEXPLAINED)
    return Banner(view.say(message, **values), notice.tone, notice.code)


def waiting_banner(view: View) -> Banner | None:
    """What is waited for, once that takes longer than a second."""
    asked = view.state.asked
    if asked is None:
        return None
    if view.facts.now_ms - asked.since_ms < _SHOW_WAIT_MS:
        view.wake(asked.since_ms + _SHOW_WAIT_MS)
        return None
    text = view.say(_WAITS[asked.kind], age=view.age(asked.since_ms))
    if view.situation.online:
        return Banner(text, Tone.ACCENT)
    lost = view.say("The connection is gone. Your basket is kept; the answer comes with the next connection.")
    return Banner(f"{text}. {lost}", Tone.WARN)


def lock_banner(view: View) -> Banner | None:
    """The countdown of the cancellation lock (R-209)."""
    if view.situation.cancel_locked_until_ms is None:
        return None
    return notice_banner(view, Notice("CANCEL_SYNC"))


def deactivated_banner(view: View) -> Banner | None:
    """On every screen of a car that is switched off as a whole, until it is switched on again (R-514)."""
    if not is_deactivated(view.facts):
        return None
    text = view.say(
        "All services of this car are deactivated. The Emergency Call does not work. "
        "In an emergency use a telephone. Only your dealer can activate the car again."
    )
    return Banner(text, Tone.BAD)


def announced_cause(view: View) -> str:
    """The cause class that the backend has announced, as a sentence; "" when none is at work (R-805)."""
    disturbance = view.facts.disturbance
    if disturbance is None:
        return ""
    now_ms, skew_ms = view.facts.server_now_ms, view.facts.server_skew_ms
    if now_ms < disturbance.from_ms:
        view.wake(disturbance.from_ms - skew_ms)
        return ""
    if disturbance.until_ms is not None:
        if now_ms >= disturbance.until_ms:
            return ""
        view.wake(disturbance.until_ms - skew_ms)
    cause = CAUSES.get(disturbance.cause.upper())
    return view.say("Disturbance announced: {cause}.", cause=view.say(cause) if cause else disturbance.cause)


def disturbance_banner(view: View) -> Banner | None:
    """An announced outage with its cause class, and that what is shown may not be current (R-805)."""
    cause = announced_cause(view)
    disturbance = view.facts.disturbance
    if not cause or disturbance is None:
        return None
    affected = ""
    if disturbance.services:
        names = ", ".join(view.name(service) for service in disturbance.services)
        affected = " " + view.say("Affected: {services}.", services=names)
    return Banner(f"{cause}{affected} {view.say('Data may not be current.')}", Tone.WARN, disturbance.cause)
