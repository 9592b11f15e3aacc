"""The Portal put together: accounts, links, owners, orders, and the care centre behind them."""

from collections.abc import Callable
from dataclasses import dataclass

from backend_stub.domain.market import MarketProfile
from backend_stub.service.acts import Acts
from backend_stub.service.due import DueHandler
from backend_stub.service.gateway import Gateway
from backend_stub.service.ordering.order_book import OrderBook
from backend_stub.service.ordering.orders import Orders
from backend_stub.service.ordering.portal_orders import PortalOrders
from backend_stub.service.people.account_book import AccountBook
from backend_stub.service.people.account_messages import AccountMessages
from backend_stub.service.people.accounts import Accounts
from backend_stub.service.people.care_centre import CareCentre
from backend_stub.service.people.links import Links
from backend_stub.service.people.ownership import Ownership
from backend_stub.service.people.passwords import Passwords
from backend_stub.service.people.portal_access import PortalAccess
from backend_stub.service.ports.due import DueKind
from backend_stub.service.registry import Registry
from backend_stub.service.validity.renewals import Renewals
from runtime.ports import Ids


@dataclass(frozen=True, slots=True)
class PortalDesk:
    """The services of the Portal."""

    book: AccountBook
    links: Links
    accounts: Accounts
    care_centre: CareCentre
    ownership: Ownership
    orders: PortalOrders

    def acts(self) -> tuple[Acts, ...]:
        """What people can do here, service by service."""
        return (
            self.links.acts(),
            self.accounts.acts(),
            self.care_centre.acts(),
            self.ownership.acts(),
            self.orders.acts(),
        )

    def due_handlers(self) -> dict[DueKind, DueHandler]:
        """Who acts when something is due."""
        return {
            DueKind.ACCOUNT_UNLOCK: lambda uow, key: self.book.unlock_due(uow, int(key)),
            DueKind.LINK_UNLOCK: self.links.unlock_due,
        }


def make_portal_desk(
    profile: MarketProfile,
    ids: Ids,
    passwords: Passwords,
    gateway: Gateway,
    portal_of: Callable[[str], str],
    access: PortalAccess,
    registry: Registry,
    order_book: OrderBook,
    orders: Orders,
    renewals: Renewals,
) -> PortalDesk:
    """Put the Portal together; `portal_of` makes an address of the Portal from a path."""
    book = AccountBook()
    links = Links(profile, ids, access, registry)
    messages = AccountMessages(profile, ids, gateway, portal_of)
    accounts = Accounts(profile, ids, book, messages, passwords, access, links)
    return PortalDesk(
        book=book,
        links=links,
        accounts=accounts,
        care_centre=CareCentre(profile, book),
        ownership=Ownership(profile, registry, access, accounts, book, links, order_book, renewals),
        orders=PortalOrders(ids, access, orders),
    )
