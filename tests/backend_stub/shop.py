"""A backend without a road to its cars, on a virtual loop: messages go in by hand and out of its outbox."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from backend_stub.app import DATABASE, Backend, BackendConfig, empty_image
from backend_stub.domain.payment import Transaction
from backend_stub.domain.vehicle import VehicleRecord
from backend_stub.service.audit import EntitlementAudit, OrderAudit
from backend_stub.service.ports.messages import Sms
from backend_stub.service.ports.provider import ProviderReport
from contracts.bench import Command, Pay, PaymentOutcome
from contracts.codec import decode, encode, kind_of
from contracts.errors import ErrorCode
from contracts.messages import (
    CancelOrder,
    Catalogue,
    EntitlementView,
    Line,
    Message,
    ModifyOrder,
    OrderReply,
    OrderView,
    Snapshot,
    SubmitOrder,
    SyncRequest,
)
from contracts.topics import parse_topic, up_topic
from runtime.bench_clock import BenchClock
from runtime.errors import NotConnectedError
from runtime.executor import InlineExecutor
from runtime.ids import SeededIds
from runtime.journal import JournalBook
from runtime.mqtt.port import (
    IncomingMessage,
    MqttConfig,
    MqttEvents,
    MqttPort,
    MqttPortFactory,
    OutgoingMessage,
)
from runtime.ports import Runtime
from runtime.randomness import SeededRandomness
from runtime.virtual_disk import VirtualDisk
from runtime.virtual_loop import VirtualLoop
from runtime.virtual_network import VirtualNetwork
from tests.backend_stub import shop_database
from tests.backend_stub.shop_database import ShopDatabase

T = TypeVar("T")
VIN = "WBATEST0000000001"
NUMBER = "13800000001"
SHANGHAI = ZoneInfo("Asia/Shanghai")

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

MakeBackend = Callable[[Runtime, BackendConfig, MqttPortFactory], Backend]


def shanghai(text: str) -> int:
    """UTC milliseconds of a wall-clock time in China: "2015-05-01 10:00"."""
    at = datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)
    return (at - datetime(1970, 1, 1, tzinfo=ZoneInfo("UTC"))) // timedelta(milliseconds=1)


START = shanghai("2026-05-01 10:00")


class NoRoad:
    """An MQTT port that never gets a connection."""

    is_connected = False

    def publish(self, message: OutgoingMessage) -> int:
        raise NotConnectedError("there is no road here")

    async def run(self) -> None:
        await asyncio.Event().wait()

    def stop(self) -> None:
        pass

    def reset_back_off(self) -> None:
        pass


def no_road(config: MqttConfig, events: MqttEvents) -> MqttPort:
    """A port factory for a backend alone."""
    return NoRoad()


class Sent(NamedTuple):
    """A message that waits in the backend's outbox."""

    message: Message
    packet: OutgoingMessage


class Shop:
    """One backend and what a test can do with it. Instants and spans are milliseconds."""

    def __init__(
        self,
        start_ms: int = START,
        *,
        config: BackendConfig | None = None,
        make_backend: MakeBackend = Backend,
        database: ShopDatabase | None = None,
    ) -> None:
        self.loop = VirtualLoop()
        self.clock = BenchClock(start_ms, loop=self.loop)
        self.disk = VirtualDisk()
        self.disk.load(DATABASE, empty_image())
        self.book = JournalBook(self.clock.now_ms, self.loop.time_ns, keep=True)
        self.randomness = SeededRandomness("shop")
        self._database = database or shop_database.make()
        self.config = config or BackendConfig(
            vehicles=(VehicleRecord(vin=VIN, contract_number=NUMBER),),
            public_url="http://127.0.0.1:8080",
        )
        self._make_backend = make_backend
        self._keys = 0
        self._life = 0
        self.phone: list[Sms] = []
        self.start()

    def close(self) -> None:
        self._database.close(self._leave)
        self.disk.close()
        self.loop.close()

    def start(self) -> None:
        """The backend begins a life on its disk."""
        self._life += 1
        runtime = Runtime(
            clock=self.clock,
            network=VirtualNetwork(self.loop).host("backend"),
            executor=InlineExecutor(),
            randomness=self.randomness,
            ids=SeededIds(self.randomness.stream("ids")),
            disk=self.disk,
            journal=self.book.actor("backend"),
        )

        async def live() -> None:
            config = replace(self.config, database=self._database.url)
            self.backend = self._make_backend(runtime, config, no_road)
            self.backend.on_sms(self.phone.append)
            await self.backend.run()

        self.program = self.loop.spawn(f"backend#{self._life}", live())
        self._settle()
        if self.program.done():
            self.program.result()

    def kill(self) -> None:
        """The backend stops without a farewell."""
        self.loop.abandon(f"backend#{self._life}")
        self._leave()
        self.disk.kill(DATABASE)

    def _leave(self) -> None:
        """A server would not know that its client is dead."""
        self.backend.store.abandon()

    def restart_after(self, span_ms: int) -> None:
        """Kill the backend and start it again `span_ms` later."""
        self.kill()
        self.advance(span_ms)
        self.start()

    def run(self, story: Coroutine[Any, Any, T]) -> T:
        """The result of `story` on the backend's loop."""
        return self.loop.run_until_complete(story)

    def advance(self, span_ms: int) -> None:
        """Let bench time pass; everything due on the way happens at its instant."""

        async def go() -> None:
            self.clock.jump(span_ms)
            await self.clock.settled()

        self.run(go())
        self._settle()

    def advance_to(self, instant_ms: int) -> None:
        """Let bench time pass until `instant_ms`."""
        self.advance(instant_ms - self.now)

    def _settle(self) -> None:
        async def turn() -> None:
            for _ in range(5):
                await asyncio.sleep(0)

        self.run(turn())

    @property
    def now(self) -> int:
        return self.clock.now_ms()

    # The car

    def key(self) -> str:
        """A new idempotency key."""
        self._keys += 1
        return f"key-{self._keys}"

    def give(self, message: Message, *, vin: str = VIN, **packet: Any) -> list[Sent]:
        """Hand a message of the car to the backend; returns what it puts into the outbox."""
        return self.give_bytes(up_topic(vin, kind_of(message)), encode(message), key=message.key, **packet)

    def give_bytes(
        self,
        topic: str,
        payload: bytes,
        *,
        key: str = "",
        traceparent: str = "",
        expiry_s: int | None = None,
        response_topic: str = "",
        correlation_data: bytes = b"",
    ) -> list[Sent]:
        before = self.last_seq()
        incoming = IncomingMessage(
            topic=topic,
            payload=payload,
            key=key,
            traceparent=traceparent,
            expiry_s=expiry_s,
            response_topic=response_topic,
            correlation_data=correlation_data,
            duplicate=False,
            retained=False,
            acknowledge=lambda: None,
        )

        async def receive() -> None:
            self.backend.receive(incoming)

        self.run(receive())
        return self.sent(before)

    def submit(
        self,
        *services: str | tuple[str, int],
        client_order_id: str = "",
        list_version: int | None = None,
        **wishes: Any,
    ) -> OrderReply:
        """The car orders services, for three months unless said otherwise."""
        key = self.key()
        prices = self.backend.store.prices.current()
        assert prices is not None
        return self.reply(
            SubmitOrder(
                key=key,
                sent_at_ms=self.now,
                client_order_id=client_order_id or f"order of {key}",
                lines=lines(*services),
                list_version=prices.version if list_version is None else list_version,
                **wishes,
            )
        )

    def modify(self, order: OrderView, *services: str | tuple[str, int], version: int = 0) -> OrderReply:
        """The car gives an order other lines."""
        return self.reply(
            ModifyOrder(
                key=self.key(),
                sent_at_ms=self.now,
                order_number=order.number,
                order_version=version or self.view(order.number).version,
                lines=lines(*services),
            )
        )

    def cancel(self, number: str) -> OrderReply:
        """The car cancels an order."""
        return self.reply(CancelOrder(key=self.key(), sent_at_ms=self.now, order_number=number))

    def reply(self, request: Message, **packet: Any) -> OrderReply:
        """The backend's answer to a request about an order."""
        replies = [sent.message for sent in self.give(request, **packet)]
        [reply] = [message for message in replies if isinstance(message, OrderReply)]
        assert reply.request_key == request.key
        return reply

    def accepted(self, *services: str | tuple[str, int], **wishes: Any) -> OrderView:
        """An order the backend has accepted."""
        reply = self.submit(*services, **wishes)
        assert reply.code is None, reply
        assert reply.order is not None
        return reply.order

    def refused(self, *services: str | tuple[str, int], **wishes: Any) -> ErrorCode:
        """The code with which the backend refuses an order; it must not have changed anything."""
        before = self.backend.audit()
        reply = self.submit(*services, **wishes)
        assert reply.code is not None
        assert self.backend.audit() == before
        return reply.code

    def sync(self) -> tuple[Catalogue, Snapshot]:
        """What the backend answers when the car synchronises."""
        catalogue, snapshot = (
            sent.message for sent in self.give(SyncRequest(key=self.key(), sent_at_ms=self.now))
        )
        assert isinstance(catalogue, Catalogue)
        assert isinstance(snapshot, Snapshot)
        return catalogue, snapshot

    # The payer and the bench

    def command(self, command: Command) -> None:
        """A bench command."""
        self.run(self.backend.handle(command))
        self._settle()

    def pay(
        self, number: str = "", outcome: PaymentOutcome = PaymentOutcome.APPROVE, delay_ms: int = 0
    ) -> None:
        """The payer pays."""
        self.command(Pay(order_number=number, outcome=outcome, delay_ms=delay_ms))

    def open_session(self, number: str, provider: str = "AliPay") -> str:
        """The payer goes to a provider and does nothing there yet."""

        async def open_it() -> str:
            with self.backend.change() as uow:
                order = self.backend.store.orders.get(number)
                assert order is not None
                return self.backend.payments.open_session(uow, order, provider)

        return self.run(open_it())

    def decide(self, session: str, outcome: PaymentOutcome, delay_ms: int = 0) -> None:
        """The payer decides at the provider's."""

        async def decide() -> None:
            with self.backend.change() as uow:
                self.backend.payments.decide(uow, session, outcome, delay_ms)

        self.run(decide())
        self._settle()

    def report(self, transaction: Transaction, declined: bool = False) -> None:
        """A provider says something of its own accord."""

        async def report() -> None:
            with self.backend.change() as uow:
                self.backend.payments.report(uow, ProviderReport(transaction, declined))

        self.run(report())

    def paid(self, *services: str | tuple[str, int]) -> str:
        """Number of an order that has just been paid."""
        order = self.accepted(*services)
        self.pay(order.number)
        return order.number

    # What there is

    def last_seq(self) -> int:
        entries = self.backend.store.outbox.pending(0, 1_000_000)
        return entries[-1].seq if entries else 0

    def sent(self, after_seq: int = 0) -> list[Sent]:
        """What waits in the outbox."""
        return [
            Sent(decode(parse_topic(entry.message.topic).kind, entry.message.payload), entry.message)
            for entry in self.backend.store.outbox.pending(after_seq, 1_000_000)
        ]

    def snapshots(self) -> list[Snapshot]:
        """Every snapshot sent so far."""
        return [sent.message for sent in self.sent() if isinstance(sent.message, Snapshot)]

    def order(self, number: str) -> OrderAudit:
        """An order in the books."""
        [order] = [order for order in self.backend.audit().orders if order.number == number]
        return order

    def view(self, number: str) -> OrderView:
        """An order as the newest snapshot shows it."""
        [order] = [order for order in self.snapshots()[-1].orders if order.number == number]
        return order

    def booked(self, service: str) -> EntitlementView:
        """A service as the newest snapshot shows it."""
        [view] = [each for each in self.snapshots()[-1].entitlements if each.service == service]
        return view

    def entitlements(self, service: str) -> tuple[EntitlementAudit, ...]:
        """Every entitlement to a service in the books."""
        return tuple(each for each in self.backend.audit().entitlements if each.service == service)

    def journal(self, kind: str) -> list[tuple[str, str]]:
        """Key and state of what was journalled."""
        return [(entry.key, entry.state) for entry in self.book.entries if entry.kind == kind]


def lines(*services: str | tuple[str, int]) -> tuple[Line, ...]:
    """Lines for a request, three months unless said otherwise."""
    return tuple(Line(each, 3) if isinstance(each, str) else Line(*each) for each in services)
