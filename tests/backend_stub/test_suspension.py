"""BMW's desk suspends, lifts and terminates without notice (R-516), and a walk through all of it."""

from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from backend_stub.errors import BackendError
from contracts.acts.agent import EndService
from contracts.acts.bmw import Ground, LiftSuspension, SuspendServices, TerminateServices
from contracts.acts.dealer import DeactivateVehicle, ReactivateVehicle
from contracts.errors import ErrorCode
from contracts.messages import EntitlementState, EntitlementView
from contracts.modem import SimState
from tests.backend_stub.ends_shop import Said, command_of, does, refused, sim, states
from tests.backend_stub.shop import MINUTE, Shop, shanghai

S = EntitlementState


def driving(shop: Shop) -> None:
    """The car has RTTI, active."""
    shop.paid("RTTI")
    shop.advance(MINUTE)


@pytest.mark.req("R-516")
def test_a_suspension_spares_the_emergency_call(shop: Shop) -> None:
    driving(shop)
    does(shop, SuspendServices(ground=Ground.NON_PAYMENT))
    assert states(shop) == {
        "EMERGENCY_CALL": S.ACTIVE,
        "TELESERVICES": S.SUSPENDED,
        "BASE": S.SUSPENDED,
        "RTTI": S.SUSPENDED,
    }
    last = shop.snapshots()[-1]
    assert last.ecall_available
    assert [each.state for each in last.entitlements if each.service == "RTTI"] == [S.SUSPENDED]
    assert sim(shop) == (SimState.ACTIVE, SimState.ACTIVE)


@pytest.mark.req("R-516")
def test_by_its_flag_alone_the_emergency_call_goes_too_and_the_sim_with_it(shop: Shop) -> None:
    does(shop, SuspendServices(emergency_call=True))
    assert set(states(shop).values()) == {S.SUSPENDED}
    assert not shop.snapshots()[-1].ecall_available
    assert sim(shop) == (SimState.SUSPENDED, SimState.ACTIVE)
    shop.advance(MINUTE)
    assert sim(shop) == (SimState.SUSPENDED, SimState.SUSPENDED)


@pytest.mark.req("R-516")
@pytest.mark.parametrize("act", [SuspendServices, TerminateServices])
def test_naming_the_emergency_call_is_not_its_flag(
    shop: Shop, act: Callable[..., SuspendServices | TerminateServices]
) -> None:
    assert refused(shop, act(services=("EMERGENCY_CALL",))) is ErrorCode.CONFIRMATION_REQUIRED


@pytest.mark.req("R-516")
def test_one_service_can_be_suspended_alone(shop: Shop) -> None:
    driving(shop)
    does(shop, SuspendServices(services=("RTTI",)))
    assert [code for code, state in states(shop).items() if state is S.SUSPENDED] == ["RTTI"]


@pytest.mark.req("R-516")
def test_lifting_brings_everything_back_under_the_same_dates(shop: Shop) -> None:
    driving(shop)
    before = shop.booked("RTTI")
    does(shop, SuspendServices(emergency_call=True))
    shop.advance(MINUTE)
    does(shop, LiftSuspension())
    assert set(states(shop).values()) == {S.ACTIVE}
    assert shop.booked("RTTI") == before
    assert shop.snapshots()[-1].ecall_available
    assert sim(shop) == (SimState.ACTIVE, SimState.ACTIVE)


@pytest.mark.req("R-516")
def test_lifting_one_service_leaves_the_sim_suspended_until_the_emergency_call_is_lifted(shop: Shop) -> None:
    driving(shop)
    does(shop, SuspendServices(emergency_call=True))
    does(shop, LiftSuspension(services=("RTTI",)))
    assert states(shop)["RTTI"] is S.ACTIVE
    assert sim(shop)[0] is SimState.SUSPENDED
    does(shop, LiftSuspension(services=("EMERGENCY_CALL",)))
    assert sim(shop)[0] is SimState.ACTIVE
    assert states(shop)["TELESERVICES"] is S.SUSPENDED


@pytest.mark.req("R-403", "R-516")
def test_a_suspended_service_expires_at_its_midnight_all_the_same() -> None:
    shop = Shop(shanghai("2015-05-01 10:00"))
    driving(shop)
    does(shop, SuspendServices(services=("RTTI",)))
    midnight = shanghai("2015-08-01 00:00")
    shop.advance_to(midnight - 1)
    assert states(shop)["RTTI"] is S.SUSPENDED
    shop.advance(1)
    assert states(shop)["RTTI"] is S.EXPIRED
    assert refused(shop, LiftSuspension()) is ErrorCode.INVALID_STATE
    shop.close()


@pytest.mark.req("R-501", "R-516")
def test_a_suspended_service_can_be_extended_and_stays_suspended(shop: Shop) -> None:
    driving(shop)
    does(shop, SuspendServices(services=("RTTI",)))
    shop.paid("RTTI")
    [held] = shop.entitlements("RTTI")
    assert held.state is S.SUSPENDED
    assert len(held.periods) == 2


@pytest.mark.req("R-516")
def test_what_waits_for_activation_cannot_be_suspended_but_terminated(shop: Shop) -> None:
    shop.paid("RTTI")
    assert refused(shop, SuspendServices(services=("RTTI",))) is ErrorCode.INVALID_STATE
    does(shop, TerminateServices(services=("RTTI",)))
    shop.advance(MINUTE)
    assert states(shop)["RTTI"] is S.TERMINATED


@pytest.mark.req("R-516", "R-517")
def test_termination_without_notice_spares_the_emergency_call(shop: Shop) -> None:
    driving(shop)
    does(shop, TerminateServices(ground=Ground.SUSPECTED_BREACH))
    assert states(shop).pop("EMERGENCY_CALL") is S.ACTIVE
    assert {each.ended_at_ms for each in shop.entitlements("RTTI")} == {shop.now}
    assert [code for code, state in states(shop).items() if state is S.ACTIVE] == ["EMERGENCY_CALL"]
    assert shop.snapshots()[-1].ecall_available


@pytest.mark.req("R-515", "R-516")
def test_a_terminated_emergency_call_is_dead_though_the_sim_lives(shop: Shop) -> None:
    driving(shop)
    does(shop, TerminateServices(services=("EMERGENCY_CALL",), emergency_call=True))
    assert not shop.snapshots()[-1].ecall_available
    assert not shop.snapshots()[-1].deactivated
    assert sim(shop)[0] is SimState.ACTIVE


@pytest.mark.req("R-516")
@pytest.mark.parametrize(
    "act",
    [
        SuspendServices(services=("RTTI",)),
        SuspendServices(services=("BASE", "RTTI")),
        TerminateServices(services=("RTTI",)),
        LiftSuspension(services=("RTTI",)),
        LiftSuspension(services=("BASE",)),
        LiftSuspension(),
    ],
    ids=str,
)
def test_what_cannot_be_done_to_all_that_was_named_is_done_to_none(shop: Shop, act: Said) -> None:
    assert refused(shop, act) is ErrorCode.INVALID_STATE


class CarsLife(RuleBasedStateMachine):
    """Whatever desk, dealer and hotline do to a car: services, SIM and Emergency Call are those of a model.

    The model keeps a word for every service and one for the SIM, and knows the rows of both tables by heart.
    """

    def __init__(self) -> None:
        super().__init__()
        self.shop = Shop()
        self.services = {"EMERGENCY_CALL": "ACTIVE", "TELESERVICES": "ACTIVE", "BASE": "ACTIVE"}
        self.sim = "ACTIVE"

    def teardown(self) -> None:
        self.shop.close()

    def say(self, act: Said, listed: bool) -> None:
        """Do it, and expect it to be done or refused."""
        if listed:
            self.shop.command(command_of(act))
            return
        before = self.shop.backend.audit()
        with pytest.raises(BackendError):
            self.shop.command(command_of(act))
        assert self.shop.backend.audit() == before

    def in_force(self) -> list[str]:
        return [code for code, state in self.services.items() if state in ("PENDING", "ACTIVE", "SUSPENDED")]

    def settle(self) -> None:
        """With the last service the SIM ends (R-515)."""
        if not self.in_force() and self.sim != "PROVISIONED":
            self.sim = "DEACTIVATED"

    @rule(service=st.sampled_from(("RTTI", "CONCIERGE")))
    def buy(self, service: str) -> None:
        if self.services.get(service) in ("PENDING", "ACTIVE", "SUSPENDED"):
            return
        self.shop.paid(service)
        self.services[service] = "PENDING"

    @rule()
    def a_minute_passes(self) -> None:
        self.shop.advance(MINUTE)
        for code in self.in_force():
            if self.services[code] == "PENDING":
                self.services[code] = "ACTIVE"

    @rule(flag=st.booleans())
    def suspend_all(self, flag: bool) -> None:
        taken = [
            code
            for code in self.in_force()
            if self.services[code] == "ACTIVE" and (flag or code != "EMERGENCY_CALL")
        ]
        listed = bool(taken) and (not flag or self.sim == "ACTIVE")
        self.say(SuspendServices(emergency_call=flag), listed)
        if listed:
            self.services.update(dict.fromkeys(taken, "SUSPENDED"))
            self.sim = "SUSPENDED" if flag else self.sim

    @rule()
    def lift_all(self) -> None:
        taken = [code for code in self.in_force() if self.services[code] == "SUSPENDED"]
        self.say(LiftSuspension(), bool(taken) or self.sim == "SUSPENDED")
        self.services.update(dict.fromkeys(taken, "ACTIVE"))
        self.sim = "ACTIVE" if self.sim == "SUSPENDED" else self.sim

    @rule(service=st.sampled_from(("RTTI", "TELESERVICES", "BASE")))
    def terminate(self, service: str) -> None:
        listed = service in self.in_force()
        self.say(TerminateServices(services=(service,)), listed)
        if listed:
            self.services[service] = "TERMINATED"
            self.settle()

    @rule()
    def terminate_with_the_emergency_call(self) -> None:
        taken = self.in_force()
        self.say(TerminateServices(emergency_call=True), bool(taken))
        self.services.update(dict.fromkeys(taken, "TERMINATED"))
        self.settle()

    @rule(service=st.sampled_from(("RTTI", "EMERGENCY_CALL")))
    def end_by_telephone(self, service: str) -> None:
        listed = service != "EMERGENCY_CALL" and service in self.in_force()
        self.say(EndService(service=service), listed)
        if listed:
            self.services[service] = "TERMINATED"
            self.settle()

    @rule()
    def switch_off(self) -> None:
        listed = self.sim in ("ACTIVE", "SUSPENDED")
        self.say(DeactivateVehicle(confirmed=True), listed)
        if listed:
            self.services.update(dict.fromkeys(self.in_force(), "DEACTIVATED"))
            self.sim = "DEACTIVATED"

    @rule()
    def switch_on(self) -> None:
        listed = self.sim == "DEACTIVATED"
        self.say(ReactivateVehicle(), listed)
        if listed:
            self.services.update({"EMERGENCY_CALL": "ACTIVE", "TELESERVICES": "ACTIVE"})
            self.sim = "ACTIVE"

    @invariant()
    def books_and_car_agree_with_the_model(self) -> None:
        assert sim(self.shop)[0] == self.sim
        shown: dict[str, EntitlementView] = {}
        _, snapshot = self.shop.sync()
        for each in snapshot.entitlements:
            shown[each.service] = each
        assert {code: each.state for code, each in shown.items()} == self.services
        assert snapshot.ecall_available == (
            self.sim == "ACTIVE" and self.services["EMERGENCY_CALL"] == "ACTIVE"
        )
        assert snapshot.deactivated == (self.sim == "DEACTIVATED")


TestCarsLife = CarsLife.TestCase
TestCarsLife.settings = settings(max_examples=25, stateful_step_count=12, deadline=None)
