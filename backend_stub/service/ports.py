"""What the services need of a store."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

from backend_stub.domain.catalogue import PriceList
from backend_stub.domain.entitlement import Entitlement
from backend_stub.domain.order import Order
from backend_stub.domain.payment import LedgerEntry, Payment
from backend_stub.domain.vehicle import VehicleRecord
from backend_stub.service.money.refund_ports import InvoiceRows, KeyRows, RefundRows, WorkdayRows
from backend_stub.service.people.account_ports import AccountRows, LinkRows, SessionRows, TokenRows
from backend_stub.service.validity.renewal_ports import DataLedgerRows
from backend_stub.service.validity.vehicle_state_ports import VehicleStateRows
from contracts.messages import OrderState
from runtime.mqtt.outbox import Inbox, Outbox
from runtime.mqtt.port import OutgoingMessage


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


class HistoryEntry(NamedTuple):
    """An order was in `state` from `at_ms` on."""

    at_ms: int
    state: OrderState
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sms:
    """A message on its way: to a phone, or to the e-mail address `number`; the link ends with its token.

    `purpose` is what it is for, `order_number` the order it is about, if any; `arrived_at_ms` is None
    while it is under way or when it is lost.
    """

    sms_id: int = 0
    order_number: str = ""
    number: str
    text: str
    url: str
    sent_at_ms: int = 0
    lost: bool = False
    arrived_at_ms: int | None = None
    purpose: str = "payment"

    @property
    def token(self) -> str:
        """The secret at the end of the link."""
        return self.url.rpartition("/")[2]


class OrderRows(Protocol):
    """Orders in the store."""

    def next_number(self) -> int:
        """A number no order has had, rising by one."""

    def add(self, order: Order) -> None:
        """Keep a new order."""

    def change(self, before: Order, after: Order) -> None:
        """Write `after` if the row is still as `before`. Raises ConcurrentChangeError."""

    def get(self, number: str) -> Order | None:
        """The order called `number`."""

    def by_token(self, token: str) -> Order | None:
        """The order a payment link leads to."""

    def by_client_id(self, vin: str, client_order_id: str) -> Order | None:
        """The order that a submit of this id has already made (R-204)."""

    def of_vehicle(self, vin: str) -> tuple[Order, ...]:
        """All orders of a car, oldest first."""

    def alive(self, vin: str, closed: int = 0) -> tuple[Order, ...]:
        """Orders of a car that are open or being activated, and its newest `closed` others; oldest first."""

    def all(self) -> tuple[Order, ...]:
        """All orders, oldest first."""

    def note(self, number: str, entry: HistoryEntry) -> None:
        """Append to an order's history."""

    def history(self, number: str) -> tuple[HistoryEntry, ...]:
        """What an order went through, oldest first."""


class PaymentRows(Protocol):
    """Payments, their sessions, and the ledger of money."""

    def add(self, payment: Payment) -> None:
        """Keep a new payment."""

    def change(self, before: Payment, after: Payment) -> None:
        """Write `after` if the row is still as `before`. Raises ConcurrentChangeError."""

    def newest_of(self, order_number: str) -> Payment | None:
        """The payment an order is at."""

    def by_session(self, session: str) -> Payment | None:
        """The payment that ever had this provider session."""

    def count_of(self, order_number: str) -> int:
        """How many payments an order has had."""

    def all(self) -> tuple[Payment, ...]:
        """All payments, oldest first."""

    def first_report(self, key: str, at_ms: int) -> bool:
        """Remember a provider's report; False when it was there already (R-305)."""

    def enter(self, entry: LedgerEntry) -> None:
        """Append to the ledger."""

    def kept_of(self, order_number: str) -> LedgerEntry | None:
        """The money that was kept for an order."""

    def by_id(self, payment_id: str) -> Payment | None:
        """One payment."""

    def ledger(self) -> tuple[LedgerEntry, ...]:
        """All money that came in, oldest first."""


class EntitlementRows(Protocol):
    """Booked services in the store."""

    def add(self, entitlement: Entitlement) -> Entitlement:
        """Keep a new entitlement; returns it with its id."""

    def change(self, before: Entitlement, after: Entitlement) -> None:
        """Write `after` if the row is still as `before`. Raises ConcurrentChangeError."""

    def rename(self, before: Entitlement, after: Entitlement) -> None:
        """As `change`, for one that goes on under another service (R-104)."""

    def get(self, entitlement_id: int) -> Entitlement | None:
        """One entitlement."""

    def of_vehicle(self, vin: str) -> tuple[Entitlement, ...]:
        """All entitlements of a car, oldest first."""

    def pending(self) -> tuple[Entitlement, ...]:
        """Those that wait for activation, oldest first."""


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


class VehicleRows(Protocol):
    """Cars in the store."""

    def put(self, vehicle: VehicleRecord) -> bool:
        """Keep a car as the configuration gives it; True when the car is new.

        Of a car that is known only what the configuration has changed since is taken over (R-714).
        """

    def change(self, vehicle: VehicleRecord) -> None:
        """Somebody has changed the car's record: a dealer, a new owner."""

    def get(self, vin: str) -> VehicleRecord | None:
        """One car."""

    def vins(self) -> tuple[str, ...]:
        """All cars, in the order in which they came."""

    def next_revision(self, vin: str) -> int:
        """The revision of the car's next snapshot (R-406)."""


class PriceRows(Protocol):
    """Price lists in the store."""

    def current(self) -> PriceList | None:
        """The newest list."""

    def add(self, prices: PriceList) -> None:
        """Put a list into force."""


class SmsRows(Protocol):
    """Text messages in the store."""

    def add(self, sms: Sms) -> Sms:
        """Keep a message; returns it with its id."""

    def arrive(self, sms_id: int, at_ms: int) -> Sms | None:
        """The message has reached the phone."""

    def arrived(self) -> tuple[Sms, ...]:
        """What the phone has received, newest first."""

    def newest(self, number: str, purpose: str) -> Sms | None:
        """The newest message for a purpose that has arrived at a number or address."""


class SettingRows(Protocol):
    """Switches of the bench that must survive a restart."""

    def get(self, name: str, default: int) -> int:
        """The value of a switch."""

    def put(self, name: str, value: int) -> None:
        """Set a switch."""


class AnswerRows(Protocol):
    """Answers to requests: whoever repeats a request gets the same answer, under the same key."""

    def keep(self, request: str, answer: OutgoingMessage) -> None:
        """Remember the answer to a request."""

    def get(self, request: str) -> OutgoingMessage | None:
        """The answer to a request, None when it has none."""


class Store(Protocol):
    """Everything the backend keeps, behind one connection."""

    @property
    def orders(self) -> OrderRows: ...

    @property
    def payments(self) -> PaymentRows: ...

    @property
    def entitlements(self) -> EntitlementRows: ...

    @property
    def due(self) -> DueRows: ...

    @property
    def vehicles(self) -> VehicleRows: ...

    @property
    def prices(self) -> PriceRows: ...

    @property
    def sms(self) -> SmsRows: ...

    @property
    def settings(self) -> SettingRows: ...

    @property
    def data_ledger(self) -> DataLedgerRows: ...

    @property
    def outbox(self) -> Outbox: ...

    @property
    def inbox(self) -> Inbox: ...

    @property
    def answers(self) -> AnswerRows: ...

    @property
    def vehicle_states(self) -> VehicleStateRows: ...

    @property
    def accounts(self) -> AccountRows: ...

    @property
    def tokens(self) -> TokenRows: ...

    @property
    def sessions(self) -> SessionRows: ...

    @property
    def links(self) -> LinkRows: ...

    @property
    def refunds(self) -> RefundRows: ...

    @property
    def invoices(self) -> InvoiceRows: ...

    @property
    def workdays(self) -> WorkdayRows: ...

    @property
    def keys(self) -> KeyRows: ...

    def transaction(self) -> AbstractContextManager[None]:
        """Commit at the end of the block, roll back when it raises."""

    def savepoint(self) -> AbstractContextManager[None]:
        """Inside a transaction: undo the block alone when it raises."""
