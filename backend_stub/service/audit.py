"""What checkers look at: all orders, all money, all booked services, as plain data."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from backend_stub.domain.order import OrderLine
from backend_stub.domain.payment import LedgerEntry
from backend_stub.domain.refund import RefundState
from backend_stub.service.ports.store import Store
from contracts.messages import CancelReason, EntitlementState, OrderState
from contracts.modem import SimState


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundAudit:
    """One refund request; `paid_out_minor` is what the books of payouts hold of it."""

    service: str
    state: RefundState
    amount_minor: int
    paid_out_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderAudit:
    """One order; money is the sum of its ledger entries and of its payouts."""

    number: str
    vin: str
    client_order_id: str
    state: OrderState
    cancel_reason: CancelReason | None
    lines: tuple[OrderLine, ...]
    amount_minor: int
    accepted_at_ms: int
    deadline_ms: int
    cancel_at_ms: int | None
    captured_minor: int
    returned_minor: int
    refunds: tuple[RefundAudit, ...] = ()

    @property
    def refunded_minor(self) -> int:
        """Money that was paid out."""
        return sum(refund.paid_out_minor for refund in self.refunds)

    @property
    def kept_minor(self) -> int:
        """Money that stayed: what came in, less what was returned and what was refunded."""
        return self.captured_minor - self.returned_minor - self.refunded_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodAudit:
    """One bought term of an entitlement, with the order that paid for it.

    `bought_as` is the service of the order's line, "" where it is the entitlement's own (R-104).
    """

    order_number: str
    months: int
    first_day: date
    last_day: date
    captured_at_ms: int
    bought_as: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntitlementAudit:
    """One entitlement of one car."""

    vin: str
    service: str
    origin: str
    state: EntitlementState
    overdue: bool
    periods: tuple[PeriodAudit, ...]
    ended_at_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendAudit:
    """Everything, oldest first; `sims` are the subscriptions by VIN, as the backend has decided them."""

    orders: tuple[OrderAudit, ...]
    ledger: tuple[LedgerEntry, ...]
    entitlements: tuple[EntitlementAudit, ...]
    sims: Mapping[str, SimState] = field(default_factory=dict)

    def of_vehicle(self, vin: str) -> "BackendAudit":
        """The part that concerns one car."""
        orders = tuple(order for order in self.orders if order.vin == vin)
        numbers = tuple(order.number for order in orders)
        return BackendAudit(
            orders=orders,
            ledger=tuple(entry for entry in self.ledger if entry.order_number in numbers),
            entitlements=tuple(each for each in self.entitlements if each.vin == vin),
            sims={each: sim for each, sim in self.sims.items() if each == vin},
        )


def audit(store: Store) -> BackendAudit:
    """The books as they are now."""
    ledger = store.payments.ledger()
    captured: defaultdict[str, int] = defaultdict(int)
    returned: defaultdict[str, int] = defaultdict(int)
    for entry in ledger:
        captured[entry.order_number] += entry.captured_minor
        returned[entry.order_number] += entry.returned_minor
    refunds = _refunds(store)
    return BackendAudit(
        orders=tuple(
            OrderAudit(
                number=order.number,
                vin=order.vin,
                client_order_id=order.client_order_id,
                state=order.state,
                cancel_reason=order.cancel_reason,
                lines=order.lines,
                amount_minor=order.amount_minor,
                accepted_at_ms=order.accepted_at_ms,
                deadline_ms=order.deadline_ms,
                cancel_at_ms=order.cancel_at_ms,
                captured_minor=captured[order.number],
                returned_minor=returned[order.number],
                refunds=tuple(refunds.get(order.number, ())),
            )
            for order in store.orders.all()
        ),
        ledger=ledger,
        entitlements=tuple(
            EntitlementAudit(
                vin=each.vin,
                service=each.service,
                origin=each.origin,
                state=each.state,
                overdue=each.overdue,
                periods=tuple(
                    PeriodAudit(
                        order_number=period.order_number,
                        months=period.months,
                        first_day=period.first_day,
                        last_day=period.last_day,
                        captured_at_ms=period.captured_at_ms,
                        bought_as=period.bought_as,
                    )
                    for period in each.periods
                ),
                ended_at_ms=each.ended_at_ms,
            )
            for vin in store.vehicles.vins()
            for each in store.entitlements.of_vehicle(vin)
        ),
        sims={state.vin: state.subscription.state for state in store.vehicle_states.all()},
    )


def _refunds(store: Store) -> dict[str, list[RefundAudit]]:
    """All refund requests by order, with what has gone of each."""
    gone: defaultdict[int, int] = defaultdict(int)
    for payout in store.refunds.payouts():
        gone[payout.refund_id] += payout.amount_minor
    found: dict[str, list[RefundAudit]] = {}
    for refund in store.refunds.all():
        found.setdefault(refund.order_number, []).append(
            RefundAudit(
                service=refund.service,
                state=refund.state,
                amount_minor=refund.amount_minor,
                paid_out_minor=gone[refund.refund_id],
            )
        )
    return found
