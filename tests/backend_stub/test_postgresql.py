"""The store on a server: what is said when it cannot be had or goes; a dead program says nothing."""

from collections.abc import Iterator

import pytest

from backend_stub.adapters.database_url import DatabaseUrl
from backend_stub.adapters.run_schema import run_schema
from backend_stub.adapters.sql_store import SqlStore, forget_everything
from backend_stub.errors import StoreError
from tests.backend_stub import shop_database
from tests.backend_stub.shop import DAY, Shop
from tests.postgres import PostgresServer, needs_postgresql

pytestmark = needs_postgresql


@pytest.fixture
def url(postgres: PostgresServer) -> Iterator[str]:
    """An empty schema of the server."""
    with postgres.empty_schema() as url:
        yield url


def refusal(url: str) -> str:
    with pytest.raises(StoreError) as refused:
        SqlStore(DatabaseUrl.parse(url))
    assert "s3cret" not in str(refused.value)
    return str(refused.value)


def test_a_server_that_is_not_there() -> None:
    text = refusal("postgresql://bob:s3cret@127.0.0.1:1/shop")
    assert "postgresql://127.0.0.1:1/shop cannot be opened" in text
    assert "refused; check that the server runs and that host and port are right" in text


def test_a_database_that_is_not_there(postgres: PostgresServer) -> None:
    text = refusal(f"postgresql://tests:s3cret@/nowhere?host={postgres.folder}")
    assert text.startswith('postgresql:///nowhere cannot be opened: database "nowhere" does not exist')
    assert text.endswith("create it with `createdb`, or correct its name")


def test_a_wrong_password(postgres: PostgresServer) -> None:
    with postgres.user_with_password("guarded", "right") as user:
        where = f"/postgres?host={postgres.folder}"
        text = refusal(f"postgresql://{user}:s3cret@{where}")
        assert 'password authentication failed for user "guarded"; check user and password' in text
        SqlStore(DatabaseUrl.parse(f"postgresql://{user}:right@{where}")).close()


def test_settings_that_cannot_be_read() -> None:
    assert "settings after the '?' cannot be read" in refusal("postgresql://h/d?s3cret=1")


def test_a_killed_program_leaves_nothing_of_what_it_was_at(url: str) -> None:
    store, other = (SqlStore(DatabaseUrl.parse(url)) for _ in range(2))

    def die_in_a_transaction() -> None:
        with store.transaction():
            store.settings.put("lost", 1)
            store.abandon()
            store.settings.put("lost", 2)

    with pytest.raises(StoreError, match="the database server has gone"):
        die_in_a_transaction()
    assert other.settings.get("lost", 0) == 0
    other.close()


def test_a_server_that_goes_is_said_and_what_was_committed_is_there(
    url: str, postgres: PostgresServer
) -> None:
    store = SqlStore(DatabaseUrl.parse(url))
    store.settings.put("kept", 1)
    postgres.end_sessions()
    with pytest.raises(StoreError, match=r"the database server has gone .*; start it and then this program"):
        store.settings.get("kept", 0)
    store.close()
    again = SqlStore(DatabaseUrl.parse(url))
    assert again.settings.get("kept", 0) == 1
    again.close()


def test_a_backend_whose_server_goes_ends_and_says_why(postgres: PostgresServer) -> None:
    with shop_database.on(postgres):
        shop = Shop()
        shop.accepted("RTTI")
        postgres.end_sessions()
        shop.advance(DAY + 1)
        with pytest.raises(StoreError, match="the database server has gone"):
            shop.program.result()
        shop.close()


def test_a_run_has_a_schema_of_its_own_and_leaves_none_behind(postgres: PostgresServer) -> None:
    with run_schema(postgres.url()) as here, run_schema(postgres.url()) as there:
        assert here != there
        one, two = (SqlStore(DatabaseUrl.parse(url)) for url in (here, there))
        one.settings.put("mine", 1)
        assert two.settings.get("mine", 0) == 0
        one.close()
        two.close()
        assert len(postgres.schemas("headunit_run_%")) == 2
    assert postgres.schemas("headunit_run_%") == []


def test_what_a_killed_run_left_is_dropped_by_the_next(postgres: PostgresServer) -> None:
    postgres.make_schema("headunit_run_999999")
    with run_schema(postgres.url()):
        [mine] = postgres.schemas("headunit_run_%")
        assert mine != "headunit_run_999999"


def test_a_store_that_is_forgotten_is_empty_again(url: str) -> None:
    store = SqlStore(DatabaseUrl.parse(url))
    store.settings.put("old", 1)
    store.close()
    forget_everything(DatabaseUrl.parse(url))
    store = SqlStore(DatabaseUrl.parse(url))
    assert store.settings.get("old", 0) == 0
    store.close()
