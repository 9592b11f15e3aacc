"""Fixtures of all tests."""

from collections.abc import Iterator

import pytest

from tests.postgres import PostgresServer


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server, one per test process, there from the first test on that asks for it."""
    server = PostgresServer()
    yield server
    server.stop()
