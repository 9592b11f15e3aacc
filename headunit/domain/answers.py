"""What the menu does with the backend's word: answers, refusals, snapshots that settle what was open."""

import re
from typing import Final

import msgspec

from contracts.errors import ErrorCode
from contracts.messages import OrderReply, OrderState, OrderView
from contracts.screen import Tone
from headunit.domain import basket
from headunit.domain.facts import CarFacts, RequestKind
from headunit.domain.intents import Intent, KeepBasket, RequestSync
from headunit.domain.menu import Kind, Node
from headunit.domain.service_names import NAMES
from headunit.domain.situation import News, is_newer
from headunit.domain.state import Asked, MenuState, Notice
from headunit.domain.store import renewable, what_is_left
from headunit.domain.texts import LocalCode, mark
from headunit.domain.view import View

_BUYING = (Kind.PRODUCT, Kind.BASKET, Kind.BASKET_LINE, Kind.CHECKOUT, Kind.NUMBER)
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CHANGING = (Kind.ORDER, Kind.ORDER_CHANGE, Kind.ORDER_ADD, Kind.ORDER_LINE)


def answered(view: View, reply: OrderReply) -> tuple[Intent, ...]:
    """An answer has arrived: for the request under way, or late for one whose outcome was not known."""
    state = view.state
    asked = _asked_by(state, reply.request_key)
    if reply.order is not None:
        state.news[reply.order.number] = News(reply.sent_at_ms, reply.order)
        if asked is None and reply.order.client_order_id == reply.request_key:
            asked = Asked(RequestKind.PLACE, "", (), 0, view.facts.now_ms, reply.request_key)
    if asked is None:
        return ()
    if state.asked is asked:
        state.asked = None
    if state.unresolved is asked:
        state.unresolved = None
    if reply.code is not None:
        return _not_done(view, asked, reply.code, reply.detail)
    if asked.kind is RequestKind.PLACE:
        return _accepted(view, asked, reply.order)
    if reply.order is not None:
        _done(view, asked, reply.order)
    return ()


def _asked_by(state: MenuState, key: str) -> Asked | None:
    for asked in (state.asked, state.unresolved):
        if asked is not None and asked.key in ("", key):
            return asked
    return None


def _accepted(view: View, asked: Asked, order: OrderView | None) -> tuple[Intent, ...]:
    """The order stands: its services leave the basket, everything else stays in it."""
    state = view.state
    ordered = order.lines if order is not None else asked.lines
    state.basket = basket.without(state.basket, tuple(line.service for line in ordered))
    state.number, state.accepted, state.refused_list = None, None, None
    if order is not None:
        _tell_accepted(view, order)
        if state.wanderer.node.kind in _BUYING:
            state.wanderer.leave(_BUYING, Node(Kind.ORDER, order.number))
    return (KeepBasket(state.basket, None),)


def _tell_accepted(view: View, order: OrderView) -> None:
    if view.profile.sms_link:
        message = mark("Order {number} is placed. The link for payment is on its way. Pay by {deadline}.")
    else:
        message = mark("Order {number} is placed. Pay on the customer portal by {deadline}.")
    deadline = view.formats.moment(order.deadline_ms, view.facts.server_now_ms)
    values = (("number", order.number), ("deadline", deadline))
    view.state.notice = Notice(message=message, values=values, tone=Tone.GOOD, unpaid=order.number)


def _done(view: View, asked: Asked, order: OrderView) -> None:
    state = view.state
    if asked.kind is RequestKind.CHANGE:
        message = mark("Order {number} is changed. New total: {amount}.")
        if state.draft is not None and state.draft.order == order.number:
            state.draft = None
        if state.wanderer.node.kind in _CHANGING and state.wanderer.node.subject == order.number:
            state.wanderer.leave(_CHANGING, Node(Kind.ORDER, order.number))
    elif order.state is OrderState.CANCELLING:
        message = mark("Order {number} is being cancelled. Choose and order again in five minutes.")
    else:
        message = mark("Order {number} is cancelled.")
    amount = view.formats.money(order.amount_minor, order.currency)
    state.notice = Notice(
        message=message, values=(("number", order.number), ("amount", amount)), tone=Tone.GOOD
    )


def _not_done(view: View, asked: Asked, code: ErrorCode, detail: str) -> tuple[Intent, ...]:
    named = next((line.service for line in asked.lines if _names(detail, line.service)), "")
    if code is ErrorCode.NO_CONNECTION:  # it came too late; this is said to a car that is online again
        view.state.notice = Notice(LocalCode.NO_ANSWER)
        return ()
    values = (
        ("service", view.name(named) if named else ""),
        ("date", _date_in(view, detail, named)),
        ("left", what_is_left(view, renewable(view, named))),
    )
    view.state.notice = Notice(code, values=values)
    if code is ErrorCode.PRICE_CHANGED:
        if asked.kind is RequestKind.PLACE:
            view.state.refused_list = asked.list_version
        return (RequestSync(),)
    return ()


def _names(detail: str, service: str) -> bool:
    """Whether a detail is about `service`, by its code or by the backend's name for it."""
    return service in detail or NAMES.get(service, service) in detail


def _date_in(view: View, detail: str, service: str) -> str:
    """The date that a refusal names, else the last day for notice of its service (R-504)."""
    found = _DATE.search(detail)
    if found is not None:
        try:
            return view.formats.iso_date(found[0])
        except ValueError:
            pass
    item = renewable(view, service)
    return view.formats.iso_date(item.renew_by) if item is not None and item.renew_by else ""


def refused(view: View, code: ErrorCode | LocalCode) -> tuple[Intent, ...]:
    """The car itself could not do it; after OUTCOME_UNKNOWN an order stays unresolved until a snapshot."""
    state = view.state
    if (
        code is LocalCode.OUTCOME_UNKNOWN
        and state.asked is not None
        and state.asked.kind is RequestKind.PLACE
    ):
        state.unresolved = state.asked
    state.asked = None
    state.notice = Notice(code)
    return ()


def erased(state: MenuState) -> MenuState:
    """A memory without anything of the driver's own: the split screen stays, and the page of the settings."""
    fresh = MenuState(split=state.split)
    fresh.wanderer.go(Node(Kind.SETTINGS))
    message = mark(
        "Personal data is deleted: contacts, destinations, messages, basket, numbers and caches. "
        "Booked services stay and are synchronised again."
    )
    fresh.notice = Notice(message=message, tone=Tone.GOOD)
    return fresh


def adopt(state: MenuState, facts: CarFacts) -> None:
    """Take over what the facts say about requests, prices and orders."""
    request = facts.request
    if request is not None:
        if state.asked is None:
            lines = state.basket if request.kind is RequestKind.PLACE else ()
            state.asked = Asked(request.kind, "", lines, 0, request.since_ms, request.key)
        elif not state.asked.key:
            state.asked = msgspec.structs.replace(state.asked, key=request.key)
    if state.refused_list is not None and facts.catalogue is not None:
        if facts.catalogue.list_version > state.refused_list:
            state.refused_list = None
    if facts.snapshot is not None and state.news:
        state.news = {number: news for number, news in state.news.items() if is_newer(news, facts.snapshot)}


def settle(view: View) -> tuple[Intent, ...]:
    """A snapshot newer than a request without an answer says what became of it."""
    state, snapshot = view.state, view.facts.snapshot
    asked = state.unresolved
    if asked is None or snapshot is None or snapshot.sent_at_ms <= asked.since_ms + view.facts.server_skew_ms:
        return ()
    state.unresolved = None
    order = next(
        (order for order in snapshot.orders if asked.key and order.client_order_id == asked.key), None
    )
    return _accepted(view, asked, order) if order is not None else ()
