"""What the books say while the programs run, and at the end: nothing may be missing, nothing there twice."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from backend_stub.adapters.sql_store import SqlStore
from backend_stub.service.audit import audit
from contracts.messages import OrderState
from headunit.services.car_store import CarStore
from headunit.sim.checkers import Evidence, check_all
from runtime.disk import FileDisk

SERVICE = "RTTI"


class Books:
    """The databases of one run: `car` and `backend` are the folders they are in."""

    def __init__(self, car: Path, backend: Path) -> None:
        self._car = car
        self._backend = backend

    def is_ordered(self) -> bool:
        """Whether the press of the driver has left anything behind, in the car or at the backend."""
        request = _peek(
            self._car / "car.sqlite", "SELECT count(*) FROM car_state WHERE name = 'sent_request'"
        )
        return bool(request or _peek(self._backend / "backend.sqlite", "SELECT count(*) FROM orders"))

    def are_outboxes_empty(self) -> bool:
        """Whether no program has anything left to send."""
        depth = "SELECT count(*) FROM outbox"
        return all(
            _peek(path, depth) == 0 for path in (self._car / "car.sqlite", self._backend / "backend.sqlite")
        )

    def problems(self) -> list[str]:
        """What is wrong at the end; the programs have ended."""
        found = []
        store = SqlStore(lambda: FileDisk(self._backend).connect("backend"))
        connection = FileDisk(self._car).connect("car")
        with closing(store), closing(connection):
            car = CarStore(connection)
            books, snapshot = audit(store), car.snapshot()
            shown = snapshot.entitlements if snapshot is not None else ()
            for violation in check_all(Evidence(books, shown, (), 0)):
                found.append(f"[{violation.rule}] {violation.text}")
            found += _expect("orders", [order.number for order in books.orders], 1)
            found += _expect("captures", [entry.transaction_id for entry in books.ledger], 1)
            booked = [each.service for each in books.entitlements if each.service == SERVICE]
            found += _expect("booked services", booked, 1)
            found += _expect("booked services shown", [e.service for e in shown if e.service == SERVICE], 1)
            found += _expect("payment messages", [sms.order_number for sms in store.sms.arrived()], 1)
            for order in books.orders:
                states = [entry.state for entry in store.orders.history(order.number)]
                for state in sorted({s for s in states if states.count(s) > 1}):
                    found.append(f"DOUBLED: {order.number} became {state} {states.count(state)} times")
                if order.state not in (OrderState.PAID, OrderState.FULFILLED):
                    found.append(f"LOST: {order.number} is {order.state}, not paid")
            if car.sent_request() is not None:
                found.append("LOST: the car still waits for an answer")
            for name, of in (
                ("car", connection),
                ("backend", store.sql.connection.connection.driver_connection),
            ):
                assert isinstance(of, sqlite3.Connection)
                for table, what in (
                    ("outbox", "unsent"),
                    ("outbox_dead", "refused"),
                    ("inbox_dead", "unread"),
                ):
                    (count,) = of.execute(f"SELECT count(*) FROM {table}").fetchone()
                    if count:
                        found.append(f"LOST: {count} {what} messages at the {name}")
        return found


def _expect(what: str, found: list[str], count: int) -> list[str]:
    if len(found) == count:
        return []
    word = "LOST" if len(found) < count else "DOUBLED"
    return [f"{word}: {len(found)} {what} instead of {count}: {', '.join(found)}"]


def _peek(path: Path, query: str) -> int | None:
    """One number out of a database that may be in use, or of a dead program: of a copy, so that nothing
    is changed by looking. None when there is nothing to see, or it was written to meanwhile.
    """
    with TemporaryDirectory() as name:
        copy = Path(name) / path.name
        try:
            for suffix in ("", "-wal"):
                if suffix == "" or Path(f"{path}{suffix}").exists():
                    shutil.copyfile(f"{path}{suffix}", f"{copy}{suffix}")
            with closing(sqlite3.connect(copy)) as connection:
                number: int = connection.execute(query).fetchone()[0]
                return number
        except (OSError, sqlite3.Error):
            return None
