"""BMW gives six weeks' notice of the end of a service or of the app, and the end comes (R-513)."""

from dataclasses import replace
from datetime import date
from typing import Protocol

from backend_stub.domain.catalogue import service_name
from backend_stub.domain.entitlement import Entitlement, EntitlementEvent
from backend_stub.domain.market import MarketProfile
from backend_stub.domain.notice import EndNotice, check_notice, takes_effect_ms
from backend_stub.domain.sim_subscription import IN_FORCE
from backend_stub.errors import BackendError
from backend_stub.service.acts import Acts
from backend_stub.service.ports.due import DueKind
from backend_stub.service.registry import Registry
from backend_stub.service.unit_of_work import UnitOfWork
from backend_stub.service.validity.booking import Booking
from backend_stub.service.validity.subscription import Subscriptions
from contracts.acts import bmw
from contracts.errors import ErrorCode
from contracts.messages import EntitlementState

APP = "APP"
"""Key of the journal's entries about the app; no service is called so."""


class ProviderEndListener(Protocol):
    """Told, inside the unit of work, that BMW has ended a service; whoever pays back listens (R-606)."""

    def __call__(self, uow: UnitOfWork, entitlement: Entitlement, last_day: date, refund: bool) -> None: ...


class Notices:
    """Announces ends and lets them happen. Every method works inside the unit of work that is open."""

    def __init__(
        self,
        profile: MarketProfile,
        registry: Registry,
        booking: Booking,
        subscriptions: Subscriptions,
    ) -> None:
        self._profile = profile
        self._registry = registry
        self._booking = booking
        self._subscriptions = subscriptions
        self._listeners: list[ProviderEndListener] = []

    def on_provider_end(self, listener: ProviderEndListener) -> None:
        """Have `listener` called for every service that ends by notice."""
        self._listeners.append(listener)

    def acts(self) -> Acts:
        """What BMW's desk can do here."""
        return {bmw.AnnounceEnd: self.announce, bmw.AnnounceAppEnd: self.announce_app_end}

    def announce(self, uow: UnitOfWork, act: bmw.AnnounceEnd) -> None:
        """Give notice to the owner of a car; a later notice about the same service replaces it.

        Raises BackendError with NOTICE_TOO_SHORT, or with INVALID_STATE when the car has no such service.
        """
        vehicle = self._registry.car(uow, act.car)
        if not self._in_force(uow, vehicle.vin, act.service):
            raise BackendError(
                ErrorCode.INVALID_STATE, f"{service_name(act.service)} is not in force in this car"
            )
        check_notice(act.last_day, uow.now_ms, self._profile.zone)
        notice = EndNotice(service=act.service, last_day=act.last_day, refund=act.refund)
        self._keep(uow, vehicle.vin, notice.service, notice)
        due_ms = takes_effect_ms(act.last_day, self._profile.zone)
        uow.store.due.put(DueKind.PROVIDER_END, f"{vehicle.vin}/{act.service}", due_ms)
        self._note(uow, act.service, act.last_day, refund=act.refund)
        uow.touch(vehicle.vin)

    def announce_app_end(self, uow: UnitOfWork, act: bmw.AnnounceAppEnd) -> None:
        """Give everybody notice that the app is shut down. Raises BackendError with NOTICE_TOO_SHORT."""
        check_notice(act.last_day, uow.now_ms, self._profile.zone)
        due_ms = takes_effect_ms(act.last_day, self._profile.zone)
        uow.store.due.put(DueKind.PROVIDER_END, APP, due_ms)
        self._note(uow, APP, act.last_day)

    def take_effect(self, uow: UnitOfWork, key: str) -> None:
        """Local midnight after the effective date: what is still in force of the service ends.

        A service whose own last day it was expires by itself at the same instant.
        """
        vin, _, service = key.rpartition("/")
        if not vin:
            uow.record("notice", service, "in effect")
            return
        notice = self._subscriptions.state(uow, vin).notice(service)
        if notice is None:
            return
        self._keep(uow, vin, service, None)
        uow.record("notice", service, "in effect", last_day=notice.last_day.isoformat())
        midnight_ms = takes_effect_ms(notice.last_day, self._profile.zone)
        for held in self._in_force(uow, vin, service):
            if held.state is not EntitlementState.PENDING and held.booked_until == notice.last_day:
                continue
            ended = self._booking.stop(uow, held, EntitlementEvent.TERMINATE, midnight_ms)
            for listener in self._listeners:
                listener(uow, ended, notice.last_day, notice.refund)
        uow.touch(vin)

    def rename(self, uow: UnitOfWork, vin: str, service: str, by: str) -> None:
        """A notice about `service` is one about `by` from now on (R-104)."""
        notice = self._subscriptions.state(uow, vin).notice(service)
        if notice is None:
            return
        self._keep(uow, vin, service, None)
        uow.store.due.remove(DueKind.PROVIDER_END, f"{vin}/{service}")
        self._keep(uow, vin, by, replace(notice, service=by))
        due_ms = takes_effect_ms(notice.last_day, self._profile.zone)
        uow.store.due.put(DueKind.PROVIDER_END, f"{vin}/{by}", due_ms)

    def _in_force(self, uow: UnitOfWork, vin: str, service: str) -> list[Entitlement]:
        return [
            each
            for each in uow.store.entitlements.of_vehicle(vin)
            if each.service == service and each.state in IN_FORCE
        ]

    def _keep(self, uow: UnitOfWork, vin: str, service: str, notice: EndNotice | None) -> None:
        """Have `notice`, or none, stand for `service`."""
        before = self._subscriptions.state(uow, vin)
        others = tuple(each for each in before.notices if each.service != service)
        after = replace(before, notices=others if notice is None else (*others, notice))
        uow.store.vehicle_states.change(before, after)

    def _note(self, uow: UnitOfWork, key: str, last_day: date, **more: object) -> None:
        uow.record("notice", key, "announced", last_day=last_day.isoformat(), **more)
