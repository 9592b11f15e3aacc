"""Databases that survive their program: SQLite files of a state folder.

The virtual twin is `runtime.virtual_disk.VirtualDisk`; one suite holds both.
"""

import os
import re
import sqlite3
from pathlib import Path
from typing import Literal, TypeAlias

from runtime.errors import DiskError
from runtime.virtual_disk import VirtualDisk

__all__ = ["FileDisk", "Synchronous", "VirtualDisk"]

Synchronous: TypeAlias = Literal["FULL", "NORMAL"]

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


class FileDisk:
    """One SQLite file per database in `folder`, which is made with mode 0700 where it is missing.

    Connections may be used from several threads, one at a time; for writers that run side by side
    open one connection each. A writer waits up to `busy_timeout_ms` for another one.
    """

    __slots__ = ("_busy_timeout_ms", "_folder")

    def __init__(self, folder: Path, busy_timeout_ms: int = 5000) -> None:
        self._folder = folder
        self._busy_timeout_ms = busy_timeout_ms
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise DiskError(f"the state folder {folder} cannot be made: {error.strerror}") from error

    def connect(self, name: str, synchronous: Synchronous = "FULL") -> sqlite3.Connection:
        """The database `name`: autocommit mode, WAL, foreign keys on.

        With FULL every commit is on the disk when it returns; with NORMAL a power cut may take the
        last ones (SQLite, PRAGMA synchronous). Raises DiskError when it cannot be opened.
        """
        if _NAME.fullmatch(name) is None:
            raise DiskError(f"not a database name: {name!r} (small letters, digits, '-' and '_')")
        path = self._folder / f"{name}.sqlite"
        try:
            # Made here, so that nobody else can read it, whatever the umask is; WAL and index take after it.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        except (OSError, sqlite3.Error) as error:
            raise DiskError(f"the database {path} cannot be opened: {error}") from error
        try:
            connection.execute(f"PRAGMA busy_timeout = {self._busy_timeout_ms:d}")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA synchronous = {synchronous}")
            connection.execute("PRAGMA foreign_keys = ON")
        except sqlite3.Error as error:
            connection.close()
            raise DiskError(f"{path} is no database that can be used: {error}") from error
        return connection
