"""Everything the backend keeps, behind one connection."""

from contextlib import AbstractContextManager
from typing import Protocol

from backend_stub.service.ports.accounts import AccountRows, LinkRows, SessionRows, TokenRows
from backend_stub.service.ports.due import DueRows
from backend_stub.service.ports.entitlements import EntitlementRows
from backend_stub.service.ports.messages import AnswerRows, SmsRows
from backend_stub.service.ports.orders import OrderRows
from backend_stub.service.ports.payments import PaymentRows
from backend_stub.service.ports.refunds import InvoiceRows, KeyRows, RefundRows, WorkdayRows
from backend_stub.service.ports.renewal import DataLedgerRows
from backend_stub.service.ports.settings import SettingRows
from backend_stub.service.ports.vehicle_states import VehicleStateRows
from backend_stub.service.ports.vehicles import PriceRows, VehicleRows
from runtime.mqtt.outbox import Inbox, Outbox


class Store(Protocol):
    """Everything the backend keeps, behind one connection."""

    @property
    def orders(self) -> OrderRows: ...

    @property
    def payments(self) -> PaymentRows: ...

    @property
    def entitlements(self) -> EntitlementRows: ...

    @property
    def due(self) -> DueRows: ...

    @property
    def vehicles(self) -> VehicleRows: ...

    @property
    def prices(self) -> PriceRows: ...

    @property
    def sms(self) -> SmsRows: ...

    @property
    def settings(self) -> SettingRows: ...

    @property
    def data_ledger(self) -> DataLedgerRows: ...

    @property
    def outbox(self) -> Outbox: ...

    @property
    def inbox(self) -> Inbox: ...

    @property
    def answers(self) -> AnswerRows: ...

    @property
    def vehicle_states(self) -> VehicleStateRows: ...

    @property
    def accounts(self) -> AccountRows: ...

    @property
    def tokens(self) -> TokenRows: ...

    @property
    def sessions(self) -> SessionRows: ...

    @property
    def links(self) -> LinkRows: ...

    @property
    def refunds(self) -> RefundRows: ...

    @property
    def invoices(self) -> InvoiceRows: ...

    @property
    def workdays(self) -> WorkdayRows: ...

    @property
    def keys(self) -> KeyRows: ...

    def transaction(self) -> AbstractContextManager[None]:
        """Commit at the end of the block, roll back when it raises."""

    def savepoint(self) -> AbstractContextManager[None]:
        """Inside a transaction: undo the block alone when it raises."""
