"""What pressing a row does: each either changes the menu's memory or is refused with its rule's code."""

from contracts.errors import ErrorCode
from contracts.messages import Line
from contracts.screen import Tone
from headunit.domain import basket, rules
from headunit.domain.checkout import link_digits, list_is_outdated, needs_confirmation, seen_prices
from headunit.domain.facts import RequestKind
from headunit.domain.formats import SMS_NUMBER_DIGITS
from headunit.domain.intents import (
    CancelOrder,
    ChangeOrder,
    ErasePersonalData,
    Intent,
    KeepBasket,
    KeepLanguage,
    PlaceOrder,
    RequestSync,
)
from headunit.domain.menu import (
    AcceptPrices,
    Action,
    Cancel,
    DeleteDigit,
    Discard,
    Drop,
    Edit,
    Erase,
    GoBack,
    Kind,
    Node,
    Open,
    Place,
    Put,
    SendChange,
    SetTerm,
    Speak,
    Sync,
    TakeNumber,
    ToggleSplit,
    TryAgain,
    TypeDigit,
)
from headunit.domain.notices import notice_of
from headunit.domain.number_speller import OK_KEY, typed_on
from headunit.domain.state import Asked, Draft, Notice
from headunit.domain.texts import mark
from headunit.domain.view import View

_FRESH = (Kind.CHECKOUT, Kind.NUMBER, Kind.ORDER_CANCEL, Kind.OPTIONS, Kind.ERASE)
"""Pages that always open with the focus on their first row."""

NOTHING: tuple[Intent, ...] = ()


def perform(view: View, action: Action) -> tuple[Intent, ...]:
    """Do `action` in the situation of `view`; returns what the services must do."""
    match action:
        case Open(node):
            open_node(view, node)
        case GoBack():
            view.state.wanderer.back()
        case Put(line):
            return _put(view, line)
        case SetTerm(line, order):
            return _set_term(view, line, order)
        case Drop(service, order):
            return _drop(view, service, order)
        case Place():
            return _place(view)
        case AcceptPrices():
            _accept_prices(view)
        case Edit(order):
            _edit(view, order)
        case Discard():
            _discard(view)
        case SendChange(order):
            return _send_change(view, order)
        case Cancel(order):
            return _cancel(view, order)
        case Sync() | TryAgain():
            return _synchronise(view)
        case TypeDigit() | DeleteDigit() | TakeNumber():
            return _spell(view, action)
        case Speak(language):
            return _speak(view, language)
        case Erase():
            return _erase(view)
        case ToggleSplit():
            if not _refused(view, rules.refuse_setting(view.situation)):
                view.state.split = not view.state.split
        case _:
            view.state.notice = notice_of(view, rules.Refused(action.code, "", action.subject))
    return NOTHING


def open_node(view: View, node: Node) -> None:
    """Go to `node`; moving through the menu is free (R-811)."""
    state = view.state
    if node.kind in _FRESH:
        state.wanderer.forget(node)
    if node.kind is Kind.NUMBER:
        state.typed = ""
    if node.kind is Kind.CHECKOUT:
        _see_prices(view)
    state.wanderer.go(node)


def _refused(view: View, refusal: rules.Refused | None) -> bool:
    if refusal is not None:
        view.state.notice = notice_of(view, refusal)
    return refusal is not None


def _see_prices(view: View) -> None:
    view.state.accepted = seen_prices(basket.priced(view.state.basket, view.facts.catalogue))


def _keep(view: View) -> tuple[Intent, ...]:
    _see_prices(view)
    return (KeepBasket(view.state.basket, view.state.number),)


def _put(view: View, line: Line) -> tuple[Intent, ...]:
    state = view.state
    if _refused(view, rules.refuse_put(view.situation, state.basket, line)):
        return NOTHING
    state.basket = basket.put(state.basket, line)
    node = Node(Kind.BASKET)
    state.wanderer.forget(node)
    state.wanderer.go(node)
    state.notice = Notice(
        message=mark("{service} is in your basket."),
        values=(("service", view.name(line.service)),),
        tone=Tone.GOOD,
    )
    return _keep(view)


def _set_term(view: View, line: Line, order: str) -> tuple[Intent, ...]:
    state = view.state
    refusal = rules.refuse_selection(view.situation) or rules.refuse_line(view.situation, line, order)
    if _refused(view, refusal):
        return NOTHING
    if order:
        if state.draft is not None and state.draft.order == order:
            state.draft = Draft(order, state.draft.version, basket.put(state.draft.lines, line))
        state.wanderer.leave((Kind.ORDER_ADD, Kind.ORDER_CHANGE), Node(Kind.ORDER_CHANGE, order))
        return NOTHING
    state.basket = basket.put(state.basket, line)
    state.wanderer.up()
    return _keep(view)


def _drop(view: View, service: str, order: str) -> tuple[Intent, ...]:
    state = view.state
    if _refused(view, rules.refuse_selection(view.situation)):
        return NOTHING
    if order:
        if state.draft is not None and state.draft.order == order:
            lines = basket.without(state.draft.lines, (service,))
            state.draft = Draft(order, state.draft.version, lines)
        state.wanderer.up()
        return NOTHING
    state.basket = basket.without(state.basket, (service,))
    if not state.basket:
        state.number = None
    state.wanderer.up()
    return _keep(view)


def _place(view: View) -> tuple[Intent, ...]:
    state, catalogue = view.state, view.facts.catalogue
    if state.asked is not None or _refused(
        view, rules.refuse_place(view.situation, state.basket, link_digits(view))
    ):
        return NOTHING
    if catalogue is None or list_is_outdated(view) or needs_confirmation(view):
        state.notice = Notice(ErrorCode.PRICE_CHANGED)
        return NOTHING
    state.asked = Asked(RequestKind.PLACE, "", state.basket, catalogue.list_version, view.facts.now_ms)
    number = state.number if view.profile.sms_link else None
    return (PlaceOrder(state.basket, catalogue.list_version, number),)


def _accept_prices(view: View) -> None:
    if not _refused(view, rules.refuse_selection(view.situation)):
        _see_prices(view)
        view.state.wanderer.forget(Node(Kind.CHECKOUT))


def _edit(view: View, number: str) -> None:
    state, order = view.state, view.situation.order(number)
    if order is None:
        state.notice = Notice(ErrorCode.UNKNOWN_ORDER)
        return
    if _refused(view, rules.refuse_editing(view.situation, order)):
        return
    if state.draft is None or (state.draft.order, state.draft.version) != (number, order.version):
        lines = tuple(Line(line.service, line.months) for line in order.lines)
        state.draft = Draft(number, order.version, lines)
    open_node(view, Node(Kind.ORDER_CHANGE, number))


def _discard(view: View) -> None:
    view.state.draft = None
    view.state.wanderer.up()


def _send_change(view: View, number: str) -> tuple[Intent, ...]:
    state, order = view.state, view.situation.order(number)
    draft, catalogue = state.draft, view.facts.catalogue
    if state.asked is not None or draft is None or draft.order != number or catalogue is None:
        return NOTHING
    if order is None:
        state.notice = Notice(ErrorCode.UNKNOWN_ORDER)
        return NOTHING
    if _refused(view, rules.refuse_change(view.situation, order, draft.lines)):
        return NOTHING
    state.asked = Asked(RequestKind.CHANGE, number, draft.lines, catalogue.list_version, view.facts.now_ms)
    return (ChangeOrder(number, draft.version, draft.lines),)


def _cancel(view: View, number: str) -> tuple[Intent, ...]:
    state, order = view.state, view.situation.order(number)
    if state.asked is not None:
        return NOTHING
    if order is None:
        state.notice = Notice(ErrorCode.UNKNOWN_ORDER)
        return NOTHING
    if _refused(view, rules.refuse_cancel(view.situation, order)):
        return NOTHING
    state.asked = Asked(RequestKind.CANCEL, number, (), 0, view.facts.now_ms)
    state.wanderer.up()
    return (CancelOrder(number),)


def _synchronise(view: View) -> tuple[Intent, ...]:
    if not view.situation.online:
        view.state.notice = Notice(ErrorCode.NO_CONNECTION)
        return NOTHING
    return (RequestSync(),)


def _spell(view: View, action: TypeDigit | DeleteDigit | TakeNumber) -> tuple[Intent, ...]:
    state = view.state
    if _refused(view, rules.refuse_selection(view.situation)):
        return NOTHING
    match action:
        case TypeDigit(digit):
            state.typed = typed_on(state.typed, digit)
            if len(state.typed) == SMS_NUMBER_DIGITS:
                state.wanderer.remember(OK_KEY, 0)
            return NOTHING
        case DeleteDigit():
            state.typed = state.typed[:-1]
            return NOTHING
        case TakeNumber(agreement=False) if _refused(view, rules.refuse_number(view.situation, state.typed)):
            return NOTHING
        case _:
            state.number = None if action.agreement else state.typed
    state.wanderer.up()
    return (KeepBasket(state.basket, state.number),)


def _speak(view: View, language: str) -> tuple[Intent, ...]:
    if _refused(view, rules.refuse_setting(view.situation)):
        return NOTHING
    return (KeepLanguage(language),)


def _erase(view: View) -> tuple[Intent, ...]:
    if _refused(view, rules.refuse_setting(view.situation)):
        return NOTHING
    return (ErasePersonalData(view.situation.cancel_locked_until_ms),)
