"""Orders and their history in SQL."""

from typing import Any

import msgspec
from sqlalchemy import Row, bindparam, func, insert, select, update

from backend_stub.adapters.sql_connection import SqlConnection
from backend_stub.adapters.tables import ORDER_HISTORY, ORDERS
from backend_stub.domain.order import ALIVE_STATES, Channel, Order, OrderLine
from backend_stub.errors import ConcurrentChangeError
from backend_stub.service.ports.orders import HistoryEntry
from contracts.messages import CancelReason, OrderState

_ALL = select(ORDERS).order_by(ORDERS.c.seq)
_BY_NUMBER = select(ORDERS).where(ORDERS.c.number == bindparam("the_number"))
_BY_TOKEN = select(ORDERS).where(ORDERS.c.token == bindparam("the_token"))
_BY_CLIENT_ID = select(ORDERS).where(
    ORDERS.c.vin == bindparam("the_vin"), ORDERS.c.client_order_id == bindparam("the_id")
)
_OF_VEHICLE = _ALL.where(ORDERS.c.vin == bindparam("the_vin"))
_ALIVE = _OF_VEHICLE.where(ORDERS.c.state.in_(ALIVE_STATES))
_NEWEST_CLOSED = (
    select(ORDERS)
    .where(ORDERS.c.vin == bindparam("the_vin"), ORDERS.c.state.not_in(ALIVE_STATES))
    .order_by(ORDERS.c.seq.desc())
    .limit(bindparam("the_most"))
)
_HIGHEST = select(func.max(ORDERS.c.seq))
_CHANGE = update(ORDERS).where(
    ORDERS.c.number == bindparam("the_number"),
    ORDERS.c.state == bindparam("old_state"),
    ORDERS.c.version == bindparam("old_version"),
)
_HISTORY = (
    select(ORDER_HISTORY.c.at_ms, ORDER_HISTORY.c.state, ORDER_HISTORY.c.reason)
    .where(ORDER_HISTORY.c.number == bindparam("the_number"))
    .order_by(ORDER_HISTORY.c.seq)
)
_LINES = msgspec.json.Decoder(tuple[OrderLine, ...])


class SqlOrders:
    """The OrderRows port."""

    def __init__(self, sql: SqlConnection) -> None:
        self._sql = sql

    def next_number(self) -> int:
        """A number no order has had, rising by one."""
        return int(self._sql.scalar(_HIGHEST) or 0) + 1

    def add(self, order: Order) -> None:
        """Keep a new order."""
        self._sql.write(
            insert(ORDERS),
            {
                "number": order.number,
                "vin": order.vin,
                "client_order_id": order.client_order_id,
                "token": order.token,
                "currency": order.currency,
                "sms_number": order.sms_number,
                "accepted_at_ms": order.accepted_at_ms,
                "deadline_ms": order.deadline_ms,
                "traceparent": order.traceparent,
                "channel": order.channel,
                **_changing(order),
            },
        )

    def change(self, before: Order, after: Order) -> None:
        """Write `after` if the row is still as `before`. Raises ConcurrentChangeError."""
        met = self._sql.write(
            _CHANGE.values(_changing(after)),
            {"the_number": before.number, "old_state": before.state, "old_version": before.version},
        )
        if met != 1:
            raise ConcurrentChangeError(f"order {before.number}")

    def get(self, number: str) -> Order | None:
        """The order called `number`."""
        return _maybe(self._sql.first(_BY_NUMBER, {"the_number": number}))

    def by_token(self, token: str) -> Order | None:
        """The order a payment link leads to."""
        return _maybe(self._sql.first(_BY_TOKEN, {"the_token": token}))

    def by_client_id(self, vin: str, client_order_id: str) -> Order | None:
        """The order that a submit of this id has already made (R-204)."""
        found = self._sql.first(_BY_CLIENT_ID, {"the_vin": vin, "the_id": client_order_id})
        return _maybe(found)

    def of_vehicle(self, vin: str) -> tuple[Order, ...]:
        """All orders of a car, oldest first."""
        return tuple(map(_order, self._sql.rows(_OF_VEHICLE, {"the_vin": vin})))

    def alive(self, vin: str, closed: int = 0) -> tuple[Order, ...]:
        """Orders of a car that are open or being activated, and its newest `closed` others; oldest first."""
        rows = list(self._sql.rows(_ALIVE, {"the_vin": vin}))
        if closed:
            rows += self._sql.rows(_NEWEST_CLOSED, {"the_vin": vin, "the_most": closed})
            rows.sort(key=lambda row: row.seq)
        return tuple(map(_order, rows))

    def all(self) -> tuple[Order, ...]:
        """All orders, oldest first."""
        return tuple(map(_order, self._sql.rows(_ALL)))

    def note(self, number: str, entry: HistoryEntry) -> None:
        """Append to an order's history."""
        self._sql.write(insert(ORDER_HISTORY), {"number": number, **entry._asdict()})

    def history(self, number: str) -> tuple[HistoryEntry, ...]:
        """What an order went through, oldest first."""
        rows = self._sql.rows(_HISTORY, {"the_number": number})
        return tuple(HistoryEntry(row.at_ms, OrderState(row.state), row.reason) for row in rows)


def _changing(order: Order) -> dict[str, Any]:
    return {
        "state": order.state,
        "version": order.version,
        "lines": msgspec.json.encode(order.lines),
        "cancel_at_ms": order.cancel_at_ms,
        "cancel_until_ms": order.cancel_until_ms,
        "cancel_reason": order.cancel_reason,
    }


def _maybe(row: Row[Any] | None) -> Order | None:
    return None if row is None else _order(row)


def _order(row: Row[Any]) -> Order:
    return Order(
        number=row.number,
        vin=row.vin,
        client_order_id=row.client_order_id,
        lines=_LINES.decode(row.lines),
        currency=row.currency,
        sms_number=row.sms_number,
        accepted_at_ms=row.accepted_at_ms,
        deadline_ms=row.deadline_ms,
        token=row.token,
        version=row.version,
        state=OrderState(row.state),
        cancel_at_ms=row.cancel_at_ms,
        cancel_until_ms=row.cancel_until_ms,
        cancel_reason=CancelReason(row.cancel_reason) if row.cancel_reason else None,
        traceparent=row.traceparent,
        channel=Channel(row.channel) if row.channel else Channel.CAR,
    )
