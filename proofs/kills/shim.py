"""The layer between a program and its system: compiled when it is needed, and its view of a program.

`shim.c` says what an instant is. The programs are not changed: they are the commands a user starts.
"""

import mmap
import os
import shutil
import subprocess
from enum import IntEnum
from pathlib import Path
from struct import Struct

from proofs.errors import CompilerMissingError

SOURCE = Path(__file__).with_name("shim.c")
_NS_PER_S = 1_000_000_000


class Point(IntEnum):
    """Where a program can be killed, as `enum point` of shim.c."""

    COMMIT_BEFORE = 0
    COMMIT_WRITTEN = 1
    COMMIT_SYNCED = 2
    SEND_BEFORE = 3
    SEND_AFTER = 4
    PUBACK_BEFORE = 5
    PUBACK_AFTER = 6
    PUBACK_RECEIVED = 7


_HEAD = Struct("=5q")
_COUNTS = Struct(f"={len(Point)}q")
_CONNACK_AT = 4 * 8
_SIZE = _HEAD.size + _COUNTS.size


def find_compiler() -> str | None:
    """A C compiler, None if there is none."""
    return shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")


def build_shim(folder: Path) -> Path:
    """Compile the layer into `folder`; returns the library. Raises CompilerMissingError."""
    compiler = find_compiler()
    if compiler is None:
        raise CompilerMissingError(
            "no C compiler (cc, gcc or clang): install one (Debian: gcc libc6-dev), then run this again"
        )
    library = folder / "shim.so"
    command = [compiler, "-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror"]
    done = subprocess.run(
        [*command, "-o", str(library), str(SOURCE), "-ldl"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise CompilerMissingError(f"{compiler} cannot build {SOURCE.name}: {done.stderr.strip()[:500]}")
    return library


class Control:
    """What is shared with one program, over all its lives.

    Args:
        path: the file that is shared; made here.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.write_bytes(bytes(_SIZE))
        descriptor = os.open(path, os.O_RDWR)
        try:
            self._shared = mmap.mmap(descriptor, _SIZE)
        finally:
            os.close(descriptor)

    def arm(self, point: Point | None = None, index: int = 0) -> None:
        """Count from now on; kill the program at the `index`-th passing of `point`, 1 being the next."""
        _COUNTS.pack_into(self._shared, _HEAD.size, *([0] * len(Point)))
        _HEAD.pack_into(self._shared, 0, 1, -1 if point is None else point, index, 0, 0)

    def disarm(self) -> None:
        """Count and kill no more."""
        _, point, index, killed_ns, connack_ns = _HEAD.unpack_from(self._shared)
        _HEAD.pack_into(self._shared, 0, 0, point, index, killed_ns, connack_ns)

    def counts(self) -> dict[Point, int]:
        """How often each point was passed since it was armed."""
        return dict(zip(Point, _COUNTS.unpack_from(self._shared, _HEAD.size), strict=True))

    @property
    def killed_s(self) -> float | None:
        """When the program was killed at its point, in seconds of the monotonic clock."""
        killed_ns = _HEAD.unpack_from(self._shared)[3]
        return killed_ns / _NS_PER_S if killed_ns else None

    def forget_connections(self) -> None:
        """Another life of the program begins."""
        self._shared[_CONNACK_AT : _CONNACK_AT + 8] = bytes(8)

    @property
    def connected_s(self) -> float | None:
        """When the first CONNACK since `forget_connections` passed, in seconds of the monotonic clock."""
        _, _, _, _, connack_ns = _HEAD.unpack_from(self._shared)
        return connack_ns / _NS_PER_S if connack_ns else None

    def close(self) -> None:
        """Share it no more."""
        self._shared.close()
