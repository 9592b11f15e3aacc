"""What the view needs of the bench: a process it can start and end, and a channel to it."""

from collections.abc import AsyncIterator
from typing import Protocol

from contracts.bench import AnyCommand, AnyReport, Done, Refused


class BenchClient(Protocol):
    """The bench channel as a client sees it."""

    async def request(self, command: AnyCommand) -> Done | Refused:
        """Have `command` carried out. Raises ChannelError when the channel is closed."""

    def reports(self) -> AsyncIterator[AnyReport]:
        """What the bench says, until the channel is closed."""


class BenchGoneError(Exception):
    """The bench has ended on its own; `lines` are the last it wrote, `log` is the file with all of them."""

    def __init__(self, detail: str, *, lines: tuple[str, ...] = (), log: str = "") -> None:
        super().__init__(detail)
        self.lines = lines
        self.log = log


class BenchHost(Protocol):
    """The bench process."""

    async def open(self) -> BenchClient:
        """Start it and connect to it. Raises BenchGoneError when it ends before that."""

    async def ended(self) -> BenchGoneError:
        """Wait until it has ended on its own and say what is known."""

    async def close(self) -> None:
        """End it, politely first."""
