"""What people and providers do with the same few orders, at whatever backend they happen to reach."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from threading import Lock
from typing import Final, TypeVar

from backend_stub.app import Backend
from backend_stub.domain.payment import Transaction
from backend_stub.errors import BackendError
from backend_stub.service.ports.provider import ProviderReport
from contracts.acts.agent import ApproveRefund, RequestRefund
from contracts.bench import AtHotline
from contracts.errors import ErrorCode
from contracts.messages import CancelOrder, Line, SubmitOrder
from proofs.races.stack import START_MS, VEHICLES

T = TypeVar("T")
SERVICES: Final = ("RTTI", "CONCIERGE", "PREMIUM")
FEW: Final = 6
"""How many orders are in people's hands at a time."""

REMEMBERED: Final = 24
"""How many orders somebody might want his money back for."""

MINUTE_MS: Final = 60_000
DAY_MS: Final = 24 * 60 * MINUTE_MS


@dataclass(frozen=True, slots=True)
class Session:
    """A provider's session that somebody has opened."""

    token: str
    amount_minor: int
    currency: str


@dataclass(slots=True)
class Town:
    """What all know: the time, the newest orders and sessions, and what providers have taken."""

    now_ms: int = START_MS
    orders: list[str] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    taken: dict[str, Transaction] = field(default_factory=dict)
    count: int = 0
    lock: Lock = field(default_factory=Lock)

    def number(self) -> int:
        """A number nobody else gets."""
        with self.lock:
            self.count += 1
            return self.count

    def pass_time(self, by_ms: int) -> None:
        """Time goes on for all."""
        with self.lock:
            self.now_ms += by_ms

    def add_order(self, number: str) -> None:
        """An order is in people's hands; the oldest is forgotten."""
        with self.lock:
            self.orders[:] = [*self.orders[-REMEMBERED + 1 :], number]

    def add_session(self, session: Session) -> None:
        """A session may have an outcome; of the oldest nobody hears again."""
        with self.lock:
            self.sessions[:] = [*self.sessions[-FEW * 2 + 1 :], session]

    def take(self, transaction: Transaction) -> None:
        """A provider has taken money, and a backend has heard of it."""
        with self.lock:
            self.taken.setdefault(transaction.transaction_id, transaction)


class Person:
    """Somebody who does one thing after the other, by chance."""

    def __init__(self, chance: Random, town: Town) -> None:
        self._chance = chance
        self._town = town
        self.habits: dict[str, tuple[int, Callable[[Backend], None]]] = {
            "order": (20, self.order),
            "open a session": (22, self.open_session),
            "report": (30, self.report),
            "cancel": (8, self.cancel),
            "ask for a refund": (14, self.ask_for_refund),
            "approve a refund": (12, self.approve_refund),
            "wait": (4, self.wait),
        }

    def next(self) -> str:
        """What to do next."""
        names = list(self.habits)
        return self._chance.choices(names, [weight for weight, _ in self.habits.values()])[0]

    def order(self, backend: Backend) -> None:
        """A driver orders one or two services."""
        vehicle = self._chance.choice(VEHICLES)
        chosen = self._chance.sample(SERVICES, self._chance.choice((1, 1, 2)))
        with backend.change() as uow:
            prices = uow.store.prices.current()
            assert prices is not None
            request = SubmitOrder(
                key="",
                sent_at_ms=uow.now_ms,
                client_order_id=f"order {self._town.number()}",
                lines=tuple(Line(service, self._chance.choice((3, 12))) for service in chosen),
                list_version=prices.version,
            )
            number = backend.orders.submit(uow, vehicle, request).number
        self._town.add_order(number)

    def open_session(self, backend: Backend) -> None:
        """Somebody with the link goes to a provider."""
        with backend.change() as uow:
            order = backend.book.named(uow, self._an_order())
            session = backend.payments.open_session(uow, order, self._chance.choice(("AliPay", "Tenpay")))
        self._town.add_session(Session(session, order.amount_minor, order.currency))

    def report(self, backend: Backend) -> None:
        """A provider reports: a capture, at times of a wrong amount, a decline, or what it said before."""
        told = list(self._town.taken.values())[-FEW:]
        if told and self._chance.random() < 0.25:
            transaction, declined = self._chance.choice(told), False
        else:
            session = self._a_session()
            declined = self._chance.random() < 0.3
            right = self._chance.random() < 0.85
            transaction = Transaction(
                transaction_id=f"transaction {self._town.number()}",
                session=session.token,
                captured_minor=0 if declined else session.amount_minor - (0 if right else 100),
                currency=session.currency,
                at_ms=self._town.now_ms - self._chance.randrange(2 * MINUTE_MS),
            )
        with backend.change() as uow:
            backend.payments.report(uow, ProviderReport(transaction, declined))
        if not declined:
            self._town.take(transaction)

    def cancel(self, backend: Backend) -> None:
        """The driver changes his mind."""
        with backend.change() as uow:
            order = backend.book.named(uow, self._an_order())
            vehicle = next(each for each in VEHICLES if each.vin == order.vin)
            request = CancelOrder(key="", sent_at_ms=uow.now_ms, order_number=order.number)
            backend.orders.cancel(uow, vehicle, request)

    def ask_for_refund(self, backend: Backend) -> None:
        """The driver wants his money back."""
        with backend.change() as uow:
            backend.desk.carry_out(uow, AtHotline(act=RequestRefund(order=self._a_remembered_order())))

    def approve_refund(self, backend: Backend) -> None:
        """The agent has looked at it."""
        with backend.change() as uow:
            backend.desk.carry_out(uow, AtHotline(act=ApproveRefund(order=self._a_remembered_order())))

    def wait(self, backend: Backend) -> None:
        """Minutes pass, seldom a day, at times so many that refunds are paid out."""
        spans = (self._chance.randrange(MINUTE_MS), 6 * MINUTE_MS, DAY_MS + 1, 40 * DAY_MS)
        self._town.pass_time(self._chance.choices(spans, (70, 20, 8, 2))[0])
        with backend.change():
            """Whatever is due by now."""

    def _an_order(self) -> str:
        return _any(self._chance, self._town.orders[-FEW:])

    def _a_remembered_order(self) -> str:
        return _any(self._chance, self._town.orders)

    def _a_session(self) -> Session:
        return _any(self._chance, self._town.sessions)


def _any(chance: Random, things: list[T]) -> T:
    found = list(things)
    if not found:
        raise BackendError(ErrorCode.UNKNOWN_ORDER, "there is none yet")
    return chance.choice(found)
