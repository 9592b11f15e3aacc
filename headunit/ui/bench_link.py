"""The view's end of the bench: brings it up, sends the hand's events in order, passes on what it says.

The messages of the channel are imported only when there is a bench: no first frame waits for them.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Protocol

from contracts.controller import ControllerEvent
from contracts.screen import ScreenSnapshot
from headunit.ui.errors import BenchGoneError
from headunit.ui.handover import HandOver, LocalPresenter, Phase
from runtime.errors import ChannelError, CommandRefused

if TYPE_CHECKING:
    from contracts.bench import AnyCommand, AnyReport


class BenchClient(Protocol):
    """The bench channel as a client sees it."""

    async def request(self, command: "AnyCommand") -> None:
        """Return when `command` has been carried out. Raises CommandRefused, or ChannelError when closed."""

    def reports(self) -> "AsyncIterator[AnyReport]":
        """What the bench says, until the channel is closed."""


class BenchHost(Protocol):
    """The bench process."""

    async def open(self) -> BenchClient:
        """Start it and connect to it. Raises BenchGoneError when it ends before that."""

    async def ended(self) -> BenchGoneError:
        """Wait until it has ended on its own and say what is known."""


class BenchLink:
    """Draws through `show`, passes other reports to `report`; every event of the hand goes out once."""

    def __init__(
        self,
        presenter: LocalPresenter,
        *,
        show: Callable[[ScreenSnapshot], None],
        report: "Callable[[AnyReport], None]",
    ) -> None:
        self._hand_over = HandOver(presenter)
        self._show = show
        self._report = report
        self._client: BenchClient | None = None
        self._unsent: list[ControllerEvent] = []
        self._changed = asyncio.Event()

    @property
    def screen(self) -> ScreenSnapshot:
        """The display now."""
        return self._hand_over.screen

    def move(self, event: ControllerEvent) -> None:
        """The hand did `event`: it counts here until there is a bench, there from then on."""
        self._queue(self._hand_over.moved(event))
        self._show(self._hand_over.screen)

    async def run(self, host: BenchHost) -> BenchGoneError:
        """Bring the bench up and follow it; returns how it ended."""
        try:
            client = await host.open()
        except BenchGoneError as error:
            return error
        from contracts.bench import Subscribe

        self._client = client
        sender = asyncio.create_task(self._send_in_order(client))
        try:
            await client.request(Subscribe())
            async for report in client.reports():
                self._take(report)
        except ChannelError:
            pass
        finally:
            self._client = None
            sender.cancel()
        return await host.ended()

    async def tell(self, command: "AnyCommand") -> None:
        """Have the bench carry out `command`. Raises CommandRefused, or ChannelError without a bench."""
        if self._client is None:
            raise ChannelError("the bench is not up")
        await self._client.request(command)

    async def settled(self) -> None:
        """Wait until the bench has applied every event and its picture is the one that is drawn."""
        while self._unsent or self._hand_over.phase is not Phase.BENCH:
            self._changed.clear()
            await self._changed.wait()

    def _take(self, report: "AnyReport") -> None:
        from contracts.bench import ScreenReport

        if isinstance(report, ScreenReport):
            self._queue(self._hand_over.reported(report.screen))
            self._show(self._hand_over.screen)
        else:
            self._report(report)

    def _queue(self, events: tuple[ControllerEvent, ...]) -> None:
        self._unsent += events
        self._changed.set()

    async def _send_in_order(self, client: BenchClient) -> None:
        """Send one event after the other; one is forgotten when the bench has answered it."""
        from contracts.bench import PressKnob

        while True:
            while self._unsent:
                try:
                    await client.request(PressKnob(event=self._unsent[0]))
                except CommandRefused:
                    pass
                except ChannelError:
                    return
                del self._unsent[0]
                self._changed.set()
            self._changed.clear()
            await self._changed.wait()
