"""Eight threads with the same orders: a sample of the proof `races`."""

from pathlib import Path

import pytest

from backend_stub.domain.payment import Transaction
from proofs.races.crowd import race, wrongs_of
from proofs.races.people import Town
from proofs.races.stack import START_MS, Stack
from tests.postgres import PostgresServer, needs_postgresql

OPERATIONS = 320


@pytest.mark.req("R-210", "R-212", "R-304", "R-305", "R-603")
@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=needs_postgresql)])
def test_eight_threads_leave_books_that_balance(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if kind == "sqlite":
        outcome = race(7, OPERATIONS, tmp_path)
    else:
        server: PostgresServer = request.getfixturevalue("postgres")
        with server.empty_schema() as url:
            outcome = race(7, OPERATIONS, tmp_path, url)
    assert outcome.wrongs == []
    assert outcome.done.total() + outcome.refused.total() == OPERATIONS
    assert outcome.money["taken"] > outcome.money["returned"] > 0
    assert outcome.money["paid"] > 0
    assert {"order", "open a session", "report", "cancel", "ask for a refund"} <= outcome.done.keys()


def test_books_that_do_not_agree_with_the_providers_are_noticed(tmp_path: Path) -> None:
    stack = Stack("alone", tmp_path, "")
    town = Town()
    books = stack.backend.audit()
    assert wrongs_of(books, town) == []
    town.take(Transaction(transaction_id="t", session="s", captured_minor=5, currency="CNY", at_ms=START_MS))
    assert wrongs_of(books, town) == ["providers took 5, the ledger knows of 0"]
    stack.close()
