"""A bench killed in the middle of an order has lost nothing when it starts again: real process, real disk."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from contracts.bench import Impair, ImpairmentKind, Pay, PressKnob, ScreenReport, Subscribe
from contracts.screen import ScreenSnapshot
from headunit.domain.navigate import has_row, steps_to
from runtime.bench_channel import ChannelClient
from runtime.errors import ChannelError, CommandRefused

PATIENCE_S = 30.0


class Driver:
    """A hand and an eye on a bench in another process."""

    def __init__(self, client: ChannelClient) -> None:
        self._client = client
        self._reports = client.reports()

    async def sees(self, wanted: Callable[[ScreenSnapshot], bool]) -> ScreenSnapshot:
        """The first picture that is as wanted, the present one included."""
        await self._client.request(Subscribe(reports=("screen",)))
        async for report in self._reports:
            if isinstance(report, ScreenReport) and wanted(report.screen):
                return report.screen
        raise AssertionError("the bench has gone")

    async def chooses(self, label: str) -> None:
        """Turn to a row once it is there and the car stands still, and press."""
        screen = await self.sees(lambda s: has_row(s, label) and not s.status.locked)
        for movement in steps_to(screen, label):
            await self._client.request(PressKnob(event=movement))
        await self.sees(lambda s: s.events > screen.events)

    async def tells(self, command: Impair | Pay) -> None:
        """Give the bench a command."""
        await self._client.request(command)


@asynccontextmanager
async def bench(folder: Path) -> AsyncIterator[Driver]:
    """A bench process on `folder`; leaving the block kills it with SIGKILL."""
    socket = folder / "s"
    command = ["-m", "headunit", "bench", "serve", "--state", str(folder / "data"), "--socket", str(socket)]
    process = await asyncio.create_subprocess_exec(sys.executable, *command)
    dead = asyncio.create_task(process.wait())
    client: ChannelClient | None = None
    try:
        async with asyncio.timeout(PATIENCE_S):
            while client is None:
                try:
                    client = await ChannelClient.connect(socket)
                except ChannelError:
                    await asyncio.wait((dead,), timeout=0.02)
                    assert not dead.done(), "the bench ended by itself"
            yield Driver(client)
    finally:
        if client is not None:
            client.close()
        process.kill()
        await dead


def is_placed(screen: ScreenSnapshot) -> bool:
    return screen.screen.startswith("store.order.")


def is_booked(screen: ScreenSnapshot) -> bool:
    return any(row.label.startswith("Real Time") and "active" in row.value for row in screen.rows)


@pytest.mark.req("R-204", "R-404")
async def test_an_order_and_its_payment_survive_sigkill(tmp_path: Path) -> None:
    async with bench(tmp_path) as driver:
        for label in ("ConnectedDrive", "ConnectedDrive Store", "Real Time", "3 months", "Checkout", "Order"):
            await driver.chooses(label)
        await driver.sees(is_placed)
    async with bench(tmp_path) as driver:
        await driver.tells(Impair(kind=ImpairmentKind.NO_COVERAGE, active=True))
        await driver.tells(Pay())
    async with bench(tmp_path) as driver:
        with pytest.raises(CommandRefused, match="UNKNOWN_ORDER"):
            await driver.tells(Pay())
        for label in ("ConnectedDrive", "ConnectedDrive Store", "Booked Services"):
            await driver.chooses(label)
        await driver.sees(is_booked)
