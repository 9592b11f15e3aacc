"""Where a PostgreSQL database is, as people write it: a libpq connection URI. Pure.

`postgresql://[USER[:PASSWORD]@][HOST[:PORT]][/NAME][?KEY=VALUE&…]` (PostgreSQL manual, 34.1.1.2), also in
SQLAlchemy's spelling `postgresql+psycopg://`. What is shown of it never holds user, password or settings.
"""

from dataclasses import dataclass, field
from typing import Final

from backend_stub.errors import StoreError

_SCHEMES: Final = ("postgresql", "postgresql+psycopg", "postgres")
_FORM: Final = "postgresql://[USER[:PASSWORD]@]HOST[:PORT]/NAME"


@dataclass(frozen=True, slots=True)
class DatabaseUrl:
    """A database on a server: `conninfo` is for libpq and may hold a password, `shown` never does."""

    conninfo: str = field(repr=False)
    shown: str

    @classmethod
    def parse(cls, url: str) -> "DatabaseUrl":
        """Read `url`. Raises StoreError, which repeats nothing of it but its scheme."""
        scheme, separator, rest = url.partition("://")
        if scheme not in _SCHEMES or not separator or any(letter.isspace() for letter in url):
            kind = f"{scheme}://…" if separator and scheme.isascii() and scheme.isprintable() else "this"
            raise StoreError(f"{kind} is no database that can be used: write {_FORM}")
        before, _, where = rest.rpartition("@")
        if "?" in before or "/" in before:
            # Whatever that is, a part of a password may be in it.
            where = "…"
        return cls(f"postgresql://{rest}", f"postgresql://{where.partition('?')[0]}")

    def in_schema(self, name: str) -> str:
        """The same database, with `name` as the schema that tables are in."""
        separator = "&" if "?" in self.conninfo else "?"
        return f"{self.conninfo}{separator}options=-csearch_path%3D{name}"

    def __str__(self) -> str:
        return self.shown
