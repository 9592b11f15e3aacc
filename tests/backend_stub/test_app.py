"""The program as a whole: over a broker, through kills, with variants of its parts."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from backend_stub.app import DATABASE, Backend, BackendConfig, empty_image
from backend_stub.domain.payment import Transaction
from backend_stub.domain.vehicle import VehicleRecord
from backend_stub.errors import BackendError, UnknownLinkError
from backend_stub.service.money.payments import Payments
from backend_stub.service.ports.due import DueKind
from backend_stub.service.unit_of_work import UnitOfWork
from backend_stub.service.validity.booking import Booking
from contracts.bench import HoldActivation, Pay, PaymentOutcome, Subscribe
from contracts.codec import decode, encode
from contracts.errors import ErrorCode
from contracts.messages import Message, OrderReply, Snapshot, SubmitOrder, SyncRequest
from contracts.topics import down_filter, parse_topic, up_topic
from runtime.bench_clock import BenchClock
from runtime.executor import InlineExecutor
from runtime.ids import SeededIds
from runtime.journal import JournalBook
from runtime.mqtt.broker.core import Broker
from runtime.mqtt.broker.server import BrokerServer
from runtime.mqtt.paho_port import PahoPort
from runtime.mqtt.port import (
    IncomingMessage,
    MqttConfig,
    MqttEvents,
    MqttPort,
    MqttPortFactory,
    OutgoingMessage,
)
from runtime.ports import Network, Runtime
from runtime.randomness import SeededRandomness
from runtime.virtual_disk import VirtualDisk
from runtime.virtual_loop import VirtualLoop
from runtime.virtual_network import VirtualNetwork
from tests.backend_stub.shop import DAY, MINUTE, NUMBER, START, VIN, Shop, lines
from tests.runtime.mqtt.scripted_broker import CONNACK, ScriptedBroker


class Road:
    """A universe with a broker, a backend and the bare MQTT session of a car."""

    def __init__(self) -> None:
        self.loop = VirtualLoop()
        self.clock = BenchClock(START, loop=self.loop)
        self.network = VirtualNetwork(self.loop)
        self.disk = VirtualDisk()
        self.disk.load(DATABASE, empty_image())
        self.book = JournalBook(self.clock.now_ms, self.loop.time_ns, keep=True)
        self.chance = SeededRandomness(7)
        self.life = 0
        self.heard: list[Message] = []
        self.programs: list[asyncio.Task[None]] = []

    def run(self, story: Coroutine[Any, Any, None]) -> None:
        try:
            self.loop.run_until_complete(story)
        finally:
            self.loop.close()
            self.disk.close()

    def port(self, network: Network) -> MqttPortFactory:
        def make(config: MqttConfig, events: MqttEvents) -> MqttPort:
            return PahoPort(config, events, network, self.chance.stream("back-off"))

        return make

    async def open(self) -> None:
        self.spawn("broker", self.serve_broker())
        self.start_backend()
        config = MqttConfig("broker", 1883, f"car-{VIN}", subscriptions=(down_filter(VIN),))
        self.car = self.port(self.network.host("car", delay_ms=50))(config, self)
        self.spawn("car", self.car.run())
        await asyncio.sleep(10)

    def spawn(self, owner: str, program: Coroutine[Any, Any, None]) -> None:
        # A loop holds its tasks weakly: who starts one keeps it.
        self.programs.append(self.loop.spawn(owner, program))

    async def serve_broker(self) -> None:
        broker = BrokerServer(Broker(), self.network.host("broker"))
        await broker.listen("broker", 1883)
        await broker.serve()

    def start_backend(self) -> None:
        self.life += 1
        network = self.network.host("backend")
        runtime = Runtime(
            clock=self.clock,
            network=network,
            executor=InlineExecutor(),
            randomness=self.chance,
            ids=SeededIds(self.chance.stream("ids")),
            disk=self.disk,
            journal=self.book.actor("backend"),
        )
        config = BackendConfig(
            vehicles=(VehicleRecord(vin=VIN, contract_number=NUMBER),), broker_host="broker", broker_port=1883
        )

        async def live() -> None:
            self.backend = Backend(runtime, config, self.port(network))
            await self.backend.run()

        self.spawn(f"backend#{self.life}", live())

    def kill_backend(self) -> None:
        owner = f"backend#{self.life}"
        self.loop.abandon(owner)
        self.network.abandon(owner)
        self.disk.kill(DATABASE)

    def send(self, message: SyncRequest | SubmitOrder) -> None:
        kind = str(message.__struct_config__.tag)
        self.car.publish(OutgoingMessage(up_topic(VIN, kind), encode(message), message.key))

    def connected(self, session_present: bool, receive_maximum: int) -> None:
        pass

    def disconnected(self, reason: str) -> None:
        pass

    def connect_failed(self, reason: str, refused: bool) -> None:
        pass

    def acknowledged(self, packet_id: int, reason_code: int) -> None:
        pass

    def received(self, message: IncomingMessage) -> None:
        self.heard.append(decode(parse_topic(message.topic).kind, message.payload))
        message.acknowledge()


def submit(key: str) -> SubmitOrder:
    return SubmitOrder(key=key, sent_at_ms=START, client_order_id="once", lines=lines("RTTI"), list_version=1)


@pytest.mark.req("R-404", "R-406")
def test_an_order_goes_over_the_broker_and_comes_back_as_a_booked_service() -> None:
    road = Road()
    passed: list[str] = []
    depths: list[int] = []

    async def story() -> None:
        await road.open()
        road.backend.on_packet(lambda way, kind, key, size: passed.append(f"{way} {kind}"))
        road.backend.on_change(lambda: depths.append(road.backend.outbox_depth))
        road.send(submit("a"))
        await asyncio.sleep(1)
        await road.backend.handle(Pay())
        await asyncio.sleep(30)
        assert road.backend.is_connected
        assert road.backend.outbox_depth == 0

    road.run(story())
    [reply] = [message for message in road.heard if isinstance(message, OrderReply)]
    assert reply.code is None
    snapshots = [message for message in road.heard if isinstance(message, Snapshot)]
    assert [view.state for view in snapshots[-1].entitlements if view.service == "RTTI"] == ["ACTIVE"]
    revisions = [snapshot.revision for snapshot in snapshots]
    assert revisions == sorted(set(revisions))
    assert passed[:2] == ["up submit-order", "down order-reply"]
    assert depths[-1] == 0


@pytest.mark.req("R-204", "R-404")
def test_nothing_is_lost_or_doubled_when_the_backend_dies_between_order_and_activation() -> None:
    road = Road()

    async def story() -> None:
        await road.open()
        road.kill_backend()
        road.send(submit("a"))
        await asyncio.sleep(5)
        road.start_backend()
        await asyncio.sleep(5)
        road.send(submit("b"))
        await asyncio.sleep(1)
        await road.backend.handle(Pay(outcome=PaymentOutcome.DUPLICATE))
        road.kill_backend()
        await asyncio.sleep(5)
        road.start_backend()
        await asyncio.sleep(60)
        audit = road.backend.audit().of_vehicle(VIN)
        assert [order.state for order in audit.orders] == ["FULFILLED"]
        assert [entry.captured_minor for entry in audit.ledger] == [15000]
        assert audit.orders[0].kept_minor == 15000
        assert road.backend.outbox_depth == 0

    road.run(story())
    replies = [message for message in road.heard if isinstance(message, OrderReply)]
    assert [reply.order.number for reply in replies if reply.order] == ["CN-000001"] * 2


def test_the_journal_says_why_there_is_no_session() -> None:
    road = Road()

    async def story() -> None:
        broker = ScriptedBroker(road.network.host("broker"), "broker", b"\x20\x03\x00\x87\x00")
        await broker.listen(1883)
        road.start_backend()
        await asyncio.sleep(10)
        broker.connack = CONNACK
        await asyncio.sleep(20)  # the next attempt is at most 16 s away, the first ping 30 s behind it
        broker.send(b"\xe0\x01\x8b")
        await asyncio.sleep(1)
        broker.stop()

    road.run(story())
    told = [(entry.state, entry.data) for entry in road.book.entries if entry.kind == "session"]
    assert told == [
        ("refused", {"reason": "Not authorized"}),
        ("up", {}),
        ("down", {"reason": "Server shutting down"}),
    ]


def test_the_same_seed_gives_the_same_journal() -> None:
    digests = []
    for _ in range(2):
        shop = Shop()
        shop.paid("RTTI", ("CONCIERGE", 12))
        shop.advance(400 * DAY)
        digests.append(shop.book.digest())
        shop.close()
    assert digests[0] == digests[1]


class ForgetfulPayments(Payments):
    """Takes every report as if it were the first."""

    def is_repeat(self, uow: UnitOfWork, key: str) -> bool:
        return False


class ForgetfulBackend(Backend):
    """A backend whose payments have no memory."""

    def make_payments(self) -> Payments:
        return ForgetfulPayments(
            self.profile, self.runtime.ids, self.book, self.booking, self.provider, self.ledger
        )


@pytest.mark.req("R-305")
def test_a_backend_without_memory_is_seen_in_its_books() -> None:
    shop = Shop(make_backend=ForgetfulBackend)
    order = shop.accepted("RTTI")
    shop.pay(order.number, PaymentOutcome.DUPLICATE)
    shop.advance(MINUTE)
    transactions = [entry.transaction_id for entry in shop.backend.audit().ledger]
    assert len(transactions) == 2
    assert transactions[0] == transactions[1]
    shop.close()


def test_a_command_that_is_not_for_the_backend_is_refused(shop: Shop) -> None:
    with pytest.raises(BackendError) as refused:
        shop.command(Subscribe())
    assert refused.value.code is ErrorCode.BAD_MESSAGE


def test_a_refused_command_changes_nothing(shop: Shop) -> None:
    shop.paid("RTTI")
    before, seen = shop.backend.audit(), len(shop.book.entries)
    with pytest.raises(BackendError):
        shop.command(Pay(order_number="CN-000001"))
    assert shop.backend.audit() == before
    assert len(shop.book.entries) == seen


def test_a_cars_record_can_change_without_new_standard_services(shop: Shop) -> None:
    before = shop.backend.audit()
    shop.config = BackendConfig(vehicles=(VehicleRecord(vin=VIN, contract_number="15900000002"),))
    shop.restart_after(MINUTE)
    assert shop.backend.audit() == before
    assert shop.accepted("RTTI").sms_number == "159****0002"


def test_a_due_time_that_a_rule_refuses_is_noted_and_the_others_go_on() -> None:
    class Picky(Booking):
        def overdue(self, uow: UnitOfWork, entitlement_id: int) -> None:
            uow.record("alarm", "must not", "be seen")
            raise BackendError(ErrorCode.INVALID_STATE, "not today")

    class PickyBackend(Backend):
        def make_booking(self) -> Booking:
            return Picky(self.profile, self.book, self.config.activation_delay_ms)

    shop = Shop(make_backend=PickyBackend)
    shop.command(HoldActivation(held=True))
    shop.paid("RTTI")
    shop.accepted("CONCIERGE")
    shop.advance(2 * DAY)
    assert ("activation-overdue", "INVALID_STATE") in shop.journal("due")
    assert shop.journal("alarm") == []
    assert [order.state for order in shop.backend.audit().orders] == ["PAID", "CANCELLED"]
    shop.close()


def test_due_times_of_what_is_no_more_do_nothing(shop: Shop) -> None:
    shop.paid("RTTI")
    shop.advance(MINUTE)
    before = shop.backend.audit()
    for kind, key in (
        (DueKind.ACTIVATION, "4"),
        (DueKind.ACTIVATION, "99"),
        (DueKind.ACTIVATION_OVERDUE, "4"),
        (DueKind.ENTITLEMENT_END, "99"),
        (DueKind.ORDER_TIMEOUT, "CN-000001"),
        (DueKind.CANCEL_SETTLED, "CN-000009"),
        (DueKind.PROVIDER_QUERY, "unknown"),
        (DueKind.PROVIDER_REPORT, "unknown/0"),
        (DueKind.SMS_ARRIVAL, "1"),
    ):
        with shop.backend.store.transaction():
            shop.backend.store.due.put(kind, key, shop.now)
    shop.sync()
    due = shop.backend.store.due.earliest()
    assert due is not None
    assert due.due_ms > shop.now
    assert shop.backend.audit() == before
    assert len(shop.phone) == 1


def test_a_report_of_no_session_is_refused(shop: Shop) -> None:
    stray = Transaction(transaction_id="x", session="nobody", captured_minor=1, currency="CNY", at_ms=1)
    with pytest.raises(UnknownLinkError):
        shop.report(stray)
    with pytest.raises(UnknownLinkError):
        shop.decide("nobody", PaymentOutcome.APPROVE)
