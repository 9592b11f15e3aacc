"""The backend's store: every table of `tables` behind one connection."""

from contextlib import AbstractContextManager

from backend_stub.adapters.sql_accounts import SqlAccounts, SqlLinks, SqlSessions, SqlTokens
from backend_stub.adapters.sql_connection import Database, SqlConnection
from backend_stub.adapters.sql_entitlements import SqlEntitlements
from backend_stub.adapters.sql_orders import SqlOrders
from backend_stub.adapters.sql_outbox import SqlAnswers, SqlInbox, SqlOutbox
from backend_stub.adapters.sql_payments import SqlPayments
from backend_stub.adapters.sql_refunds import SqlInvoices, SqlKeys, SqlRefunds, SqlWorkdays
from backend_stub.adapters.sql_renewal import SqlDataLedger
from backend_stub.adapters.sql_rows import SqlDue, SqlPrices, SqlSettings, SqlSms, SqlVehicles
from backend_stub.adapters.sql_schema import drop_schema, prepare_schema
from backend_stub.adapters.sql_subscription import SqlVehicleStates


class SqlStore:
    """The Store port over SQLAlchemy Core; its tables are made, or upgraded, when it is opened.

    Raises StoreError when the database cannot be used.
    """

    def __init__(self, database: Database) -> None:
        self.sql = SqlConnection(database)
        try:
            with self.sql.transaction():
                prepare_schema(self.sql.connection)
        except BaseException:
            self.sql.close()
            raise
        self.orders = SqlOrders(self.sql)
        self.payments = SqlPayments(self.sql)
        self.entitlements = SqlEntitlements(self.sql)
        self.due = SqlDue(self.sql)
        self.vehicles = SqlVehicles(self.sql)
        self.prices = SqlPrices(self.sql)
        self.sms = SqlSms(self.sql)
        self.settings = SqlSettings(self.sql)
        self.data_ledger = SqlDataLedger(self.sql)
        self.outbox = SqlOutbox(self.sql)
        self.inbox = SqlInbox(self.sql)
        self.answers = SqlAnswers(self.sql)
        self.vehicle_states = SqlVehicleStates(self.sql)
        self.accounts = SqlAccounts(self.sql)
        self.tokens = SqlTokens(self.sql)
        self.sessions = SqlSessions(self.sql)
        self.links = SqlLinks(self.sql)
        self.refunds = SqlRefunds(self.sql)
        self.invoices = SqlInvoices(self.sql)
        self.workdays = SqlWorkdays(self.sql)
        self.keys = SqlKeys(self.sql)

    def transaction(self) -> AbstractContextManager[None]:
        """Commit at the end of the block, roll back when it raises."""
        return self.sql.transaction()

    def savepoint(self) -> AbstractContextManager[None]:
        """Inside a transaction: undo the block alone when it raises."""
        return self.sql.savepoint()

    def close(self) -> None:
        """Give the database back."""
        self.sql.close()

    def abandon(self) -> None:
        """The program is killed: nothing that is open is committed, nothing more is said."""
        self.sql.abandon()


def forget_everything(database: Database) -> None:
    """Drop the tables of a store, whatever they hold; nobody else's. Raises StoreError."""
    sql = SqlConnection(database)
    try:
        with sql.transaction():
            drop_schema(sql.connection)
    finally:
        sql.close()
