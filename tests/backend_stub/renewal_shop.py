"""A backend in Australia whose car is linked to an account that is logged in."""

from backend_stub.app import BackendConfig
from backend_stub.domain.account import Account, AccountState
from backend_stub.domain.data_flow import Flow
from backend_stub.domain.order import Channel
from backend_stub.domain.vehicle import VehicleRecord
from backend_stub.domain.vehicle_link import LinkState, VehicleLink
from backend_stub.service.ports.accounts import PortalSession
from contracts.acts.portal import GiveNotice, PortalClient, SetAutoRenew
from contracts.acts.provider import SetCard
from contracts.bench import AtPortal, AtProvider, Pay, PaymentOutcome
from contracts.messages import EntitlementView, Line, SubmitOrder
from tests.backend_stub.instants import in_melbourne
from tests.backend_stub.shop import MINUTE, VIN, Shop, lines

USER = "driver@example.com"
AU_START = in_melbourne("2026-05-01 10:00")


def open_portal(shop: Shop, user: str = USER) -> None:
    """Somebody has an account, the shop's car is linked to it, and they stay logged in."""

    async def do() -> None:
        with shop.backend.change() as uow:
            account = uow.store.accounts.add(
                Account(
                    account_id=0,
                    username=user,
                    state=AccountState.ACTIVE,
                    name="Test Driver",
                    number="0400000001",
                    email=user,
                )
            )
            before = uow.store.links.get(VIN)
            if before is None:
                before = VehicleLink(vin=VIN)
                uow.store.links.add(before)
            linked = VehicleLink(
                vin=VIN,
                state=LinkState.LINKED,
                account_id=account.account_id,
                linked_at_ms=uow.now_ms,
                version=before.version + 1,
            )
            uow.store.links.change(before, linked)
            uow.store.sessions.add(
                PortalSession(
                    digest=f"session of {user}",
                    account_id=account.account_id,
                    client=PortalClient.PORTAL,
                    ends_at_ms=None,
                )
            )

    shop.run(do())


class AuShop(Shop):
    """The shop, in Melbourne."""

    def __init__(self, start_ms: int = AU_START, *, activation_delay_ms: int = MINUTE // 3) -> None:
        super().__init__(
            start_ms,
            config=BackendConfig(
                market="AU",
                vehicles=(VehicleRecord(vin=VIN),),
                activation_delay_ms=activation_delay_ms,
                public_url="http://127.0.0.1:8080",
            ),
        )
        open_portal(self)

    def order_in_portal(self, *services: str | tuple[str, int]) -> str:
        """Order in the Portal, for three months unless said otherwise; returns the number.

        Raises BackendError.
        """
        wanted: tuple[Line, ...] = lines(*services)

        async def order() -> str:
            with self.backend.change() as uow:
                vehicle = uow.store.vehicles.get(VIN)
                prices = uow.store.prices.current()
                assert vehicle is not None
                assert prices is not None
                key = self.key()
                request = SubmitOrder(
                    key=key,
                    sent_at_ms=self.now,
                    client_order_id=key,
                    lines=wanted,
                    list_version=prices.version,
                )
                return self.backend.orders.submit(uow, vehicle, request, Channel.PORTAL).number

        return self.run(order())

    def pay_by_card(self, number: str, outcome: PaymentOutcome = PaymentOutcome.APPROVE) -> None:
        """Pay an order with the card stub."""
        self.command(Pay(order_number=number, provider="Card", outcome=outcome))

    def booked_service(self, service: str = "RTTI", months: int = 3) -> EntitlementView:
        """A service bought, paid and active."""
        self.pay_by_card(self.order_in_portal((service, months)))
        self.advance(MINUTE)
        return self.booked(service)

    def auto_renew(self, on: bool, service: str = "RTTI") -> None:
        """Switch auto-renew in the Portal."""
        self.command(AtPortal(act=SetAutoRenew(user=USER, service=service, on=on)))

    def notice(self, service: str = "RTTI") -> None:
        """Give notice by the Portal's form."""
        self.command(AtPortal(act=GiveNotice(user=USER, service=service)))

    def card(self, approves: bool) -> None:
        """What becomes of the next charges."""
        self.command(AtProvider(act=SetCard(approves=approves)))

    def flows(self) -> list[Flow]:
        """What data has gone out."""
        return [entry.flow for entry in self.backend.store.data_ledger.of_vehicle(VIN)]
