"""A shop whose customers have accounts: what its tests say, and what they look at."""

from datetime import date
from typing import Any

import pytest

from backend_stub.app import Backend, BackendConfig
from backend_stub.domain.account import Account, AccountState
from backend_stub.domain.vehicle import VehicleRecord
from backend_stub.domain.vehicle_link import LinkState, VehicleLink
from backend_stub.errors import BackendError
from backend_stub.service.ports.messages import Sms
from contracts.acts import agent, dealer, portal
from contracts.acts.portal import PortalClient
from contracts.bench import AtDealer, AtHotline, AtPortal, Command, Pay
from contracts.errors import ErrorCode
from tests.backend_stub.shop import NUMBER as NUMBER
from tests.backend_stub.shop import START, MakeBackend, Shop
from tests.backend_stub.shop import VIN as VIN

OTHER_VIN = "WBATEST0000000002"
FIRST_REGISTRATION = date(2014, 6, 2)
ENGINE_NUMBER = "N20B20A0001234"
PASSWORD = "harbour7bridge"
ALICE = "alice"

Said = portal.AnyPortalAct | agent.AnyAgentAct | dealer.AnyDealerAct


def car(vin: str = VIN, *, handed_over: bool = True, **fields: Any) -> VehicleRecord:
    """A car as the configuration gives it."""
    return VehicleRecord(
        vin=vin,
        contract_number=fields.pop("contract_number", NUMBER),
        first_registration=FIRST_REGISTRATION,
        engine_number=ENGINE_NUMBER,
        is_handed_over=handed_over,
        **fields,
    )


class PortalShop(Shop):
    """A shop in `market` with the given cars: in China one that its dealer has yet to activate."""

    def __init__(
        self,
        market: str = "CN",
        *cars: VehicleRecord,
        start_ms: int = START,
        make_backend: MakeBackend = Backend,
    ) -> None:
        cars = cars or (car(handed_over=market != "CN"),)
        super().__init__(
            start_ms,
            config=BackendConfig(market=market, vehicles=cars, public_url="http://127.0.0.1:8080"),
            make_backend=make_backend,
        )

    def does(self, *acts: Said) -> None:
        """Somebody does something, and it is done."""
        for act in acts:
            self.command(command_of(act))

    def refuses(self, act: Said) -> ErrorCode:
        """The code with which an act is refused; it must not have changed anything."""
        before = self.books()
        with pytest.raises(BackendError) as refusal:
            self.does(act)
        assert self.books() == before
        assert self.book.entries[-1].kind == "refusal"
        return refusal.value.code

    def counted(self, act: Said) -> ErrorCode:
        """The code with which an act is refused that counts."""
        with pytest.raises(BackendError) as refusal:
            self.does(act)
        return refusal.value.code

    def books(self) -> tuple[object, ...]:
        """Everything that a refusal must leave alone."""
        store = self.backend.store
        links = tuple(store.links.get(vin) for vin in store.vehicles.vins())
        return self.backend.audit(), store.accounts.all(), links, self.last_seq(), store.sms.arrived()

    # Short for many acts

    def log_in(self, user: str, password: str | None = PASSWORD) -> None:
        self.does(portal.Login(user=user, password=password))

    def activated(self, number: str = NUMBER, name: str = "Li Wei") -> None:
        """The dealer hands the car over, the owner logs in and chooses a password."""
        self.does(
            dealer.ActivateVehicle(name=name, number=number),
            portal.Login(user=number),
            portal.ChoosePassword(user=number, password=PASSWORD),
        )

    def registered(self, user: str = ALICE, *, linked: bool = True) -> None:
        """Somebody opens an account, logs in and links the car."""
        self.does(
            portal.Register(user=user, password=PASSWORD, name="Alice Example", email=f"{user}@example.com"),
            portal.Login(user=user, password=PASSWORD),
        )
        if linked:
            self.does(portal.LinkVehicle(user=user, first_registration=FIRST_REGISTRATION))

    def locked(self, user: str) -> None:
        """Somebody fails five times."""
        for _ in range(5):
            assert self.counted(portal.Login(user=user, password="wrong")) is ErrorCode.BAD_CREDENTIALS

    def paid_by_card(self, *services: str) -> str:
        """Number of an order of the car that has just been paid by card."""
        order = self.accepted(*services)
        self.command(Pay(order_number=order.number, provider="Card"))
        return order.number

    # What there is

    def account(self, user: str) -> Account:
        account = self.backend.store.accounts.called(user)
        assert account is not None
        return account

    def state(self, user: str) -> AccountState:
        account = self.backend.store.accounts.called(user)
        return AccountState.NONE if account is None else account.state

    def link(self, vin: str = VIN) -> VehicleLink:
        link = self.backend.store.links.get(vin)
        assert link is not None
        return link

    def link_state(self, vin: str = VIN) -> LinkState:
        return self.link(vin).state

    def is_logged_in(self, user: str, client: PortalClient = PortalClient.PORTAL) -> bool:
        account = self.account(user)
        return self.backend.store.sessions.is_open(account.account_id, client, self.now)

    def message(self, to: str, purpose: str) -> Sms:
        """The newest message for a purpose that has arrived there."""
        message = self.backend.store.sms.newest(to, purpose)
        assert message is not None
        return message


def command_of(act: Said) -> Command:
    """The bench command with which an act arrives."""
    module = type(act).__module__
    if module == portal.__name__:
        return AtPortal(act=act)  # type: ignore[arg-type]
    if module == agent.__name__:
        return AtHotline(act=act)  # type: ignore[arg-type]
    return AtDealer(act=act)  # type: ignore[arg-type]
