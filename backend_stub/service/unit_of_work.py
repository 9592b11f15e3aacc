"""One change of the backend: state, due times, outgoing messages, journal and news commit together.

What is to be told (journal, listeners) is told after the commit; a car that a change concerns gets one
snapshot, made as the last thing in the transaction.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from backend_stub.errors import BackendError, CountedRefusalError
from backend_stub.service.ports.store import Store
from contracts.codec import encode, kind_of
from contracts.errors import ContractError
from contracts.messages import Message
from contracts.topics import down_topic
from contracts.trace import make_traceparent, trace_id_of
from runtime.mqtt.port import OutgoingMessage
from runtime.ports import Ids, Journal


class SnapshotMaker(Protocol):
    """Makes the snapshot of a car inside the transaction that is open."""

    def __call__(self, vin: str, now_ms: int) -> Message: ...


class UnitOfWork:
    """The transaction that is open, at bench instant `now_ms`.

    `traceparent` is the trace of the request that is being served, "" when there is none.
    """

    __slots__ = ("_after", "_entries", "_ids", "_touched", "now_ms", "store", "traceparent")

    def __init__(self, store: Store, ids: Ids, now_ms: int, traceparent: str) -> None:
        self.store = store
        self.now_ms = now_ms
        self.traceparent = traceparent
        self._ids = ids
        self._entries: list[tuple[str, str, str, dict[str, object]]] = []
        self._after: list[Callable[[], None]] = []
        self._touched: dict[str, str] = {}

    def record(self, kind: str, key: str, state: str, **data: object) -> None:
        """Journal this once the transaction has committed."""
        self._entries.append((kind, key, str(state), data))

    def after_commit(self, tell: Callable[[], None]) -> None:
        """Call `tell` once the transaction has committed."""
        self._after.append(tell)

    def touch(self, vin: str, traceparent: str = "") -> None:
        """The car has something new to see; `traceparent` names the story, default the request's."""
        self._touched[vin] = traceparent or self.traceparent

    def next_traceparent(self, of: str = "") -> str:
        """A new span of the trace `of`, or of a new trace where there is none that can be read."""
        try:
            trace_id = trace_id_of(of)
        except ContractError:
            trace_id = self._ids.key()
        return make_traceparent(trace_id, self._ids.span())

    def send(
        self,
        vin: str,
        message: Message,
        *,
        traceparent: str = "",
        topic: str = "",
        correlation_data: bytes = b"",
    ) -> OutgoingMessage:
        """Put a message for the car into the outbox; returns it as it will be sent."""
        packet = OutgoingMessage(
            topic=topic or down_topic(vin, kind_of(message)),
            payload=encode(message),
            key=message.key,
            traceparent=self.next_traceparent(traceparent or self.traceparent),
            correlation_data=correlation_data,
        )
        self.store.outbox.add(packet)
        return packet

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """A block that leaves nothing behind, in store or journal, when a rule refuses it."""
        entries, after, touched = len(self._entries), len(self._after), dict(self._touched)
        try:
            with self.store.savepoint():
                yield
        except BackendError:
            del self._entries[entries:], self._after[after:]
            self._touched = touched
            raise

    def send_snapshots(self, make: SnapshotMaker) -> None:
        """One snapshot for every car that was touched, in that order."""
        for vin, traceparent in self._touched.items():
            self.send(vin, make(vin, self.now_ms), traceparent=traceparent)
        self._touched.clear()

    def tell(self, journal: Journal) -> None:
        """After the commit: journal first, then whoever wanted to know."""
        for kind, key, state, data in self._entries:
            journal.record(kind, key, state, **data)
        for tell in self._after:
            tell()


class Transactions:
    """Opens units of work on the store.

    `committed` is called after every commit: somebody may have to send or to set a timer.
    """

    def __init__(self, store: Store, ids: Ids, journal: Journal, make_snapshot: SnapshotMaker) -> None:
        self.store = store
        self._ids = ids
        self._journal = journal
        self._make_snapshot = make_snapshot
        self._committed: list[Callable[[], None]] = []

    def on_commit(self, listener: Callable[[], None]) -> None:
        """Have `listener` called after every commit."""
        self._committed.append(listener)

    @contextmanager
    def begin(self, now_ms: int, traceparent: str = "") -> Iterator[UnitOfWork]:
        """One change at bench instant `now_ms`; nothing of it stays when the block raises.

        What led to a CountedRefusalError does stay: it commits, and then the error goes on its way.
        """
        refusal: CountedRefusalError | None = None
        with self.store.transaction():
            uow = UnitOfWork(self.store, self._ids, now_ms, traceparent)
            try:
                yield uow
            except CountedRefusalError as error:
                refusal = error
            uow.send_snapshots(self._make_snapshot)
        uow.tell(self._journal)
        for listener in self._committed:
            listener()
        if refusal is not None:
            raise refusal
