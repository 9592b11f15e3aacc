"""The backend program: store, services, due times and the MQTT session put together."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from backend_stub.domain.calendar import SECOND_MS
from backend_stub.domain.market import MarketProfile, profile_of
from backend_stub.domain.vehicle import VehicleRecord
from backend_stub.errors import BackendError, StoreError
from backend_stub.service.acts import Acts
from backend_stub.service.audit import BackendAudit, audit
from backend_stub.service.data_flow import DataDesk, DataLedger
from backend_stub.service.desk import Desk, act_name
from backend_stub.service.due import DueHandler, Scheduler
from backend_stub.service.gateway import Gateway, SmsListener
from backend_stub.service.intake import Intake
from backend_stub.service.money.callbacks import Callbacks
from backend_stub.service.money.invoices import Invoices
from backend_stub.service.money.payment_desk import PaymentDesk
from backend_stub.service.money.payments import Payments
from backend_stub.service.money.payout import Payouts
from backend_stub.service.money.refund_book import RefundBook
from backend_stub.service.money.refunds import Refunds
from backend_stub.service.ordering.messages import PaymentMessages
from backend_stub.service.ordering.order_book import OrderBook
from backend_stub.service.ordering.orders import Orders
from backend_stub.service.ordering.product_range import ProductRange
from backend_stub.service.people.passwords import Ahead, Passwords
from backend_stub.service.people.portal_access import PortalAccess
from backend_stub.service.people.portal_desk import make_portal_desk
from backend_stub.service.ports.accounts import PasswordHasher
from backend_stub.service.ports.due import DueKind
from backend_stub.service.registry import Registry
from backend_stub.service.session_watch import PacketListener, SessionWatch
from backend_stub.service.unit_of_work import Transactions, UnitOfWork
from backend_stub.service.validity.booking import Booking
from backend_stub.service.validity.dealer import Dealer
from backend_stub.service.validity.ends import Ends
from backend_stub.service.validity.notices import Notices
from backend_stub.service.validity.renewals import Renewals
from backend_stub.service.validity.subscription import SubscriptionListener, Subscriptions
from backend_stub.service.validity.suspension import Suspension
from backend_stub.service.views import Snapshots
from contracts.bench import Command
from contracts.modem import SimState
from runtime.ids import SeededIds
from runtime.mqtt.port import IncomingMessage, MqttPortFactory
from runtime.ports import Ids, Runtime

if TYPE_CHECKING:
    from backend_stub.adapters.mqtt_endpoint import MqttEndpoint
    from backend_stub.adapters.payment_provider import ScriptedProvider
    from backend_stub.adapters.sql_store import SqlStore

DATABASE = "backend"
"""The backend's database on its disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendConfig:
    """What one backend is for.

    `activation_delay_ms` is how long after capture a paid service is activated (R-401); `public_url`
    is the root of payment links, without a slash at its end; `database` is a postgresql:// URL, "" for a
    SQLite database on the program's disk; `cancellation_fee_minor` is what ending a service by telephone
    costs (R-512, D-26).
    """

    market: str = "CN"
    vehicles: tuple[VehicleRecord, ...] = ()
    broker_host: str = "127.0.0.1"
    broker_port: int = 1883
    activation_delay_ms: int = 20 * SECOND_MS
    public_url: str = "http://127.0.0.1"
    database: str = ""
    cancellation_fee_minor: int = 0


class Backend:
    """One backend. Its parts come from `make_…` methods, so that a rig can put in a variant of one.

    Use: construct on the running event loop, `await run()`; bench commands through `handle`.
    """

    def __init__(self, runtime: Runtime, config: BackendConfig, make_port: MqttPortFactory) -> None:
        self.runtime = runtime
        self.config = config
        self._context = copy_context()
        self.profile: MarketProfile = replace(
            profile_of(config.market), cancellation_fee_minor=config.cancellation_fee_minor
        )
        self.public_url = config.public_url
        self.store = self.make_store()
        self.provider = self.make_provider()
        self.snapshots = Snapshots(self.store, runtime.ids, self.profile)
        self.transactions = Transactions(self.store, runtime.ids, runtime.journal, self.snapshots)
        self.access = PortalAccess(self.profile)
        self.book = self.make_order_book()
        self.booking = self.make_booking()
        self.ledger = DataLedger(self.profile)
        self.gateway = Gateway(self.profile, self.ledger)
        self.messages = self.make_messages()
        self.orders = self.make_orders()
        self.payments = self.make_payments()
        self.subscriptions = Subscriptions()
        self.booking.on_ended(self.subscriptions.service_ended)
        self.registry = Registry(self.profile, self.booking, self.subscriptions)
        self.data_desk = DataDesk(self.ledger, self.registry)
        self.renewals = Renewals(self.profile, self.access, self.orders, self.payments, self.booking)
        account_ids = SeededIds(runtime.randomness.stream("accounts"))
        self.passwords = Passwords(self.make_hasher(account_ids), runtime.executor, self.store.accounts)
        self.portal = make_portal_desk(
            self.profile,
            account_ids,
            self.passwords,
            self.gateway,
            self.portal_of,
            self.access,
            self.registry,
            self.book,
            self.orders,
            self.renewals,
        )
        self.dealer = Dealer(
            self.profile, self.registry, self.booking, self.subscriptions, self.portal.accounts
        )
        self.suspension = Suspension(self.registry, self.booking, self.subscriptions)
        self.ends = Ends(self.profile, self.registry, self.booking, self.access)
        self.notices = Notices(self.profile, self.registry, self.booking, self.subscriptions)
        self.payment_desk = PaymentDesk(self.profile, self.book, self.payments, self.messages)
        self.invoices = Invoices(self.profile, self.book)
        self.payments.on_paid(self.invoices.issue)
        self.payouts = Payouts(self.profile)
        self.callbacks = Callbacks(runtime.ids, self.book, self.payments, self.payouts)
        refund_book = RefundBook(self.profile, self.book, self.booking, self.payouts)
        self.refunds = Refunds(self.profile, self.book, refund_book, self.payouts)
        self.notices.on_provider_end(self.refunds.provider_ended)
        self.range = ProductRange(self.profile, runtime.ids, self.access, self.notices, self.renewals)
        self.desk = Desk(self.payments, self.booking, self.messages, self.registry, self.acts())
        self.intake = self.make_intake()
        self.scheduler = Scheduler(runtime.clock, self.transactions, self.due_handlers())
        self.watch = SessionWatch(runtime.journal)
        self.endpoint = self._make_endpoint(make_port)
        self.transactions.on_commit(self.endpoint.wake)
        with self.transactions.begin(runtime.clock.now_ms()) as uow:
            self.callbacks.share_key(uow)
            self.registry.register(uow, config.vehicles)
            self.portal.links.settle(uow, config.vehicles)

    # Parts

    def make_store(self) -> "SqlStore":
        """The store on this program's disk, or on a server. Raises StoreError."""
        from backend_stub.adapters.sql_store import SqlStore

        if self.config.database:
            from backend_stub.adapters.database_url import DatabaseUrl

            return SqlStore(DatabaseUrl.parse(self.config.database))
        # Not a lambda over self: SQLAlchemy's finalizers hold whatever connects, and with it a whole world.
        return SqlStore(partial(self.runtime.disk.connect, DATABASE))

    def make_provider(self) -> "ScriptedProvider":
        """The payment provider."""
        from backend_stub.adapters.payment_provider import ScriptedProvider

        return ScriptedProvider(self.store.sql)

    def make_hasher(self, ids: Ids) -> PasswordHasher:
        """What hashes passwords: soundly in real time, lightly where the loop itself does the work."""
        from backend_stub.adapters.password_hasher import LIGHT, SOUND, Argon2Hasher

        return Argon2Hasher(ids, LIGHT if self.runtime.executor.is_inline else SOUND)

    def make_order_book(self) -> OrderBook:
        """The order table at work."""
        return OrderBook()

    def make_booking(self) -> Booking:
        """The entitlement table at work."""
        return Booking(self.profile, self.book, self.config.activation_delay_ms)

    def make_messages(self) -> PaymentMessages:
        """The payment links' way to a phone."""
        return PaymentMessages(self.profile, self.link_of, self.gateway)

    def make_orders(self) -> Orders:
        """What drivers can do with orders."""
        return Orders(self.profile, self.runtime.ids, self.book, self.messages, self.ledger)

    def make_payments(self) -> Payments:
        """The payment platform."""
        return Payments(self.profile, self.runtime.ids, self.book, self.booking, self.provider, self.ledger)

    def make_intake(self) -> Intake:
        """What serves messages from cars."""
        return Intake(self.runtime.ids, self.orders, self.snapshots)

    def acts(self) -> tuple[Acts, ...]:
        """What people can do here, service by service."""
        return (
            self.registry.acts(),
            *self.portal.acts(),
            self.renewals.acts(),
            self.data_desk.acts(),
            self.dealer.acts(),
            self.suspension.acts(),
            self.ends.acts(),
            self.notices.acts(),
            self.range.acts(),
            self.payment_desk.acts(),
            self.invoices.acts(),
            self.payouts.acts(),
            self.refunds.acts(),
            self.callbacks.acts(),
        )

    def due_handlers(self) -> dict[DueKind, DueHandler]:
        """Who acts when something is due."""
        book, booking, payments = self.book, self.booking, self.payments
        return {
            DueKind.ORDER_TIMEOUT: book.time_out,
            DueKind.CANCEL_SETTLED: book.settle_cancellation,
            DueKind.ACTIVATION: lambda uow, key: booking.activate(uow, int(key)),
            DueKind.ACTIVATION_OVERDUE: lambda uow, key: booking.overdue(uow, int(key)),
            DueKind.ENTITLEMENT_END: lambda uow, key: booking.end(uow, int(key)),
            DueKind.PROVIDER_QUERY: payments.query,
            DueKind.PROVIDER_REPORT: self.callbacks.report_due,
            DueKind.PAYOUT: lambda uow, key: self.payouts.pay_out(uow, int(key)),
            DueKind.RENEWAL_CHARGE: lambda uow, key: self.renewals.charge(uow, int(key)),
            DueKind.SIM_ORDER: self.subscriptions.carry_out,
            DueKind.PROVIDER_END: self.notices.take_effect,
            **self.portal.due_handlers(),
            DueKind.SMS_ARRIVAL: lambda uow, key: self.gateway.arrive(uow, int(key)),
        }

    # Life

    async def run(self) -> None:
        """Serve cars and due times until cancelled. Raises StoreError when the database goes away."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.scheduler.run(), name="backend due times")
                tasks.create_task(self.endpoint.run(), name="backend mqtt")
        except ExceptionGroup as group:
            lost = group.subgroup(StoreError)
            if lost is None:
                raise
            raise lost.exceptions[0] from None

    async def handle(self, command: Command) -> None:
        """Carry out a bench command. Raises BackendError with the rule's code; nothing has changed then."""
        ahead = await self.passwords.ahead(getattr(command, "act", None))
        # In the backend's own context, so that what the command sets off dies with the backend that was told.
        self._context.copy().run(self._carry_out, command, ahead)

    def _carry_out(self, command: Command, ahead: Ahead | None) -> None:
        try:
            with self.passwords.at_hand(ahead), self.change() as uow:
                self.desk.carry_out(uow, command)
        except BackendError as error:
            if act := act_name(command):
                self.runtime.journal.record("refusal", act, error.code, detail=error.detail)
            raise

    @contextmanager
    def change(self) -> Iterator[UnitOfWork]:
        """A unit of work at this instant, after everything that is due, before what it makes due.

        Raises BackendError when a rule refuses what the block does; nothing of it stays then.
        """
        now_ms = self.runtime.clock.now_ms()
        self.scheduler.catch_up(now_ms)
        with self.transactions.begin(now_ms) as uow:
            yield uow
        self.scheduler.catch_up(now_ms)

    def receive(self, incoming: IncomingMessage) -> None:
        """Let one message from a car take effect and commit; it may be acknowledged afterwards."""
        now_ms = self.runtime.clock.now_ms()
        self.scheduler.catch_up(now_ms)
        with self.transactions.begin(now_ms, incoming.traceparent) as uow:
            self.intake.receive(uow, incoming)
        self.scheduler.catch_up(now_ms)

    # What a rig can see

    @property
    def outbox_depth(self) -> int:
        """How many messages wait."""
        return self.store.outbox.depth()

    @property
    def is_connected(self) -> bool:
        """Whether the MQTT session is up."""
        return self.endpoint.is_connected

    def on_sms(self, listener: SmsListener) -> None:
        """Have `listener` called with every text message that reaches a phone, its number masked."""
        self.gateway.on_arrival(listener)

    def on_packet(self, listener: PacketListener) -> None:
        """Have `listener` called with way, kind, key and size of every message that passes."""
        self.watch.on_packet(listener)

    def on_change(self, listener: Callable[[], None]) -> None:
        """Have `listener` called when the outbox may have another depth."""
        self.watch.on_change(listener)

    def on_subscription(self, listener: SubscriptionListener) -> None:
        """Have `listener` called with VIN and state of every SIM that the operator has switched."""
        self.subscriptions.on_network(listener)

    def networks(self) -> dict[str, SimState]:
        """What the operator has carried out so far, SIM by SIM."""
        return {state.vin: state.subscription.network for state in self.store.vehicle_states.all()}

    def on_session(self, listener: Callable[[bool], None]) -> None:
        """Have `listener` called when the MQTT session comes up or goes down."""
        self.watch.on_session(listener)

    def audit(self) -> BackendAudit:
        """The books as they are now, for checkers."""
        return audit(self.store)

    def portal_of(self, path: str) -> str:
        """The Portal's address of a path."""
        return f"{self.public_url}/portal/{path}"

    def link_of(self, token: str) -> str:
        """The payment link made of an order's token."""
        return f"{self.public_url}/pay/{token}"

    def _make_endpoint(self, make_port: MqttPortFactory) -> "MqttEndpoint":
        from backend_stub.adapters.mqtt_endpoint import MqttEndpoint

        return MqttEndpoint(
            address=(self.config.broker_host, self.config.broker_port),
            make_port=make_port,
            outbox=self.store.outbox,
            clock=self.runtime.clock,
            receive=self.receive,
            on_change=self.watch.outbox_changed,
            on_packet=self.watch.packet_passed,
            on_session=self._session_changed,
            on_trouble=self.watch.refused,
        )

    def _session_changed(self, is_up: bool) -> None:
        self.watch.session_changed(is_up, self.endpoint.delivery.trouble)


def forget(database: str) -> None:
    """Drop the backend's tables from the database at this postgresql:// URL. Raises StoreError."""
    from backend_stub.adapters.database_url import DatabaseUrl
    from backend_stub.adapters.sql_store import forget_everything

    forget_everything(DatabaseUrl.parse(database))


def empty_image() -> bytes:
    """A database image to load as `DATABASE`, so that a backend starts without creating tables."""
    from backend_stub.adapters.tables import empty_image as make

    return make()
