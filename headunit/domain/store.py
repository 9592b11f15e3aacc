"""The Store: what can be booked, at which price, until when."""

from datetime import date

from contracts.messages import EntitlementView, Line, Offer, Product
from contracts.screen import PanelLine, Tone
from headunit.domain import validity
from headunit.domain.basket import TERMS_MONTHS, find, overlaps
from headunit.domain.closed_store import closed_banner, closed_rows
from headunit.domain.menu import Entry, Kind, Node, Open, Page, Put
from headunit.domain.rows import back_row, does, opens, reads
from headunit.domain.view import View, lines


def store(view: View, node: Node) -> Page:
    """ConnectedDrive Store: products, basket, open orders, and Booked Services as the last entry.

    Where the car may not order, what to do about it stands in place of the products (R-202).
    """
    snapshot = view.facts.snapshot
    closed = view.situation.store_needs is not None
    entries = closed_rows(view) if closed else _product_rows(view)
    booked = len(snapshot.entitlements) if snapshot is not None else 0
    chosen = lines(*(f"{view.name(line.service)} · {view.months(line.months)}" for line in view.state.basket))
    return Page(
        (
            *entries,
            opens(
                view,
                Kind.BASKET,
                count=len(view.state.basket),
                panel=chosen or lines(view.say("Your basket is empty.")),
            ),
            opens(
                view,
                Kind.ORDERS,
                count=len(view.situation.open_orders()),
                panel=lines(view.say("Orders that wait for payment or have just ended.")),
            ),
            opens(
                view, Kind.BOOKED, count=booked, panel=lines(view.say("What this car has, and until when."))
            ),
        ),
        first=entries[0].key if closed else "",
        banner=closed_banner(view),
        stale=closed,
    )


def _product_rows(view: View) -> list[Entry]:
    catalogue = view.facts.catalogue
    if catalogue is None:
        return [reads("waiting", view.say("Products appear with the first synchronisation"))]
    return [_product_row(view, product) for product in catalogue.products]


def _product_row(view: View, product: Product) -> Entry:
    offers = tuple(
        PanelLine(view.months(offer.months), view.money(offer.amount_minor))
        for offer in product.offers
        if offer.months in TERMS_MONTHS
    )
    panel = (
        *lines(product.description),
        *offers,
        *tax_note(view, product),
        *booked_lines(view, product.service, None),
    )
    return Entry(
        f"product:{product.service}",
        product.name,
        press=Open(Node(Kind.PRODUCT, product.service)),
        verb=view.say("open"),
        panel=panel,
    )


def product(view: View, node: Node) -> Page:
    """Terms of a product; pressing one puts it into the basket."""
    product = view.product(node.subject)
    if product is None:
        text = view.say("{service} is not offered for this car now.", service=view.name(node.subject))
        advice = view.say("Customer support: {support}", support=view.support)
        return Page((back_row(view),), panel=lines(text, advice), stale=True)
    chosen = find(view.state.basket, product.service)
    entries = [
        does(
            str(offer.months),
            view.months(offer.months),
            Put(Line(product.service, offer.months)),
            view.say("put into the basket"),
            value=list_price(view, offer) + (" ✓" if chosen == Line(product.service, offer.months) else ""),
            panel=_about(view, product, offer.months),
        )
        for offer in product.offers
        if offer.months in TERMS_MONTHS
    ]
    if view.state.basket:
        entries.append(opens(view, Kind.BASKET, count=len(view.state.basket)))
    return Page(tuple(entries), stale=True)


def _about(view: View, product: Product, months: int) -> tuple[PanelLine, ...]:
    contents = ", ".join(view.name(service) for service in product.includes)
    catalogue = view.facts.catalogue
    shared = overlaps(product, _held(view), catalogue) if catalogue is not None else ()
    return (
        *lines(product.description, view.say("Contains: {services}", services=contents) if contents else ""),
        *booked_lines(view, product.service, months),
        *lines(
            view.say("You have some of this already: {services}", services=", ".join(map(view.name, shared)))
            if shared
            else "",
            tone=Tone.WARN,
        ),
    )


def _held(view: View) -> tuple[str, ...]:
    """Services the car has, has ordered or has in the basket, each named once."""
    snapshot = view.facts.snapshot
    today = view.today()
    entitlements = snapshot.entitlements if snapshot is not None else ()
    held = [item.service for item in entitlements if validity.state_on(item, today) in validity.RENEWABLE]
    held += [line.service for order in view.situation.open_orders() for line in order.lines]
    held += [line.service for line in view.state.basket]
    return tuple(dict.fromkeys(held))


def booked_lines(view: View, service: str, months: int | None) -> tuple[PanelLine, ...]:
    """Until when `service` is booked, and what a renewal by `months` does (R-501, R-504)."""
    item = renewable(view, service)
    if item is None or item.booked_until is None:
        return ()
    until = date.fromisoformat(item.booked_until)
    booked = view.formats.date(until)
    if months is None or not is_open_for_notice(view, item):
        return (*lines(view.say("Booked until {date}", date=booked)), *notice_lines(view, item))
    text = view.say(
        "Booked until {date} · renewing extends it without a gap to {extended}",
        date=booked,
        extended=view.formats.date(validity.extended_to(until, months)),
    )
    return (*lines(text), *notice_lines(view, item))


def renewable(view: View, service: str) -> EntitlementView | None:
    """The booked service that buying it again extends, the one that ends last; None when there is none."""
    snapshot = view.facts.snapshot
    today = view.today()
    items = [
        item
        for item in (snapshot.entitlements if snapshot is not None else ())
        if item.service == service
        and item.booked_until is not None
        and validity.state_on(item, today) in validity.RENEWABLE
    ]
    return max(items, key=lambda item: item.booked_until or "", default=None)


def is_open_for_notice(view: View, item: EntitlementView) -> bool:
    """Whether renewing `item` can still be noticed by ordering it, its last day included (R-504)."""
    return not item.renew_by or view.today() <= date.fromisoformat(item.renew_by)


def notice_lines(view: View, item: EntitlementView) -> tuple[PanelLine, ...]:
    """The last day for notice where there is one, and what is left after it (R-504, R-505)."""
    if not item.renew_by:
        return ()
    last = view.formats.iso_date(item.renew_by)
    if is_open_for_notice(view, item):
        return lines(view.say("Can be renewed until {date}", date=last))
    over = view.say("Notice of renewal was due by {date}.", date=last)
    return lines(over, what_is_left(view, item), tone=Tone.PLAIN if item.auto_renew else Tone.WARN)


def what_is_left(view: View, item: EntitlementView | None) -> str:
    """What there is instead of a notice that comes too late: auto-renew, until its charge (R-505)."""
    if item is not None and item.auto_renew:
        return view.say("It renews by itself: auto-renew is on.")
    if item is not None and item.booked_until is not None:
        if view.today() >= date.fromisoformat(item.booked_until):
            return view.say("This is its last day; book it again tomorrow.")
    return view.say("Auto-renew can still be switched on in the Portal.")


def list_price(view: View, offer: Offer) -> str:
    """The list price of a term, flagged where tax comes on top (R-310)."""
    money = view.money(offer.amount_minor)
    if not offer.tax_minor:
        return money
    return view.say("{price} plus {tax}", price=money, tax=view.profile.tax_name)


def tax_note(view: View, product: Product) -> tuple[PanelLine, ...]:
    """That tax comes on top of the prices, where the list excludes it (R-310)."""
    if not any(offer.tax_minor for offer in product.offers):
        return ()
    return lines(view.say("Prices plus {tax}", tax=view.profile.tax_name), tone=Tone.MUTED)
