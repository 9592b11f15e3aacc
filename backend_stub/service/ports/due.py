"""Due times: what can be due, and the rows that keep it."""

from enum import StrEnum
from typing import NamedTuple, Protocol


class DueKind(StrEnum):
    """What can be due at a bench instant."""

    ORDER_TIMEOUT = "order-timeout"
    CANCEL_SETTLED = "cancel-settled"
    ACTIVATION = "activation"
    ACTIVATION_OVERDUE = "activation-overdue"
    ENTITLEMENT_END = "entitlement-end"
    PROVIDER_QUERY = "provider-query"
    PROVIDER_REPORT = "provider-report"
    SMS_ARRIVAL = "sms-arrival"
    SIM_ORDER = "sim-order"
    PROVIDER_END = "provider-end"
    RENEWAL_CHARGE = "renewal-charge"
    PAYOUT = "payout"
    ACCOUNT_UNLOCK = "account-unlock"
    LINK_UNLOCK = "link-unlock"


LIMITS = (
    DueKind.CANCEL_SETTLED,
    DueKind.ORDER_TIMEOUT,
    DueKind.ENTITLEMENT_END,
    DueKind.PROVIDER_END,
    DueKind.ACCOUNT_UNLOCK,
    DueKind.LINK_UNLOCK,
)
"""Ends of a span of time: at one instant they come before everything else, for the span is over (R-209)."""


class Due(NamedTuple):
    """Thing `key` of `kind` is due at bench instant `due_ms`; at one instant LIMITS first, then by `seq`."""

    seq: int
    kind: DueKind
    key: str
    due_ms: int


class DueRows(Protocol):
    """Due times in the store: they survive restarts."""

    def put(self, kind: DueKind, key: str, due_ms: int) -> None:
        """Set or move a due time."""

    def remove(self, kind: DueKind, key: str) -> bool:
        """Call a due time off; False when there was none."""

    def take(self, due: Due) -> bool:
        """Remove this very due time; False when somebody else has taken or moved it meanwhile."""

    def has(self, kind: DueKind, key: str) -> bool:
        """Whether such a due time is set."""

    def earliest(self) -> Due | None:
        """What is due next."""

    def earliest_limit(self, until_ms: int) -> Due | None:
        """The first of LIMITS that is due at `until_ms` or before."""
