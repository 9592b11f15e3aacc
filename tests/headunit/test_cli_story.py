"""The story that the README tells, on the real bench: processes, sockets, and the phone's web pages."""

import asyncio
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlencode, urljoin
from urllib.request import urlopen

import pytest

from contracts.bench import AnyReport, BenchInfo, Impair, ImpairmentKind, SmsReport, Subscribe
from runtime.bench_channel import ChannelClient
from tests.headunit.ui.running import PATIENCE_S, PlainRun, journal_of

RTTI = "Real Time Traffic Information"


class Page(HTMLParser):
    """What a browser makes of a page: its address, its links, and its forms with their buttons."""

    def __init__(self, url: str, data: bytes | None = None) -> None:
        super().__init__()
        self.links: list[str] = []
        self.buttons: dict[str, tuple[str, bytes]] = {}
        self._action = ""
        with urlopen(url, data, timeout=PATIENCE_S) as answer:
            self.url: str = answer.url
            self.feed(answer.read().decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "a":
            self.links.append(urljoin(self.url, found.get("href", "")))
        elif tag == "form":
            self._action = urljoin(self.url, found["action"])
        elif tag == "button":
            field = urlencode({found["name"]: found["value"]}).encode()
            self.buttons.setdefault(found["value"], (self._action, field))

    def press(self, button: str) -> "Page":
        """Press a button of a form and follow where it leads."""
        return Page(*self.buttons[button])


def pay_as_a_person_would(phone_url: str) -> Page:
    """Open the phone, follow the link of the newest message, pay with AliPay, approve there."""
    link = next(link for link in Page(phone_url).links if "/pay/" in link)
    return Page(link).press("AliPay").press("approve")


class Engineer:
    """The bench channel beside the view: gives commands, keeps what the bench has said."""

    def __init__(self, client: ChannelClient) -> None:
        self._client = client
        self._reports = client.reports()

    async def told(self, kind: type[AnyReport]) -> AnyReport:
        """The next report of a kind."""
        async for report in self._reports:
            if isinstance(report, kind):
                return report
        raise AssertionError("the bench has closed its channel")

    async def coverage(self, *, there: bool) -> None:
        """Take the coverage away or give it back."""
        await self._client.request(Impair(kind=ImpairmentKind.NO_COVERAGE, active=not there))


@pytest.mark.req("R-204", "R-404", "R-405")
async def test_a_service_is_paid_for_on_the_phone_while_the_car_has_no_coverage(tmp_path: Path) -> None:
    async with asyncio.timeout(2 * PATIENCE_S):
        view = await PlainRun.start(tmp_path)
        await view.until("online", "last sync")
        client = await ChannelClient.connect(tmp_path / "bench.sock")
        await client.request(Subscribe())
        engineer = Engineer(client)
        info = await engineer.told(BenchInfo)
        assert isinstance(info, BenchInfo)

        await view.choose(
            "ConnectedDrive", "ConnectedDrive Store", RTTI, "3 months", "Checkout", "Order with"
        )
        await view.until("awaiting payment")
        await engineer.told(SmsReport)

        await engineer.coverage(there=False)
        await view.until("no network")
        paid = await asyncio.to_thread(pay_as_a_person_would, info.phone_url)
        assert "/pay/" in paid.url
        assert not paid.buttons
        await view.until("not current since", "awaiting payment")

        await engineer.coverage(there=True)
        await view.until("online", "paid")
        view.say("menu")
        await view.until("Main menu")
        await view.choose("ConnectedDrive", "ConnectedDrive Store", "Booked Services")
        await view.until(f"{RTTI}: active · ")

        client.close()
        assert await view.close() == 0
    booked = [(entry.actor, entry.state) for entry in journal_of(tmp_path) if entry.key == "RTTI"]
    assert ("car", "ACTIVE") in booked
