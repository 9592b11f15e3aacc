"""The state of a car's connection: its SIM subscription and the ends it was given notice of."""

from sqlalchemy import Column, LargeBinary, String, Table

from backend_stub.adapters.tables.schema import METADATA, ROW_ID, required

VEHICLE_STATES = Table(
    "vehicle_states",
    METADATA,
    Column("seq", ROW_ID, primary_key=True),
    Column("vin", String, nullable=False, unique=True),
    required("sim", String),
    required("network", String),
    required("notices", LargeBinary),
)
