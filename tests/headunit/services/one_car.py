"""A car's session in virtual time, with a disk that outlives it, and everything it tells the car."""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import copy_context
from typing import Any

from contracts.messages import (
    CancelOrder,
    Catalogue,
    Disturbance,
    Line,
    OrderReply,
    OrderState,
    OrderView,
    PricedLine,
    Snapshot,
    SubmitOrder,
)
from headunit.services.car_store import SentRequest
from headunit.services.session import Session
from runtime.bench_clock import BenchClock
from runtime.executor import InlineExecutor
from runtime.ids import SeededIds
from runtime.journal import JournalBook
from runtime.ports import Runtime
from runtime.randomness import SeededRandomness
from runtime.virtual_disk import VirtualDisk
from runtime.virtual_loop import VirtualLoop
from runtime.virtual_network import VirtualNetwork
from tests.headunit.services.fake_port import VIN, FakePort, FakePorts

START_MS = 1_772_436_000_000
RTTI = Line("RTTI", 3)


class Heard:
    """A `SessionListener` that remembers."""

    def __init__(self) -> None:
        self.sessions: list[bool] = []
        self.catalogues: list[Catalogue] = []
        self.snapshots: list[tuple[int, bool]] = []
        self.answers: list[OrderReply] = []
        self.lost: list[SentRequest] = []
        self.disturbances: list[Disturbance] = []
        self.depths: list[int] = []
        self.packets: list[tuple[str, str]] = []

    def session_changed(self, up: bool) -> None:
        """See SessionListener."""
        self.sessions.append(up)

    def catalogue_arrived(self, catalogue: Catalogue) -> None:
        """See SessionListener."""
        self.catalogues.append(catalogue)

    def snapshot_arrived(self, snapshot: Snapshot, fresh: bool) -> None:
        """See SessionListener."""
        self.snapshots.append((snapshot.revision, fresh))

    def answered(self, request: SentRequest, reply: OrderReply) -> None:
        """See SessionListener."""
        self.answers.append(reply)

    def came_to_nothing(self, request: SentRequest) -> None:
        """See SessionListener."""
        self.lost.append(request)

    def disturbance_announced(self, disturbance: Disturbance) -> None:
        """See SessionListener."""
        self.disturbances.append(disturbance)

    def outbox_changed(self, depth: int) -> None:
        """See SessionListener."""
        self.depths.append(depth)

    def packet_seen(self, way: str, kind: str, key: str, size: int) -> None:
        """See SessionListener."""
        self.packets.append((way, kind))


class OneCar:
    """The session of one car, life after life."""

    def __init__(self) -> None:
        self.loop = VirtualLoop()
        self.clock = BenchClock(START_MS, loop=self.loop)
        self.disk = VirtualDisk()
        self.book = JournalBook(self.clock.now_ms, self.clock.transport_ns, keep=True)
        randomness = SeededRandomness(1)
        self.runtime = Runtime(
            clock=self.clock,
            network=VirtualNetwork(self.loop).host("car"),
            executor=InlineExecutor(),
            randomness=randomness,
            ids=SeededIds(randomness.stream("ids")),
            disk=self.disk,
            journal=self.book.actor("car"),
        )
        self.ports = FakePorts()
        self.heard = Heard()
        self.session: Session
        self._lives = 0
        self._life = copy_context()

    @property
    def port(self) -> FakePort:
        """The port of the present life."""
        return self.ports.made[-1]

    def live(self, story: Callable[["OneCar"], Coroutine[Any, Any, None]]) -> None:
        """Let the car live while `story` happens to it."""

        async def main() -> None:
            await self.start()
            try:
                await story(self)
            finally:
                self.die()

        self.loop.run_until_complete(main())
        self.loop.close()

    async def start(self) -> None:
        """Begin a life."""
        self._lives += 1
        self.heard = Heard()

        async def life() -> None:
            self._life = copy_context()
            self.session = Session(self.runtime, VIN, ("broker", 1883), self.ports, self.heard)
            await self.session.run()

        self.loop.spawn(f"car#{self._lives}", life())
        await self.turn()

    def die(self, *, power_cut: bool = False) -> None:
        """End the present life without a farewell."""
        self.loop.abandon(f"car#{self._lives}")
        if power_cut:
            self.disk.power_cut("car")
        else:
            self.disk.kill("car")

    async def turn(self) -> None:
        """Let everything that is ready happen, at this instant."""
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def online(self) -> None:
        """The road is there, the first synchronisation is answered, and nothing waits."""
        self.port.connect()
        await self.turn()
        self.port.deliver(catalogue())
        self.port.deliver(self.snapshot(1))
        self.port.acknowledge_all()

    async def at(self, ms: int) -> None:
        """Wait until `ms` after the start, and let what is due then happen."""
        await self.clock.sleep_until(START_MS + ms)
        await self.turn()

    def order(self) -> SentRequest:
        """The driver presses Order. Raises NotOnlineError."""

        def make(key: str, sent_at_ms: int) -> SubmitOrder:
            return SubmitOrder(
                key=key, sent_at_ms=sent_at_ms, client_order_id=key, lines=(RTTI,), list_version=1
            )

        return self._life.run(self.session.send_request, make)

    def cancel(self, number: str) -> SentRequest:
        """The driver cancels an order. Raises NotOnlineError."""

        def make(key: str, sent_at_ms: int) -> CancelOrder:
            return CancelOrder(key=key, sent_at_ms=sent_at_ms, order_number=number)

        return self._life.run(self.session.send_request, make)

    def synchronise(self) -> None:
        """The driver asks for what is new."""
        self._life.run(self.session.request_sync)

    def snapshot(self, revision: int, *orders: OrderView, sent_at_ms: int | None = None) -> Snapshot:
        """What the backend says about the car, now unless told."""
        return Snapshot(
            key=f"snapshot-{revision}-{self.clock.now_ms()}-{len(orders)}",
            sent_at_ms=self.clock.now_ms() if sent_at_ms is None else sent_at_ms,
            revision=revision,
            entitlements=(),
            orders=orders,
        )

    def written(self, kind: str) -> list[tuple[str, str]]:
        """What the journal has of `kind`."""
        return [(e.key, e.state) for e in self.book.entries if e.kind == kind]


def live(story: Callable[[OneCar], Coroutine[Any, Any, None]]) -> OneCar:
    """Let a new car live through `story`."""
    car = OneCar()
    car.live(story)
    return car


def catalogue(key: str = "catalogue-1", list_version: int = 1) -> Catalogue:
    """A store with nothing in it."""
    return Catalogue(
        key=key,
        sent_at_ms=START_MS,
        list_version=list_version,
        market="CN",
        currency="CNY",
        products=(),
        support="10101018",
        hotline="10101018",
        disturbance_line="400-800-6666",
    )


def placed(request: SentRequest, number: str = "CN-000001") -> OrderView:
    """The order that a request has become."""
    return OrderView(
        number=number,
        client_order_id=request.client_order_id,
        version=1,
        state=OrderState.AWAITING_PAYMENT,
        lines=(PricedLine("RTTI", 3, 15000),),
        amount_minor=15000,
        currency="CNY",
        accepted_at_ms=START_MS,
        deadline_ms=START_MS + 86_400_000,
    )


def reply(request: SentRequest, key: str = "reply-1", **fields: Any) -> OrderReply:
    """The backend's answer to a request."""
    return OrderReply(key=key, sent_at_ms=START_MS, request_key=request.key, **fields)
