"""Cars and the accounts they belong to: linking in the Portal, the code in the car (R-706, D-35)."""

from collections.abc import Iterable

from backend_stub.domain.account import Account, AccountState
from backend_stub.domain.address import mask_vin
from backend_stub.domain.market import MarketProfile
from backend_stub.domain.vehicle import VehicleRecord
from backend_stub.domain.vehicle_link import (
    NOTHING,
    Facts,
    LinkEvent,
    LinkState,
    VehicleLink,
    features_match,
    is_vin,
    step,
    verdict,
)
from backend_stub.errors import BackendError, CountedRefusalError
from backend_stub.service.acts import Acts
from backend_stub.service.people.portal_access import PortalAccess
from backend_stub.service.ports.due import DueKind
from backend_stub.service.registry import Registry
from backend_stub.service.unit_of_work import UnitOfWork
from contracts.acts import portal
from contracts.errors import ErrorCode
from runtime.ports import Ids

CODES = 1_000_000
"""Six digits (R-832)."""


class Links:
    """Applies the Vehicle link table of section 3, inside the unit of work that is open."""

    def __init__(self, profile: MarketProfile, ids: Ids, access: PortalAccess, registry: Registry) -> None:
        self._profile = profile
        self._ids = ids
        self._access = access
        self._registry = registry

    def acts(self) -> Acts:
        """What people can do here."""
        return {portal.LinkVehicle: self.link}

    def settle(self, uow: UnitOfWork, vehicles: Iterable[VehicleRecord]) -> None:
        """Give every car that is new a link.

        One that a dealer has handed over before this backend's time, where dealers open accounts, belongs
        to its owner's account already; nobody here knows that password, but it can be reset (R-703).
        """
        for vehicle in vehicles:
            if uow.store.links.get(vehicle.vin) is not None:
                continue
            fresh = VehicleLink(vin=vehicle.vin, code=self._new_code())
            number = vehicle.contract_number
            if self._profile.portal_registration or not vehicle.is_handed_over or not number:
                uow.store.links.add(fresh)
                continue
            account = uow.store.accounts.called(number) or uow.store.accounts.add(
                Account(
                    account_id=0,
                    username=number,
                    state=AccountState.ACTIVE,
                    name=vehicle.owner_name,
                    number=number,
                )
            )
            facts = Facts(account.account_id, uow.now_ms)
            uow.store.links.add(step(fresh, LinkEvent.ACTIVATED, facts))

    def link(self, uow: UnitOfWork, act: portal.LinkVehicle) -> None:
        """Link a car by its VIN and what identifies it (R-706).

        Raises BackendError with VERIFICATION_FAILED, ALREADY_LINKED, or INVALID_STATE while five mismatches
        keep the car closed.
        """
        account = self._access.account_of(uow, act)
        if act.car and not is_vin(act.car):
            raise _not_verified()
        vehicle = self._registry.car(uow, act.car)
        before = self.of(uow, vehicle.vin)
        verifying = self._apply(uow, before, LinkEvent.SUBMIT)
        is_match = features_match(
            vehicle,
            before,
            before.code if act.code is None else act.code,
            act.first_registration,
            act.engine_number_ending,
        )
        event = verdict(verifying, is_match=is_match)
        after = self._apply(uow, verifying, event, Facts(account.account_id, uow.now_ms))
        if after.locked_until_ms is not None:
            uow.store.due.put(DueKind.LINK_UNLOCK, vehicle.vin, after.locked_until_ms)
        if not is_match:
            raise CountedRefusalError(ErrorCode.VERIFICATION_FAILED, _not_verified().detail)

    def attach(self, uow: UnitOfWork, vin: str, account: Account) -> None:
        """Dealer or hotline have seen owner and car themselves. Raises BackendError with ALREADY_LINKED."""
        facts = Facts(account.account_id, uow.now_ms)
        self._apply(uow, self.of(uow, vin), LinkEvent.ACTIVATED, facts)
        uow.store.due.remove(DueKind.LINK_UNLOCK, vin)

    def detach(self, uow: UnitOfWork, vin: str, event: LinkEvent) -> None:
        """The car belongs to nobody's account and displays a new code. Raises BackendError."""
        self._apply(uow, self.of(uow, vin), event)

    def unlock_due(self, uow: UnitOfWork, vin: str) -> None:
        """The 24 hours after five mismatches are over."""
        link = self.of(uow, vin)
        if link.state is LinkState.LOCKED:
            self._apply(uow, link, LinkEvent.LOCK_OVER)

    def of(self, uow: UnitOfWork, vin: str) -> VehicleLink:
        """The link of a car. Raises BackendError for an unknown one."""
        link = uow.store.links.get(vin)
        if link is None:
            raise _not_verified()
        return link

    def _apply(
        self, uow: UnitOfWork, before: VehicleLink, event: LinkEvent, facts: Facts = NOTHING
    ) -> VehicleLink:
        after = step(before, event, facts, new_code=self._new_code)
        uow.store.links.change(before, after)
        uow.record("link", mask_vin(after.vin), after.state, event=str(event))
        uow.touch(after.vin)
        return after

    def _new_code(self) -> str:
        return f"{int(self._ids.key(), 16) % CODES:06d}"


def _not_verified() -> BackendError:
    return BackendError(ErrorCode.VERIFICATION_FAILED, "VIN and features do not go together")
