"""Whatever is told with a shop is told on both databases, and is so indeed."""

import pytest

from tests.backend_stub.shop import Shop


def dialect(shop: Shop) -> str:
    """What a shop's store stands on."""
    return shop.backend.store.sql.connection.dialect.name


def test_a_shop_that_is_asked_for_stands_on_the_database_that_is_said(shop: Shop, database_kind: str) -> None:
    assert dialect(shop) == database_kind


@pytest.mark.parametrize("again", range(2))
def test_a_shop_that_a_test_opens_itself_does_too(request: pytest.FixtureRequest, again: int) -> None:
    shop = Shop()
    assert dialect(shop) == request.node.callspec.params["database_kind"]
    shop.close()
