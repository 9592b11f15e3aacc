"""Tables of the backend's database, as SQLAlchemy Core; instants are UTC milliseconds, money minor units.

Lines of an order and periods of an entitlement are JSON in their row: nobody queries inside them.
"""

import sqlite3
from functools import lru_cache

from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from backend_stub.adapters.tables.accounts import ACCOUNT_TOKENS, ACCOUNTS, PORTAL_SESSIONS, VEHICLE_LINKS
from backend_stub.adapters.tables.bench import DUE, SETTINGS
from backend_stub.adapters.tables.messaging import ANSWERS, INBOX_DEAD, INBOX_SEEN, OUTBOX, OUTBOX_DEAD, SMS
from backend_stub.adapters.tables.money import (
    LEDGER,
    PAYMENT_SESSIONS,
    PAYMENTS,
    PROVIDER_REPORTS,
    PROVIDER_SESSIONS,
)
from backend_stub.adapters.tables.orders import ORDER_HISTORY, ORDERS
from backend_stub.adapters.tables.refunds import (
    INVOICE_WISHES,
    INVOICES,
    PAYOUTS,
    REFUNDS,
    SHARED_KEYS,
    SPECIAL_DAYS,
)
from backend_stub.adapters.tables.renewal import DATA_LEDGER
from backend_stub.adapters.tables.schema import METADATA, create_schema
from backend_stub.adapters.tables.services import ENTITLEMENTS, PRICE_LISTS, VEHICLES
from backend_stub.adapters.tables.subscription import VEHICLE_STATES

__all__ = [
    "ACCOUNTS",
    "ACCOUNT_TOKENS",
    "ANSWERS",
    "DATA_LEDGER",
    "DUE",
    "ENTITLEMENTS",
    "INBOX_DEAD",
    "INBOX_SEEN",
    "INVOICES",
    "INVOICE_WISHES",
    "LEDGER",
    "METADATA",
    "ORDERS",
    "ORDER_HISTORY",
    "OUTBOX",
    "OUTBOX_DEAD",
    "PAYMENTS",
    "PAYMENT_SESSIONS",
    "PAYOUTS",
    "PORTAL_SESSIONS",
    "PRICE_LISTS",
    "PROVIDER_REPORTS",
    "PROVIDER_SESSIONS",
    "REFUNDS",
    "SETTINGS",
    "SHARED_KEYS",
    "SMS",
    "SPECIAL_DAYS",
    "VEHICLES",
    "VEHICLE_LINKS",
    "VEHICLE_STATES",
    "empty_image",
]


@lru_cache(maxsize=1)
def empty_image() -> bytes:
    """A SQLite database image with these tables and nothing in them: what a universe starts from."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    engine = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)
    try:
        with engine.begin() as connecting:
            create_schema(connecting)
        return connection.serialize()
    finally:
        engine.dispose()
        connection.close()
