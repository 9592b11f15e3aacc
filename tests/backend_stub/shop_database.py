"""On which database the shops of a test stand: on their disk, or each in a schema of a server."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.postgres import PostgresServer


class ShopDatabase:
    """The database of one shop; `url` is "" for SQLite on the shop's own disk."""

    url = ""

    def close(self, leave: Callable[[], None]) -> None:
        """The shop closes; `leave` ends its connection."""
        leave()


class _BorrowedSchema(ShopDatabase):
    """A schema of a server, given back when the shop closes."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self._schema = server.borrow()
        self.url = server.url(self._schema)
        self.is_open = True

    def close(self, leave: Callable[[], None]) -> None:
        """Give the schema back, once."""
        leave()
        if self.is_open:
            self.is_open = False
            self._server.give_back(self._schema)


_make: Callable[[], ShopDatabase] = ShopDatabase


def make() -> ShopDatabase:
    """A database for a new shop."""
    return _make()


@contextmanager
def on(server: PostgresServer) -> Iterator[None]:
    """In this block shops stand on `server`."""
    global _make
    lent: list[_BorrowedSchema] = []

    def borrow() -> ShopDatabase:
        lent.append(_BorrowedSchema(server))
        return lent[-1]

    _make = borrow
    try:
        yield
    finally:
        _make = ShopDatabase
        for database in lent:
            database.close(lambda: None)
