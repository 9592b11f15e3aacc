"""Lines of standard input without blocking the loop, whatever it is: terminal, pipe or file."""

import asyncio
import os
import stat
import sys
from collections.abc import AsyncIterator


async def lines() -> AsyncIterator[str]:
    """One line after the other until end of file."""
    if not _can_wait(sys.stdin.fileno()):
        for line in sys.stdin:
            yield line
        return
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    try:
        while line_bytes := await reader.readline():
            yield line_bytes.decode("utf-8", "replace")
    finally:
        transport.close()


def _can_wait(fd: int) -> bool:
    """Whether `fd` may have nothing to read yet: not a regular file, nor a device such as /dev/null."""
    mode = os.fstat(fd).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(fd)
