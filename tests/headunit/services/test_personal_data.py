"""Deletion of personal data on the car's disk: everything of the driver's, at once or not at all (R-715)."""

import sqlite3
from pathlib import Path
from typing import cast

import pytest

from contracts.controller import MENU, rotate
from contracts.errors import ErrorCode
from contracts.messages import EntitlementState, EntitlementView, Line, OrderState, Snapshot
from headunit.services.car_store import Basket, CarStore, SentRequest
from runtime.disk import FileDisk
from runtime.mqtt.port import OutgoingMessage
from runtime.mqtt.sqlite_outbox import SqliteInbox, SqliteOutbox, create_tables
from runtime.virtual_disk import VirtualDisk
from tests.headunit.services.one_car import START_MS, placed, reply
from tests.headunit.services.one_display import NONE, STORE, TO_CHECKOUT, OneDisplay, drive

TYPED, AGREED, CODE, ORDER = "13912345678", "13800000001", "7QK2M4", "CN-000001"
PERSONAL = (TYPED, AGREED, CODE, ORDER, "138****0001", "a scrap of a message")
BOOKED = EntitlementView(
    service="RTTI",
    name="Real Time Traffic Information",
    origin="STORE",
    state=EntitlementState.ACTIVE,
    booked_until="2026-07-31",
)

TABLES = {
    "car_state": "all but the booked services and the time of the last synchronisation",
    "outbox": "all",
    "outbox_dead": "all",
    "inbox_dead": "all",
    "inbox_seen": "nothing: random keys, without which a message could take effect twice (R-807)",
    "sqlite_sequence": "nothing: SQLite's own counters",
}
"""What is erased of every table of the car's database; contacts and destinations are kept in none."""


def fill(connection: sqlite3.Connection) -> CarStore:
    """A car that has been lived in."""
    create_tables(connection)
    store = CarStore(connection)
    outbox, inbox = SqliteOutbox(connection), SqliteInbox(connection)
    message = OutgoingMessage(topic="t", payload=f"to {TYPED}".encode(), key="k1")
    order = placed(SentRequest(key="k1", kind="submit-order", since_ms=1, expires_at_ms=2))
    with store.transaction():
        store.keep("basket", Basket((Line("RTTI", 3),), TYPED))
        store.keep("catalogue", STORE)
        store.keep("last_sync_ms", START_MS)
        store.keep("sent_request", SentRequest("k1", "submit-order", 1, 2, payload=TYPED.encode()))
        store.keep(
            "snapshot",
            Snapshot(
                key="s",
                sent_at_ms=START_MS,
                revision=7,
                entitlements=(BOOKED,),
                orders=(order,),
                contract_number=AGREED,
                link_code=CODE,
                ecall_available=False,
                deactivated=True,
            ),
        )
        outbox.add(message, None)
        outbox.dead_letter(outbox.add(message._replace(key="k2"), None), 0x87)
        inbox.dead_letter("t", b"a scrap of a message", "reason", START_MS)
        inbox.first_time("seen", START_MS)
    return store


def dump(connection: sqlite3.Connection) -> str:
    """Everything in the database, as text."""
    rows = (connection.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES)
    return repr([[[_text(value) for value in row] for row in found] for found in rows])


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def is_erased(store: CarStore) -> bool:
    """Whether nothing of the driver's own is left; half of it fails the test."""
    left = [scrap for scrap in PERSONAL[:3] if scrap in dump(store.connection)]
    assert left in ([], list(PERSONAL[:3]))
    assert (store.basket() == Basket()) is (left == [])
    assert (store.sent_request() is None) is (left == [])
    return not left


@pytest.mark.req("R-715")
def test_every_table_of_the_car_is_erased_or_kept_for_a_reason() -> None:
    connection = VirtualDisk().connect("car")
    fill(connection)
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    assert tables == set(TABLES)


@pytest.mark.req("R-715")
def test_nothing_of_the_drivers_own_is_left_and_the_booked_services_stay() -> None:
    store = fill(VirtualDisk().connect("car"))
    assert not is_erased(store)
    store.erase_personal_data(START_MS + 60_000)
    assert is_erased(store)
    assert [scrap for scrap in PERSONAL if scrap in dump(store.connection)] == []
    assert store.catalogue() is None
    snapshot = store.snapshot()
    assert snapshot is not None
    assert (snapshot.revision, snapshot.entitlements, snapshot.orders) == (7, (BOOKED,), ())
    assert snapshot.locked_until_ms == START_MS + 60_000
    assert snapshot.deactivated
    assert not snapshot.ecall_available
    assert store.last_sync_ms() == START_MS
    assert not SqliteInbox(store.connection).first_time("seen", START_MS)


@pytest.mark.req("R-715")
def test_a_car_that_has_never_heard_of_the_backend_has_little_to_erase() -> None:
    connection = VirtualDisk().connect("car")
    create_tables(connection)
    store = CarStore(connection)
    store.erase_personal_data(None)
    assert store.snapshot() is None


@pytest.mark.req("R-715")
def test_what_is_erased_cannot_be_read_from_the_files_either(tmp_path: Path) -> None:
    store = fill(FileDisk(tmp_path).connect("car"))

    def in_files() -> list[str]:
        held = b"".join(path.read_bytes() for path in sorted(tmp_path.iterdir()))
        return [scrap for scrap in PERSONAL if scrap.encode() in held]

    assert TYPED in in_files()
    store.erase_personal_data(None)
    assert in_files() == []
    store.connection.close()


class Killed(BaseException):
    """The program is no more."""


class KilledAt:
    """A connection whose program is killed before its `at`-th statement."""

    def __init__(self, disk: VirtualDisk, connection: sqlite3.Connection, at: int) -> None:
        self._disk, self._connection, self._left = disk, connection, at

    def execute(self, sql: str, values: tuple[object, ...] = ()) -> sqlite3.Cursor:
        """See sqlite3.Connection."""
        if self._left == 0:
            self._disk.kill("car")
        self._left -= 1
        if self._left < 0:
            raise Killed
        return self._connection.execute(sql, values)


@pytest.mark.req("R-715")
def test_killed_before_any_statement_everything_is_there_or_nothing() -> None:
    outcomes = []
    for at in range(14):
        disk = VirtualDisk()
        store = fill(disk.connect("car"))
        store.connection = cast(sqlite3.Connection, KilledAt(disk, store.connection, at))
        try:
            store.erase_personal_data(None)
        except Killed:
            outcomes.append(is_erased(CarStore(disk.connect("car"))))
        else:
            outcomes.append(True)
    assert outcomes == sorted(outcomes)
    assert outcomes[0] is False
    assert outcomes[-1] is True
    assert outcomes.count(False) > 5


async def at_the_question(car: OneDisplay) -> None:
    await car.online()
    await car.stand()
    car.choose(*TO_CHECKOUT)
    car.press(MENU)
    car.choose("Settings", "Delete personal data")


@pytest.mark.req("R-715")
@pytest.mark.parametrize("power_cut", [False, True])
def test_confirmed_on_screen_synchronised_again_and_still_so_after_a_restart(power_cut: bool) -> None:
    async def story(car: OneDisplay) -> None:
        await at_the_question(car)
        assert car.basket() == (Line("RTTI", 3),)
        car.choose("Yes, delete personal data")
        assert car.screen.screen == "settings"
        assert car.screen.banner is not None
        assert car.screen.banner.text.startswith("Personal data is deleted")
        assert car.basket() == ()
        assert car.store().catalogue() is None
        await car.turn()
        assert car.packets[-1] == ("up", "sync")
        car.die(power_cut=power_cut)
        await car.start()
        assert car.basket() == ()
        await car.online()
        car.choose("ConnectedDrive", "ConnectedDrive Store", "My basket")
        assert "Checkout" not in car.rows()

    car = drive(story)
    assert car.written("erased") == [("personal_data", "done")]


@pytest.mark.req("R-715", "R-204")
def test_an_order_that_waits_for_the_road_is_erased_and_never_sent() -> None:
    async def story(car: OneDisplay) -> None:
        await car.online()
        await car.stand()
        car.choose(*TO_CHECKOUT, "Order with obligation to pay")
        car.port.disconnect()
        car.press(MENU)
        car.choose("Settings", "Delete personal data", "Yes, delete personal data")
        assert car.store().sent_request() is None
        assert car.car.outbox_depth == 0
        sent = car.packets.count(("up", "submit-order"))
        car.port.connect()
        await car.stand(90)
        assert car.packets.count(("up", "submit-order")) == sent
        assert ("up", "sync") in car.packets

    drive(story)


@pytest.mark.req("R-715")
def test_the_answer_to_an_erased_request_is_taken_from_the_next_snapshot_alone() -> None:
    async def story(car: OneDisplay) -> None:
        await car.online()
        await car.stand()
        car.choose(*TO_CHECKOUT, "Order with obligation to pay")
        request = car.request()
        car.press(MENU)
        car.choose("Settings", "Delete personal data", "Yes, delete personal data")
        car.port.deliver(reply(request, order=placed(request)))
        assert car.store().sent_request() is None
        car.port.deliver(car.snapshot(2, placed(request)))
        car.press(MENU)
        car.choose("ConnectedDrive", "ConnectedDrive Store")
        assert "Open orders (1)" in car.rows()

    drive(story)


@pytest.mark.req("R-715", "R-209")
def test_the_cancellation_lock_holds_on_after_the_deletion() -> None:
    async def story(car: OneDisplay) -> None:
        await car.online()
        await car.stand()
        car.choose(*TO_CHECKOUT, "Order with obligation to pay")
        request = car.request()
        until_ms = car.clock.now_ms() + 60_000
        order = placed(request)
        fields = {name: getattr(order, name) for name in order.__struct_fields__}
        fields |= {"state": OrderState.CANCELLING, "cancel_until_ms": until_ms}
        car.port.deliver(reply(request, order=type(order)(**fields)))
        car.press(MENU)
        car.choose("Settings", "Delete personal data", "Yes, delete personal data")
        car.press(MENU)
        car.choose("ConnectedDrive")
        assert car.code == ErrorCode.CANCEL_SYNC
        await car.stand(61)
        assert car.code == ""

    drive(story)


@pytest.mark.req("R-715", "R-406")
def test_offline_booked_services_stay_and_everything_else_comes_with_the_next_connection() -> None:
    async def story(car: OneDisplay) -> None:
        await car.online()
        snapshot = car.snapshot(2)
        fields = {name: getattr(snapshot, name) for name in snapshot.__struct_fields__}
        car.port.deliver(Snapshot(**(fields | {"entitlements": (BOOKED,), "contract_number": AGREED})))
        await car.stand()
        car.modem.turn_to(NONE)
        car.port.disconnect()
        car.choose("Settings", "Delete personal data", "Yes, delete personal data")
        assert AGREED not in dump(car.disk.connect("car"))
        car.press(MENU)
        car.choose("ConnectedDrive", "ConnectedDrive Store")
        assert "Products appear with the first synchronisation" in car.rows()
        car.choose("Booked Services")
        assert car.rows() == ("Real Time Traffic Information",)

    drive(story)


@pytest.mark.req("R-715")
def test_a_disk_that_fails_erases_nothing_and_says_so() -> None:
    async def story(car: OneDisplay) -> None:
        await at_the_question(car)
        other = car.disk.connect("car")
        other.execute("BEGIN IMMEDIATE")  # somebody else holds the database
        car.press(rotate(1))
        car.press_again()
        other.execute("ROLLBACK")
        other.close()
        assert car.code == "NOT_ERASED"
        assert car.basket() == (Line("RTTI", 3),)

    car = drive(story)
    assert car.written("erased") == [("personal_data", "failed")]
