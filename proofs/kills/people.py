"""Who acts in the story: a driver at the knob and a payer at the phone. Both go on after every restart."""

import asyncio
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlencode

from contracts.bench import PressKnob, ScreenReport, SetVehicle, Subscribe, Terminal
from contracts.controller import MENU, ControllerEvent
from contracts.screen import ScreenSnapshot
from headunit.domain.navigate import has_row, steps_to
from proofs.kills.programs import HOST
from runtime.bench_channel import ChannelClient
from runtime.errors import ChannelError

TO_STORE = ("ConnectedDrive", "ConnectedDrive Store")
TO_CHECKOUT = (*TO_STORE, "Real Time Traffic Information", "3 months", "Checkout")
BACK_TO_CHECKOUT = (*TO_STORE, "My basket", "Checkout")
SERVICE = "Real Time Traffic Information"
BOOKED = "active"
LOOK_AGAIN_S = 0.02

_LINK = re.compile(r"/pay/([A-Za-z0-9_-]+)")
_SESSION = re.compile(r'href="/provider/([^"]+)"')
_PROVIDER = re.compile(r'name="provider" value="([^"]+)"')


class Driver:
    """A hand and an eye at one car. Every method raises ChannelError when the car dies under it."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self._client: ChannelClient | None = None
        self._screen: ScreenSnapshot | None = None
        self._changed = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None

    async def sit_down(self) -> None:
        """Wait for the car to answer, and stand still."""
        await self.get_out()
        while self._client is None:
            with suppress(ChannelError):
                self._client = await ChannelClient.connect(self._socket)
            if self._client is None:
                await asyncio.sleep(LOOK_AGAIN_S)
        self._screen = None
        await self._client.request(Subscribe(reports=("screen",)))
        self._reader = asyncio.create_task(self._read(self._client))
        await self._client.request(SetVehicle(speed_kmh=0.0, terminal=Terminal.IGNITION))

    async def get_out(self) -> None:
        """Let go of the knob."""
        client, self._client = self._client, None
        if client is not None:
            client.close()
        if self._reader is not None:
            await self._reader
            self._reader = None

    async def sees(self, wanted: Callable[[ScreenSnapshot], bool]) -> ScreenSnapshot:
        """The first picture that is as wanted, the present one included."""
        while True:
            if self._client is None or (self._reader is not None and self._reader.done()):
                raise ChannelError("the car has gone")
            if self._screen is not None and wanted(self._screen):
                return self._screen
            self._changed.clear()
            await self._changed.wait()

    def reads(self) -> str:
        """What is on the display, in one line."""
        if self._screen is None:
            return "nothing"
        rows = "; ".join(f"{row.label} {row.value}".strip() for row in self._screen.rows)
        return f"{self._screen.screen} ({self._screen.status.data}): {rows}"

    async def goes_home(self) -> None:
        """To the main menu."""
        screen = await self.sees(lambda s: True)
        await self._press(MENU)
        await self.sees(lambda s: s.events > screen.events)

    async def chooses(self, label: str) -> None:
        """Turn to a row once it is there and the car stands still, and press."""
        screen = await self.sees(lambda s: has_row(s, label) and not s.status.locked)
        for movement in steps_to(screen, label):
            await self._press(movement)
        await self.sees(lambda s: s.events > screen.events)

    async def _press(self, event: ControllerEvent) -> None:
        if self._client is None:
            raise ChannelError("the car has gone")
        await self._client.request(PressKnob(event=event))

    async def _read(self, client: ChannelClient) -> None:
        async for report in client.reports():
            if isinstance(report, ScreenReport):
                self._screen = report.screen
                self._changed.set()
        self._changed.set()


async def pays(port: int) -> None:
    """The payer: waits for the text message, opens its link, goes to the first provider and approves."""
    token = ""
    while not token:
        found = _LINK.search(await _page(port, "/phone"))
        token = found[1] if found else ""
        if not token:
            await asyncio.sleep(LOOK_AGAIN_S)
    while True:
        page = await _page(port, f"/pay/{token}")
        badge = page.partition('class="badge ')[2].partition("</p>")[0]
        if badge.endswith((">Paid", ">Active in the car")):
            return
        if session := _SESSION.search(page):
            await _page(port, f"/provider/{session[1]}", {"outcome": "approve"})
        elif provider := _PROVIDER.search(page):
            await _page(port, f"/pay/{token}", {"provider": provider[1]})
        else:
            await asyncio.sleep(LOOK_AGAIN_S)


async def _page(port: int, path: str, form: dict[str, str] | None = None) -> str:
    """A page of the store, "" while nobody answers."""
    body = urlencode(form or {})
    head = [
        f"{'GET' if form is None else 'POST'} {path} HTTP/1.1",
        f"Host: {HOST}:{port}",
        "Connection: close",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body)}",
    ]
    try:
        reader, writer = await asyncio.open_connection(HOST, port)
    except OSError:
        await asyncio.sleep(LOOK_AGAIN_S)
        return ""
    try:
        writer.write("\r\n".join((*head, "", body)).encode())
        return (await reader.read()).decode(errors="replace")
    except OSError:
        return ""
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
