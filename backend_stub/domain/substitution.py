"""A service gives way to another one: range, prices and what was booked follow it (R-104)."""

from collections.abc import Sequence
from dataclasses import replace

from backend_stub.domain.catalogue import (
    BASE_PACKAGE,
    PRODUCTS,
    STANDARD_NAMES,
    PriceList,
    Service,
    Substitute,
    service_name,
)
from backend_stub.domain.entitlement import Entitlement
from backend_stub.errors import BackendError
from contracts.errors import ErrorCode


def products_now(substitutes: Sequence[Substitute]) -> tuple[Service, ...]:
    """What is sold after all `substitutes`, in listing order.

    A replacement that is new takes the place of what it replaces and fits the same cars; one that is sold
    already simply remains. Packages hold the replacement from then on.
    """
    products: tuple[Service, ...] = PRODUCTS
    for substitute in substitutes:
        is_new = all(product.code != substitute.by for product in products)
        products = tuple(
            _replaced(product, substitute)
            for product in products
            if is_new or product.code != substitute.service
        )
    return products


def current_code(service: str, substitutes: Sequence[Substitute]) -> str:
    """What a service is called after all `substitutes`."""
    for substitute in substitutes:
        if substitute.service == service:
            service = substitute.by
    return service


def current_codes(services: Sequence[str], substitutes: Sequence[Substitute]) -> tuple[str, ...]:
    """What several services are called after all `substitutes`."""
    return tuple(current_code(service, substitutes) for service in services)


def current_name(service: str, substitutes: Sequence[Substitute]) -> str:
    """What people call the service `service`."""
    for product in products_now(substitutes):
        if product.code == service:
            return product.name
    return service_name(service)


def list_with(prices: PriceList, substitute: Substitute) -> PriceList:
    """The next list: the replacement costs what it costs there already, else what it replaces did.

    Raises BackendError with NOT_ORDERABLE when the service is not sold or the replacement never is (R-004,
    R-506), with INVALID_STATE when it would replace itself or take the code
    of what another one has replaced.
    """
    if all(product.code != substitute.service for product in products_now(prices.substitutes)):
        raise BackendError(ErrorCode.NOT_ORDERABLE, f"{service_name(substitute.service)} is not for sale")
    if substitute.by in STANDARD_NAMES or substitute.by == BASE_PACKAGE:
        raise BackendError(ErrorCode.NOT_ORDERABLE, f"{service_name(substitute.by)} is never for sale")
    if substitute.service == substitute.by:
        raise BackendError(ErrorCode.INVALID_STATE, "a service cannot replace itself")
    substitutes = (*prices.substitutes, substitute)
    if current_code(substitute.by, substitutes) != substitute.by:
        # Orders hold codes alone: one that means something else now would be booked as what it was.
        raise BackendError(
            ErrorCode.INVALID_STATE,
            f"{service_name(substitute.by)} was replaced by another one; use a new code",
        )
    rows = {
        (service, months): price
        for (service, months), price in prices.prices.items()
        if service != substitute.service
    }
    for (service, months), price in prices.prices.items():
        if service == substitute.service:
            rows.setdefault((substitute.by, months), price)
    return replace(
        prices,
        version=prices.version + 1,
        prices=rows,
        substitutes=substitutes,
    )


def mapped(entitlement: Entitlement, substitute: Substitute) -> Entitlement:
    """The entitlement under the replacement's name, its dates unchanged; terms remember what was bought."""
    periods = tuple(
        period if period.bought_as else replace(period, bought_as=entitlement.service)
        for period in entitlement.periods
    )
    return replace(entitlement, service=substitute.by, periods=periods)


def _replaced(product: Service, substitute: Substitute) -> Service:
    if product.code == substitute.service:
        return replace(
            product,
            code=substitute.by,
            name=substitute.name or product.name,
            description=substitute.description or product.description,
        )
    if substitute.service not in product.includes:
        return product
    includes = (substitute.by if each == substitute.service else each for each in product.includes)
    return replace(product, includes=tuple(each for each in dict.fromkeys(includes) if each != product.code))
