"""Where a PostgreSQL database is: what can be written, and that no password is ever shown."""

import pytest

from backend_stub.adapters.database_url import DatabaseUrl
from backend_stub.errors import StoreError


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg", "postgres"])
def test_a_server_is_named_in_any_of_the_usual_spellings(scheme: str) -> None:
    url = DatabaseUrl.parse(f"{scheme}://bob:s3cret@db.example:5433/shop?sslmode=require")
    assert url.conninfo == "postgresql://bob:s3cret@db.example:5433/shop?sslmode=require"
    assert str(url) == "postgresql://db.example:5433/shop"


@pytest.mark.parametrize(
    "rest",
    [
        "bob:s3cret@host/shop",
        "bob:s3cret@host:99999/shop?password=s3cret",
        "bob:s3/cret@host/shop",
        "bob:s?s3cret@host/shop",
        "host/shop?password=s3cret",
        "host/shop?user=bob&password=x@s3cret",
        "/shop?host=/tmp&password=s3cret",
    ],
)
def test_what_is_shown_holds_no_password(rest: str) -> None:
    url = DatabaseUrl.parse(f"postgresql://{rest}")
    assert "cret" not in str(url)
    assert "cret" not in repr(url)


@pytest.mark.parametrize(
    "url",
    ["mysql://bob:s3cret@host/shop", "bob:s3cret@host", "", "postgresql:/bob:s3cret@x", "postgresql://h/a b"],
)
def test_what_is_no_database_is_refused_with_what_to_write(url: str) -> None:
    with pytest.raises(StoreError, match=r"is no database that can be used: write postgresql://\[USER") as no:
        DatabaseUrl.parse(url)
    assert "cret" not in str(no.value)


def test_a_schema_of_the_same_database() -> None:
    assert (
        DatabaseUrl.parse("postgresql://h/d").in_schema("s") == "postgresql://h/d?options=-csearch_path%3Ds"
    )
    named = DatabaseUrl.parse("postgresql:///d?host=/run").in_schema("s")
    assert named == "postgresql:///d?host=/run&options=-csearch_path%3Ds"
