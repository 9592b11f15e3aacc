"""The SQL store: the contract of every outbox, guarded writes, honest transactions, the empty image."""

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select, text

from backend_stub.adapters.database_url import DatabaseUrl
from backend_stub.adapters.sql_connection import Database
from backend_stub.adapters.sql_store import SqlStore
from backend_stub.adapters.tables import INBOX_DEAD, OUTBOX_DEAD, empty_image
from backend_stub.domain.entitlement import Entitlement, Origin
from backend_stub.domain.order import Order, OrderLine
from backend_stub.domain.payment import Payment, PaymentState
from backend_stub.errors import ConcurrentChangeError
from backend_stub.service.ports.due import DueKind
from contracts.errors import ErrorCode
from contracts.messages import EntitlementState, OrderState
from runtime.disk import FileDisk
from runtime.mqtt.outbox import Inbox, Outbox
from runtime.virtual_disk import VirtualDisk
from tests.postgres import PostgresServer, needs_postgresql
from tests.runtime.mqtt.outbox_suite import OutboxSuite, RolledBackError, check_against_list

ORDER = Order(
    number="CN-000001",
    vin="V",
    client_order_id="c",
    lines=(OrderLine("RTTI", 3, 15000, 2000), OrderLine("CONCIERGE", 12, 100000, 3000)),
    currency="CNY",
    sms_number="13800000001",
    accepted_at_ms=1_777_600_000_000,
    deadline_ms=1_777_686_400_000,
    token="t",
)


class RestartingStore:
    """A store whose program can end and come back to the same database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._store = SqlStore(database)

    @property
    def outbox(self) -> Outbox:
        return self._store.outbox

    @property
    def inbox(self) -> Inbox:
        return self._store.inbox

    def transaction(self) -> AbstractContextManager[object]:
        return self._store.transaction()

    def restart(self) -> None:
        self._store.close()
        self._store = SqlStore(self._database)

    def dead_letters(self) -> list[tuple[str, int]]:
        rows = self._store.sql.rows(select(OUTBOX_DEAD).order_by(OUTBOX_DEAD.c.seq))
        return [(row.key, row.reason_code) for row in rows]

    def undecodable(self) -> list[tuple[str, bytes, str]]:
        rows = self._store.sql.rows(select(INBOX_DEAD).order_by(INBOX_DEAD.c.seq))
        return [(row.topic, row.payload, row.reason) for row in rows]

    def close(self) -> None:
        self._store.close()


class TestSqlOutbox(OutboxSuite):
    @pytest.fixture
    def store(self, database: Database) -> Iterator[RestartingStore]:
        store = RestartingStore(database)
        yield store
        store.close()


def test_the_outbox_behaves_as_a_list() -> None:
    def make() -> RestartingStore:
        disk = VirtualDisk()
        disk.load("backend", empty_image())
        return RestartingStore(partial(disk.connect, "backend"))

    check_against_list(make)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=needs_postgresql)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database."""
    if request.param == "sqlite":
        yield partial(FileDisk(tmp_path, busy_timeout_ms=0).connect, "backend")
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    with server.empty_schema() as url:
        yield DatabaseUrl.parse(url)


@pytest.fixture
def store(database: Database) -> Iterator[SqlStore]:
    store = SqlStore(database)
    yield store
    store.close()


def test_an_order_comes_back_as_it_was_written(store: SqlStore) -> None:
    with store.transaction():
        store.orders.add(ORDER)
    assert store.orders.get(ORDER.number) == ORDER
    assert store.orders.by_token("t") == ORDER
    assert store.orders.by_client_id("V", "c") == ORDER
    assert store.orders.all() == store.orders.of_vehicle("V") == (ORDER,)
    assert store.orders.get("CN-000002") is None
    assert store.orders.by_token("x") is None
    assert store.orders.by_client_id("W", "c") is None


@pytest.mark.parametrize("stale", [replace(ORDER, version=2), replace(ORDER, state=OrderState.PAYING)])
def test_an_order_that_somebody_else_changed_is_not_overwritten(store: SqlStore, stale: Order) -> None:
    with store.transaction():
        store.orders.add(ORDER)
    with pytest.raises(ConcurrentChangeError) as refused, store.transaction():
        store.orders.change(stale, replace(stale, state=OrderState.CANCELLED))
    assert refused.value.code is ErrorCode.INVALID_STATE
    assert store.orders.get(ORDER.number) == ORDER


def test_payments_and_entitlements_are_guarded_likewise(store: SqlStore) -> None:
    payment = Payment(payment_id="P", order_number="N", state=PaymentState.CREATED)
    with store.transaction():
        store.payments.add(payment)
        entitlement = store.entitlements.add(
            Entitlement(
                entitlement_id=0, vin="V", service="S", origin=Origin.STORE, state=EntitlementState.ACTIVE
            )
        )
    with pytest.raises(ConcurrentChangeError):
        store.payments.change(replace(payment, state=PaymentState.PENDING), payment)
    with pytest.raises(ConcurrentChangeError):
        store.entitlements.change(replace(entitlement, state=EntitlementState.PENDING), entitlement)
    assert store.entitlements.get(entitlement.entitlement_id) == entitlement
    assert store.entitlements.get(99) is None


def test_two_programs_that_change_one_row_cannot_both_believe_it(database: Database) -> None:
    here, there = (SqlStore(database) for _ in range(2))
    if isinstance(database, DatabaseUrl):
        there.sql.write(text("SET lock_timeout = 1"))
    with here.transaction():
        here.orders.add(ORDER)
    with here.transaction():
        here.orders.change(ORDER, replace(ORDER, state=OrderState.PAYING, version=2))
        with pytest.raises(Exception, match="database is locked"), there.transaction():
            pass
    with pytest.raises(ConcurrentChangeError), there.transaction():
        there.orders.change(ORDER, replace(ORDER, state=OrderState.CANCELLED, version=2))
    here.close()
    there.close()


def test_a_refused_attempt_leaves_nothing_and_the_transaction_goes_on(store: SqlStore) -> None:
    with store.transaction():
        store.settings.put("kept", 1)
        with suppress(RolledBackError), store.savepoint():
            store.settings.put("kept", 2)
            raise RolledBackError
        assert store.settings.get("kept", 0) == 1
    assert store.settings.get("kept", 0) == 1
    assert store.settings.get("other", 7) == 7


@pytest.mark.req("R-209")
def test_at_one_instant_ends_come_first_and_then_what_was_set_first(store: SqlStore) -> None:
    with store.transaction():
        store.due.put(DueKind.PROVIDER_REPORT, "b", 5)
        store.due.put(DueKind.PROVIDER_REPORT, "a", 5)
        store.due.put(DueKind.CANCEL_SETTLED, "c", 5)
        store.due.put(DueKind.SMS_ARRIVAL, "d", 4)
    order = []
    while due := store.due.earliest():
        order.append(due.key)
        assert store.due.take(due)
        assert not store.due.take(due)
    assert order == ["d", "c", "b", "a"]


def test_a_due_time_is_moved_and_not_doubled(store: SqlStore) -> None:
    with store.transaction():
        store.due.put(DueKind.ACTIVATION, "1", 5)
        store.due.put(DueKind.ACTIVATION, "1", 9)
    assert store.due.has(DueKind.ACTIVATION, "1")
    due = store.due.earliest()
    assert due is not None
    assert due.due_ms == 9
    assert store.due.remove(DueKind.ACTIVATION, "1")
    assert not store.due.remove(DueKind.ACTIVATION, "1")
    assert store.due.earliest() is None


def test_a_due_time_that_somebody_else_has_moved_is_not_taken_early(store: SqlStore) -> None:
    store.due.put(DueKind.PROVIDER_QUERY, "1", 5)
    seen = store.due.earliest()
    assert seen is not None
    store.due.put(DueKind.PROVIDER_QUERY, "1", 9)
    assert not store.due.take(seen)
    moved = store.due.earliest()
    assert moved is not None
    assert (moved.due_ms, store.due.take(moved)) == (9, True)


def test_the_empty_image_is_the_schema_that_a_store_creates() -> None:
    def schema(connection: sqlite3.Connection) -> list[tuple[str, str]]:
        return connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()

    created, loaded = VirtualDisk(), VirtualDisk()
    SqlStore(lambda: created.connect("backend")).close()
    loaded.load("backend", empty_image())
    assert schema(created.connect("backend")) == schema(loaded.connect("backend"))
    created.close()
    loaded.close()


@pytest.mark.req("R-405")
def test_alive_are_open_and_activating_orders_and_the_newest_of_the_rest(store: SqlStore) -> None:
    states = (
        OrderState.CANCELLED,
        OrderState.AWAITING_PAYMENT,
        OrderState.FULFILLED,
        OrderState.PAID,
        OrderState.REFUNDED,
        OrderState.CANCELLING,
    )
    orders = tuple(
        replace(ORDER, number=f"CN-{n:06d}", client_order_id=f"c{n}", token=f"t{n}", state=state)
        for n, state in enumerate(states, 1)
    )
    with store.transaction():
        for order in orders:
            store.orders.add(order)
    assert store.orders.alive("V") == (orders[1], orders[3], orders[5])
    assert store.orders.alive("V", closed=2) == orders[1:]
    assert store.orders.alive("V", closed=9) == orders
    assert store.orders.alive("W", closed=9) == ()
