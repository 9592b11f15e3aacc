"""What is sold changes, and people can take its description away (R-006, R-104)."""

import csv
from io import StringIO

from backend_stub.domain.catalogue import FIRST_LISTS, Substitute
from backend_stub.domain.descriptions import descriptions_csv
from backend_stub.domain.market import MarketProfile
from backend_stub.domain.substitution import list_with, mapped, products_now
from backend_stub.service import views
from backend_stub.service.acts import Acts
from backend_stub.service.people.portal_access import PortalAccess
from backend_stub.service.unit_of_work import UnitOfWork
from backend_stub.service.validity.notices import Notices
from backend_stub.service.validity.renewals import Renewals
from contracts.acts import bmw, portal
from runtime.ports import Ids


class ProductRange:
    """The range of the market. Every method works inside the unit of work that is open."""

    def __init__(
        self,
        profile: MarketProfile,
        ids: Ids,
        access: PortalAccess,
        notices: Notices,
        renewals: Renewals,
    ) -> None:
        self._profile = profile
        self._ids = ids
        self._access = access
        self._notices = notices
        self._renewals = renewals

    def acts(self) -> Acts:
        """What BMW's desk and people in the Portal can do here."""
        return {bmw.SubstituteService: self.substitute, portal.ExportDescriptions: self.export}

    def substitute(self, uow: UnitOfWork, act: bmw.SubstituteService) -> None:
        """Replace a service on all cars, without notice; dates stay, and every car gets the new catalogue.

        Raises BackendError with NOT_ORDERABLE for what is not sold, INVALID_STATE for a service by itself.
        """
        before = uow.store.prices.current() or FIRST_LISTS[self._profile.market]
        substitute = Substitute(act.service, act.by, act.name, act.description)
        prices = list_with(before, substitute)
        uow.store.prices.add(prices)
        count = 0
        for vin in uow.store.vehicles.vins():
            for entitlement in uow.store.entitlements.of_vehicle(vin):
                if entitlement.service == act.service:
                    uow.store.entitlements.rename(entitlement, mapped(entitlement, substitute))
                    uow.touch(vin)
                    count += 1
            self._notices.rename(uow, vin, act.service, act.by)
            self._renewals.gather(uow, vin, act.by)
            vehicle = uow.store.vehicles.get(vin)
            if vehicle is not None:
                key = self._ids.key()
                uow.send(vin, views.catalogue(vehicle, prices, self._profile, key, uow.now_ms))
        uow.record("substitution", act.service, act.by, entitlements=count, list_version=prices.version)

    def export(self, uow: UnitOfWork, act: portal.ExportDescriptions) -> None:
        """Make the document for the linked car; the journal says how much it holds."""
        vehicle = self._access.vehicle_of(uow, act)
        rows = list(csv.DictReader(StringIO(self.document(uow, vehicle.vin), newline="")))
        available = sum(row["available"] == "yes" for row in rows)
        uow.record("export", "descriptions", "made", services=len(rows), available=available)

    def document(self, uow: UnitOfWork, vin: str) -> str:
        """Descriptions, durations and availability for one car. Raises LookupError for an unknown one."""
        vehicle = uow.store.vehicles.get(vin)
        if vehicle is None:
            raise LookupError("no such car here")
        prices = uow.store.prices.current() or FIRST_LISTS[self._profile.market]
        return descriptions_csv(vehicle, products_now(prices.substitutes))
