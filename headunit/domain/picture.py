"""From a page to the picture of the display."""

from contracts.errors import ErrorCode
from contracts.messages import OrderState
from contracts.screen import Banner, Row, ScreenSnapshot, Tone
from headunit.domain import motion_lock
from headunit.domain.connection import freshness
from headunit.domain.menu import Kind, Node, Open, Page, lineage
from headunit.domain.notices import (
    deactivated_banner,
    disturbance_banner,
    lock_banner,
    notice_banner,
    waiting_banner,
)
from headunit.domain.state import Notice
from headunit.domain.status_bar import status_bar
from headunit.domain.view import View

_MINUTE_MS = 60_000


def draw(view: View, page: Page, focus: int, events: int) -> ScreenSnapshot:
    """The display as it looks with `focus` on a row of `page` (-1 = on none)."""
    node = view.state.wanderer.node
    chain = lineage(node)
    entry = page.entries[focus] if focus >= 0 else None
    panel = (entry.panel if entry is not None else ()) or page.panel
    return ScreenSnapshot(
        screen=node.screen,
        path=tuple(view.title(part) for part in chain),
        status=status_bar(view),
        rows=tuple(Row(item.label, item.value, item.tone, item.press is not None) for item in page.entries),
        focus=focus,
        panel=panel if view.state.split or entry is None else (),
        banner=_banner(view, page, chain),
        hints=_hints(view, page, focus),
        freshness=freshness(view, stale=page.stale),
        freshness_tone=Tone.MUTED if view.situation.online else Tone.WARN,
        events=events,
    )


def next_change_ms(view: View) -> int | None:
    """When this picture changes by the passing of time alone (car's clock); after `draw`."""
    facts = view.facts
    view.wake((facts.now_ms // _MINUTE_MS + 1) * _MINUTE_MS)
    motion = motion_lock.next_change_ms(facts.motion, facts.now_ms)
    if motion is not None:
        view.wake(motion)
    until_ms = view.situation.cancel_locked_until_ms
    if until_ms is not None:
        view.wake(until_ms - facts.server_skew_ms)
    return view.wake_ms


def _banner(view: View, page: Page, chain: tuple[Node, ...]) -> Banner | None:
    notice = view.state.notice
    if notice is not None and _still_holds(view, notice):
        return notice_banner(view, notice)
    banner = waiting_banner(view) or page.banner or deactivated_banner(view)
    if banner is not None or chain[0].kind is not Kind.CONNECTED_DRIVE:
        return banner
    return lock_banner(view) or disturbance_banner(view)


def _still_holds(view: View, notice: Notice) -> bool:
    """A refusal whose reason has gone says nothing any more, nor does a call to pay what is paid."""
    if notice.code == ErrorCode.NOT_WHILE_MOVING:
        return view.situation.moving
    if notice.code == ErrorCode.NO_CONNECTION:
        return not view.situation.online
    if notice.code == ErrorCode.CANCEL_SYNC:
        return view.situation.cancel_locked_until_ms is not None
    if notice.unpaid:
        order = view.situation.order(notice.unpaid)
        return order is not None and order.state is OrderState.AWAITING_PAYMENT
    return True


def _hints(view: View, page: Page, focus: int) -> tuple[str, ...]:
    hints = []
    if sum(entry.press is not None for entry in page.entries) > 1:
        hints.append("⟳ " + view.say("rotate"))
    if focus >= 0:
        entry = page.entries[focus]
        hints.append("⏎ " + (entry.verb or view.say("press")))
    if view.state.wanderer.node.kind is not Kind.MAIN:
        hints.append("← " + view.say("back"))
    if focus >= 0 and isinstance(page.entries[focus].press, Open):
        hints.append("→ " + view.say("details"))
    hints.append(view.say("OPTION"))
    return tuple(hints)
