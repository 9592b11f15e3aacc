"""The Store: what can be booked, at which price, until when."""

from datetime import date

from contracts.messages import Line, Product
from contracts.screen import PanelLine, Tone
from headunit.domain import validity
from headunit.domain.basket import TERMS_MONTHS, find, overlaps
from headunit.domain.menu import Entry, Kind, Node, Open, Page, Put
from headunit.domain.rows import back_row, does, opens, reads
from headunit.domain.view import View, lines


def store(view: View, node: Node) -> Page:
    """ConnectedDrive Store: products, basket, open orders, and Booked Services as the last entry."""
    catalogue, snapshot = view.facts.catalogue, view.facts.snapshot
    products = catalogue.products if catalogue is not None else ()
    entries = [_product_row(view, product) for product in products]
    if catalogue is None:
        waiting = view.say("Products appear with the first synchronisation")
        entries.append(reads("waiting", waiting))
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
        )
    )


def _product_row(view: View, product: Product) -> Entry:
    offers = tuple(
        PanelLine(view.months(offer.months), view.money(offer.amount_minor))
        for offer in product.offers
        if offer.months in TERMS_MONTHS
    )
    panel = (
        *lines(product.description),
        *offers,
        *tax_note(view),
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
            value=view.money(offer.amount_minor)
            + (" ✓" if chosen == Line(product.service, offer.months) else ""),
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
        *tax_note(view),
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
    today = view.formats.today(view.facts.server_now_ms)
    entitlements = snapshot.entitlements if snapshot is not None else ()
    held = [item.service for item in entitlements if validity.state_on(item, today) in validity.RENEWABLE]
    held += [line.service for order in view.situation.open_orders() for line in order.lines]
    held += [line.service for line in view.state.basket]
    return tuple(dict.fromkeys(held))


def booked_lines(view: View, service: str, months: int | None) -> tuple[PanelLine, ...]:
    """Until when `service` is booked, and what a renewal by `months` does (R-501, R-504)."""
    until = booked_until(view, service)
    if until is None:
        return ()
    booked = view.formats.date(until)
    if months is None:
        result = lines(view.say("Booked until {date}", date=booked))
    else:
        extended = view.formats.date(validity.extended_to(until, months))
        text = view.say(
            "Booked until {date} · renewing extends it without a gap to {extended}",
            date=booked,
            extended=extended,
        )
        result = lines(text)
    if view.profile.notice_days is not None:
        last = view.formats.date(validity.renewal_until(until, view.profile.notice_days))
        result += lines(view.say("Can be renewed until {date}", date=last))
    return result


def booked_until(view: View, service: str) -> date | None:
    """Last valid day of a service that the car has now; None when it has none or it has no end."""
    snapshot = view.facts.snapshot
    today = view.formats.today(view.facts.server_now_ms)
    return max(
        (
            date.fromisoformat(item.booked_until)
            for item in (snapshot.entitlements if snapshot is not None else ())
            if item.service == service
            and item.booked_until is not None
            and validity.state_on(item, today) in validity.RENEWABLE
        ),
        default=None,
    )


def tax_note(view: View) -> tuple[PanelLine, ...]:
    """That tax comes on top, where the list excludes it (R-310)."""
    if not view.profile.tax_percent:
        return ()
    return lines(view.say("plus GST of {percent} %", percent=str(view.profile.tax_percent)), tone=Tone.MUTED)
