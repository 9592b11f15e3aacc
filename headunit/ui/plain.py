"""The display as plain lines, for pipes, screen readers and scripts. No terminal library."""

import asyncio
from collections.abc import AsyncIterator, Callable

import msgspec

from contracts.bench import AnyReport
from contracts.screen import ScreenSnapshot
from headunit.ui.bench_link import BenchHost, BenchLink
from headunit.ui.errors import BenchGoneError
from headunit.ui.handover import LocalPresenter
from headunit.ui.keys import parse_words
from headunit.ui.text import clean

HELP = "rotate N, press, left, right, up, down, back, menu, option, show, wait SECONDS, quit"
"""What plain mode understands, one per line."""


def plain_lines(screen: ScreenSnapshot) -> list[str]:
    """`screen` as lines of text; nothing is told by colour or place alone."""
    status = screen.status
    head = [
        status.clock,
        status.market,
        " > ".join(screen.path),
        f"{status.technology or 'no cell'} {status.bars}/4",
        status.data,
    ]
    if status.messages:
        head.append(f"✉ {status.messages}")
    if status.locked:
        head.append("⊘ locked")
    if status.warning:
        head.append(f"⚠ {status.warning.removeprefix('⚠').strip()}")
    lines = [" | ".join(head)]
    if screen.banner is not None:
        code = f" [{screen.banner.code}]" if screen.banner.code else ""
        lines.append(f"! {screen.banner.text}{code}")
    for index, row in enumerate(screen.rows):
        mark = ">" if index == screen.focus else " "
        lines.append(f"{mark} {row.label}" + (f": {row.value}" if row.value else ""))
    for line in screen.panel:
        if line.text or line.value:
            lines.append("  | " + ": ".join(part for part in (line.text, line.value) if part))
    if screen.freshness:
        lines.append(f"({screen.freshness})")
    return [clean(line) for line in lines]


class PlainView:
    """Writes the screen whenever more than its clock has changed; reads movements from `words`."""

    def __init__(self, presenter: LocalPresenter, write: Callable[[str], None]) -> None:
        self._write = write
        self._shown: ScreenSnapshot | None = None
        self._link = BenchLink(presenter, show=self._show, report=self._ignore)

    async def run(self, host: BenchHost, words: AsyncIterator[str]) -> int:
        """Until `quit` or the end of the input, then until the bench has done everything; 1 if it died."""
        self._show(self._link.screen)
        following = asyncio.create_task(self._link.run(host))
        reading = asyncio.create_task(self._read(words))
        try:
            await asyncio.wait((following, reading), return_when=asyncio.FIRST_COMPLETED)
            if reading.done():
                reading.result()
                return 0
            return self._say_gone(following.result())
        finally:
            for task in (following, reading):
                task.cancel()
            await asyncio.gather(following, reading, return_exceptions=True)

    async def _read(self, words: AsyncIterator[str]) -> None:
        async for line in words:
            match line.lower().split():
                case []:
                    continue
                case ["quit" | "q"]:
                    break
                case ["show"]:
                    self._shown = None
                    self._show(self._link.screen)
                case ["wait", seconds]:
                    await self._wait(seconds)
                case _:
                    event = parse_words(line)
                    if event is None:
                        self._write(f"? {clean(line.strip())}: say one of {HELP}")
                    else:
                        self._link.move(event)
        await self._link.settled()

    async def _wait(self, seconds: str) -> None:
        try:
            length_s = float(seconds)
        except ValueError:
            self._write(f"? wait {clean(seconds)}: say wait and a number of seconds")
            return
        await self._link.settled()
        await asyncio.sleep(length_s)

    def _show(self, screen: ScreenSnapshot) -> None:
        if self._shown is not None and _timeless(screen) == _timeless(self._shown):
            return
        self._shown = screen
        self._write("\n".join([*plain_lines(screen), ""]))

    def _ignore(self, report: AnyReport) -> None:
        """Plain mode is the driver's; the engineer has `--headless` and the bench channel."""

    def _say_gone(self, error: BenchGoneError) -> int:
        self._write("\n".join([f"! The bench has stopped. {error}", *error.lines]))
        if error.log:
            self._write(f"! Everything it wrote is in {error.log}")
        return 1


def _timeless(screen: ScreenSnapshot) -> ScreenSnapshot:
    status = msgspec.structs.replace(screen.status, clock="")
    return msgspec.structs.replace(screen, status=status, freshness="", events=0)
