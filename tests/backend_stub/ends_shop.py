"""What tests of ending, suspending and switching off say to a shop, and what they look at."""

from datetime import date

import pytest

from backend_stub.domain.entitlement import Entitlement, Origin, Period
from backend_stub.errors import BackendError
from contracts.acts.agent import AnyAgentAct
from contracts.acts.bmw import AnyBmwAct
from contracts.acts.dealer import AnyDealerAct
from contracts.acts.portal import AnyPortalAct
from contracts.bench import AtBmw, AtDealer, AtHotline, AtPortal, Command
from contracts.errors import ErrorCode
from contracts.messages import EntitlementState
from contracts.modem import SimState
from tests.backend_stub.shop import VIN, Shop

Said = AnyAgentAct | AnyBmwAct | AnyDealerAct | AnyPortalAct


def command_of(act: Said) -> Command:
    """The bench command with which an act arrives."""
    if isinstance(act, AnyAgentAct):
        return AtHotline(act=act)
    if isinstance(act, AnyBmwAct):
        return AtBmw(act=act)
    if isinstance(act, AnyDealerAct):
        return AtDealer(act=act)
    return AtPortal(act=act)


def does(shop: Shop, act: Said) -> None:
    """Somebody does something, and it is done."""
    shop.command(command_of(act))


def refused(shop: Shop, act: Said) -> ErrorCode:
    """The code with which an act is refused; it must not have changed anything."""
    before = shop.backend.audit(), shop.last_seq(), shop.backend.store.vehicle_states.all()
    with pytest.raises(BackendError) as refusal:
        shop.command(command_of(act))
    assert (shop.backend.audit(), shop.last_seq(), shop.backend.store.vehicle_states.all()) == before
    assert shop.book.entries[-1].kind == "refusal"
    return refusal.value.code


def states(shop: Shop) -> dict[str, EntitlementState]:
    """The newest state of every service the car has had."""
    return {each.service: each.state for each in shop.backend.audit().entitlements}


def sim(shop: Shop) -> tuple[SimState, SimState]:
    """The car's SIM: what the backend has decided, and what the operator has carried out."""
    state = shop.backend.store.vehicle_states.get(VIN)
    assert state is not None
    return state.subscription.state, state.subscription.network


def with_the_car(shop: Shop, service: str, first_day: date, last_day: date) -> None:
    """The car has come with a service (R-005)."""

    async def grant() -> None:
        with shop.backend.change() as uow:
            shop.backend.booking.grant(
                uow,
                Entitlement(
                    entitlement_id=0,
                    vin=VIN,
                    service=service,
                    origin=Origin.CONTRACT,
                    state=EntitlementState.ACTIVE,
                    periods=(
                        Period(
                            order_number="",
                            months=3,
                            captured_at_ms=uow.now_ms,
                            first_day=first_day,
                            last_day=last_day,
                            fresh=False,
                        ),
                    ),
                ),
            )

    shop.run(grant())
