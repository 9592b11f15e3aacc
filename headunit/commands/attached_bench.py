"""A car that runs elsewhere: the menu connects to it and leaves it as it is."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from headunit.ui.bench_link import BenchClient
from headunit.ui.errors import BenchGoneError
from runtime.errors import ChannelError


class AttachedBench:
    """The `BenchHost` behind `socket`; it is not ours to start or to end."""

    def __init__(self, socket: Path, connect: Callable[[Path], Awaitable[BenchClient]]) -> None:
        self._socket = socket
        self._connect = connect

    async def open(self) -> BenchClient:
        """Connect to it. Raises BenchGoneError when nobody answers."""
        try:
            return await self._connect(self._socket)
        except ChannelError:
            raise BenchGoneError(
                f"No car answers at {self._socket}; `headunit car serve` says where its bench channel is."
            ) from None

    async def ended(self) -> BenchGoneError:
        """It has closed its channel."""
        return BenchGoneError(f"The car at {self._socket} has ended; start it again, then this menu.")

    async def close(self) -> None:
        """Leave it running: the channel closes with the menu."""
