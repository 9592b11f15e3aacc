"""Cars, price lists and booked services."""

from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, String, Table

from backend_stub.adapters.tables.schema import METADATA, ROW_ID, required

VEHICLES = Table(
    "vehicles",
    METADATA,
    Column("seq", ROW_ID, primary_key=True),
    Column("vin", String, nullable=False, unique=True),
    required("record", LargeBinary),
    # What the configuration said last: a start brings back nothing that people have changed since.
    required("given", LargeBinary),
    required("revision", BigInteger),
)

PRICE_LISTS = Table(
    "price_lists",
    METADATA,
    Column("version", Integer, primary_key=True, autoincrement=False),
    required("rows", LargeBinary),
    Column("tax_included", Boolean, nullable=False),
    required("substitutes", LargeBinary),
)

ENTITLEMENTS = Table(
    "entitlements",
    METADATA,
    Column("entitlement_id", ROW_ID, primary_key=True),
    Column("vin", String, nullable=False, index=True),
    required("service", String),
    required("origin", String),
    Column("state", String, nullable=False, index=True),
    required("periods", LargeBinary),
    Column("overdue", Boolean, nullable=False),
    Column("ended_at_ms", BigInteger),
    required("renewal", String),
    required("traceparent", String),
)
