"""The broker of a world: its profile, whether it keeps sessions, and what it is told to do wrong."""

from headunit.sim.scenario import BrokerTable, Fault, FaultKind, Program
from runtime.mqtt.broker.config import PROFILES
from runtime.mqtt.broker.core import Broker
from runtime.mqtt.broker.faults import BrokerFault, FaultAction
from runtime.mqtt.broker.sqlite_ledger import SqliteLedger
from runtime.mqtt.reason_codes import ReasonCode
from runtime.ports import Disk

DATABASE = "broker"
"""Name of the ledger's database on the broker's disk."""

ACTIONS = {
    FaultKind.DELAY: FaultAction.DELAY,
    FaultKind.DUPLICATE: FaultAction.DUPLICATE,
    FaultKind.DROP_BEFORE: FaultAction.DROP_BEFORE,
    FaultKind.DROP_AFTER: FaultAction.DROP_AFTER,
    FaultKind.REFUSE_MESSAGE: FaultAction.REFUSE_MESSAGE,
    FaultKind.REFUSE_CONNECTION: FaultAction.REFUSE_CONNECTION,
}
"""What a broker does wrong while it runs; the other kinds of fault stop a program."""


def broker_fault(fault: Fault, client_ids: dict[Program, str]) -> BrokerFault:
    """The fault as our broker understands it; `client_ids` are those of the programs."""
    is_message = fault.kind is FaultKind.REFUSE_MESSAGE
    return BrokerFault(
        ACTIONS[fault.kind],
        client_id="" if fault.client is None else client_ids[fault.client],
        topic_filter=fault.topic,
        delay_s=fault.delay_s,
        reason_code=ReasonCode.QUOTA_EXCEEDED if is_message else ReasonCode.SERVER_BUSY,
        times=fault.times,
    )


class BrokerWorld:
    """Our broker in all of its lives.

    Args:
        table: what the scenario says of it.
        disk: where it keeps its sessions, if it does.
        epoch_ns: the world's time at instant 0 of the broker's clock.
    """

    def __init__(self, table: BrokerTable, disk: Disk, epoch_ns: int = 0) -> None:
        self._table = table
        self._disk = disk
        self._epoch_ns = epoch_ns
        self._broker: Broker | None = None

    def begin(self, now_ns: int) -> Broker:
        """Another life of the broker, with the faults it still has."""
        ledger = None
        if self._table.keeps_sessions:
            ledger = SqliteLedger(self._disk.connect(DATABASE), self._epoch_ns)
        former, self._broker = self._broker, Broker(PROFILES[self._table.profile], ledger, now_ns)
        if former is not None:
            self._broker.faults.go_on_from(former.faults)
        return self._broker

    def add_fault(self, fault: BrokerFault) -> None:
        """From now on the broker has `fault`."""
        if self._broker is not None:
            self._broker.faults.add(fault)

    def remove_fault(self, fault: BrokerFault) -> None:
        """The broker is well again, as far as `fault` goes."""
        if self._broker is not None:
            self._broker.faults.remove(fault)
