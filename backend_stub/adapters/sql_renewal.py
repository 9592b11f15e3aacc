"""The ledger of outgoing data in SQL."""

from sqlalchemy import bindparam, insert, select

from backend_stub.adapters.sql_connection import SqlConnection
from backend_stub.adapters.tables.renewal import DATA_LEDGER
from backend_stub.domain.data_flow import DataCategory, Flow, FlowEntry, Purpose, Recipient

_OF_VEHICLE = select(DATA_LEDGER).where(DATA_LEDGER.c.vin == bindparam("the_vin")).order_by(DATA_LEDGER.c.seq)


class SqlDataLedger:
    """The DataLedgerRows port."""

    def __init__(self, sql: SqlConnection) -> None:
        self._sql = sql

    def enter(self, entry: FlowEntry) -> None:
        """Append to the ledger."""
        self._sql.write(
            insert(DATA_LEDGER),
            {
                "at_ms": entry.at_ms,
                "vin": entry.vin,
                "market": entry.market,
                "category": entry.flow.category,
                "recipient": entry.flow.recipient,
                "purpose": entry.flow.purpose,
            },
        )

    def of_vehicle(self, vin: str) -> tuple[FlowEntry, ...]:
        """What has gone out about a car, oldest first."""
        return tuple(
            FlowEntry(
                at_ms=row.at_ms,
                vin=row.vin,
                market=row.market,
                flow=Flow(DataCategory(row.category), Recipient(row.recipient), Purpose(row.purpose)),
            )
            for row in self._sql.rows(_OF_VEHICLE, {"the_vin": vin})
        )
