"""What whoever holds the payment link does on its page (R-302)."""

from typing import TypeAlias

from contracts.acts.act import Act


class PayerAct(Act, frozen=True, kw_only=True):
    """`order` is the order that the link is of."""

    order: str = ""


class OpenSession(PayerAct, tag="open", frozen=True, kw_only=True):
    """Go to a provider, and do nothing there yet: the order is PAYING from now on."""

    provider: str = ""


class SetInvoice(PayerAct, tag="invoice", frozen=True, kw_only=True):
    """Say what is to stand on the invoice, while paying (R-611); `category` None = the fixed one."""

    title: str
    address: str
    category: str | None = None
    vat: bool = False


AnyPayerAct: TypeAlias = OpenSession | SetInvoice
