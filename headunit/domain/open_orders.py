"""Open orders: state in words, amount, deadline, and what can still be done (visibility table)."""

from contracts.errors import ErrorCode
from contracts.messages import OrderState, OrderView
from contracts.screen import PanelLine, Tone
from headunit.domain.formats import phone_number
from headunit.domain.menu import Cancel, Edit, Entry, Explain, Kind, Node, Open, Page
from headunit.domain.payment_texts import payment_texts
from headunit.domain.rows import back_row, does, reads
from headunit.domain.rules import CANCEL_REFUSED, CHANGE_REFUSED
from headunit.domain.situation import UNPAID
from headunit.domain.view import View, lines
from headunit.domain.words import CANCEL_REASONS, ORDER_STATES

_LISTED = (*UNPAID, OrderState.CANCELLED, OrderState.PAID)
_SETTLED = (OrderState.PAID, OrderState.FULFILLED, OrderState.PARTLY_REFUNDED, OrderState.REFUNDED)
_PAYABLE = (OrderState.AWAITING_PAYMENT, OrderState.PAYING, OrderState.PAYMENT_FAILED)


def orders(view: View, node: Node) -> Page:
    """Open orders first, then those that have ended or become services, newest first."""
    listed = [order for order in view.situation.orders if order.state in _LISTED]
    listed.sort(key=lambda order: (order.state not in UNPAID, -order.accepted_at_ms))
    if not listed:
        return Page((back_row(view),), panel=lines(view.say("There are no open orders.")), stale=True)
    return Page(tuple(_order_row(view, order) for order in listed), stale=True)


def _order_row(view: View, order: OrderView) -> Entry:
    names = " + ".join(view.name(line.service) for line in order.lines)
    return Entry(
        f"order:{order.number}",
        names or view.say("Order {number}", number=order.number),
        state_words(view, order),
        ORDER_STATES[order.state][1],
        press=Open(Node(Kind.ORDER, order.number)),
        verb=view.say("open"),
        panel=_facts(view, order),
    )


def state_words(view: View, order: OrderView) -> str:
    """The state of an order in words, with its countdown or reason."""
    words = view.say(ORDER_STATES[order.state][0])
    if order.state is OrderState.CANCELLING and order.cancel_until_ms is not None:
        return f"{words} {view.countdown(order.cancel_until_ms)}"
    if order.state is OrderState.CANCELLED and order.cancel_reason is not None:
        return view.say(CANCEL_REASONS[order.cancel_reason])
    return words


def _facts(view: View, order: OrderView) -> tuple[PanelLine, ...]:
    money = view.formats.money(order.amount_minor, order.currency)
    rows = [
        PanelLine(view.say("Order {number}", number=order.number)),
        PanelLine(view.say("Total"), money),
        *_tax_inside(view, order),
        PanelLine(view.say("State"), state_words(view, order), ORDER_STATES[order.state][1]),
    ]
    if order.state in _PAYABLE:
        rows.append(PanelLine(view.say("Pay by"), deadline(view, order)))
        rows.append(PanelLine(view.say("Time left"), _time_left(view, order), Tone.ACCENT))
        if order.sms_number:
            rows.append(PanelLine(view.say("Link went to"), phone_number(order.sms_number)))
    return tuple(rows)


def _tax_inside(view: View, order: OrderView) -> tuple[PanelLine, ...]:
    """The tax inside the total, where the market's list prices exclude it (R-310)."""
    if not order.tax_minor:
        return ()
    tax = view.formats.money(order.tax_minor, order.currency)
    return (PanelLine(view.say("of this {tax}", tax=view.profile.tax_name), tax, Tone.MUTED),)


def deadline(view: View, order: OrderView) -> str:
    """When the order must be paid, by the car's wall clock (R-211)."""
    return view.formats.moment(order.deadline_ms, view.facts.server_now_ms)


def _time_left(view: View, order: OrderView) -> str:
    if view.facts.server_now_ms > order.deadline_ms:
        return view.say("over")
    view.wake(order.deadline_ms + 1 - view.facts.server_skew_ms)
    return view.left(order.deadline_ms)


def order(view: View, node: Node) -> Page:
    """One order, and what its state still allows."""
    order = view.situation.order(node.subject)
    if order is None:
        return Page((back_row(view),), panel=lines(view.say("This order is no longer listed.")), stale=True)
    shown = [
        reads(
            f"line:{line.service}",
            f"{view.name(line.service)} · {view.months(line.months)}",
            view.formats.money(line.amount_minor, order.currency),
        )
        for line in order.lines
    ]
    actions = [] if view.state.asked is not None else _actions(view, order)
    panel = (*_facts(view, order), *lines(*_advice(view, order)))
    return Page((*shown, *actions, back_row(view)), panel=panel, safe="back", stale=True)


def _actions(view: View, order: OrderView) -> list[Entry]:
    entries = []
    if order.state not in CHANGE_REFUSED:
        entries.append(does("change", view.say("Change order"), Edit(order.number), view.say("change")))
    if order.state not in CANCEL_REFUSED:
        cancelling = Open(Node(Kind.ORDER_CANCEL, order.number))
        entries.append(does("cancel", view.say("Cancel order"), cancelling, view.say("cancel")))
    if order.state in _SETTLED:
        by_phone = Explain(ErrorCode.USE_HOTLINE, order.number)
        entries.append(does("hotline", view.say("Change or cancel"), by_phone, view.say("open")))
    return entries


def _advice(view: View, order: OrderView) -> tuple[str, ...]:
    texts = payment_texts(view.profile)
    if order.state is OrderState.AWAITING_PAYMENT:
        return (view.say(texts.waiting, hotline=view.hotline),)
    if order.state is OrderState.PAYING:
        return (view.say(texts.paying, hotline=view.hotline),)
    if order.state is OrderState.PAYMENT_FAILED:
        return (view.say(texts.failed),)
    if order.state is OrderState.CANCELLING:
        return (view.say("Until then nothing can be chosen or ordered in the car."),)
    if order.state is OrderState.PAID:
        return (view.say("The services become active by themselves, at latest 24 hours after payment."),)
    if order.state in _SETTLED:
        return (view.say("Its services are listed under Booked Services."),)
    return ()


def order_cancel(view: View, node: Node) -> Page:
    """Asks once before an order is cancelled, and says what that means (R-208, R-209)."""
    order = view.situation.order(node.subject)
    if order is None or order.state in CANCEL_REFUSED:
        return Page(
            (back_row(view),), panel=lines(view.say("This order cannot be cancelled any more.")), stale=True
        )
    if order.state is OrderState.PAYING:
        consequence = view.say(
            "A payment is in progress. For five minutes the car can neither choose nor order services."
        )
    else:
        consequence = view.say(payment_texts(view.profile).cancelling)
    panel = (*_facts(view, order), *lines(consequence))
    keep = back_row(view, view.say("Keep the order"))
    confirm = does("confirm", view.say("Yes, cancel the order"), Cancel(order.number), view.say("cancel"))
    return Page((keep, confirm), first=keep.key, safe=keep.key, panel=panel, stale=True)
