"""One program of a kind on one folder: a lock that its holder's death releases, however it dies."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from headunit.commands.errors import BenchInUseError, CommandError


class FolderLock:
    """Holds `file` in `folder`, which it makes, as long as the block runs (flock(2)).

    Two programs that write one database would take each other's place at the broker, and each would send
    what the other's outbox holds. `holder` is what the program is called in messages.
    """

    def __init__(self, folder: Path, file: str, holder: str) -> None:
        self._folder = folder
        self._file = file
        self._holder = holder
        self._lock: int | None = None

    def __enter__(self) -> Self:
        """Raises BenchInUseError, naming folder and process, or CommandError for no folder of ours."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = os.open(self._folder / self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise CommandError(
                f"--state: {self._folder} cannot be used: {error.strerror}; name a folder of yours"
            ) from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.read(lock, 32).decode("ascii", "replace").strip()
            os.close(lock)
            raise BenchInUseError(
                f"{self._folder}: in use by the {self._holder} of process {pid or 'unknown'}; "
                "quit that one, or give this one its own folder with --state DIR"
            ) from None
        os.ftruncate(lock, 0)
        os.write(lock, f"{os.getpid()}\n".encode())
        self._lock = lock
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def program_lock(folder: Path, program: str) -> FolderLock:
    """The lock of the one `program` that works on the databases in `folder`."""
    return FolderLock(folder, f"{program}.lock", program)
