"""`python -m benchmarks.store`: orders placed per second through the service layer, against rows by hand.

The service layer gets what a car sends and does everything: it reads the message, asks every rule, makes
order, history, due times, text message, data ledger, answer and snapshot, and hands the text message over. By
hand, SQLAlchemy Core inserts the very rows that came of it, ready made, in the same transactions: a row a
statement, for nobody knows two of one table together. Both work on a database of their own of the same kind,
a file that is synced at every commit or a PostgreSQL server that does so, in turns; figures are medians of
wall-clock rates.
"""

import argparse
import gc
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, Final

from sqlalchemy import Table, bindparam, delete, insert, select, update

from backend_stub.adapters.database_url import DatabaseUrl
from backend_stub.adapters.sql_connection import Database, SqlConnection
from backend_stub.adapters.sql_store import SqlStore
from backend_stub.adapters.tables import (
    ANSWERS,
    DATA_LEDGER,
    DUE,
    INBOX_SEEN,
    ORDER_HISTORY,
    ORDERS,
    OUTBOX,
    SMS,
    VEHICLES,
)
from backend_stub.domain.vehicle import VehicleRecord
from backend_stub.service.ports.due import DueKind
from contracts.codec import encode, kind_of
from contracts.messages import Line, SubmitOrder
from contracts.topics import up_topic
from proofs.races.stack import Stack
from runtime.disk import FileDisk
from runtime.mqtt.port import IncomingMessage

TARGET: Final = 0.6
Row = tuple[Table, dict[str, Any]]


def cars(count: int, begin: int) -> tuple[VehicleRecord, ...]:
    """Cars that have ordered nothing yet."""
    return tuple(
        VehicleRecord(vin=f"WBATEST{n:010d}", contract_number=f"138{n:08d}")
        for n in range(begin, begin + count)
    )


def request(vehicle: VehicleRecord, now_ms: int) -> IncomingMessage:
    """A car orders one service for three months."""
    message = SubmitOrder(
        key=f"key of {vehicle.vin}",
        sent_at_ms=now_ms,
        client_order_id=f"order of {vehicle.vin}",
        lines=(Line("RTTI", 3),),
        list_version=1,
    )
    return IncomingMessage(
        topic=up_topic(vehicle.vin, kind_of(message)),
        payload=encode(message),
        key=message.key,
        traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        expiry_s=None,
        response_topic="",
        correlation_data=message.key.encode(),
        duplicate=False,
        retained=False,
        acknowledge=lambda: None,
    )


# In the order in which the service layer writes them; so many rows of each for every order.
_TABLES: Final = (
    (INBOX_SEEN, 1),
    (ORDERS, 1),
    (DUE, 1),
    (ORDER_HISTORY, 1),
    (DATA_LEDGER, 2),
    (SMS, 1),
    (OUTBOX, 2),
    (ANSWERS, 1),
)
_INSERTS: Final = {table: insert(table) for table, _ in _TABLES}
_RAISE: Final = (
    update(VEHICLES).where(VEHICLES.c.vin == bindparam("the_vin")).values(revision=VEHICLES.c.revision + 1)
)
_ARRIVED: Final = (
    update(SMS).where(SMS.c.sms_id == bindparam("the_id")).values(arrived_at_ms=bindparam("at_ms"))
)
_DONE: Final = delete(DUE).where(DUE.c.kind == bindparam("the_kind"), DUE.c.key == bindparam("the_key"))


@dataclass
class Written:
    """What one order came to: the rows of its transaction, and of the one in which its message arrived."""

    vin: str
    rows: list[Row]
    sms_id: int
    at_ms: int


class ServiceLayer:
    """A backend whose cars order, one after the other."""

    def __init__(self, folder: Path, database: str) -> None:
        self._stack = Stack("benchmark", folder, database)
        self._cars = 0

    def place(self, count: int) -> float:
        """Orders per second."""
        stack, backend = self._stack, self._stack.backend
        vehicles = cars(count, self._cars)
        self._cars += count

        def register() -> None:
            with backend.change() as uow:
                backend.registry.register(uow, vehicles)

        def order_all() -> float:
            requests = [request(vehicle, stack.clock.now_ms()) for vehicle in vehicles]
            begun = perf_counter()
            for each in requests:
                backend.receive(each)
            return count / (perf_counter() - begun)

        stack.do(register)
        self._empty_outbox()
        return stack.do(order_all)

    def written(self, count: int) -> list[Written]:
        """What the last `count` orders came to."""
        found: dict[Table, list[dict[str, Any]]] = {}
        sql = self._stack.backend.store.sql
        for table, times in _TABLES:
            rows = sql.rows(select(table).order_by(*table.primary_key))[-count * times :]
            found[table] = [dict(row._mapping) for row in rows]
        return [self._of_order(n, found) for n in range(count)]

    def _of_order(self, n: int, found: dict[Table, list[dict[str, Any]]]) -> Written:
        order, sms = found[ORDERS][n], found[SMS][n]
        rows: list[Row] = []
        for table, times in _TABLES:
            for row in found[table][n * times : (n + 1) * times]:
                # A number that counts up is given by the database, as it was the first time.
                values = {name: value for name, value in row.items() if name != "seq"}
                rows.append((table, values | ({"arrived_at_ms": None} if table is SMS else {})))
        at_ms = sms["sent_at_ms"]
        arrival = {"kind": str(DueKind.SMS_ARRIVAL), "key": str(sms["sms_id"]), "due_ms": at_ms, "rank": 1}
        return Written(order["vin"], [*rows, (DUE, arrival)], sms["sms_id"], at_ms)

    def _empty_outbox(self) -> None:
        sql = self._stack.backend.store.sql
        sql.write(delete(OUTBOX))

    def close(self) -> None:
        """Give the database back."""
        self._stack.close()


class ByHand:
    """SQLAlchemy Core and nothing else, on the same tables."""

    def __init__(self, database: Database) -> None:
        SqlStore(database).close()
        self._sql = SqlConnection(database)

    def place(self, orders: list[Written]) -> float:
        """Orders per second."""
        sql = self._sql
        with sql.transaction():
            for table, _ in _TABLES:
                sql.write(delete(table))
        connection = sql.connection
        begun = perf_counter()
        for order in orders:
            with sql.transaction():
                for table, values in order.rows:
                    connection.execute(_INSERTS[table], values)
                connection.execute(_RAISE, {"the_vin": order.vin})
            with sql.transaction():
                connection.execute(_DONE, {"the_kind": "sms-arrival", "the_key": str(order.sms_id)})
                connection.execute(_ARRIVED, {"the_id": order.sms_id, "at_ms": order.at_ms})
        return len(orders) / (perf_counter() - begun)

    def close(self) -> None:
        """Give the database back."""
        self._sql.close()


@contextmanager
def databases(kind: str) -> Iterator[tuple[Path, str, Database]]:
    """Two empty databases of a kind: folder and URL of the first for a backend, the second for rows."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="store-")))
        if kind == "sqlite":
            yield folder, "", lambda: FileDisk(folder / "by-hand").connect("backend")
            return
        from tests.postgres import PostgresServer

        server = PostgresServer(is_durable=True)
        stack.callback(server.stop)
        first, second = (stack.enter_context(server.empty_schema()) for _ in range(2))
        yield folder, first, DatabaseUrl.parse(second)


def measure(kind: str, rounds: int, count: int) -> tuple[list[float], list[float]]:
    """Rates of the service layer and of rows by hand, in turns; the first round is for warming up."""
    services: list[float] = []
    by_hands: list[float] = []
    with databases(kind) as (folder, url, database):
        service, by_hand = ServiceLayer(folder, url), ByHand(database)
        for _ in range(rounds + 1):
            gc.collect()
            services.append(service.place(count))
            by_hands.append(by_hand.place(service.written(count)))
        service.close()
        by_hand.close()
    return services[1:], by_hands[1:]


def main(arguments: list[str] | None = None) -> int:
    """Print the rates and their ratio; exit code 1 when a ratio misses its target."""
    parser = argparse.ArgumentParser(prog="benchmarks.store", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer orders and rounds")
    options, _ = parser.parse_known_args(arguments)
    rounds, count = (3, 100) if options.quick else (7, 300)
    from tests.postgres import MISSING

    missed = False
    for kind in ("sqlite", "postgresql"):
        if kind == "postgresql" and MISSING:
            print(f"{kind}: not measured, {MISSING}")
            continue
        services, by_hands = measure(kind, rounds, count)
        ratio = median(one / other for one, other in zip(services, by_hands, strict=True))
        verdict = "ok" if ratio >= TARGET else "MISSED"
        missed = missed or ratio < TARGET
        print(
            f"{kind:10}  service layer {median(services):7.0f} orders/s, rows by hand {median(by_hands):7.0f}"
            f" orders/s: {ratio:.2f} (target {TARGET}) {verdict}"
        )
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
