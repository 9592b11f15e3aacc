"""A backend that dies when it has committed an order and told nobody: its next life tells."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from backend_stub.app import Backend, BackendConfig
from backend_stub.domain.vehicle import VehicleRecord
from contracts.codec import encode
from contracts.messages import Line, OrderReply, OrderState, SubmitOrder
from contracts.topics import up_topic
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
from tests.headunit.services.one_car import START_MS

ORDER = SubmitOrder(
    key="press-1", sent_at_ms=START_MS, client_order_id="press-1", lines=(Line("RTTI", 3),), list_version=1
)


class OneBackend:
    """A backend over fake ports, life after life."""

    def __init__(self) -> None:
        self.loop = VirtualLoop()
        clock = BenchClock(START_MS, loop=self.loop)
        randomness = SeededRandomness(1)
        self.disk = VirtualDisk()
        self.runtime = Runtime(
            clock=clock,
            network=VirtualNetwork(self.loop).host("backend"),
            executor=InlineExecutor(),
            randomness=randomness,
            ids=SeededIds(randomness.stream("ids")),
            disk=self.disk,
            journal=JournalBook(clock.now_ms, clock.transport_ns).actor("backend"),
        )
        self.ports = FakePorts()
        self.backend: Backend
        self._lives = 0

    @property
    def port(self) -> FakePort:
        """The port of the present life."""
        return self.ports.made[-1]

    def live(self, story: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Let `story` happen."""

        async def main() -> None:
            try:
                await story()
            finally:
                self.die()

        self.loop.run_until_complete(main())
        self.loop.close()

    async def start(self) -> None:
        """Begin a life."""
        self._lives += 1

        async def life() -> None:
            car = VehicleRecord(vin=VIN, model="320Li", contract_number="13800000001")
            self.backend = Backend(self.runtime, BackendConfig(vehicles=(car,)), self.ports)
            await self.backend.run()

        self.loop.spawn(f"backend#{self._lives}", life())
        await self.turn()

    def die(self, *, power_cut: bool = False) -> None:
        """End the present life."""
        self.loop.abandon(f"backend#{self._lives}")
        if power_cut:
            self.disk.power_cut("backend")
        else:
            self.disk.kill("backend")

    async def turn(self) -> None:
        """Let everything that is ready happen, at this instant."""
        for _ in range(4):
            await asyncio.sleep(0)

    def order(self) -> bool:
        """The car's order arrives; returns whether it was acknowledged."""
        return self.port.deliver_raw(up_topic(VIN, "submit-order"), encode(ORDER), ORDER.key)

    def replies(self) -> list[OrderReply]:
        """Unacknowledged answers."""
        return [m for m in self.port.sent("order-reply") if isinstance(m, OrderReply)]


@pytest.mark.req("R-204")
@pytest.mark.parametrize("power_cut", [False, True])
def test_the_answer_is_published_by_the_next_life(power_cut: bool) -> None:
    bench = OneBackend()

    async def story() -> None:
        await bench.start()
        bench.port.connect()
        bench.port.acknowledge_all()  # the snapshot of a car that is new here
        assert bench.order()
        assert bench.port.published == []  # committed and acknowledged; the loop has not turned yet
        bench.die(power_cut=power_cut)
        await bench.start()
        assert [o.state for o in bench.backend.audit().orders] == [OrderState.AWAITING_PAYMENT]
        bench.port.connect()
        await bench.turn()
        (reply,) = bench.replies()
        assert (reply.request_key, reply.code) == ("press-1", None)
        assert len(bench.port.sent("snapshot")) == 1

    bench.live(story)


@pytest.mark.req("R-204")
def test_an_order_that_was_not_acknowledged_comes_again_and_is_answered_the_same() -> None:
    bench = OneBackend()

    async def story() -> None:
        await bench.start()
        bench.port.connect()
        bench.order()
        await bench.turn()
        (first,) = bench.replies()
        bench.port.acknowledge_all()
        bench.die()
        await bench.start()
        bench.port.connect()
        assert bench.order()
        await bench.turn()
        assert bench.replies() == [first]
        assert len(bench.backend.audit().orders) == 1

    bench.live(story)
