"""What must be true at the end of every run, whatever happened in it. Each checker names its rule."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from backend_stub.domain.refund import APPROVED_STATES, RefundState
from backend_stub.service.audit import BackendAudit, EntitlementAudit
from contracts.messages import EntitlementState, EntitlementView, OrderState
from contracts.modem import SimState
from headunit.sim.expectations import journal_line
from headunit.sim.verdict import Violation
from runtime.journal import JournalEntry

STORE_ORIGIN = "STORE"
PAID_STATES = (OrderState.PAID, OrderState.FULFILLED, OrderState.PARTLY_REFUNDED, OrderState.REFUNDED)
CURRENT_STATES = (EntitlementState.PENDING, EntitlementState.ACTIVE, EntitlementState.SUSPENDED)
Shown = tuple[EntitlementState, str]
"""State and last valid day, "" without one."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the checkers look at: the backend's books, the car's view, the journal, and its second 0."""

    audit: BackendAudit
    car_booked: tuple[EntitlementView, ...]
    journal: Sequence[JournalEntry]
    start_ns: int

    def story(self, *keys: str) -> tuple[str, ...]:
        """The journal lines that speak of these orders or services."""
        return tuple(journal_line(e, self.start_ns) for e in self.journal if e.key in keys)


Checker = Callable[[Evidence], list[Violation]]


def no_accepted_order_lost(evidence: Evidence) -> list[Violation]:
    """R-204: every order whose acceptance the car has seen is in the books, once."""
    found = []
    known = [order.number for order in evidence.audit.orders]
    for entry in evidence.journal:
        if entry.actor == "car" and entry.kind == "accepted" and known.count(entry.key) != 1:
            times = known.count(entry.key)
            found.append(
                Violation(
                    "no accepted order lost",
                    "R-204",
                    f"the car was told that {entry.key} is accepted; the backend has it {times} times",
                    evidence.story(entry.key),
                )
            )
    client_ids = [order.client_order_id for order in evidence.audit.orders]
    for order in evidence.audit.orders:
        if client_ids.count(order.client_order_id) != 1 and client_ids.index(
            order.client_order_id
        ) == known.index(order.number):
            numbers = [o.number for o in evidence.audit.orders if o.client_order_id == order.client_order_id]
            found.append(
                Violation(
                    "no accepted order lost",
                    "R-204",
                    f"one press of the driver has become {len(numbers)} orders: {', '.join(numbers)}",
                    evidence.story(*numbers),
                )
            )
    return found


def no_payment_taken_twice(evidence: Evidence) -> list[Violation]:
    """R-304, R-305: of a paid order its amount is kept, less what was refunded of it; of others nothing."""
    found = []
    for order in evidence.audit.orders:
        due_minor = order.amount_minor if order.state in PAID_STATES else 0
        due_minor -= sum(each.amount_minor for each in order.refunds if each.state is RefundState.PAID_OUT)
        if order.kept_minor != due_minor:
            found.append(
                Violation(
                    "no payment taken twice",
                    "R-305",
                    f"{order.number} is {order.state}, amount {order.amount_minor}; kept {order.kept_minor}"
                    f" (captured {order.captured_minor}, returned {order.returned_minor},"
                    f" refunded {order.refunded_minor})",
                    evidence.story(order.number),
                )
            )
    return found


def no_refund_beyond_its_line(evidence: Evidence) -> list[Violation]:
    """R-602, R-603: a line is refunded once and never for more than it cost, and its order shows it."""
    found = []
    for order in evidence.audit.orders:
        worth = {line.service: line.amount_minor for line in order.lines}
        standing = [each for each in order.refunds if each.state is not RefundState.REJECTED]
        approved = [each for each in standing if each.state in APPROVED_STATES]
        services = [each.service for each in standing]
        whys = [
            f"{each.service} is refunded with {each.amount_minor} of {worth.get(each.service, 0)}"
            for each in standing
            if each.amount_minor > worth.get(each.service, 0) or services.count(each.service) > 1
        ]
        whys += [
            f"{each.service} is {each.state}, and {each.paid_out_minor} of {each.amount_minor} has gone"
            for each in order.refunds
            if each.paid_out_minor != (each.amount_minor if each.state is RefundState.PAID_OUT else 0)
        ]
        shows = {OrderState.PARTLY_REFUNDED: 1, OrderState.REFUNDED: 2}.get(order.state, 0)
        if shows != (0 if not approved else 2 if len(approved) == len(order.lines) else 1):
            whys.append(f"is {order.state} with {len(approved)} of {len(order.lines)} lines refunded")
        found += [
            Violation(
                "no refund beyond its line", "R-603", f"{order.number}: {why}", evidence.story(order.number)
            )
            for why in whys
        ]
    return found


def no_entitlement_without_payment(evidence: Evidence) -> list[Violation]:
    """R-401: every bought term stands on a paid line of its own, and every paid line has become a term."""
    found = []
    paid = [
        (order.vin, order.number, line.service, line.months)
        for order in evidence.audit.orders
        if order.state in PAID_STATES
        for line in order.lines
    ]
    # A refunded term may have left the chain, or stand in it as history (D-31).
    refunded = [
        (order.number, each.service)
        for order in evidence.audit.orders
        for each in order.refunds
        if each.state in APPROVED_STATES
    ]
    bought = [
        (each.vin, period.order_number, period.bought_as or each.service, period.months)
        for each in evidence.audit.entitlements
        for period in each.periods
        if period.order_number or each.origin == STORE_ORIGIN
    ]
    for each in evidence.audit.entitlements:
        if each.origin == STORE_ORIGIN and not each.periods:
            found.append(
                Violation(
                    "no entitlement without payment",
                    "R-401",
                    f"{each.service} is {each.state}, and no term of it was ever bought",
                    evidence.story(each.service),
                )
            )
    for term in bought:
        if bought.count(term) > paid.count(term):
            found.append(_term(evidence, term, "no entitlement without payment", "stands on no paid line"))
    for term in paid:
        if paid.count(term) > bought.count(term) and (term[1], term[2]) not in refunded:
            found.append(
                _term(
                    evidence, term, "no payment without entitlement", "is paid, and there is no term for it"
                )
            )
    return list(dict.fromkeys(found))


def car_shows_what_the_backend_has(evidence: Evidence) -> list[Violation]:
    """R-404, R-405: after healing the car's Booked Services are the backend's, to the last valid day.

    A car whose SIM is suspended or dead (R-514 to R-516) cannot be told any more: what it shows is old.
    """
    if any(sim is not SimState.ACTIVE for sim in evidence.audit.sims.values()):
        return []
    held: dict[str, EntitlementAudit] = {}
    for each in evidence.audit.entitlements:
        before = held.get(each.service)
        if before is None or before.state not in CURRENT_STATES or _outlasts(each, before):
            held[each.service] = each
    backend = {service: (each.state, _booked_until(each)) for service, each in held.items()}
    car = {each.service: (each.state, each.booked_until or "") for each in evidence.car_booked}
    found = []
    for service in sorted({*backend, *car}):
        there, here = backend.get(service), car.get(service)
        if there != here and any(shown is not None and shown[0] in CURRENT_STATES for shown in (there, here)):
            found.append(
                Violation(
                    "the car shows what the backend has",
                    "R-404",
                    f"{service}: backend {_words(there)}, car {_words(here)}",
                    evidence.story(service),
                )
            )
    return found


def _outlasts(entitlement: EntitlementAudit, before: EntitlementAudit) -> bool:
    """Of two that are current, which a replacement can bring about, the later end counts (R-104)."""
    ends, ended = (each.periods[-1].last_day if each.periods else date.max for each in (entitlement, before))
    return entitlement.state in CURRENT_STATES and ends >= ended


def _booked_until(entitlement: EntitlementAudit) -> str:
    """As a car is told it: not before activation, and never of a service that has no end (R-405)."""
    if entitlement.state is EntitlementState.PENDING or not entitlement.periods:
        return ""
    return entitlement.periods[-1].last_day.isoformat()


def _words(shown: Shown | None) -> str:
    if shown is None:
        return "nothing"
    state, until = shown
    return f"{state} until {until}" if until else state


def _term(evidence: Evidence, term: tuple[str, str, str, int], checker: str, why: str) -> Violation:
    _, number, service, months = term
    return Violation(
        checker,
        "R-401",
        f"{service}, {months} months, of {number or 'no order'} {why}",
        evidence.story(number, service),
    )


CHECKERS: tuple[Checker, ...] = (
    no_accepted_order_lost,
    no_payment_taken_twice,
    no_refund_beyond_its_line,
    no_entitlement_without_payment,
    car_shows_what_the_backend_has,
)


def check_all(evidence: Evidence) -> list[Violation]:
    """What every checker has to say, in their order."""
    return [violation for checker in CHECKERS for violation in checker(evidence)]
