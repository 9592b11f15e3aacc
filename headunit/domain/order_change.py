"""Changing an unpaid order: the new lines are put together here and sent as a whole (R-206)."""

from contracts.errors import ErrorCode
from contracts.messages import OrderView
from contracts.screen import Banner
from headunit.domain.basket import find, priced, total_minor
from headunit.domain.basket_pages import line_row, total_rows
from headunit.domain.menu import Discard, Edit, Entry, Kind, Node, Open, Page, SendChange
from headunit.domain.notices import notice_banner
from headunit.domain.payment_texts import payment_texts
from headunit.domain.rows import back_row, does
from headunit.domain.state import Draft, Notice
from headunit.domain.view import View, lines


def draft_of(view: View, order: str) -> Draft | None:
    """What has been put together for `order` so far."""
    draft = view.state.draft
    return draft if draft is not None and draft.order == order else None


def order_change(view: View, node: Node) -> Page:
    """Lines of the order as they will be, the new total, and sending it."""
    draft, order = draft_of(view, node.subject), view.situation.order(node.subject)
    if draft is None or order is None:
        return Page((back_row(view),), panel=lines(view.say("Nothing is being changed.")))
    prices = priced(draft.lines, view.facts.catalogue)
    entries = [
        line_row(view, price, Node(Kind.ORDER_LINE, draft.order, price.line.service)) for price in prices
    ]
    add = Node(Kind.ORDER_ADD, draft.order)
    entries.append(Entry("add", view.title(add), press=Open(add), verb=view.say("open")))
    entries.extend(total_rows(view, prices, view.say("New total")))
    banner = None
    if view.state.asked is None:
        if order.version != draft.version:
            banner = _changed_elsewhere(view)
            again = view.say("Start again from the order as it is")
            entries.append(does("again", again, Edit(draft.order), view.say("start again")))
        else:
            entries.append(_send(view, order, draft))
    entries.append(does("discard", view.say("Discard the change"), Discard(draft.order), view.say("discard")))
    return Page(tuple(entries), banner=banner, safe="discard", stale=True)


def _send(view: View, order: OrderView, draft: Draft) -> Entry:
    total = total_minor(priced(draft.lines, view.facts.catalogue))
    before = view.formats.money(order.amount_minor, order.currency)
    panel = lines(
        view.say("Before: {amount}", amount=before),
        view.say(payment_texts(view.profile).changing),
    )
    return does(
        "send",
        view.say("Change with obligation to pay"),
        SendChange(draft.order),
        view.say("send"),
        value=view.money(total),
        panel=panel,
    )


def _changed_elsewhere(view: View) -> Banner:
    return notice_banner(view, Notice(ErrorCode.ORDER_CHANGED))


def order_add(view: View, node: Node) -> Page:
    """Products that the order does not have yet."""
    draft, catalogue = draft_of(view, node.subject), view.facts.catalogue
    held = draft.lines if draft is not None else ()
    products = catalogue.products if catalogue is not None and draft is not None else ()
    entries = tuple(
        Entry(
            f"product:{product.service}",
            product.name,
            press=Open(Node(Kind.ORDER_LINE, node.subject, product.service)),
            verb=view.say("open"),
            panel=lines(product.description),
        )
        for product in products
        if find(held, product.service) is None
    )
    return Page(entries or (back_row(view),), stale=True)
