"""What the services need of a payment provider: sessions, reports, answers to queries."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

from backend_stub.domain.callback import Callback, SignedCallback
from backend_stub.domain.payment import Transaction
from contracts.acts.provider import Signature
from contracts.bench import PaymentOutcome


class ProviderReport(NamedTuple):
    """What a provider says: a capture, or (`declined`) that there will be none."""

    transaction: Transaction
    declined: bool


class Knowledge(StrEnum):
    """How much a provider knows of a session when asked (R-307)."""

    DECIDED = "decided"
    UNKNOWN = "unknown"
    NONE = "none"


class ProviderAnswer(NamedTuple):
    """Answer to a query; `report` only when DECIDED."""

    knowledge: Knowledge
    report: ProviderReport | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSession:
    """A provider's own view of one payment attempt.

    `outcome` is None until the payer has decided; `decided_at_ms` is then the provider's instant. What was
    taken is what was asked for, unless `taken_minor` and `taken_currency` say otherwise.
    """

    session: str
    transaction_id: str
    order_number: str
    provider: str
    amount_minor: int
    currency: str
    opened_at_ms: int
    outcome: PaymentOutcome | None = None
    decided_at_ms: int | None = None
    closed: bool = False
    taken_minor: int | None = None
    taken_currency: str | None = None


class PaymentProvider(Protocol):
    """A provider of the market. Called inside the caller's transaction."""

    def open(self, session: ProviderSession) -> None:
        """The payer has been sent here to pay."""

    def get(self, session: str) -> ProviderSession | None:
        """One session."""

    def decide(self, session: str, outcome: PaymentOutcome, delay_ms: int, now_ms: int) -> Sequence[int]:
        """The payer has decided; returns the instants at which reports will come, earliest first."""

    def report(self, session: str) -> ProviderReport | None:
        """What a report of this session says."""

    def query(self, session: str, now_ms: int) -> ProviderAnswer:
        """What the provider knows at `now_ms`; a session it knows nothing of is closed."""

    def note(self, session: str, report: ProviderReport) -> None:
        """The provider takes note of what it is about to report of its own accord."""

    def signed(self, callback: Callback, sent_at_ms: int, how: Signature = Signature.GOOD) -> SignedCallback:
        """A report as the provider sends it, signed as `how` says (R-831)."""
