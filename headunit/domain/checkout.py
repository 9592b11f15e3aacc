"""Checkout: what is ordered, where the link goes, and the one press that obliges to pay."""

from contracts.errors import ErrorCode
from contracts.screen import Banner, PanelLine, Tone
from headunit.domain.basket import Priced, priced, total_minor
from headunit.domain.basket_pages import amount, total_rows
from headunit.domain.closed_store import closed_banner, closed_rows
from headunit.domain.connection import outage
from headunit.domain.formats import phone_number
from headunit.domain.menu import AcceptPrices, Entry, Kind, Node, Open, Page, Place, TryAgain
from headunit.domain.notices import announced_cause
from headunit.domain.rows import back_row, does, reads
from headunit.domain.state import SeenPrices
from headunit.domain.view import View, lines


def seen_prices(prices: tuple[Priced, ...]) -> SeenPrices:
    """The prices as the driver sees them now."""
    return tuple((price.line.service, price.line.months, price.gross_minor) for price in prices)


def needs_confirmation(view: View) -> bool:
    """Whether the basket costs something else than what the driver has seen at checkout (R-103)."""
    accepted = view.state.accepted
    return accepted is not None and accepted != seen_prices(priced(view.state.basket, view.facts.catalogue))


def list_is_outdated(view: View) -> bool:
    """Whether the backend has refused this price list and the new one is still on its way (R-103)."""
    catalogue, refused = view.facts.catalogue, view.state.refused_list
    return refused is not None and (catalogue is None or catalogue.list_version <= refused)


def link_digits(view: View) -> str:
    """Where the payment link goes: the number typed for this order, or that of the agreement (R-203)."""
    if view.state.number is not None:
        return view.state.number
    snapshot = view.facts.snapshot
    return snapshot.contract_number if snapshot is not None else ""


def checkout(view: View, node: Node) -> Page:
    """Checkout; without a connection it keeps the basket and offers to look again (R-204)."""
    if not view.state.basket:
        return Page((back_row(view),), panel=lines(view.say("Your basket is empty.")))
    prices = priced(view.state.basket, view.facts.catalogue)
    shown = [
        reads(
            f"line:{price.line.service}",
            f"{price.name} · {view.months(price.line.months)}",
            amount(view, price),
        )
        for price in prices
    ]
    online = view.situation.online
    if view.profile.sms_link:
        number = phone_number(link_digits(view)) or view.say("no number yet")
        label, speller = view.say("Link goes to"), Open(Node(Kind.NUMBER))
        if online:
            shown.append(does("number", label, speller, view.say("change"), value=number))
        else:
            shown.append(reads("number", label, number))
    keep = back_row(view, view.say("Keep basket and go back"))
    step = _next_step(view, prices) if online or view.state.asked is not None else _try_again(view)
    return Page(
        (
            *shown[: len(prices)],
            *total_rows(view, prices, view.say("Total")),
            *shown[len(prices) :],
            step,
            keep,
        ),
        first=keep.key if step.press is None else step.key,
        safe="accept" if step.key == "accept" else keep.key,
        banner=closed_banner(view) if online else _offline_banner(view),
    )


def _try_again(view: View) -> Entry:
    return does("retry", view.say("Try again"), TryAgain(), view.say("look again"), value=outage(view))


def _offline_banner(view: View) -> Banner:
    kept = view.say(
        "Your basket is kept. Orders are placed only online: nothing will be sent later by itself."
    )
    cause = announced_cause(view)
    return Banner(f"{cause} {kept}" if cause else kept, Tone.WARN, ErrorCode.NO_CONNECTION)


def _next_step(view: View, prices: tuple[Priced, ...]) -> Entry:
    if view.state.asked is not None:
        return reads("waiting", view.say("Waiting for the answer"), view.age(view.state.asked.since_ms))
    if view.state.unresolved is not None:
        panel = lines(view.say("It is not known whether the last order arrived. Open orders will show it."))
        return does("retry", view.say("Look for the order"), TryAgain(), view.say("synchronise"), panel=panel)
    if list_is_outdated(view):
        panel = lines(view.say("The new prices are on their way."))
        return does("retry", view.say("Get the new prices"), TryAgain(), view.say("synchronise"), panel=panel)
    if view.situation.store_needs is not None:
        return closed_rows(view)[0]
    total = view.money(total_minor(prices))
    if needs_confirmation(view):
        panel = lines(view.say("Nothing is ordered by this; the order is the next step."))
        return does(
            "accept",
            view.say("I have seen the new total"),
            AcceptPrices(),
            view.say("confirm"),
            value=total,
            panel=panel,
        )
    return does(
        "order",
        view.say("Order with obligation to pay"),
        Place(),
        view.say("order"),
        value=total,
        panel=_obligation(view),
    )


def _obligation(view: View) -> tuple[PanelLine, ...]:
    if view.profile.sms_link:
        link = view.say(
            "A link for payment goes by text message to {number}.", number=phone_number(link_digits(view))
        )
        return lines(link, view.say("Pay within 24 hours; anyone who has the link can pay."))
    return lines(view.say("Pay on the customer portal within 24 hours."))
