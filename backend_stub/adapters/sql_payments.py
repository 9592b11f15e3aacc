"""Payments, provider reports and the ledger in SQL."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import Row, bindparam, func, insert, select, update

from backend_stub.adapters.sql_connection import SqlConnection
from backend_stub.adapters.tables import LEDGER, PAYMENT_SESSIONS, PAYMENTS, PROVIDER_REPORTS
from backend_stub.domain.payment import LedgerEntry, Payment, PaymentState
from backend_stub.errors import ConcurrentChangeError

_ALL = select(PAYMENTS).order_by(PAYMENTS.c.seq)
_NEWEST = (
    select(PAYMENTS)
    .where(PAYMENTS.c.order_number == bindparam("the_number"))
    .order_by(PAYMENTS.c.seq.desc())
    .limit(1)
)
_COUNT = select(func.count()).where(PAYMENTS.c.order_number == bindparam("the_number"))
_BY_SESSION = (
    select(PAYMENTS)
    .join(PAYMENT_SESSIONS, PAYMENT_SESSIONS.c.payment_id == PAYMENTS.c.payment_id)
    .where(PAYMENT_SESSIONS.c.session == bindparam("the_session"))
)
_CHANGE = update(PAYMENTS).where(
    PAYMENTS.c.payment_id == bindparam("the_id"),
    PAYMENTS.c.state == bindparam("old_state"),
    PAYMENTS.c.session == bindparam("old_session"),
)
_REPORT = select(PROVIDER_REPORTS.c.at_ms).where(PROVIDER_REPORTS.c.key == bindparam("the_key"))
_LEDGER = select(LEDGER).order_by(LEDGER.c.seq)
_KEPT = _LEDGER.where(LEDGER.c.order_number == bindparam("the_number"), LEDGER.c.returned_minor == 0)
_BY_ID = select(PAYMENTS).where(PAYMENTS.c.payment_id == bindparam("the_id"))


class SqlPayments:
    """The PaymentRows port."""

    def __init__(self, sql: SqlConnection) -> None:
        self._sql = sql

    def add(self, payment: Payment) -> None:
        """Keep a new payment."""
        self._sql.write(insert(PAYMENTS), asdict(payment))

    def change(self, before: Payment, after: Payment) -> None:
        """Write `after` if the row is still as `before`. Raises ConcurrentChangeError."""
        met = self._sql.write(
            _CHANGE.values(asdict(after)),
            {"the_id": before.payment_id, "old_state": before.state, "old_session": before.session},
        )
        if met != 1:
            raise ConcurrentChangeError(f"payment {before.payment_id}")
        if after.session != before.session:
            self._sql.write(
                insert(PAYMENT_SESSIONS), {"session": after.session, "payment_id": after.payment_id}
            )

    def newest_of(self, order_number: str) -> Payment | None:
        """The payment an order is at."""
        return _maybe(self._sql.first(_NEWEST, {"the_number": order_number}))

    def by_session(self, session: str) -> Payment | None:
        """The payment that ever had this provider session."""
        return _maybe(self._sql.first(_BY_SESSION, {"the_session": session}))

    def count_of(self, order_number: str) -> int:
        """How many payments an order has had."""
        return int(self._sql.scalar(_COUNT, {"the_number": order_number}))

    def all(self) -> tuple[Payment, ...]:
        """All payments, oldest first."""
        return tuple(map(_payment, self._sql.rows(_ALL)))

    def first_report(self, key: str, at_ms: int) -> bool:
        """Remember a provider's report; False when it was there already (R-305)."""
        if self._sql.first(_REPORT, {"the_key": key}) is not None:
            return False
        self._sql.write(insert(PROVIDER_REPORTS), {"key": key, "at_ms": at_ms})
        return True

    def enter(self, entry: LedgerEntry) -> None:
        """Append to the ledger."""
        self._sql.write(insert(LEDGER), asdict(entry))

    def ledger(self) -> tuple[LedgerEntry, ...]:
        """All money that came in, oldest first."""
        return tuple(map(_entry, self._sql.rows(_LEDGER)))

    def kept_of(self, order_number: str) -> LedgerEntry | None:
        """The money that was kept for an order."""
        row = self._sql.first(_KEPT, {"the_number": order_number})
        return None if row is None else _entry(row)

    def by_id(self, payment_id: str) -> Payment | None:
        """One payment."""
        return _maybe(self._sql.first(_BY_ID, {"the_id": payment_id}))


def _entry(row: Row[Any]) -> LedgerEntry:
    return LedgerEntry(
        transaction_id=row.transaction_id,
        payment_id=row.payment_id,
        order_number=row.order_number,
        captured_minor=row.captured_minor,
        returned_minor=row.returned_minor,
        currency=row.currency,
        captured_at_ms=row.captured_at_ms,
        reported_at_ms=row.reported_at_ms,
        reason=row.reason,
    )


def _maybe(row: Row[Any] | None) -> Payment | None:
    return None if row is None else _payment(row)


def _payment(row: Row[Any]) -> Payment:
    return Payment(
        payment_id=row.payment_id,
        order_number=row.order_number,
        state=PaymentState(row.state),
        provider=row.provider,
        session=row.session,
        amount_minor=row.amount_minor,
        currency=row.currency,
        opened_at_ms=row.opened_at_ms,
    )
