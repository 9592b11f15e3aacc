"""What car and backend say to each other, as msgspec structs: one class per kind.

Every message carries `schema` (its kind and version, written by the codec), an idempotency `key` and
`sent_at_ms`. Instants are bench-time milliseconds UTC (R-002); money is in minor units of an ISO 4217
currency; dates are ISO strings, market-local. Unknown fields are ignored.
"""

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from contracts.errors import ErrorCode

Key = Annotated[str, Meta(min_length=1, max_length=64)]
InstantMs = Annotated[int, Meta(ge=0)]
AmountMinor = Annotated[int, Meta(ge=0)]


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What every message carries: `key` makes it take effect once, `sent_at_ms` says how old it is."""

    key: Key
    sent_at_ms: InstantMs


class OrderState(StrEnum):
    """States of an order, section 3 of the specification."""

    AWAITING_PAYMENT = "AWAITING_PAYMENT"
    PAYING = "PAYING"
    PAYMENT_FAILED = "PAYMENT_FAILED"
    CANCELLING = "CANCELLING"
    CANCELLED = "CANCELLED"
    PAID = "PAID"
    FULFILLED = "FULFILLED"
    PARTLY_REFUNDED = "PARTLY_REFUNDED"
    REFUNDED = "REFUNDED"


class CancelReason(StrEnum):
    """Why an order is CANCELLED."""

    USER = "user"
    TIMEOUT = "timeout"
    OWNER = "owner"


class EntitlementState(StrEnum):
    """States of a service entitlement, section 3 of the specification."""

    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    EXPIRED = "EXPIRED"
    TERMINATED = "TERMINATED"
    DEACTIVATED = "DEACTIVATED"


class Line(msgspec.Struct, frozen=True):
    """A service and its term in months, as asked for (R-101; whether it can be had is the backend's word)."""

    service: Annotated[str, Meta(min_length=1, max_length=32)]
    months: int


class PricedLine(msgspec.Struct, frozen=True):
    """A line of an accepted order with its frozen price; the tax is inside it (R-310)."""

    service: str
    months: int
    amount_minor: AmountMinor
    tax_minor: AmountMinor = 0


class Offer(msgspec.Struct, frozen=True):
    """One row of the price list (D-03): the total for a term, activation fee included.

    `tax_minor` is the tax that an order adds to it, 0 where the list includes it (R-310).
    """

    months: int
    amount_minor: AmountMinor
    tax_minor: AmountMinor = 0


class Product(msgspec.Struct, frozen=True):
    """A service as the Store lists it."""

    service: str
    name: str
    description: str
    offers: tuple[Offer, ...]
    includes: tuple[str, ...] = ()


class OrderView(msgspec.Struct, frozen=True, kw_only=True):
    """An order as car and Portal see it; the tax is inside the amount. `sms_number` is masked (R-308)."""

    number: str
    client_order_id: str
    version: int
    state: OrderState
    lines: tuple[PricedLine, ...]
    amount_minor: AmountMinor
    currency: str
    accepted_at_ms: InstantMs
    deadline_ms: InstantMs
    tax_minor: AmountMinor = 0
    sms_number: str = ""
    cancel_until_ms: InstantMs | None = None
    cancel_reason: CancelReason | None = None


class EntitlementView(msgspec.Struct, frozen=True, kw_only=True):
    """A booked service (R-405); `booked_until` is None for standard services and before activation.

    `auto_renew` is None where the market knows no such thing (R-505); `renew_by` is the last day for notice
    of renewal, an ISO date, "" where none is needed (R-504). `ends_by_notice` is the last day of a service
    whose end BMW has announced, an ISO date, "" without such a notice (R-513).
    """

    service: str
    name: str
    origin: str
    state: EntitlementState
    booked_from: str | None = None
    booked_until: str | None = None
    overdue: bool = False
    auto_renew: bool | None = None
    renew_by: str = ""
    ends_by_notice: str = ""


# Up: car to backend


class SyncRequest(Message, tag="sync", tag_field="schema", frozen=True, kw_only=True):
    """Asks for the catalogue and a fresh snapshot; answered even when nothing is newer."""

    have_revision: int = 0
    list_version: int = 0


class SubmitOrder(Message, tag="submit-order", tag_field="schema", frozen=True, kw_only=True):
    """The driver's binding order (R-204); `client_order_id` makes a repeat return the same order."""

    client_order_id: Key
    lines: tuple[Line, ...]
    list_version: int
    sms_number: str | None = None
    start_date: str | None = None
    instalments: int | None = None


class ModifyOrder(Message, tag="modify-order", tag_field="schema", frozen=True, kw_only=True):
    """New lines for an unpaid order (R-206), made from its version `order_version`."""

    order_number: Key
    order_version: int
    lines: tuple[Line, ...]


class CancelOrder(Message, tag="cancel-order", tag_field="schema", frozen=True, kw_only=True):
    """Ends an unpaid order (R-208, R-209)."""

    order_number: Key


# Down: backend to car


class Catalogue(Message, tag="catalogue", tag_field="schema", frozen=True, kw_only=True):
    """What this car can book, at the current price list (R-102, R-103)."""

    list_version: int
    market: str
    currency: str
    products: tuple[Product, ...]
    support: str
    hotline: str
    disturbance_line: str


class OrderReply(Message, tag="order-reply", tag_field="schema", frozen=True, kw_only=True):
    """Answers one request about an order: `code` None = done, else why not, and nothing changed.

    `request_key` is the key of the request; `order` is what the order looks like now, if there is one.
    """

    request_key: Key
    code: ErrorCode | None = None
    detail: str = ""
    order: OrderView | None = None


class Snapshot(Message, tag="snapshot", tag_field="schema", frozen=True, kw_only=True):
    """Everything the car shows about itself; a rising `revision` decides (R-406).

    `contract_number` is the number of the service agreement (R-203), empty when there is none.
    `locked_until_ms` is the cancellation lock of R-209, None when there is none. `store_needs` is why the
    car's Store is closed, None when it is open (R-202). `deactivated` says that the whole car is switched
    off, by a dealer or with the last of its services (R-514, R-515). `link_code` is what the car displays
    for linking it in the Portal (D-35).
    """

    revision: Annotated[int, Meta(ge=1)]
    entitlements: tuple[EntitlementView, ...]
    orders: tuple[OrderView, ...]
    contract_number: str = ""
    locked_until_ms: InstantMs | None = None
    ecall_available: bool = True
    store_needs: ErrorCode | None = None
    deactivated: bool = False
    link_code: str = ""
    terms_version: str = ""


class Disturbance(Message, tag="disturbance", tag_field="schema", frozen=True, kw_only=True):
    """The backend announces an outage and its cause class (R-805), or its end (`until_ms` in the past)."""

    cause: str
    services: tuple[str, ...]
    from_ms: InstantMs
    until_ms: InstantMs | None = None


class Refusal(Message, tag="refusal", tag_field="schema", frozen=True, kw_only=True):
    """A message the receiver could not accept; it is kept in the dead-letter store."""

    request_key: str
    code: ErrorCode
    detail: str


UP_MESSAGES: tuple[type[Message], ...] = (SyncRequest, SubmitOrder, ModifyOrder, CancelOrder)
DOWN_MESSAGES: tuple[type[Message], ...] = (Catalogue, OrderReply, Snapshot, Disturbance, Refusal)
