"""What a payment provider says, of the session that is open at it or was open last (S6).

The instant of a capture is the provider's own. It is told as a number of seconds after the order was
accepted, or after it was cancelled (negative = before); without either it is now.
"""

from enum import StrEnum
from typing import Annotated, TypeAlias

from msgspec import Meta

from contracts.acts.act import Act

Shift = Annotated[float, Meta(ge=-1e9, le=1e9)]
"""Seconds, thirty years at most; a capture is known to the millisecond."""


class Signature(StrEnum):
    """How a callback is signed (R-831)."""

    GOOD = "good"
    WRONG = "wrong"
    MISSING = "missing"


class ProviderAct(Act, frozen=True, kw_only=True):
    """`order` is the order the session belongs to."""

    order: str = ""
    signature: Signature = Signature.GOOD


class ReportCapture(ProviderAct, tag="capture", frozen=True, kw_only=True):
    """Money has come in. `transaction` empty = that of the session; another one is another payment (R-305).

    `amount_minor` and `currency` None = as asked.
    """

    transaction: Annotated[str, Meta(max_length=128)] = ""
    amount_minor: Annotated[int, Meta(ge=0, le=2**53)] | None = None
    currency: Annotated[str, Meta(max_length=128)] | None = None
    after_order_s: Shift | None = None
    after_cancel_s: Shift | None = None


class ReportDecline(ProviderAct, tag="decline", frozen=True, kw_only=True):
    """There will be no money."""


class BouncePayout(ProviderAct, tag="bounce_payout", frozen=True, kw_only=True):
    """A refund could not be paid out to its account."""

    service: str = ""


class SetCard(Act, tag="card", frozen=True, kw_only=True):
    """What becomes of the next charges of cards that are on file (R-505)."""

    approves: bool


AnyProviderAct: TypeAlias = ReportCapture | ReportDecline | BouncePayout | SetCard
