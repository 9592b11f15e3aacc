"""My basket, and the page of one line, in the basket or in an order being changed."""

from contracts.messages import Line
from contracts.screen import PanelLine
from headunit.domain.basket import TERMS_MONTHS, Lines, Priced, find, priced, tax_minor, total_minor
from headunit.domain.menu import Drop, Entry, Kind, Node, Open, Page, SetTerm
from headunit.domain.rows import back_row, does, opens, reads
from headunit.domain.store import booked_lines, list_price
from headunit.domain.view import View, lines


def basket(view: View, node: Node) -> Page:
    """My basket: its lines, the total, and the way to checkout."""
    if not view.state.basket:
        return Page((opens(view, Kind.STORE),), panel=lines(view.say("Your basket is empty.")))
    prices = priced(view.state.basket, view.facts.catalogue)
    total = view.money(total_minor(prices))
    return Page(
        (
            *(line_row(view, line, Node(Kind.BASKET_LINE, line.line.service)) for line in prices),
            *total_rows(view, prices, view.say("Total")),
            opens(
                view,
                Kind.CHECKOUT,
                value=total,
                panel=lines(view.say("Check the total and order. Nothing is ordered yet.")),
            ),
        ),
        first=Kind.CHECKOUT.name,
        stale=True,
    )


def line_row(view: View, price: Priced, opened: Node) -> Entry:
    """One line with its price; pressing it offers other terms."""
    return Entry(
        f"line:{price.line.service}",
        f"{price.name} · {view.months(price.line.months)}",
        amount(view, price),
        press=Open(opened),
        verb=view.say("change"),
        panel=(
            *lines(view.say("Press to change the term or to remove it.")),
            *booked_lines(view, price.line.service, price.line.months),
        ),
    )


def amount(view: View, price: Priced) -> str:
    """A line's price, or that there is none."""
    return view.say("not offered") if price.amount_minor is None else view.money(price.amount_minor)


def total_rows(view: View, prices: tuple[Priced, ...], label: str) -> tuple[Entry, ...]:
    """The total, with the tax that comes on top where the list excludes it (R-310)."""
    total = reads("total", label, view.money(total_minor(prices)))
    tax = tax_minor(prices)
    if not tax:
        return (total,)
    return (reads("tax", view.say("plus {tax}", tax=view.profile.tax_name), view.money(tax)), total)


def basket_line(view: View, node: Node) -> Page:
    """Other terms for a line of the basket, or its removal."""
    return _line_page(view, view.state.basket, node.subject, "")


def order_line(view: View, node: Node) -> Page:
    """Terms for a service in an order being changed, or its removal."""
    draft = view.state.draft
    held = draft.lines if draft is not None and draft.order == node.subject else ()
    return _line_page(view, held, node.part, node.subject)


def _line_page(view: View, held: Lines, service: str, order: str) -> Page:
    product, line = view.product(service), find(held, service)
    if line is None and not order:
        return Page((back_row(view),), panel=lines(view.say("This is no longer in the basket.")))
    offers = product.offers if product is not None else ()
    entries = [
        does(
            str(offer.months),
            view.months(offer.months),
            SetTerm(Line(service, offer.months), order),
            view.say("choose"),
            value=list_price(view, offer) + (" ✓" if line == Line(service, offer.months) else ""),
            panel=_about(view, service, offer.months),
        )
        for offer in offers
        if offer.months in TERMS_MONTHS
    ]
    if line is not None:
        remove = view.say("Remove from the order") if order else view.say("Remove from the basket")
        entries.append(does("remove", remove, Drop(service, order), view.say("remove")))
    return Page(
        tuple(entries) or (back_row(view),), first=str(line.months) if line is not None else "", stale=True
    )


def _about(view: View, service: str, months: int) -> tuple[PanelLine, ...]:
    product = view.product(service)
    description = lines(product.description) if product is not None else ()
    return (*description, *booked_lines(view, service, months))
