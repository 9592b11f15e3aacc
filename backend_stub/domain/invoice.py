"""Invoices: what a payer may wish for, what is put on record at capture, and how it reads (R-310, R-611)."""

from dataclasses import dataclass
from datetime import date

from backend_stub.domain.calendar import local_date
from backend_stub.domain.catalogue import service_name
from backend_stub.domain.market import MarketProfile
from backend_stub.domain.money import Money
from backend_stub.domain.order import Order
from backend_stub.errors import BackendError
from contracts.errors import ErrorCode

_WIDTH = 56


@dataclass(frozen=True, slots=True)
class InvoiceWish:
    """To whom the invoice of an order is written, and where it is sent."""

    title: str
    address: str


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """One service for a term; the tax is inside the amount."""

    service: str
    months: int
    amount_minor: int
    tax_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """The invoice of a paid order, as it was written at capture; an order has one."""

    number: str
    order_number: str
    issuer: str
    category: str
    issued_on: date
    lines: tuple[InvoiceLine, ...]
    currency: str
    title: str = ""
    address: str = ""

    @property
    def amount_minor(self) -> int:
        """Total, tax included."""
        return sum(line.amount_minor for line in self.lines)

    @property
    def tax_minor(self) -> int:
        """The tax inside that."""
        return sum(line.tax_minor for line in self.lines)


def checked_wish(
    title: str, address: str, *, category: str | None, vat: bool, profile: MarketProfile
) -> InvoiceWish:
    """What may be wished for (R-611).

    Raises BackendError with VAT_INVOICE_UNAVAILABLE where prices include the tax, INVOICE_CATEGORY_FIXED for
    another category than the market's, DATA_MISSING without title or address.
    """
    if vat and profile.tax_included:
        raise BackendError(ErrorCode.VAT_INVOICE_UNAVAILABLE, "a VAT invoice cannot be had")
    if category is not None and category != profile.invoice:
        raise BackendError(ErrorCode.INVOICE_CATEGORY_FIXED, f"the category is always {profile.invoice}")
    if not title.strip() or not address.strip():
        raise BackendError(ErrorCode.DATA_MISSING, "an invoice needs a title and an address to send it to")
    return InvoiceWish(title.strip(), address.strip())


def invoice_of(
    order: Order, wish: InvoiceWish | None, captured_at_ms: int, profile: MarketProfile
) -> Invoice:
    """The invoice of an order that was paid at `captured_at_ms`."""
    return Invoice(
        number=f"INV-{order.number}",
        order_number=order.number,
        issuer=profile.invoice_issuer,
        category=profile.invoice,
        issued_on=local_date(captured_at_ms, profile.zone),
        lines=tuple(
            InvoiceLine(line.service, line.months, line.amount_minor, line.tax_minor) for line in order.lines
        ),
        currency=order.currency,
        title=wish.title if wish else "",
        address=wish.address if wish else "",
    )


def render(invoice: Invoice) -> str:
    """The invoice as text, its tax shown where it is added to prices (R-310)."""
    head = [invoice.category, f"Issued by {invoice.issuer}", f"No. {invoice.number}"]
    head += [f"Date {invoice.issued_on.isoformat()}", f"Order {invoice.order_number}"]
    if invoice.title:
        head += [f"To {invoice.title}", *invoice.address.splitlines()]
    rows = []
    for line in invoice.lines:
        net_minor = line.amount_minor - line.tax_minor
        rows.append(_row(f"{service_name(line.service)}, {line.months} months", net_minor, invoice.currency))
        if line.tax_minor:
            rows.append(_row("  tax", line.tax_minor, invoice.currency))
    foot = [_row("Total", invoice.amount_minor, invoice.currency)]
    if invoice.tax_minor:
        foot.append(_row("  of which tax", invoice.tax_minor, invoice.currency))
    return "\n".join([*head, "", *rows, "-" * _WIDTH, *foot, ""])


def _row(label: str, minor: int, currency: str) -> str:
    amount = str(Money(minor, currency))
    return f"{label:<{_WIDTH - len(amount) - 1}} {amount}"
