"""A backend without idempotency: a repeated request takes effect again.

Four legs keep the real one from selling twice, and this one has lost three of them: it remembers no key of
a message (and no answer to one), it does not look for the client's order id, and its table of orders does
not hold that id unique. The fourth is R-213: while the first order is unpaid, its services cannot be
ordered again. So a repeat does harm only when it arrives after payment.
"""

from backend_stub.adapters.sql_store import SqlStore
from backend_stub.app import Backend
from backend_stub.domain.order import Channel, Order
from backend_stub.domain.vehicle import VehicleRecord
from backend_stub.service.intake import Intake
from backend_stub.service.ordering.orders import Orders
from backend_stub.service.unit_of_work import UnitOfWork
from contracts.messages import SubmitOrder

UNIQUE = ", \n\tUNIQUE (vin, client_order_id)"


class ForgetfulBackend(Backend):
    """A backend with a weak memory."""

    def make_store(self) -> SqlStore:
        """A store whose orders may share a client id."""
        store = super().make_store()
        with store.transaction():
            connection = store.sql.connection
            of_orders = "FROM sqlite_schema WHERE tbl_name = 'orders' AND sql IS NOT NULL ORDER BY type DESC"
            statements = [str(sql) for (sql,) in connection.exec_driver_sql(f"SELECT sql {of_orders}")]
            if UNIQUE in statements[0]:
                connection.exec_driver_sql("DROP TABLE orders")
                for statement in statements:
                    connection.exec_driver_sql(statement.replace(UNIQUE, ""))
        return store

    def make_orders(self) -> Orders:
        """Orders that are never recognised."""
        return ForgetfulOrders(self.profile, self.runtime.ids, self.book, self.messages, self.ledger)

    def make_intake(self) -> Intake:
        """An intake that serves every message as if it were the first."""
        return ForgetfulIntake(self.runtime.ids, self.orders, self.snapshots)


class WithoutKeys(Backend):
    """A backend that has lost the first leg alone."""

    def make_intake(self) -> Intake:
        """An intake that serves every message as if it were the first."""
        return ForgetfulIntake(self.runtime.ids, self.orders, self.snapshots)


class ForgetfulIntake(Intake):
    """Forgets every key, and every answer, before the next message."""

    def is_repeat(self, uow: UnitOfWork, key: str) -> bool:
        """Never."""
        assert isinstance(uow.store, SqlStore)
        for table in ("inbox_seen", "answers"):
            uow.store.sql.connection.exec_driver_sql(f"DELETE FROM {table}")
        return super().is_repeat(uow, key)


class ForgetfulOrders(Orders):
    """Accepts an order whether or not its client id is known."""

    _accepting = False

    def submit(
        self, uow: UnitOfWork, vehicle: VehicleRecord, request: SubmitOrder, channel: Channel = Channel.CAR
    ) -> Order:
        """See Orders, without the look for a known order."""
        self._accepting = True
        try:
            return super().submit(uow, vehicle, request, channel)
        finally:
            self._accepting = False

    def known(self, uow: UnitOfWork, vin: str, client_order_id: str) -> Order | None:
        """Nothing, while it accepts."""
        return None if self._accepting else super().known(uow, vin, client_order_id)
