"""Refund requests, payouts, invoices, working days and shared keys in SQL."""

from dataclasses import asdict, replace
from datetime import date
from typing import Any

import msgspec
from sqlalchemy import Row, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from backend_stub.adapters.sql_connection import SqlConnection
from backend_stub.adapters.tables.refunds import (
    INVOICE_WISHES,
    INVOICES,
    PAYOUTS,
    REFUNDS,
    SHARED_KEYS,
    SPECIAL_DAYS,
)
from backend_stub.domain.invoice import Invoice, InvoiceLine, InvoiceWish
from backend_stub.domain.refund import Payout, RefundGround, RefundRequest, RefundState
from backend_stub.domain.working_days import WorkCalendar
from backend_stub.errors import ConcurrentChangeError

_ALL = select(REFUNDS).order_by(REFUNDS.c.refund_id)
_ONE = select(REFUNDS).where(REFUNDS.c.refund_id == bindparam("the_id"))
_OF_ORDER = _ALL.where(REFUNDS.c.order_number == bindparam("the_number"))
_CHANGE = update(REFUNDS).where(
    REFUNDS.c.refund_id == bindparam("the_id"),
    REFUNDS.c.state == bindparam("old_state"),
    REFUNDS.c.holder == bindparam("old_holder"),
    REFUNDS.c.account == bindparam("old_account"),
)
_PAYOUTS = select(PAYOUTS).order_by(PAYOUTS.c.seq)
_WISH = select(INVOICE_WISHES).where(INVOICE_WISHES.c.order_number == bindparam("the_number"))
_DROP_WISH = delete(INVOICE_WISHES).where(INVOICE_WISHES.c.order_number == bindparam("the_number"))
_INVOICE = select(INVOICES).where(INVOICES.c.order_number == bindparam("the_number"))
_LINES = msgspec.json.Decoder(tuple[InvoiceLine, ...])
_DAYS = select(SPECIAL_DAYS).order_by(SPECIAL_DAYS.c.day)
_KEY = select(SHARED_KEYS.c.value).where(SHARED_KEYS.c.name == bindparam("the_name"))


class SqlRefunds:
    """The RefundRows port."""

    def __init__(self, sql: SqlConnection) -> None:
        self._sql = sql

    def add(self, refund: RefundRequest) -> RefundRequest:
        """Keep a new request; returns it with its id. Raises ConcurrentChangeError for a second one."""
        values = {"claim": _claim(refund), **_columns(refund)}
        try:
            with self._sql.scope(), self._sql.savepoint():
                inserted = self._sql.insert(insert(REFUNDS), values)
        except IntegrityError:
            raise ConcurrentChangeError(_name(refund)) from None
        return replace(refund, refund_id=inserted)

    def change(self, before: RefundRequest, after: RefundRequest) -> None:
        """Write `after` if the row is still as `before`. Raises ConcurrentChangeError."""
        met = self._sql.write(
            _CHANGE.values(_columns(after)),
            {
                "the_id": before.refund_id,
                "old_state": before.state,
                "old_holder": before.holder,
                "old_account": before.account,
            },
        )
        if met != 1:
            raise ConcurrentChangeError(_name(before))

    def get(self, refund_id: int) -> RefundRequest | None:
        """One request."""
        row = self._sql.first(_ONE, {"the_id": refund_id})
        return None if row is None else _refund(row)

    def of_order(self, order_number: str) -> tuple[RefundRequest, ...]:
        """Requests about an order, oldest first."""
        return tuple(map(_refund, self._sql.rows(_OF_ORDER, {"the_number": order_number})))

    def all(self) -> tuple[RefundRequest, ...]:
        """All requests, oldest first."""
        return tuple(map(_refund, self._sql.rows(_ALL)))

    def pay_out(self, payout: Payout) -> None:
        """Note money that has left; a request is paid out once. Raises ConcurrentChangeError."""
        try:
            with self._sql.scope(), self._sql.savepoint():
                self._sql.write(insert(PAYOUTS), asdict(payout))
        except IntegrityError:
            raise ConcurrentChangeError(f"the payout of order {payout.order_number}") from None

    def payouts(self) -> tuple[Payout, ...]:
        """All money that has left, oldest first."""
        return tuple(
            Payout(
                refund_id=row.refund_id,
                order_number=row.order_number,
                service=row.service,
                payment_id=row.payment_id,
                transaction_id=row.transaction_id,
                amount_minor=row.amount_minor,
                currency=row.currency,
                paid_out_at_ms=row.paid_out_at_ms,
            )
            for row in self._sql.rows(_PAYOUTS)
        )


class SqlInvoices:
    """The InvoiceRows port."""

    def __init__(self, sql: SqlConnection) -> None:
        self._sql = sql

    def wish(self, order_number: str, wish: InvoiceWish) -> None:
        """Keep what is to stand on an order's invoice, in place of what was wished before."""
        self._sql.write(_DROP_WISH, {"the_number": order_number})
        self._sql.write(insert(INVOICE_WISHES), {"order_number": order_number, **asdict(wish)})

    def wish_of(self, order_number: str) -> InvoiceWish | None:
        """What the payer of an order wants on its invoice."""
        row = self._sql.first(_WISH, {"the_number": order_number})
        return None if row is None else InvoiceWish(row.title, row.address)

    def add(self, invoice: Invoice) -> None:
        """Keep a new invoice."""
        self._sql.write(
            insert(INVOICES),
            {
                "number": invoice.number,
                "order_number": invoice.order_number,
                "issuer": invoice.issuer,
                "category": invoice.category,
                "issued_on": invoice.issued_on.isoformat(),
                "lines": msgspec.json.encode(invoice.lines),
                "currency": invoice.currency,
                "title": invoice.title,
                "address": invoice.address,
            },
        )

    def of_order(self, order_number: str) -> Invoice | None:
        """The invoice of an order."""
        row = self._sql.first(_INVOICE, {"the_number": order_number})
        if row is None:
            return None
        return Invoice(
            number=row.number,
            order_number=row.order_number,
            issuer=row.issuer,
            category=row.category,
            issued_on=date.fromisoformat(row.issued_on),
            lines=_LINES.decode(row.lines),
            currency=row.currency,
            title=row.title,
            address=row.address,
        )


class SqlWorkdays:
    """The WorkdayRows port."""

    def __init__(self, sql: SqlConnection) -> None:
        self._sql = sql

    def put(self, work: WorkCalendar) -> None:
        """Put a calendar in the place of the one there is."""
        self._sql.write(delete(SPECIAL_DAYS))
        # A weekend day may be named as both; that people work on it is what counts.
        days = {day: day in work.working_weekends for day in sorted(work.holidays | work.working_weekends)}
        for day, is_working in days.items():
            self._sql.write(insert(SPECIAL_DAYS), {"day": day.isoformat(), "is_working": is_working})

    def get(self) -> WorkCalendar:
        """The calendar in force."""
        rows = [(date.fromisoformat(row.day), row.is_working) for row in self._sql.rows(_DAYS)]
        return WorkCalendar(
            frozenset(day for day, is_working in rows if not is_working),
            frozenset(day for day, is_working in rows if is_working),
        )


class SqlKeys:
    """The KeyRows port."""

    def __init__(self, sql: SqlConnection) -> None:
        self._sql = sql

    def put(self, name: str, value: str) -> None:
        """Keep a new key."""
        self._sql.write(insert(SHARED_KEYS), {"name": name, "value": value})

    def get(self, name: str) -> str | None:
        """The key called `name`."""
        value = self._sql.scalar(_KEY, {"the_name": name})
        return None if value is None else str(value)


def _claim(refund: RefundRequest) -> str | None:
    return None if refund.state is RefundState.REJECTED else f"{refund.order_number}/{refund.service}"


def _name(refund: RefundRequest) -> str:
    return f"the refund of {refund.service} in order {refund.order_number}"


def _columns(refund: RefundRequest) -> dict[str, Any]:
    values = asdict(refund)
    del values["refund_id"]
    return {**values, "usage_date": refund.usage_date.isoformat()}


def _refund(row: Row[Any]) -> RefundRequest:
    return RefundRequest(
        refund_id=row.refund_id,
        order_number=row.order_number,
        service=row.service,
        ground=RefundGround(row.ground),
        state=RefundState(row.state),
        amount_minor=row.amount_minor,
        currency=row.currency,
        usage_date=date.fromisoformat(row.usage_date),
        requested_at_ms=row.requested_at_ms,
        customer=row.customer,
        verified_at_ms=row.verified_at_ms,
        payout_ms=row.payout_ms,
        holder=row.holder,
        account=row.account,
        reason=row.reason,
    )
