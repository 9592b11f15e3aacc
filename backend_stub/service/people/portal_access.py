"""Who may do something in the Portal, and for which car (R-202, R-701, R-705, R-706)."""

from backend_stub.domain.account import Account, AccountState, is_missing_data
from backend_stub.domain.market import MarketProfile, StoreLogin
from backend_stub.domain.vehicle import VehicleRecord
from backend_stub.errors import BackendError
from backend_stub.service.ports.store import Store
from backend_stub.service.unit_of_work import UnitOfWork
from contracts.acts.portal import PortalAct, PortalClient
from contracts.errors import ErrorCode


class PortalAccess:
    """The Portal's door. Every method works inside the unit of work that is open."""

    def __init__(self, profile: MarketProfile) -> None:
        self._profile = profile

    def logged_in(self, uow: UnitOfWork, user: str, client: PortalClient = PortalClient.PORTAL) -> Account:
        """The account `user`, whose password may still have to be chosen.

        Raises BackendError with NOT_LOGGED_IN.
        """
        account = uow.store.accounts.called(user)
        if account is None or not uow.store.sessions.is_open(account.account_id, client, uow.now_ms):
            raise BackendError(ErrorCode.NOT_LOGGED_IN, "log in to the Portal first")
        return account

    def account_of(
        self, uow: UnitOfWork, act: PortalAct, client: PortalClient = PortalClient.PORTAL
    ) -> Account:
        """The account of whoever acts. Raises BackendError with NOT_LOGGED_IN or PASSWORD_CHANGE_REQUIRED."""
        account = self.logged_in(uow, act.user, client)
        if account.state is AccountState.MUST_CHANGE:
            raise BackendError(ErrorCode.PASSWORD_CHANGE_REQUIRED, "choose a password of your own first")
        return account

    def vehicle_of(self, uow: UnitOfWork, act: PortalAct) -> VehicleRecord:
        """The car that the act is about: the one it names, else the first one linked to the account.

        Raises BackendError as `account_of` does, and with REGISTRATION_REQUIRED when no such car is linked.
        """
        account = self.account_of(uow, act)
        for link in uow.store.links.of_account(account.account_id):
            vehicle = uow.store.vehicles.get(link.vin)
            if vehicle is not None and act.car in ("", link.vin):
                return vehicle
        raise BackendError(ErrorCode.REGISTRATION_REQUIRED, "link the car to this account first")

    def ordering_vehicle_of(self, uow: UnitOfWork, act: PortalAct) -> VehicleRecord:
        """As `vehicle_of`, for somebody who wants to order.

        Raises BackendError with DATA_MISSING, too (R-705).
        """
        vehicle = self.vehicle_of(uow, act)
        if is_missing_data(self.account_of(uow, act), self._profile.required_data):
            raise BackendError(ErrorCode.DATA_MISSING, "complete your data in the Portal first")
        return vehicle


def store_needs(store: Store, profile: MarketProfile, vin: str) -> ErrorCode | None:
    """Why the Store in this car is closed, None when it is open (R-202, R-705)."""
    if profile.store_login is StoreLogin.NONE:
        return None
    link = store.links.get(vin)
    account = None if link is None or link.account_id is None else store.accounts.get(link.account_id)
    if account is None:
        return ErrorCode.REGISTRATION_REQUIRED
    return ErrorCode.DATA_MISSING if is_missing_data(account, profile.required_data) else None
