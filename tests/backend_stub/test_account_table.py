"""The Accounts table of section 3: every row, and every pair that has none."""

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from backend_stub.domain.account import (
    Account,
    AccountEffect,
    AccountEvent,
    AccountState,
    Facts,
    is_missing_data,
    step,
)
from backend_stub.errors import BackendError
from contracts.acts import agent, dealer, portal
from contracts.errors import ErrorCode
from tests.backend_stub.portal_shop import NUMBER, PASSWORD, PortalShop
from tests.backend_stub.shop import DAY, MINUTE

S = AccountState
E = AccountEvent

ROWS = [
    (S.NONE, E.SERVICE_ACTIVATED, S.TOKEN_SENT),
    (S.TOKEN_SENT, E.TOKEN_LOGIN, S.MUST_CHANGE),
    (S.MUST_CHANGE, E.NEW_PASSWORD, S.ACTIVE),
    (S.NONE, E.REGISTER, S.ACTIVE),
    (S.ACTIVE, E.FIFTH_FAILURE, S.LOCKED),
    (S.ACTIVE, E.COMPROMISE, S.LOCKED),
    (S.LOCKED, E.TIMER, S.ACTIVE),
    (S.LOCKED, E.RESET, S.ACTIVE),
    (S.LOCKED, E.CARE_CENTRE, S.ACTIVE),
    (S.ACTIVE, E.RENAME, S.RENAMING),
    (S.RENAMING, E.CONFIRM, S.ACTIVE),
]
"""The document's rows, typed anew."""

BY_RULES = [
    (S.TOKEN_SENT, E.SERVICE_ACTIVATED, S.TOKEN_SENT),
    (S.ACTIVE, E.NEW_PASSWORD, S.ACTIVE),
    (S.RENAMING, E.NEW_PASSWORD, S.RENAMING),
    (S.ACTIVE, E.RESET, S.ACTIVE),
    (S.RENAMING, E.RESET, S.ACTIVE),
    (S.TOKEN_SENT, E.RESET, S.ACTIVE),
    (S.MUST_CHANGE, E.RESET, S.ACTIVE),
    (S.RENAMING, E.RENAME, S.RENAMING),
    (S.RENAMING, E.FIFTH_FAILURE, S.LOCKED),  # D-34
    (S.RENAMING, E.COMPROMISE, S.LOCKED),
    (S.LOCKED, E.COMPROMISE, S.LOCKED),
]
"""What rules ask for beyond the document's table."""

LISTED = {(state, event): to for state, event, to in (*ROWS, *BY_RULES)}

CODES = {
    **{(state, E.TOKEN_LOGIN): ErrorCode.BAD_TOKEN for state in S},
    **{(state, E.CONFIRM): ErrorCode.BAD_TOKEN for state in S},
    (S.NONE, E.RESET): ErrorCode.BAD_TOKEN,
    **{(state, E.REGISTER): ErrorCode.NAME_TAKEN for state in S},
    (S.MUST_CHANGE, E.RENAME): ErrorCode.PASSWORD_CHANGE_REQUIRED,
    (S.LOCKED, E.RENAME): ErrorCode.ACCOUNT_LOCKED,
    (S.LOCKED, E.NEW_PASSWORD): ErrorCode.ACCOUNT_LOCKED,
}
"""Codes that rules name; all other pairs without a row are INVALID_STATE."""


def account_in(state: AccountState) -> Account:
    """An account in `state`, on which four failures have been counted."""
    is_locked = state is S.LOCKED
    return Account(
        account_id=1,
        username="old",
        state=state,
        failures=4,
        locked_until_ms=900 if is_locked else None,
        pending_username="new" if state is S.RENAMING else "",
    )


@pytest.mark.req("R-701", "R-702", "R-703", "R-704", "R-705")
@pytest.mark.parametrize(("state", "event"), list(product(AccountState, AccountEvent)))
def test_every_state_and_every_event(state: AccountState, event: AccountEvent) -> None:
    account = account_in(state)
    to = LISTED.get((state, event))
    if to is not None:
        after = step(account, event).account
        assert after.state is to
        assert after.version == account.version + 1
        return
    with pytest.raises(BackendError) as refusal:
        step(account, event)
    assert refusal.value.code is CODES.get((state, event), ErrorCode.INVALID_STATE)


@pytest.mark.req("R-701", "R-703", "R-704")
@pytest.mark.parametrize(
    ("state", "event"), [pair for pair in LISTED if pair[1] in (E.TOKEN_LOGIN, E.RESET, E.CONFIRM)]
)
def test_a_token_that_is_not_good_moves_nothing(state: AccountState, event: AccountEvent) -> None:
    with pytest.raises(BackendError) as refusal:
        step(account_in(state), event, Facts(token_good=False))
    assert refusal.value.code is ErrorCode.BAD_TOKEN


@pytest.mark.req("R-701")
def test_where_dealers_open_accounts_nobody_registers() -> None:
    with pytest.raises(BackendError) as refusal:
        step(account_in(S.NONE), E.REGISTER, Facts(may_register=False))
    assert refusal.value.code is ErrorCode.INVALID_STATE


@pytest.mark.req("R-705")
@pytest.mark.parametrize("state", [S.ACTIVE, S.RENAMING])
@pytest.mark.parametrize("event", [E.FIFTH_FAILURE, E.COMPROMISE])
def test_a_lock_revokes_sessions_counts_anew_and_forgets_a_rename(
    state: AccountState, event: AccountEvent
) -> None:
    taken = step(account_in(state), event, Facts(locked_until_ms=900))
    assert AccountEffect.REVOKE_SESSIONS in taken.effects
    assert taken.account == replace(
        account_in(S.ACTIVE), state=S.LOCKED, failures=0, locked_until_ms=900, version=2
    )


@pytest.mark.req("R-705")
def test_a_compromise_that_is_reported_of_a_locked_account_takes_its_timer_away() -> None:
    assert step(account_in(S.LOCKED), E.COMPROMISE).account.locked_until_ms is None


@pytest.mark.req("R-701", "R-703", "R-704", "R-832")
def test_a_bad_token_is_answered_alike_whatever_has_become_of_the_account() -> None:
    answers = set()
    for state, event in product(set(S) - {S.NONE}, (E.TOKEN_LOGIN, E.RESET, E.CONFIRM)):
        with pytest.raises(BackendError) as refusal:
            step(account_in(state), event, Facts(token_good=False))
        answers.add(str(refusal.value))
    assert answers == {"BAD_TOKEN: the token is wrong, used or too old"}


@pytest.mark.req("R-704")
def test_the_new_name_holds_from_the_confirmation_on() -> None:
    renaming = step(account_in(S.ACTIVE), E.RENAME, Facts(pending_username="new")).account
    assert (renaming.username, renaming.pending_username) == ("old", "new")
    confirmed = step(renaming, E.CONFIRM).account
    assert (confirmed.username, confirmed.pending_username) == ("new", "")


@pytest.mark.req("R-705")
@pytest.mark.parametrize(
    ("fields", "missing"),
    [
        ({}, True),
        ({"name": "Alice"}, True),
        ({"email": "a@example.com"}, True),
        ({"name": "Alice", "email": "a@example.com"}, False),
        ({"name": "Alice", "number": "0400000001"}, False),
    ],
)
def test_of_each_group_of_required_data_one_field_is_needed(fields: dict[str, str], missing: bool) -> None:
    account = replace(account_in(S.ACTIVE), **fields)  # type: ignore[arg-type]
    assert is_missing_data(account, (("name",), ("email", "number"))) is missing


class AccountMachine(RuleBasedStateMachine):
    """One number's account at the backend, against what the document says of it."""

    def __init__(self) -> None:
        super().__init__()
        self.shop = PortalShop()
        self.name = NUMBER
        self.state = S.NONE
        self.failures = 0
        self.lock_left: int | None = None
        self.token_left = -1
        self.reset_left = -1
        self.rename_left = -1
        self.session_left = 0
        self.new_name = ""
        self.names = 0

    def teardown(self) -> None:
        self.shop.close()

    @rule()
    def dealer_activates(self) -> None:
        act = dealer.ActivateVehicle(number=NUMBER)
        if self.state is S.NONE:
            self.shop.does(act)
            self.state, self.token_left = S.TOKEN_SENT, 7 * DAY
        else:
            assert self.shop.refuses(act) is ErrorCode.INVALID_STATE

    @rule()
    def log_in_with_the_token(self) -> None:
        act = portal.Login(user=self.name)
        if self.state is S.NONE:
            assert self.shop.refuses(act) is ErrorCode.BAD_CREDENTIALS
        elif self.state is S.LOCKED:
            assert self.shop.refuses(act) is ErrorCode.ACCOUNT_LOCKED
        elif self.state is S.TOKEN_SENT and self.token_left >= 0:
            self.shop.does(act)
            self.state, self.session_left = S.MUST_CHANGE, 12 * 60 * MINUTE
        elif self.name == NUMBER:
            assert self.shop.refuses(act) is ErrorCode.BAD_TOKEN

    @rule(right=st.booleans())
    def log_in_with_a_password(self, right: bool) -> None:
        act = portal.Login(user=self.name, password=PASSWORD if right else "wrong password 1")
        match self.state:
            case S.NONE:
                assert self.shop.refuses(act) is ErrorCode.BAD_CREDENTIALS
            case S.LOCKED:
                assert self.shop.refuses(act) is ErrorCode.ACCOUNT_LOCKED
            case S.TOKEN_SENT | S.MUST_CHANGE:
                assert self.shop.refuses(act) is ErrorCode.BAD_TOKEN
            case _ if right:
                self.shop.does(act)
                self.failures, self.session_left = 0, 12 * 60 * MINUTE
            case _:
                assert self.shop.counted(act) is ErrorCode.BAD_CREDENTIALS
                self.failures += 1
                if self.failures == 5:
                    self._lock(15 * MINUTE)

    def _lock(self, for_ms: int | None) -> None:
        self.state, self.failures, self.lock_left = S.LOCKED, 0, for_ms
        self.session_left, self.new_name = 0, ""

    @rule(good=st.booleans())
    def choose_password(self, good: bool) -> None:
        act = portal.ChoosePassword(user=self.name, password=PASSWORD if good else "short1")
        if self.session_left <= 0:
            assert self.shop.refuses(act) is ErrorCode.NOT_LOGGED_IN
        elif not good:
            assert self.shop.refuses(act) is ErrorCode.BAD_PASSWORD
        else:
            self.shop.does(act)
            self.failures, self.token_left, self.reset_left = 0, -1, -1
            if self.state is S.MUST_CHANGE:
                self.state = S.ACTIVE

    @rule()
    def forget(self) -> None:
        self.shop.does(portal.ForgetPassword(user=self.name))
        if self.state is not S.NONE:
            self.reset_left = 30 * MINUTE

    @rule()
    def reset(self) -> None:
        act = portal.ResetPassword(user=self.name, password=PASSWORD)
        if self.reset_left < 0:
            assert self.shop.refuses(act) is ErrorCode.BAD_TOKEN
            return
        self.shop.does(act)
        self.failures, self.session_left, self.reset_left, self.token_left = 0, 0, -1, -1
        self.state, self.lock_left, self.new_name = S.ACTIVE, None, ""

    @rule()
    def rename(self) -> None:
        name = f"name{self.names}@example.com"
        act = portal.Rename(user=self.name, to=name)
        if self.session_left <= 0:
            assert self.shop.refuses(act) is ErrorCode.NOT_LOGGED_IN
        elif self.state is S.MUST_CHANGE:
            assert self.shop.refuses(act) is ErrorCode.PASSWORD_CHANGE_REQUIRED
        else:
            self.shop.does(act)
            self.state, self.new_name, self.rename_left = S.RENAMING, name, 30 * MINUTE
            self.names += 1

    @rule()
    def confirm(self) -> None:
        act = portal.ConfirmName(user=self.name)
        if self.state is S.RENAMING and self.rename_left >= 0:
            self.shop.does(act)
            self.name, self.state, self.new_name = self.new_name, S.ACTIVE, ""
            # What was sent to the old name is not at the new one.
            self.reset_left = -1
        else:
            assert self.shop.refuses(act) is ErrorCode.BAD_TOKEN

    @rule()
    def compromise(self) -> None:
        act = agent.ReportCompromise(user=self.name)
        if self.state in (S.ACTIVE, S.RENAMING, S.LOCKED):
            self.shop.does(act)
            self._lock(None)
        elif self.state is S.NONE:
            assert self.shop.refuses(act) is ErrorCode.VERIFICATION_FAILED
        else:
            assert self.shop.refuses(act) is ErrorCode.INVALID_STATE

    @rule()
    def unlock(self) -> None:
        act = agent.Unlock(user=self.name)
        if self.state is S.LOCKED:
            self.shop.does(act)
            self.state, self.lock_left = S.ACTIVE, None
        elif self.state is S.NONE:
            assert self.shop.refuses(act) is ErrorCode.VERIFICATION_FAILED
        else:
            assert self.shop.refuses(act) is ErrorCode.INVALID_STATE

    @rule(span=st.sampled_from([1, MINUTE, 15 * MINUTE - 1, 15 * MINUTE, 30 * MINUTE, DAY, 7 * DAY]))
    def wait(self, span: int) -> None:
        self.shop.advance(span)
        self.token_left -= span
        self.reset_left -= span
        self.rename_left -= span
        self.session_left -= span
        if self.lock_left is not None:
            self.lock_left -= span
            if self.lock_left <= 0:
                self.state, self.lock_left = S.ACTIVE, None

    @invariant()
    def the_state_is_the_documents(self) -> None:
        assert self.shop.state(self.name) is self.state


TestAccountMachine = pytest.mark.req("R-701", "R-702", "R-703", "R-704", "R-705")(AccountMachine.TestCase)
AccountMachine.TestCase.settings = settings(max_examples=12, stateful_step_count=25, deadline=None)
