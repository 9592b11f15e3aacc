"""What a car is shown of the backend's state: catalogue, orders, booked services, the snapshot."""

from collections.abc import Sequence
from datetime import date

from backend_stub.domain.catalogue import TERMS_MONTHS as TERMS
from backend_stub.domain.catalogue import Price, PriceList, Substitute, eligible, service_name
from backend_stub.domain.checkout import locked_until_ms
from backend_stub.domain.entitlement import Entitlement, Origin
from backend_stub.domain.market import MarketProfile
from backend_stub.domain.notice import EndNotice
from backend_stub.domain.order import Order, mask_number
from backend_stub.domain.renewal import last_day_for_notice, renews_itself
from backend_stub.domain.sim_subscription import ecall_available
from backend_stub.domain.substitution import current_name, products_now
from backend_stub.domain.tax import added_minor
from backend_stub.domain.vehicle import VehicleRecord
from backend_stub.service.people.portal_access import store_needs
from backend_stub.service.ports.store import Store
from contracts.messages import (
    Catalogue,
    EntitlementState,
    EntitlementView,
    Offer,
    OrderState,
    OrderView,
    PricedLine,
    Product,
    Snapshot,
)
from contracts.modem import SimState
from runtime.ports import Ids

CLOSED_ORDERS_SHOWN = 5
"""How many orders that are no longer open a car is still told of, newest first."""

_CURRENT = (EntitlementState.PENDING, EntitlementState.ACTIVE, EntitlementState.SUSPENDED)


def order_view(order: Order) -> OrderView:
    """The order as car and Portal see it; the number is masked (R-308)."""
    return OrderView(
        number=order.number,
        client_order_id=order.client_order_id,
        version=order.version,
        state=order.state,
        lines=tuple(
            PricedLine(line.service, line.months, line.amount_minor, line.tax_minor) for line in order.lines
        ),
        amount_minor=order.amount_minor,
        tax_minor=order.tax_minor,
        currency=order.currency,
        accepted_at_ms=order.accepted_at_ms,
        deadline_ms=order.deadline_ms,
        sms_number=mask_number(order.sms_number),
        cancel_until_ms=order.cancel_until_ms if order.state is OrderState.CANCELLING else None,
        cancel_reason=order.cancel_reason,
    )


def entitlement_view(
    entitlement: Entitlement,
    profile: MarketProfile,
    now_ms: int,
    notice: EndNotice | None = None,
    substitutes: Sequence[Substitute] = (),
) -> EntitlementView:
    """A booked service; before activation it has no dates yet (R-405, R-504, R-505).

    `notice` is that of its end, which concerns it as long as it is in force (R-513).
    """
    dated = entitlement.state is not EntitlementState.PENDING
    since, until = entitlement.booked_from, entitlement.booked_until
    renew_by = last_day_for_notice(entitlement, profile)
    return EntitlementView(
        service=entitlement.service,
        name=current_name(entitlement.service, substitutes),
        origin=entitlement.origin,
        state=entitlement.state,
        booked_from=since.isoformat() if dated and since else None,
        booked_until=until.isoformat() if dated and until else None,
        overdue=entitlement.overdue and entitlement.state is EntitlementState.PENDING,
        auto_renew=renews_itself(entitlement, now_ms, profile),
        renew_by=renew_by.isoformat() if renew_by else "",
        ends_by_notice=notice.last_day.isoformat() if notice and entitlement.state in _CURRENT else "",
    )


def shown_entitlements(entitlements: tuple[Entitlement, ...]) -> tuple[Entitlement, ...]:
    """Of every service what is current, else the newest that has ended; standard services first.

    A car can have a service twice where another one was replaced by it (R-104): the later end is shown.
    """
    shown: dict[str, Entitlement] = {}
    for entitlement in entitlements:
        before = shown.get(entitlement.service)
        if before is None or before.state not in _CURRENT or _outlasts(entitlement, before):
            shown[entitlement.service] = entitlement
    return tuple(sorted(shown.values(), key=lambda each: each.origin is not Origin.STANDARD))


def _outlasts(entitlement: Entitlement, before: Entitlement) -> bool:
    """Whether it is current, and not before the other one over."""
    ends, ended = entitlement.booked_until or date.max, before.booked_until or date.max
    return entitlement.state in _CURRENT and ends >= ended


def offer(months: int, price: Price, prices: PriceList, profile: MarketProfile) -> Offer:
    """A row of the list; its tax is what an order adds to it (R-310)."""
    added = 0 if prices.tax_included else added_minor(price.amount_minor, profile.tax_percent)
    return Offer(months, price.amount_minor, added)


def catalogue(
    vehicle: VehicleRecord, prices: PriceList, profile: MarketProfile, key: str, now_ms: int
) -> Catalogue:
    """What this car can book at the current list (R-102)."""
    return Catalogue(
        key=key,
        sent_at_ms=now_ms,
        list_version=prices.version,
        market=profile.market,
        currency=profile.currency,
        products=tuple(
            Product(
                service=service.code,
                name=service.name,
                description=service.description,
                offers=tuple(
                    offer(months, prices.prices[service.code, months], prices, profile) for months in TERMS
                ),
                includes=service.includes,
            )
            for service in eligible(vehicle, products_now(prices.substitutes))
        ),
        support=profile.support,
        hotline=profile.hotline,
        disturbance_line=profile.disturbance_line,
    )


class Snapshots:
    """Makes snapshots with rising revisions (R-406)."""

    def __init__(self, store: Store, ids: Ids, profile: MarketProfile) -> None:
        self._store = store
        self._profile = profile
        self._ids = ids

    def __call__(self, vin: str, now_ms: int) -> Snapshot:
        """The car's snapshot at `now_ms`, inside the transaction that is open."""
        store = self._store
        vehicle = store.vehicles.get(vin)
        orders = store.orders.alive(vin, closed=CLOSED_ORDERS_SHOWN)
        entitlements = store.entitlements.of_vehicle(vin)
        # Only what was renamed needs the list: its code is none that the range began with.
        renamed: tuple[Substitute, ...] = ()
        if any(service_name(each.service) == each.service for each in entitlements):
            prices = store.prices.current()
            renamed = prices.substitutes if prices else ()
        state = store.vehicle_states.get(vin)
        link = store.links.get(vin)
        sim = state.subscription.state if state else SimState.ACTIVE
        return Snapshot(
            key=self._ids.key(),
            sent_at_ms=now_ms,
            revision=store.vehicles.next_revision(vin),
            entitlements=tuple(
                entitlement_view(
                    each, self._profile, now_ms, state.notice(each.service) if state else None, renamed
                )
                for each in shown_entitlements(entitlements)
            ),
            orders=tuple(map(order_view, orders)),
            contract_number=vehicle.contract_number if vehicle else "",
            locked_until_ms=locked_until_ms(orders),
            ecall_available=ecall_available(sim, entitlements),
            deactivated=sim is SimState.DEACTIVATED,
            store_needs=store_needs(store, self._profile, vin),
            link_code=link.code if link else "",
        )
