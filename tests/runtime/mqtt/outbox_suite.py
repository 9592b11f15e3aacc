"""What every outbox and inbox must do, whatever stands behind them.

Derive from `OutboxSuite`, give it a `store` fixture, and hand `check_against_list` a maker of stores.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from typing import Protocol

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from runtime.mqtt.outbox import Inbox, Outbox, OutboxEntry
from runtime.mqtt.port import OutgoingMessage


class Store(Protocol):
    """One program's database with its outbox and inbox."""

    @property
    def outbox(self) -> Outbox:
        """The outbox of the program that runs now."""

    @property
    def inbox(self) -> Inbox:
        """The inbox of the program that runs now."""

    def transaction(self) -> AbstractContextManager[object]:
        """Commit at the end of the block, roll back when it raises."""

    def restart(self) -> None:
        """The program dies and starts again on the same database."""

    def dead_letters(self) -> list[tuple[str, int]]:
        """Key and reason code of the entries the broker refused, in order."""

    def undecodable(self) -> list[tuple[str, bytes, str]]:
        """Topic, payload and reason of incoming messages that were put aside, in order."""

    def close(self) -> None:
        """Let go of the database."""


class RolledBackError(Exception):
    """What the tests raise to leave a transaction without committing it."""


FULL = OutgoingMessage(
    topic="v1/vehicles/V1/up/place_order",
    payload=b"\x00{}\xff",
    key="0" * 32,
    traceparent="00-" + "a" * 32 + "-" + "b" * 16 + "-01",
    expiry_s=90,
    response_topic="v1/vehicles/V1/down/placed",
    correlation_data=b"\x01\x02",
    retain=True,
)


def message(key: str) -> OutgoingMessage:
    """A small message with `key`."""
    return OutgoingMessage("v1/vehicles/V1/up/status", b"{}", key)


def keys(entries: list[OutboxEntry]) -> list[str]:
    """The keys of `entries`, in order."""
    return [entry.message.key for entry in entries]


class OutboxSuite:
    """The contract of Outbox and Inbox."""

    def test_an_entry_comes_back_as_it_was_added(self, store: Store) -> None:
        with store.transaction():
            seq = store.outbox.add(FULL, expires_at_ms=1_700_000_000_123)
        assert store.outbox.pending(0, 10) == [OutboxEntry(seq, FULL, 1_700_000_000_123)]

    def test_entries_come_in_commit_order_and_never_more_than_asked_for(self, store: Store) -> None:
        for key in "cab":
            with store.transaction():
                store.outbox.add(message(key))
        assert keys(store.outbox.pending(0, 2)) == ["c", "a"]
        second = store.outbox.pending(0, 2)[1].seq
        assert keys(store.outbox.pending(second, 10)) == ["b"]
        assert store.outbox.pending(0, 0) == []

    def test_a_key_that_waits_already_adds_nothing_and_keeps_its_place(self, store: Store) -> None:
        with store.transaction():
            first = store.outbox.add(message("a"))
            store.outbox.add(message("b"))
            assert store.outbox.add(message("a")._replace(payload=b"other")) == first
        assert keys(store.outbox.pending(0, 10)) == ["a", "b"]
        assert store.outbox.pending(0, 1)[0].message.payload == b"{}"

    def test_what_is_rolled_back_was_never_there(self, store: Store) -> None:
        with suppress(RolledBackError), store.transaction():
            store.outbox.add(message("a"))
            raise RolledBackError
        assert store.outbox.pending(0, 10) == []
        assert store.outbox.depth() == 0

    def test_a_deleted_entry_is_gone_and_deleting_twice_changes_nothing(self, store: Store) -> None:
        with store.transaction():
            seq = store.outbox.add(message("a"))
            store.outbox.add(message("b"))
        store.outbox.delete(seq)
        store.outbox.delete(seq)
        assert keys(store.outbox.pending(0, 10)) == ["b"]
        assert store.outbox.depth() == 1

    def test_a_sequence_number_is_never_given_twice(self, store: Store) -> None:
        with store.transaction():
            first = store.outbox.add(message("a"))
        store.outbox.delete(first)
        store.restart()
        with store.transaction():
            assert store.outbox.add(message("b")) > first

    def test_a_refused_entry_is_kept_aside_with_its_reason_code(self, store: Store) -> None:
        with store.transaction():
            seq = store.outbox.add(FULL)
            store.outbox.add(message("b"))
        store.outbox.dead_letter(seq, 0x87)
        store.outbox.dead_letter(seq, 0x87)
        assert keys(store.outbox.pending(0, 10)) == ["b"]
        assert store.outbox.depth() == 1
        assert store.dead_letters() == [(FULL.key, 0x87)]

    def test_depth_counts_what_waits(self, store: Store) -> None:
        with store.transaction():
            for key in "abc":
                store.outbox.add(message(key))
        assert store.outbox.depth() == 3

    def test_entries_outlive_their_program(self, store: Store) -> None:
        with store.transaction():
            store.outbox.add(FULL, expires_at_ms=5)
        store.restart()
        assert [(entry.message, entry.expires_at_ms) for entry in store.outbox.pending(0, 10)] == [(FULL, 5)]

    def test_a_message_key_is_new_once(self, store: Store) -> None:
        with store.transaction():
            assert store.inbox.first_time("a", 1)
            assert store.inbox.first_time("b", 1)
        with store.transaction():
            assert not store.inbox.first_time("a", 2)
        store.restart()
        with store.transaction():
            assert not store.inbox.first_time("a", 3)

    def test_a_key_whose_transaction_failed_is_new_again(self, store: Store) -> None:
        with suppress(RolledBackError), store.transaction():
            assert store.inbox.first_time("a", 1)
            raise RolledBackError
        with store.transaction():
            assert store.inbox.first_time("a", 2)

    def test_an_incoming_message_that_breaks_its_contract_is_kept(self, store: Store) -> None:
        store.inbox.dead_letter("v1/vehicles/V1/up/odd", b"\xff", "schema: unknown", 7)
        store.restart()
        assert store.undecodable() == [("v1/vehicles/V1/up/odd", b"\xff", "schema: unknown")]


def check_against_list(make: Callable[[], Store]) -> None:
    """Drive the store of `make` with random steps, a restart among them, beside a plain list."""

    class Beside(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.store = make()
            self.waiting: list[tuple[int, str, int | None]] = []
            self.dead: list[tuple[str, int]] = []
            self.seen: dict[str, int] = {}

        @rule(
            key=st.sampled_from("abcdefgh"),
            expires_at_ms=st.none() | st.integers(0, 2**53),
            commit=st.booleans(),
        )
        def add(self, key: str, expires_at_ms: int | None, commit: bool) -> None:
            known = [seq for seq, other, _ in self.waiting if other == key]
            try:
                with self.store.transaction():
                    seq = self.store.outbox.add(message(key), expires_at_ms)
                    if not commit:
                        raise RolledBackError
            except RolledBackError:
                return
            if known:
                assert [seq] == known
            else:
                assert all(seq > other for other, _, _ in self.waiting)
                self.waiting.append((seq, key, expires_at_ms))

        @rule(at=st.integers(0, 9))
        def delete(self, at: int) -> None:
            if at < len(self.waiting):
                self.store.outbox.delete(self.waiting.pop(at)[0])

        @rule(at=st.integers(0, 9), reason_code=st.sampled_from((0x80, 0x87, 0x97)))
        def dead_letter(self, at: int, reason_code: int) -> None:
            if at < len(self.waiting):
                seq, key, _ = self.waiting.pop(at)
                self.store.outbox.dead_letter(seq, reason_code)
                self.dead.append((key, reason_code))

        @rule(key=st.sampled_from("abcd"), commit=st.booleans())
        def receive(self, key: str, commit: bool) -> None:
            try:
                with self.store.transaction():
                    assert self.store.inbox.first_time(key, 1) == (key not in self.seen)
                    if not commit:
                        raise RolledBackError
            except RolledBackError:
                return
            self.seen[key] = 1

        @rule()
        def restart(self) -> None:
            self.store.restart()

        @invariant()
        def is_the_list(self) -> None:
            found = self.store.outbox.pending(0, 100)
            assert [(entry.seq, entry.message.key, entry.expires_at_ms) for entry in found] == self.waiting
            assert self.store.outbox.depth() == len(self.waiting)
            assert sorted(self.store.dead_letters()) == sorted(self.dead)

        def teardown(self) -> None:
            self.store.close()

    run_state_machine_as_test(
        Beside,
        settings=settings(
            max_examples=25,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=(HealthCheck.too_slow,),
        ),
    )
