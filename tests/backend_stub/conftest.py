"""Fixtures of the backend's tests."""

from collections.abc import Iterator

import pytest

from tests.backend_stub.shop import Shop


@pytest.fixture
def shop() -> Iterator[Shop]:
    """A backend in China that knows one car."""
    shop = Shop()
    yield shop
    shop.close()
