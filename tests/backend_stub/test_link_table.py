"""The Vehicle link table of section 3: every row, and every pair that has none (R-706, R-713)."""

from datetime import date
from itertools import product

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from backend_stub.domain.vehicle_link import (
    Facts,
    LinkEvent,
    LinkState,
    VehicleLink,
    features_match,
    is_vin,
    step,
    verdict,
)
from backend_stub.errors import BackendError
from contracts.acts import portal
from contracts.errors import ErrorCode
from tests.backend_stub.portal_shop import ENGINE_NUMBER, FIRST_REGISTRATION, VIN, PortalShop, car
from tests.backend_stub.shop import DAY, HOUR

S = LinkState
E = LinkEvent

ROWS = {
    (S.UNLINKED, E.SUBMIT): S.VERIFYING,
    (S.VERIFYING, E.MATCH): S.LINKED,
    (S.VERIFYING, E.MISMATCH): S.UNLINKED,
    (S.VERIFYING, E.FIFTH_MISMATCH): S.LOCKED,
    (S.LINKED, E.DISCONNECT): S.UNLINKED,
    (S.LINKED, E.OWNER_CHANGE): S.UNLINKED,
    (S.LOCKED, E.LOCK_OVER): S.UNLINKED,  # "LOCKED 24 h"
    (S.UNLINKED, E.ACTIVATED): S.LINKED,
    (S.LOCKED, E.ACTIVATED): S.LINKED,
}
"""The document's rows, typed anew; the last three are what a rule or the 24 hours ask for beside them."""

CODES = {
    (S.LINKED, E.SUBMIT): ErrorCode.ALREADY_LINKED,
    (S.VERIFYING, E.SUBMIT): ErrorCode.ALREADY_LINKED,
    (S.LINKED, E.ACTIVATED): ErrorCode.ALREADY_LINKED,
}


@pytest.mark.req("R-706", "R-713")
@pytest.mark.parametrize(("state", "event"), list(product(LinkState, LinkEvent)))
def test_every_state_and_every_event(state: LinkState, event: LinkEvent) -> None:
    link = VehicleLink(vin=VIN, state=state, code="" if state is S.LINKED else "123456", failures=3)
    to = ROWS.get((state, event))
    if to is None:
        with pytest.raises(BackendError) as refusal:
            step(link, event)
        assert refusal.value.code is CODES.get((state, event), ErrorCode.INVALID_STATE)
        return
    after = step(link, event, Facts(7, 1000), new_code=lambda: "654321")
    assert after.state is to
    assert after.account_id == (7 if to is S.LINKED else None)
    assert after.locked_until_ms == (1000 + DAY if to is S.LOCKED else None)
    assert after.failures == {E.SUBMIT: 3, E.MISMATCH: 4}.get(event, 0)
    if to is S.LINKED:
        assert after.code == ""
    else:
        assert after.code == ("654321" if state is S.LINKED else "123456")


@pytest.mark.req("R-706")
@pytest.mark.parametrize("failures", range(5))
def test_the_fifth_mismatch_locks(failures: int) -> None:
    link = VehicleLink(vin=VIN, state=S.VERIFYING, failures=failures)
    assert verdict(link, is_match=False) is (E.FIFTH_MISMATCH if failures == 4 else E.MISMATCH)
    assert verdict(link, is_match=True) is E.MATCH


@pytest.mark.req("R-706")
@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("WBATEST0000000001", True),
        ("WBATEST000000000", False),
        ("WBATEST00000000011", False),
        ("WBATEST000000000I", False),
        ("WBATEST000000000O", False),
        ("WBATEST000000000Q", False),
        ("wbatest0000000001", False),
        ("WBATEST00000000０1", False),
    ],
)
def test_a_vin_has_17_characters_without_i_o_and_q(text: str, right: bool) -> None:
    assert is_vin(text) is right


@pytest.mark.req("R-706")
@pytest.mark.parametrize(
    ("code", "registered", "ending", "match"),
    [
        ("123456", FIRST_REGISTRATION, "", True),
        ("123456", None, "1234", True),
        ("123456", None, ENGINE_NUMBER, True),
        ("123456", FIRST_REGISTRATION, "1234", True),
        ("123456", None, "", False),
        ("123456", None, "234", False),
        ("123456", None, "1235", False),
        ("123456", date(2014, 6, 3), "", False),
        ("123456", date(2014, 6, 3), "1234", False),
        ("123456", FIRST_REGISTRATION, "9999", False),
        ("123457", FIRST_REGISTRATION, "", False),
        ("", FIRST_REGISTRATION, "", False),
    ],
)
def test_code_and_one_other_feature(code: str, registered: date | None, ending: str, match: bool) -> None:
    link = VehicleLink(vin=VIN, code="123456")
    assert features_match(car(), link, code, registered, ending) is match


@pytest.mark.req("R-706")
def test_a_car_that_displays_no_code_matches_nothing() -> None:
    assert not features_match(car(), VehicleLink(vin=VIN), "", FIRST_REGISTRATION, "")


class LinkMachine(RuleBasedStateMachine):
    """One car and two people who want it, against what the document says."""

    def __init__(self) -> None:
        super().__init__()
        self.shop = PortalShop("AU")
        self.shop.registered("bob", linked=False)
        self.shop.registered("alice", linked=False)
        self.state = S.UNLINKED
        self.owner = ""
        self.failures = 0
        self.lock_left = 0

    def teardown(self) -> None:
        self.shop.close()

    @rule(user=st.sampled_from(["alice", "bob"]), right=st.booleans())
    def submit(self, user: str, right: bool) -> None:
        # The session may be over by now.
        self.shop.log_in(user)
        act = portal.LinkVehicle(user=user, engine_number_ending="1234" if right else "9999")
        if self.state is S.LINKED:
            assert self.shop.refuses(act) is ErrorCode.ALREADY_LINKED
        elif self.state is S.LOCKED:
            assert self.shop.refuses(act) is ErrorCode.INVALID_STATE
        elif right:
            self.shop.does(act)
            self.state, self.owner, self.failures = S.LINKED, user, 0
        else:
            assert self.shop.counted(act) is ErrorCode.VERIFICATION_FAILED
            self.failures += 1
            if self.failures == 5:
                self.state, self.failures, self.lock_left = S.LOCKED, 0, DAY

    @rule(user=st.sampled_from(["alice", "bob"]), confirmed=st.booleans())
    def disconnect(self, user: str, confirmed: bool) -> None:
        self.shop.log_in(user)
        act = portal.Disconnect(user=user, personal_data_deleted=True, buyer_informed=confirmed)
        if self.owner != user:
            assert self.shop.refuses(act) is ErrorCode.REGISTRATION_REQUIRED
        elif not confirmed:
            assert self.shop.refuses(act) is ErrorCode.CONFIRMATION_REQUIRED
        else:
            self.shop.does(act)
            self.state, self.owner = S.UNLINKED, ""

    @rule(span=st.sampled_from([1, HOUR, DAY - 1, DAY]))
    def wait(self, span: int) -> None:
        self.shop.advance(span)
        if self.state is S.LOCKED:
            self.lock_left -= span
            if self.lock_left <= 0:
                self.state = S.UNLINKED

    @invariant()
    def the_link_is_the_documents(self) -> None:
        link = self.shop.link()
        assert link.state is self.state
        owner = self.shop.account(self.owner).account_id if self.owner else None
        assert link.account_id == owner
        assert bool(link.code) is (self.state is not S.LINKED)


TestLinkMachine = pytest.mark.req("R-706", "R-713")(LinkMachine.TestCase)
LinkMachine.TestCase.settings = settings(max_examples=10, stateful_step_count=25, deadline=None)
