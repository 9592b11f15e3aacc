"""Renewal, chosen in the Portal and charged at its hour; the base package's extension (R-504 to R-506)."""

from dataclasses import replace
from typing import Protocol

from backend_stub.domain import checkout, renewal
from backend_stub.domain.catalogue import BASE_PACKAGE, service_name
from backend_stub.domain.entitlement import Entitlement, RenewalChoice, lasting_longest, renewal_choice
from backend_stub.domain.market import MarketProfile
from backend_stub.domain.order import OrderLine
from backend_stub.domain.vehicle import VehicleRecord
from backend_stub.errors import BackendError
from backend_stub.service.acts import Acts
from backend_stub.service.money.payments import Payments
from backend_stub.service.ordering.orders import Orders
from backend_stub.service.ports.due import DueKind
from backend_stub.service.unit_of_work import UnitOfWork
from backend_stub.service.validity.booking import Booking
from contracts.acts import portal, provider
from contracts.bench import PaymentOutcome
from contracts.errors import ErrorCode

CARD_REFUSES_SETTING = "card_refuses"


class VehicleAccess(Protocol):
    """Who may do something in the Portal, and for which car."""

    def vehicle_of(self, uow: UnitOfWork, act: portal.PortalAct) -> VehicleRecord:
        """The car that whoever acts is logged in for. Raises BackendError."""


class Renewals:
    """What customers choose for the end of a term, and what becomes of it."""

    def __init__(
        self,
        profile: MarketProfile,
        access: VehicleAccess,
        orders: Orders,
        payments: Payments,
        booking: Booking,
    ) -> None:
        self._profile = profile
        self._access = access
        self._orders = orders
        self._payments = payments
        self._booking = booking

    def acts(self) -> Acts:
        """What people can do here."""
        return {
            portal.SetAutoRenew: self.set_auto_renew,
            portal.GiveNotice: self.give_notice,
            portal.ExtendBasePackage: self.extend_base_package,
            provider.SetCard: self.set_card,
        }

    def set_auto_renew(self, uow: UnitOfWork, act: portal.SetAutoRenew) -> None:
        """Switch auto-renew until the charge (R-505). Raises BackendError."""
        before = self._held(uow, self._access.vehicle_of(uow, act), act.service)
        self._choose(uow, before, renewal.with_auto_renew(before, act.on, uow.now_ms, self._profile))

    def give_notice(self, uow: UnitOfWork, act: portal.GiveNotice) -> None:
        """Notice of one renewal by form, in time (R-504). Raises BackendError."""
        before = self._held(uow, self._access.vehicle_of(uow, act), act.service)
        self._choose(uow, before, renewal.with_notice(before, uow.now_ms, self._profile))

    def extend_base_package(self, uow: UnitOfWork, act: portal.ExtendBasePackage) -> None:
        """The free extension, once (R-506). Raises BackendError."""
        vehicle = self._access.vehicle_of(uow, act)
        packages = tuple(
            each for each in uow.store.entitlements.of_vehicle(vehicle.vin) if each.service == BASE_PACKAGE
        )
        before, after = renewal.extended_base_package(vehicle, packages, uow.now_ms, self._profile)
        self._booking.grant_extension(uow, before, after)

    def set_card(self, uow: UnitOfWork, act: provider.SetCard) -> None:
        """Whether cards on file are good for the charges to come."""
        uow.store.settings.put(CARD_REFUSES_SETTING, int(not act.approves))

    def forget(self, uow: UnitOfWork, vin: str) -> None:
        """The car has another owner: nothing that the former one has chosen goes on (R-714)."""
        for before in uow.store.entitlements.of_vehicle(vin):
            if before.renewal is not RenewalChoice.NONE:
                self._choose(uow, before, replace(before, renewal=RenewalChoice.NONE))

    def gather(self, uow: UnitOfWork, vin: str, service: str) -> None:
        """A car may have `service` twice now: what was chosen for either holds for the later end (R-104).

        So what is shown of it is what can be switched, and what is charged.
        """
        held = renewal.in_force(service, uow.store.entitlements.of_vehicle(vin))
        lasting = lasting_longest(held)
        others = [each for each in held if each is not lasting and each.renewal is not RenewalChoice.NONE]
        if lasting is None or not others:
            return
        chosen = [each.renewal for each in (lasting, *others)]
        is_auto = any(each.is_auto for each in chosen)
        choice = renewal_choice(is_auto, has_notice=any(each.has_notice for each in chosen))
        for other in others:
            self._choose(uow, other, replace(other, renewal=RenewalChoice.NONE))
        self._choose(uow, lasting, replace(lasting, renewal=choice))

    def charge(self, uow: UnitOfWork, entitlement_id: int) -> None:
        """The last day begins: charge the card for the same term at the current price, once (R-505, D-24).

        The order is like any other; what the provider says of it extends the term or leaves it to expire.
        """
        entitlement = uow.store.entitlements.get(entitlement_id)
        charge = renewal.charge_of(entitlement, uow.now_ms, self._profile) if entitlement else None
        if entitlement is None:
            return
        if charge is None:
            uow.record("renewal", entitlement.service, "dropped", reason=str(entitlement.state))
            return
        if self._ends_by_notice(uow, entitlement):
            uow.record("renewal", entitlement.service, "dropped", reason="its end was announced")
            return
        line = self._line(uow, charge)
        if line is None:
            uow.record("renewal", entitlement.service, "dropped", reason="not for sale any more")
            return
        client_order_id = f"renewal {entitlement_id} of {entitlement.booked_until}"
        order = self._orders.charge(uow, entitlement.vin, client_order_id, line)
        uow.record(
            "renewal",
            entitlement.service,
            "charged",
            order=order.number,
            amount_minor=order.amount_minor,
            tax_minor=order.tax_minor,
        )
        session = self._payments.open_session(uow, order, self._profile.providers[0])
        refuses = bool(uow.store.settings.get(CARD_REFUSES_SETTING, 0))
        self._payments.decide(uow, session, PaymentOutcome.DECLINE if refuses else PaymentOutcome.APPROVE)

    def _ends_by_notice(self, uow: UnitOfWork, entitlement: Entitlement) -> bool:
        """Whether BMW has announced that nothing of the next term could be used (R-513)."""
        state, until = uow.store.vehicle_states.get(entitlement.vin), entitlement.booked_until
        notice = state.notice(entitlement.service) if state else None
        return notice is not None and until is not None and notice.last_day <= until

    def _line(self, uow: UnitOfWork, charge: renewal.Charge) -> OrderLine | None:
        """What the next term costs now, tax included; None when it is for sale no more."""
        prices = self._orders.current_prices(uow)
        price = prices.prices.get((charge.service, charge.months))
        if price is None:
            return None
        total = checkout.price_of(charge.service, charge.months, prices, self._profile)
        return OrderLine(charge.service, charge.months, total.amount_minor, price.fee_minor, total.tax_minor)

    def _held(self, uow: UnitOfWork, vehicle: VehicleRecord, service: str) -> Entitlement:
        """What the car has of a service as it is shown: what lasts longest, else the newest that is over.

        Raises BackendError.
        """
        entitlements = uow.store.entitlements.of_vehicle(vehicle.vin)
        lasting = lasting_longest(renewal.in_force(service, entitlements))
        if lasting is not None:
            return lasting
        for entitlement in reversed(entitlements):
            if entitlement.service == service:
                return entitlement
        raise BackendError(ErrorCode.INVALID_STATE, f"{service_name(service)} is not booked in this car")

    def _choose(self, uow: UnitOfWork, before: Entitlement, after: Entitlement) -> None:
        uow.store.entitlements.change(before, after)
        if after.renewal is RenewalChoice.NONE:
            uow.store.due.remove(DueKind.RENEWAL_CHARGE, str(after.entitlement_id))
        self._booking.plan_charge(uow, after)
        last_day = renewal.last_day_for_notice(after, self._profile)
        uow.record(
            "renewal",
            after.service,
            after.renewal,
            renew_by=last_day.isoformat() if last_day else "",
            booked_until=after.booked_until.isoformat() if after.booked_until else "",
        )
        uow.touch(after.vin, after.traceparent)
