"""The smaller tables in SQL: due times, cars, price lists, text messages, switches."""

from dataclasses import asdict, replace
from typing import Any

import msgspec
from sqlalchemy import Row, bindparam, delete, insert, select, update

from backend_stub.adapters.sql_connection import SqlConnection
from backend_stub.adapters.tables import DUE, PRICE_LISTS, SETTINGS, SMS, VEHICLES
from backend_stub.domain.catalogue import Price, PriceList, Substitute
from backend_stub.domain.vehicle import VehicleRecord
from backend_stub.service.ports.due import LIMITS, Due, DueKind
from backend_stub.service.ports.messages import Sms

_EARLIEST = (
    select(DUE.c.seq, DUE.c.kind, DUE.c.key, DUE.c.due_ms)
    .order_by(DUE.c.due_ms, DUE.c.rank, DUE.c.seq)
    .limit(1)
)
_EARLIEST_LIMIT = _EARLIEST.where(DUE.c.rank == 0, DUE.c.due_ms <= bindparam("the_end"))
_THE_DUE = (DUE.c.kind == bindparam("the_kind"), DUE.c.key == bindparam("the_key"))
_REMOVE_DUE = delete(DUE).where(*_THE_DUE)
# A due time that is moved gets another row.
_TAKE_DUE = delete(DUE).where(DUE.c.seq == bindparam("the_seq"))
_HAS_DUE = select(DUE.c.seq).where(*_THE_DUE)

_VEHICLE = select(VEHICLES.c.record, VEHICLES.c.given).where(VEHICLES.c.vin == bindparam("the_vin"))
_UPDATE_VEHICLE = update(VEHICLES).where(VEHICLES.c.vin == bindparam("the_vin"))
_RAISE_REVISION = _UPDATE_VEHICLE.values(revision=VEHICLES.c.revision + 1).returning(VEHICLES.c.revision)
_VINS = select(VEHICLES.c.vin).order_by(VEHICLES.c.seq)
_RECORD = msgspec.json.Decoder(VehicleRecord)

_CURRENT_LIST = select(PRICE_LISTS).order_by(PRICE_LISTS.c.version.desc()).limit(1)
_SUBSTITUTES = msgspec.json.Decoder(tuple[Substitute, ...])
_PRICES = msgspec.json.Decoder(tuple[tuple[str, int, int, int], ...])

_ARRIVED = select(SMS).where(SMS.c.arrived_at_ms.is_not(None)).order_by(SMS.c.arrived_at_ms.desc())
_NEWEST_FIRST = _ARRIVED.order_by(SMS.c.sms_id.desc())
_NEWEST_OF = _NEWEST_FIRST.where(
    SMS.c.number == bindparam("the_number"), SMS.c.purpose == bindparam("the_purpose")
).limit(1)
_ONE_SMS = select(SMS).where(SMS.c.sms_id == bindparam("the_id"))
_ARRIVE = update(SMS).where(SMS.c.sms_id == bindparam("the_id"), SMS.c.arrived_at_ms.is_(None))

_SETTING = select(SETTINGS.c.value).where(SETTINGS.c.name == bindparam("the_name"))


class SqlDue:
    """The DueRows port."""

    def __init__(self, sql: SqlConnection) -> None:
        self._sql = sql

    def put(self, kind: DueKind, key: str, due_ms: int) -> None:
        """Set or move a due time."""
        self.remove(kind, key)
        self._sql.write(insert(DUE), {"kind": kind, "key": key, "due_ms": due_ms, "rank": kind not in LIMITS})

    def remove(self, kind: DueKind, key: str) -> bool:
        """Call a due time off; False when there was none."""
        return self._sql.write(_REMOVE_DUE, {"the_kind": kind, "the_key": key}) == 1

    def take(self, due: Due) -> bool:
        """Remove this very due time; False when somebody else has taken or moved it meanwhile."""
        return self._sql.write(_TAKE_DUE, {"the_seq": due.seq}) == 1

    def has(self, kind: DueKind, key: str) -> bool:
        """Whether such a due time is set."""
        return self._sql.first(_HAS_DUE, {"the_kind": kind, "the_key": key}) is not None

    def earliest(self) -> Due | None:
        """What is due next."""
        return _maybe_due(self._sql.first(_EARLIEST))

    def earliest_limit(self, until_ms: int) -> Due | None:
        """The first of LIMITS that is due at `until_ms` or before."""
        return _maybe_due(self._sql.first(_EARLIEST_LIMIT, {"the_end": until_ms}))


class SqlVehicles:
    """The VehicleRows port."""

    def __init__(self, sql: SqlConnection) -> None:
        self._sql = sql

    def put(self, vehicle: VehicleRecord) -> bool:
        """Keep a car as the configuration gives it; True when the car is new.

        Of a car that is known only what the configuration has changed since is taken over.
        """
        given = msgspec.json.encode(vehicle)
        row = self._sql.first(_VEHICLE, {"the_vin": vehicle.vin})
        if row is None:
            self._sql.write(
                insert(VEHICLES), {"vin": vehicle.vin, "record": given, "given": given, "revision": 0}
            )
            return True
        if row.given != given:
            before = asdict(_RECORD.decode(row.given))
            changed = {name: value for name, value in asdict(vehicle).items() if value != before[name]}
            record = msgspec.json.encode(replace(_RECORD.decode(row.record), **changed))
            self._sql.write(_UPDATE_VEHICLE.values(record=record, given=given), {"the_vin": vehicle.vin})
        return False

    def change(self, vehicle: VehicleRecord) -> None:
        """Somebody has changed the car's record."""
        record = msgspec.json.encode(vehicle)
        self._sql.write(_UPDATE_VEHICLE.values(record=record), {"the_vin": vehicle.vin})

    def get(self, vin: str) -> VehicleRecord | None:
        """One car."""
        row = self._sql.first(_VEHICLE, {"the_vin": vin})
        return None if row is None else _RECORD.decode(row.record)

    def vins(self) -> tuple[str, ...]:
        """All cars, in the order in which they came."""
        return tuple(row.vin for row in self._sql.rows(_VINS))

    def next_revision(self, vin: str) -> int:
        """The revision of the car's next snapshot (R-406)."""
        return int(self._sql.change(_RAISE_REVISION, {"the_vin": vin}))


class SqlPrices:
    """The PriceRows port."""

    def __init__(self, sql: SqlConnection) -> None:
        self._sql = sql

    def current(self) -> PriceList | None:
        """The newest list."""
        row = self._sql.first(_CURRENT_LIST)
        if row is None:
            return None
        rows = _PRICES.decode(row.rows)
        prices = {(service, months): Price(amount, fee) for service, months, amount, fee in rows}
        return PriceList(row.version, prices, row.tax_included, _SUBSTITUTES.decode(row.substitutes))

    def add(self, prices: PriceList) -> None:
        """Put a list into force."""
        rows = [
            (service, months, price.amount_minor, price.fee_minor)
            for (service, months), price in prices.prices.items()
        ]
        self._sql.write(
            insert(PRICE_LISTS),
            {
                "version": prices.version,
                "rows": msgspec.json.encode(rows),
                "tax_included": prices.tax_included,
                "substitutes": msgspec.json.encode(prices.substitutes),
            },
        )


class SqlSms:
    """The SmsRows port."""

    def __init__(self, sql: SqlConnection) -> None:
        self._sql = sql

    def add(self, sms: Sms) -> Sms:
        """Keep a message; returns it with its id."""
        values = asdict(sms)
        del values["sms_id"]
        inserted = self._sql.insert(insert(SMS), values)
        return replace(sms, sms_id=inserted)

    def arrive(self, sms_id: int, at_ms: int) -> Sms | None:
        """The message has reached the phone."""
        if not self._sql.write(_ARRIVE.values(arrived_at_ms=at_ms), {"the_id": sms_id}):
            return None
        row = self._sql.first(_ONE_SMS, {"the_id": sms_id})
        return None if row is None else _sms(row)

    def arrived(self) -> tuple[Sms, ...]:
        """What the phone has received, newest first."""
        return tuple(map(_sms, self._sql.rows(_NEWEST_FIRST)))

    def newest(self, number: str, purpose: str) -> Sms | None:
        """The newest message for a purpose that has arrived at a number or address."""
        row = self._sql.first(_NEWEST_OF, {"the_number": number, "the_purpose": purpose})
        return None if row is None else _sms(row)


class SqlSettings:
    """The SettingRows port."""

    def __init__(self, sql: SqlConnection) -> None:
        self._sql = sql

    def get(self, name: str, default: int) -> int:
        """The value of a switch."""
        value = self._sql.scalar(_SETTING, {"the_name": name})
        return default if value is None else int(value)

    def put(self, name: str, value: int) -> None:
        """Set a switch."""
        self._sql.write(delete(SETTINGS).where(SETTINGS.c.name == name))
        self._sql.write(insert(SETTINGS), {"name": name, "value": value})


def _maybe_due(row: Row[Any] | None) -> Due | None:
    return None if row is None else Due(row.seq, DueKind(row.kind), row.key, row.due_ms)


def _sms(row: Row[Any]) -> Sms:
    return Sms(
        sms_id=row.sms_id,
        order_number=row.order_number,
        number=row.number,
        text=row.text,
        url=row.url,
        sent_at_ms=row.sent_at_ms,
        lost=row.lost,
        arrived_at_ms=row.arrived_at_ms,
        purpose=row.purpose,
    )
