"""Booked services in SQL."""

from dataclasses import replace
from typing import Any

import msgspec
from sqlalchemy import Row, bindparam, insert, select, update

from backend_stub.adapters.sql_connection import SqlConnection
from backend_stub.adapters.tables import ENTITLEMENTS
from backend_stub.domain.entitlement import Entitlement, Origin, Period, RenewalChoice
from backend_stub.errors import ConcurrentChangeError
from contracts.messages import EntitlementState

_ALL = select(ENTITLEMENTS).order_by(ENTITLEMENTS.c.entitlement_id)
_ONE = select(ENTITLEMENTS).where(ENTITLEMENTS.c.entitlement_id == bindparam("the_id"))
_OF_VEHICLE = _ALL.where(ENTITLEMENTS.c.vin == bindparam("the_vin"))
_PENDING = _ALL.where(ENTITLEMENTS.c.state == EntitlementState.PENDING)
_CHANGE = update(ENTITLEMENTS).where(
    ENTITLEMENTS.c.entitlement_id == bindparam("the_id"),
    ENTITLEMENTS.c.state == bindparam("old_state"),
    ENTITLEMENTS.c.periods == bindparam("old_periods"),
)
_PERIODS = msgspec.json.Decoder(tuple[Period, ...])


class SqlEntitlements:
    """The EntitlementRows port."""

    def __init__(self, sql: SqlConnection) -> None:
        self._sql = sql

    def add(self, entitlement: Entitlement) -> Entitlement:
        """Keep a new entitlement; returns it with its id."""
        inserted = self._sql.insert(
            insert(ENTITLEMENTS),
            {
                "vin": entitlement.vin,
                "service": entitlement.service,
                "origin": entitlement.origin,
                "traceparent": entitlement.traceparent,
                **_changing(entitlement),
            },
        )
        return replace(entitlement, entitlement_id=inserted)

    def change(self, before: Entitlement, after: Entitlement) -> None:
        """Write `after` if state and periods are still as `before`. Raises ConcurrentChangeError."""
        self._write(before, _changing(after))

    def rename(self, before: Entitlement, after: Entitlement) -> None:
        """As `change`, for one that goes on under another service (R-104)."""
        self._write(before, {"service": after.service, **_changing(after)})

    def _write(self, before: Entitlement, values: dict[str, Any]) -> None:
        as_written_now = msgspec.json.encode(before.periods)
        if not self._met(before, values, as_written_now) and not self._met_as_stored(before, values):
            raise ConcurrentChangeError(f"entitlement to {before.service}")

    def _met(self, before: Entitlement, values: dict[str, Any], periods: bytes) -> bool:
        old = {"the_id": before.entitlement_id, "old_state": before.state, "old_periods": periods}
        return self._sql.write(_CHANGE.values(values), old) == 1

    def _met_as_stored(self, before: Entitlement, values: dict[str, Any]) -> bool:
        """Periods that an older release wrote say the same in fewer words."""
        row = self._sql.first(_ONE, {"the_id": before.entitlement_id})
        is_same = row is not None and _PERIODS.decode(row.periods) == before.periods
        return row is not None and is_same and self._met(before, values, row.periods)

    def get(self, entitlement_id: int) -> Entitlement | None:
        """One entitlement."""
        row = self._sql.first(_ONE, {"the_id": entitlement_id})
        return None if row is None else _entitlement(row)

    def of_vehicle(self, vin: str) -> tuple[Entitlement, ...]:
        """All entitlements of a car, oldest first."""
        return tuple(map(_entitlement, self._sql.rows(_OF_VEHICLE, {"the_vin": vin})))

    def pending(self) -> tuple[Entitlement, ...]:
        """Those that wait for activation, oldest first."""
        return tuple(map(_entitlement, self._sql.rows(_PENDING)))


def _changing(entitlement: Entitlement) -> dict[str, Any]:
    return {
        "state": entitlement.state,
        "periods": msgspec.json.encode(entitlement.periods),
        "overdue": entitlement.overdue,
        "ended_at_ms": entitlement.ended_at_ms,
        "renewal": entitlement.renewal,
    }


def _entitlement(row: Row[Any]) -> Entitlement:
    return Entitlement(
        entitlement_id=row.entitlement_id,
        vin=row.vin,
        service=row.service,
        origin=Origin(row.origin),
        state=EntitlementState(row.state),
        periods=_PERIODS.decode(row.periods),
        overdue=row.overdue,
        traceparent=row.traceparent,
        ended_at_ms=row.ended_at_ms,
        renewal=RenewalChoice(row.renewal),
    )
