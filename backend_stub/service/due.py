"""Due times on the bench clock: they wait in the store, so they survive restarts and jumps of the clock."""

import asyncio
from collections.abc import Callable, Mapping

from backend_stub.errors import BackendError
from backend_stub.service.ports.due import Due, DueKind
from backend_stub.service.unit_of_work import Transactions, UnitOfWork
from runtime.ports import Clock, Timer

DueHandler = Callable[[UnitOfWork, str], None]


class Scheduler:
    """Lets everything that is due happen, in order of due time, each in a transaction of its own.

    What falls due while the backend lives happens as of its due instant, however far the clock has
    jumped; what fell due while it was down happens as of the instant it came back, LIMITS first: a
    report that could not be heard before the five minutes were over comes after them (R-209, R-210).
    """

    def __init__(
        self, clock: Clock, transactions: Transactions, handlers: Mapping[DueKind, DueHandler]
    ) -> None:
        self._clock = clock
        self._transactions = transactions
        self._handlers = handlers
        self._alive_since_ms = clock.now_ms()
        self._wake = asyncio.Event()
        self._timer: Timer | None = None
        self._armed_ms: int | None = None
        self._catching_up = False
        transactions.on_commit(self._arm)

    async def run(self) -> None:
        """Sleep until the earliest due time, for ever."""
        while True:
            self.catch_up(self._clock.now_ms())
            await self._wake.wait()
            self._wake.clear()

    def catch_up(self, now_ms: int) -> None:
        """Let everything happen that is due at `now_ms`; whoever acts at an instant calls this first."""
        if self._catching_up:
            return
        self._catching_up = True
        try:
            while (due := self._transactions.store.due.earliest()) is not None and due.due_ms <= now_ms:
                self._let_happen(due)
        finally:
            self._catching_up = False
        self._arm_for(due)

    def _let_happen(self, due: Due) -> None:
        if due.due_ms < self._alive_since_ms:
            due = self._transactions.store.due.earliest_limit(self._alive_since_ms) or due
        with self._transactions.begin(max(due.due_ms, self._alive_since_ms)) as uow:
            if uow.store.due.take(due):
                try:
                    with uow.attempt():
                        self._handlers[due.kind](uow, due.key)
                except BackendError as error:
                    uow.record("due", due.kind, error.code)

    def _arm(self) -> None:
        if not self._catching_up:
            self._arm_for(self._transactions.store.due.earliest())

    def _arm_for(self, due: Due | None) -> None:
        due_ms = due.due_ms if due else None
        if due_ms == self._armed_ms:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._armed_ms = due_ms
        self._timer = self._clock.call_at(due_ms, self._fire) if due_ms is not None else None

    def _fire(self) -> None:
        self._timer = None
        self._armed_ms = None
        self._wake.set()
