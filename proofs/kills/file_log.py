"""What a power cut leaves of a folder, from the record of what was written to it.

Model: a disk keeps what was synced. Of what was written since a file's last sync (fsync, fdatasync) every
sector of 512 bytes may have arrived or not, in any combination; so may every truncation. Names (a file made,
removed, renamed) arrive in their order, up to some point, or all of them with a sync of the folder: that is
what a journalling file system gives. A sector is never torn, as SQLite assumes (sqlite.org/psow.html).

What the model leaves out: a sync that lies, and a disk that reads back something else.
"""

from collections.abc import Iterator
from enum import Enum, IntEnum
from pathlib import Path
from struct import Struct
from typing import NamedTuple

from runtime.ports import Randomness

SECTOR_BYTES = 512

_RECORD = Struct("=IIQQ")


class Operation(IntEnum):
    """As `enum operation` of shim.c."""

    CREATE = 1
    WRITE = 2
    TRUNCATE = 3
    SYNC = 4
    UNLINK = 5
    RENAME = 6


class Kept(Enum):
    """What survives of what was not synced."""

    NOTHING = "nothing"
    ALL = "all"
    SOME = "some"


class Change(NamedTuple):
    """One line of the record; `offset` is the new size of a truncation, `data` the new name of a rename."""

    operation: Operation
    path: str
    offset: int
    data: bytes


class Coin:
    """What of the unsynced arrives, drawn from `randomness`."""

    def __init__(self, randomness: Randomness) -> None:
        self._stream = randomness.stream("power cut")

    def falls(self) -> bool:
        """Whether this one has arrived."""
        return self._stream.random() < 0.5

    def up_to(self, most: int) -> int:
        """How many of `most` things in a row have arrived."""
        return self._stream.randint(0, most)


class _File:
    """One file: its bytes on the disk, and what was done to it since."""

    __slots__ = ("content", "pending")

    def __init__(self) -> None:
        self.content = bytearray()
        self.pending: list[Change] = []

    def sync(self) -> None:
        for change in self.pending:
            _apply(self.content, change)
        self.pending.clear()

    def after_cut(self, kept: Kept, coin: Coin) -> bytes:
        image = bytearray(self.content)
        for change in self.pending:
            if kept is Kept.ALL:
                _apply(image, change)
            elif kept is Kept.SOME:
                _apply_some(image, change, coin)
        return bytes(image)


def read_changes(log: bytes) -> Iterator[Change]:
    """The changes in the order in which they were made; a last one that was cut off is left out."""
    at = 0
    while at + _RECORD.size <= len(log):
        number, path_bytes, offset, data_bytes = _RECORD.unpack_from(log, at)
        end = at + _RECORD.size + path_bytes + data_bytes
        if end > len(log):
            return
        path = log[at + _RECORD.size : at + _RECORD.size + path_bytes].decode()
        yield Change(Operation(number), path, offset, log[end - data_bytes : end])
        at = end


def after_power_cut(folder: Path, log: bytes, kept: Kept, coin: Coin) -> dict[str, bytes]:
    """Path and content of every file of `folder` after a cut at the end of `log`.

    The folder was empty when the log began.
    """
    living: dict[str, _File] = {}
    durable: dict[str, _File] = {}
    renamings: list[tuple[Change, _File]] = []
    for change in read_changes(log):
        match change.operation:
            case Operation.CREATE:
                renamings.append((change, _File()))
                _rename(living, *renamings[-1])
            case Operation.UNLINK | Operation.RENAME if change.path in living:
                renamings.append((change, living[change.path]))
                _rename(living, *renamings[-1])
            case Operation.SYNC if change.path == str(folder):
                durable = dict(living)
                renamings.clear()
            case Operation.SYNC if change.path in living:
                living[change.path].sync()
            case Operation.WRITE | Operation.TRUNCATE if change.path in living:
                living[change.path].pending.append(change)
            case _:
                """A file without a name any more: nobody will see it again."""
    if kept is not Kept.NOTHING:
        arrived = len(renamings) if kept is Kept.ALL else coin.up_to(len(renamings))
        for renaming in renamings[:arrived]:
            _rename(durable, *renaming)
    return {path: file.after_cut(kept, coin) for path, file in sorted(durable.items())}


def put_back(folder: Path, files: dict[str, bytes]) -> None:
    """Make the databases of `folder` what a power cut has left of them."""
    for path in sorted(folder.iterdir()):
        if path.name.endswith(("-shm", "-wal", "-journal", ".sqlite")):
            path.unlink()
    for name, content in files.items():
        Path(name).write_bytes(content)


def _rename(names: dict[str, _File], change: Change, file: _File) -> None:
    if change.operation is Operation.CREATE:
        names[change.path] = file
        return
    names.pop(change.path, None)
    if change.operation is Operation.RENAME:
        names[change.data.decode()] = file


def _apply(content: bytearray, change: Change) -> None:
    if change.operation is Operation.TRUNCATE:
        _resize(content, change.offset)
    else:
        _write(content, change.offset, change.data)


def _apply_some(content: bytearray, change: Change, coin: Coin) -> None:
    if change.operation is Operation.TRUNCATE:
        if coin.falls():
            _resize(content, change.offset)
        return
    at, end = change.offset, change.offset + len(change.data)
    while at < end:
        # Sectors of the file, not of the write: a write that begins inside one changes it as a whole.
        until = min(end, (at // SECTOR_BYTES + 1) * SECTOR_BYTES)
        if coin.falls():
            _write(content, at, change.data[at - change.offset : until - change.offset])
        at = until


def _write(content: bytearray, offset: int, data: bytes) -> None:
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data


def _resize(content: bytearray, size: int) -> None:
    if size < len(content):
        del content[size:]
    else:
        content.extend(bytes(size - len(content)))
