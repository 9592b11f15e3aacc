"""Fixtures of the backend's tests: whatever is told with a shop is told on SQLite and on PostgreSQL."""

from collections.abc import Iterator

import pytest

from tests.backend_stub import shop_database
from tests.backend_stub.shop import Shop
from tests.postgres import needs_postgresql

DATABASES = ("sqlite", pytest.param("postgresql", marks=needs_postgresql))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give every test of a module that knows a shop, and every test with a `shop`, both databases.

    Those that speak of PostgreSQL alone choose for themselves.
    """
    if "database" in metafunc.fixturenames or metafunc.definition.get_closest_marker("postgresql"):
        return
    if "shop" in metafunc.fixturenames or _knows_a_shop(metafunc.module.__dict__):
        metafunc.parametrize("database_kind", DATABASES, indirect=True)


def _knows_a_shop(names: dict[str, object]) -> bool:
    """Whether a class or function was imported from `shop.py` or a `<topic>_shop.py` of this folder."""
    homes = (getattr(value, "__module__", "") or "" for value in names.values())
    return any(home.startswith("tests.backend_stub.") and home.endswith("shop") for home in homes)


@pytest.fixture(autouse=True)
def database_kind(request: pytest.FixtureRequest) -> Iterator[str]:
    """The kind of database that shops of this test stand on; it is there before any shop is."""
    kind: str = getattr(request, "param", "sqlite")
    if kind == "sqlite":
        yield kind
        return
    with shop_database.on(request.getfixturevalue("postgres")):
        yield kind


@pytest.fixture
def shop() -> Iterator[Shop]:
    """A backend in China that knows one car."""
    shop = Shop()
    yield shop
    shop.close()
