"""A PostgreSQL server of the tests' own: started when the first test wants it, gone when the tests are.

It listens on a Unix socket in a folder of its own and nowhere else, and forgets about fsync. A shell holds
it that ends it at end of file on its standard input: so it also goes when the tests are killed.
"""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

import pytest

from backend_stub.adapters.database_url import DatabaseUrl

if TYPE_CHECKING:
    import psycopg

_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "40",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "jit": "off",
}
_DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "autovacuum": "on"}
_HOLD = """\
exec 3>&1 >"$1/log" 2>&1
initdb --pgdata "$1/data" --username tests --auth trust --encoding UTF8 --no-locale --no-sync &&
pg_ctl --pgdata "$1/data" --options "$2" --wait start 3>&- && echo ready >&3
exec 3>&-
cat >/dev/null
pg_ctl --pgdata "$1/data" --mode immediate --wait stop
rm -rf "$1"
"""
_RESET = """\
CREATE FUNCTION public.empty_tables(of_schema text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE one record; is_used boolean;
BEGIN
    FOR one IN SELECT tablename AS name FROM pg_tables
        WHERE schemaname = of_schema AND tablename <> 'alembic_version'
    LOOP
        EXECUTE format('DELETE FROM %I.%I', of_schema, one.name);
    END LOOP;
    FOR one IN SELECT sequencename AS name FROM pg_sequences
        WHERE schemaname = of_schema AND last_value IS NOT NULL
    LOOP
        PERFORM setval(format('%I.%I', of_schema, one.name)::regclass, 1, false);
    END LOOP;
END $$"""


def _programs() -> Path | None:
    """The folder of the newest server that is installed."""
    found = [Path(path).parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if on_path := shutil.which("initdb"):
        found.append(Path(on_path).parent)
    return max(found, key=lambda folder: [int(n) for n in folder.parts if n.isdigit()], default=None)


MISSING = (
    "PostgreSQL is not installed"
    if _programs() is None
    else "psycopg is not installed"
    if find_spec("psycopg") is None
    else ""
)
"""Why there can be no server here; "" when there can be one."""

needs_postgresql = [
    pytest.mark.postgresql,
    pytest.mark.skipif(bool(MISSING), reason=MISSING or "PostgreSQL is here"),
]
"""Marks of a test, or of a parameter, that needs the server."""


class PostgresServer:
    """The running server, and schemas of it that are lent out; `is_durable`: it syncs as a real one does."""

    def __init__(self, *, is_durable: bool = False) -> None:
        programs = _programs()
        assert programs is not None, MISSING
        self.folder = Path(mkdtemp(prefix="hu-pg-", dir="/tmp"))
        # The server refuses to run as root.
        user = pwd.getpwuid(os.getuid()) if os.getuid() else _unprivileged()
        os.chown(self.folder, user.pw_uid, user.pw_gid)
        settings = {
            **_SETTINGS,
            **(_DURABLE if is_durable else {}),
            "unix_socket_directories": str(self.folder),
        }
        options = " ".join(f"-c {name}='{value}'" for name, value in settings.items())
        as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if not os.getuid() else {}
        self._shell = subprocess.Popen(
            ["sh", "-c", _HOLD, "sh", str(self.folder), options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=self.folder,
            env={"PATH": f"{programs}:/usr/bin:/bin", "LC_ALL": "C"},
            start_new_session=True,
            **as_user,  # type: ignore[call-overload]
        )
        assert self._shell.stdout is not None
        is_ready = self._shell.stdout.readline() == b"ready\n"
        self._shell.stdout.close()
        self._connection: psycopg.Connection | None = None
        self._free: list[str] = []
        self._schemas = 0
        if not is_ready:
            log = (self.folder / "log").read_text(errors="replace")
            self.stop()
            raise RuntimeError(f"PostgreSQL did not start:\n{log}")
        self._execute(_RESET)

    def url(self, schema: str = "public") -> str:
        """Where `schema` is, as a user writes it."""
        return f"postgresql://tests@/postgres?host={self.folder}&options=-csearch_path%3D{schema}"

    @contextmanager
    def empty_schema(self) -> Iterator[str]:
        """The address of a schema without tables, dropped at the end of the block."""
        self._schemas += 1
        name = f"s{self._schemas}"
        self._execute(f"CREATE SCHEMA {name}")
        try:
            yield self.url(name)
        finally:
            self._execute(f"DROP SCHEMA {name} CASCADE")

    def borrow(self) -> str:
        """Name of a schema with the backend's tables, all of them empty; give it back with `give_back`."""
        if self._free:
            return self._free.pop()
        from backend_stub.adapters.sql_store import SqlStore

        self._schemas += 1
        name = f"s{self._schemas}"
        self._execute(f"CREATE SCHEMA {name}")
        SqlStore(DatabaseUrl.parse(self.url(name))).close()
        return name

    def give_back(self, schema: str) -> None:
        """Nobody is connected to `schema` any more: it can be lent again."""
        self._execute(f"SELECT public.empty_tables('{schema}')")
        self._free.append(schema)

    @contextmanager
    def user_with_password(self, name: str, password: str) -> Iterator[str]:
        """A user whom the server asks for a password, until the end of the block."""
        rules = self.folder / "data" / "pg_hba.conf"
        before = rules.read_text()
        self._execute(f"CREATE ROLE {name} LOGIN SUPERUSER PASSWORD '{password}'")
        rules.write_text(f"local all {name} scram-sha-256\n{before}")
        self._execute("SELECT pg_reload_conf()")
        try:
            yield name
        finally:
            rules.write_text(before)
            self._execute("SELECT pg_reload_conf()")
            self._execute(f"DROP OWNED BY {name} CASCADE")
            self._execute(f"DROP ROLE {name}")

    def end_sessions(self) -> None:
        """Throw everybody else out, as a server does that is shut down."""
        self._execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )

    def schemas(self, pattern: str) -> list[str]:
        """The schemas whose names are LIKE `pattern`."""
        self._execute("SELECT 1")
        assert self._connection is not None
        found = self._connection.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname LIKE %s ORDER BY nspname", (pattern,)
        )
        return [name for (name,) in found]

    def make_schema(self, name: str) -> None:
        """Make an empty schema that nobody drops."""
        self._execute(f"CREATE SCHEMA {name}")

    def stop(self) -> None:
        """End the server and remove what it kept."""
        if self._connection is not None:
            self._connection.close()
        self._shell.communicate()

    def _execute(self, statement: str) -> None:
        if self._connection is None:
            import psycopg

            self._connection = psycopg.connect(self.url(), autocommit=True)
        self._connection.execute(statement.encode())


def _unprivileged() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")
