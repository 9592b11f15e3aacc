"""Two hosts of a virtual network for tests, with a link or a wire between them."""

import asyncio
from collections.abc import Awaitable, Callable

from contracts.link import LinkConditions, LinkModel
from runtime.link_driver import LinkDriver
from runtime.ports import Stream
from runtime.virtual_loop import VirtualLoop
from runtime.virtual_network import VirtualNetwork
from runtime.virtual_stream import VirtualStream

PORT = 1883
MS = 1_000_000


class Bench:
    """A car with a link, a backend, and the hand that kills them. Times are since the start, in ms."""

    def __init__(self, link: LinkModel | None = None, *, delay_ms: float = 0.0) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        self.loop = loop
        self.network = VirtualNetwork(loop)
        self.car = self.network.host("car", link=link, delay_ms=delay_ms)
        self.backend = self.network.host("backend")
        self.link = link
        self.start_ns = loop.time_ns()
        self.accepted: asyncio.Queue[VirtualStream] = asyncio.Queue()

    @property
    def now_ms(self) -> float:
        return (self.loop.time_ns() - self.start_ns) / MS

    @property
    def driver(self) -> LinkDriver:
        assert self.link is not None
        return self.network.driver(self.link)

    def accept(self, stream: Stream) -> None:
        assert isinstance(stream, VirtualStream)
        self.accepted.put_nowait(stream)

    async def listen(self) -> None:
        await self.backend.listen("", PORT, self.accept)

    async def connected(self) -> tuple[VirtualStream, VirtualStream]:
        await self.listen()
        opened = await self.car.connect("backend", PORT, timeout_s=5.0)
        return opened, await self.accepted.get()

    def coverage(self, *changes_ms: float) -> None:
        """The link goes down at the first instant, up at the second, down at the third…"""
        for number, at_ms in enumerate(changes_ms):
            conditions = LinkConditions(up=bool(number % 2), delay_up_ms=10.0, delay_down_ms=10.0)
            self.loop.call_at_ns(self.start_ns + round(at_ms * MS), self.driver.set_conditions, conditions)

    def kill(self, owner: str, *, power_cut: bool = False) -> None:
        self.loop.abandon(owner)
        self.network.abandon(owner, power_cut=power_cut)


def play(story: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await story()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(main())
