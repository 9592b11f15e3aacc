"""A backend in which money goes back: what agent, BMW's desk and provider do, in one word each."""

from datetime import date
from typing import Any

import pytest

from backend_stub.app import BackendConfig
from backend_stub.domain.refund import RefundRequest, RefundState
from backend_stub.domain.vehicle import VehicleRecord
from backend_stub.errors import BackendError
from contracts.acts.agent import (
    AnyAgentAct,
    ApproveRefund,
    ChangePayee,
    EndService,
    GrantStatutoryRemedy,
    RequestRefund,
)
from contracts.acts.bmw import AnyBmwAct, SetHolidays
from contracts.acts.payer import AnyPayerAct
from contracts.acts.provider import AnyProviderAct, BouncePayout
from contracts.bench import AtBmw, AtHotline, AtPaymentPage, AtProvider, Command
from contracts.errors import ErrorCode
from headunit.sim.checkers import Evidence, no_payment_taken_twice, no_refund_beyond_its_line
from tests.backend_stub.renewal_shop import AuShop
from tests.backend_stub.shop import NUMBER, SECOND, START, VIN, Shop

OWNER = "Chen Wei"


class RefundActs(Shop):
    """What people do about refunds, in any market."""

    def agent(self, act: AnyAgentAct) -> None:
        self.command(AtHotline(act=act))

    def bmw(self, act: AnyBmwAct) -> None:
        self.command(AtBmw(act=act))

    def payer(self, act: AnyPayerAct) -> None:
        self.command(AtPaymentPage(act=act))

    def provider(self, act: AnyProviderAct) -> None:
        self.command(AtProvider(act=act))

    def request(self, order: str, *services: str, **said: Any) -> None:
        self.agent(RequestRefund(order=order, services=services, **said))

    def approve(self, number: str, *services: str) -> None:
        self.agent(ApproveRefund(order=number, services=services))

    def refund(self, number: str, *services: str) -> None:
        """Asked for and approved at once."""
        self.request(number, *services)
        self.approve(number, *services)

    def change_payee(self, number: str, service: str = "RTTI", holder: str = OWNER) -> None:
        self.agent(ChangePayee(order=number, service=service, holder=holder, account="6222 0001"))

    def remedy(self, number: str, service: str = "RTTI", **how: Any) -> None:
        self.agent(GrantStatutoryRemedy(order=number, service=service, **how))

    def end_service(self, service: str = "RTTI", number: str = "") -> None:
        self.agent(EndService(service=service, order=number))

    def bounce(self, number: str, service: str = "") -> None:
        self.provider(BouncePayout(order=number, service=service))

    def set_days(self, holidays: tuple[date, ...] = (), working_weekends: tuple[date, ...] = ()) -> None:
        self.bmw(SetHolidays(holidays=holidays, working_weekends=working_weekends))

    def refusal(self, command: Command) -> ErrorCode:
        """The code of a command that is refused and changes nothing in the books."""
        before = self.backend.audit()
        with pytest.raises(BackendError) as refused:
            self.command(command)
        assert self.backend.audit() == before
        return refused.value.code

    def refused_request(self, number: str, *services: str) -> ErrorCode:
        return self.refusal(AtHotline(act=RequestRefund(order=number, services=services)))

    def refused_approval(self, number: str, *services: str) -> ErrorCode:
        return self.refusal(AtHotline(act=ApproveRefund(order=number, services=services)))

    def refunds(self, number: str) -> tuple[RefundRequest, ...]:
        return self.backend.store.refunds.of_order(number)

    def the_refund(self, number: str, service: str = "RTTI") -> RefundRequest:
        """The request about a line that was not rejected."""
        [found] = [
            each
            for each in self.refunds(number)
            if each.service == service and each.state is not RefundState.REJECTED
        ]
        return found

    def refund_states(self) -> list[tuple[str, str]]:
        """Key and state of every entry about refunds."""
        return self.journal("refund")

    def balances(self) -> bool:
        """Whether the books of money add up to the minor unit."""
        seen = Evidence(self.backend.audit(), (), (), 0)
        return not (no_payment_taken_twice(seen) or no_refund_beyond_its_line(seen))


class RefundShop(RefundActs):
    """A Shop in China whose car has an owner with a name."""

    def __init__(self, start_ms: int = START) -> None:
        vehicle = VehicleRecord(vin=VIN, contract_number=NUMBER, owner_name=OWNER)
        config = BackendConfig(vehicles=(vehicle,), public_url="http://127.0.0.1:8080")
        super().__init__(start_ms, config=config)

    def active(self, *services: str | tuple[str, int], **wishes: str) -> str:
        """Number of an order whose services have just been activated."""
        order = self.accepted(*services, **wishes)
        self.pay(order.number)
        self.advance(20 * SECOND)
        return order.number


class AuRefundShop(RefundActs, AuShop):
    """A shop in Melbourne, whose driver has an account with a name."""
