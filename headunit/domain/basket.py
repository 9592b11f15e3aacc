"""Basket lines and their prices: each service once, whatever its term (R-201)."""

import msgspec

from contracts.messages import Catalogue, Line, Offer, Product

TERMS_MONTHS = (3, 6, 12, 36)
"""Terms that can be bought (R-101)."""

Lines = tuple[Line, ...]


class Priced(msgspec.Struct, frozen=True):
    """A line at the current list; `amount_minor` is None when it is no longer offered.

    tax_minor comes on top of it, 0 where the list includes the tax (R-310).
    """

    line: Line
    name: str
    amount_minor: int | None
    tax_minor: int = 0

    @property
    def gross_minor(self) -> int | None:
        """What is to be paid for the line."""
        return None if self.amount_minor is None else self.amount_minor + self.tax_minor


def find(lines: Lines, service: str) -> Line | None:
    """The line of `service`, if there is one."""
    return next((line for line in lines if line.service == service), None)


def put(lines: Lines, line: Line) -> Lines:
    """The lines with `line` in place of that service's line, or at the end."""
    if find(lines, line.service) is None:
        return (*lines, line)
    return tuple(line if old.service == line.service else old for old in lines)


def without(lines: Lines, services: tuple[str, ...]) -> Lines:
    """The lines of all other services."""
    return tuple(line for line in lines if line.service not in services)


def product_of(catalogue: Catalogue | None, service: str) -> Product | None:
    """The product as the Store lists it, None when it does not."""
    if catalogue is None:
        return None
    return next((product for product in catalogue.products if product.service == service), None)


def offer_of(product: Product | None, months: int) -> Offer | None:
    """The row of the price list for a term, None when it is not offered."""
    if product is None:
        return None
    return next((offer for offer in product.offers if offer.months == months), None)


def priced(lines: Lines, catalogue: Catalogue | None) -> tuple[Priced, ...]:
    """Every line at the current list (R-103)."""
    result = []
    for line in lines:
        product = product_of(catalogue, line.service)
        name = product.name if product is not None else line.service
        offer = offer_of(product, line.months)
        if offer is None:
            result.append(Priced(line, name, None))
        else:
            result.append(Priced(line, name, offer.amount_minor, offer.tax_minor))
    return tuple(result)


def total_minor(prices: tuple[Priced, ...]) -> int:
    """What is to be paid: tax is added line by line where the list excludes it (R-310)."""
    return sum(price.gross_minor or 0 for price in prices)


def tax_minor(prices: tuple[Priced, ...]) -> int:
    """The tax inside the total that the list does not include (R-310)."""
    return sum(price.tax_minor for price in prices)


def overlaps(product: Product, held: tuple[str, ...], catalogue: Catalogue) -> tuple[str, ...]:
    """Services already held or chosen whose features `product` has too; it warns and never blocks (R-105).

    held are services other than the product itself, in the order in which they are to be named.
    """
    result = []
    for service in held:
        other = product_of(catalogue, service)
        inside = service in product.includes
        around = other is not None and product.service in other.includes
        shared = other is not None and any(part in product.includes for part in other.includes)
        if service != product.service and (inside or around or shared):
            result.append(service)
    return tuple(result)
