"""SIM subscriptions and announced ends in SQL."""

from typing import Any

import msgspec
from sqlalchemy import Row, bindparam, insert, select, update

from backend_stub.adapters.sql_connection import SqlConnection
from backend_stub.adapters.tables.subscription import VEHICLE_STATES
from backend_stub.domain.notice import EndNotice
from backend_stub.domain.sim_subscription import Subscription
from backend_stub.errors import ConcurrentChangeError
from backend_stub.service.ports.vehicle_states import VehicleState
from contracts.modem import SimState

_ALL = select(VEHICLE_STATES).order_by(VEHICLE_STATES.c.seq)
_ONE = select(VEHICLE_STATES).where(VEHICLE_STATES.c.vin == bindparam("the_vin"))
_CHANGE = update(VEHICLE_STATES).where(
    VEHICLE_STATES.c.vin == bindparam("the_vin"),
    VEHICLE_STATES.c.sim == bindparam("old_sim"),
    VEHICLE_STATES.c.network == bindparam("old_network"),
    VEHICLE_STATES.c.notices == bindparam("old_notices"),
)
_NOTICES = msgspec.json.Decoder(tuple[EndNotice, ...])


class SqlVehicleStates:
    """The VehicleStateRows port."""

    def __init__(self, sql: SqlConnection) -> None:
        self._sql = sql

    def add(self, state: VehicleState) -> None:
        """Keep the state of a new car."""
        self._sql.write(insert(VEHICLE_STATES), {"vin": state.vin, **_changing(state)})

    def change(self, before: VehicleState, after: VehicleState) -> None:
        """Write `after` if the row is still as `before`. Raises ConcurrentChangeError."""
        old = {f"old_{name}": value for name, value in _changing(before).items()}
        if self._sql.write(_CHANGE.values(_changing(after)), {"the_vin": before.vin, **old}) != 1:
            raise ConcurrentChangeError("the state of the car")

    def get(self, vin: str) -> VehicleState | None:
        """The state of one car."""
        row = self._sql.first(_ONE, {"the_vin": vin})
        return None if row is None else _state(row)

    def all(self) -> tuple[VehicleState, ...]:
        """All states, in the order in which the cars came."""
        return tuple(map(_state, self._sql.rows(_ALL)))


def _changing(state: VehicleState) -> dict[str, Any]:
    return {
        "sim": state.subscription.state,
        "network": state.subscription.network,
        "notices": msgspec.json.encode(state.notices),
    }


def _state(row: Row[Any]) -> VehicleState:
    return VehicleState(
        vin=row.vin,
        subscription=Subscription(state=SimState(row.sim), network=SimState(row.network)),
        notices=_NOTICES.decode(row.notices),
    )
