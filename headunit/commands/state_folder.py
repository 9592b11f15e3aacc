"""The state folder of one bench: its lock, its socket, its log. One instance at a time."""

import os
from pathlib import Path
from types import TracebackType
from typing import Self

from headunit.commands.folder_lock import FolderLock

_SOCKET_PATH_MAX = 100
"""A Unix socket's path has 108 bytes on Linux and 104 on macOS (unix(7)), the closing zero included."""


class StateFolder:
    """Holds the lock as long as the block runs."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.data = path / "data"
        self.log = path / "bench.log"
        self.pictures = path / "pictures"
        self._lock = FolderLock(path, "lock", "bench")
        self._short: str | None = None

    def __enter__(self) -> Self:
        self._lock.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.socket.unlink(missing_ok=True)
        if self._short is not None:
            os.rmdir(self._short)
        self._lock.__exit__(kind, error, trace)

    @property
    def socket(self) -> Path:
        """Where the bench listens; in a short folder of its own when the state folder's path is too long."""
        path = self.path.absolute() / "bench.sock"
        if len(os.fsencode(path)) <= _SOCKET_PATH_MAX:
            return path
        if self._short is None:
            import tempfile

            self._short = tempfile.mkdtemp(prefix="headunit-")
        return Path(self._short) / "bench.sock"

    def prepare(self, *, fresh: bool) -> None:
        """Make room for a bench; `fresh` forgets everything an earlier one has kept."""
        if fresh and self.data.exists():
            import shutil

            shutil.rmtree(self.data)
        self.data.mkdir(exist_ok=True, mode=0o700)
        self.socket.unlink(missing_ok=True)
