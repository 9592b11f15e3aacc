"""The data ledger: whatever leaves is checked against the market's list and recorded (R-821, R-822)."""

from backend_stub.domain.data_flow import (
    DataCategory,
    Flow,
    FlowEntry,
    Purpose,
    Recipient,
    check_flow,
    read_flow,
)
from backend_stub.domain.market import MarketProfile
from backend_stub.service.acts import Acts
from backend_stub.service.registry import Registry
from backend_stub.service.unit_of_work import UnitOfWork
from contracts.acts import bmw


class DataLedger:
    """The one door through which data of cars leaves, inside the unit of work that is open."""

    def __init__(self, profile: MarketProfile) -> None:
        self._profile = profile

    def send(
        self, uow: UnitOfWork, vin: str, category: DataCategory, recipient: Recipient, purpose: Purpose
    ) -> None:
        """Let an item go out and record it. Raises BackendError with DATA_FLOW_DENIED when it is unlisted."""
        flow = Flow(category, recipient, purpose)
        check_flow(self._profile.allowances, flow)
        market = self._profile.market
        uow.store.data_ledger.enter(FlowEntry(at_ms=uow.now_ms, vin=vin, market=market, flow=flow))
        uow.record("data", flow.category, "sent", recipient=str(flow.recipient), purpose=str(flow.purpose))


class DataDesk:
    """What BMW's desk can have sent; what is on no list is refused and journalled by whoever refuses it."""

    def __init__(self, ledger: DataLedger, registry: Registry) -> None:
        self._ledger = ledger
        self._registry = registry

    def acts(self) -> Acts:
        """What can be done here."""
        return {bmw.SendData: self.send}

    def send(self, uow: UnitOfWork, act: bmw.SendData) -> None:
        """Send data of the car (R-821). Raises BackendError with DATA_FLOW_DENIED."""
        flow = read_flow(act.category, act.recipient, act.purpose)
        vehicle = self._registry.car(uow, act.car)
        self._ledger.send(uow, vehicle.vin, flow.category, flow.recipient, flow.purpose)
