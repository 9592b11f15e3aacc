"""The ledger of data that has gone out."""

from sqlalchemy import BigInteger, Column, String, Table

from backend_stub.adapters.tables.schema import METADATA, ROW_ID, required

DATA_LEDGER = Table(
    "data_ledger",
    METADATA,
    Column("seq", ROW_ID, primary_key=True),
    required("at_ms", BigInteger),
    Column("vin", String, nullable=False, index=True),
    required("market", String),
    required("category", String),
    required("recipient", String),
    required("purpose", String),
)
