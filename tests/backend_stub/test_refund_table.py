"""The Refund request table of section 3: every row, and every pair that has none."""

from itertools import product

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from backend_stub.domain.refund import RefundEvent, RefundState, same_name, step_state
from backend_stub.errors import BackendError
from contracts.errors import ErrorCode

S = RefundState
E = RefundEvent
STATES: tuple[RefundState | None, ...] = (None, *S)
ROWS = {
    (None, E.REQUESTED): S.VERIFYING,
    (None, E.MISMATCHED): S.REJECTED,
    (S.VERIFYING, E.APPROVED): S.VERIFIED,
    (S.VERIFYING, E.OTHER_ACCOUNT): S.VERIFYING,
    (S.VERIFIED, E.OTHER_ACCOUNT): S.VERIFIED,
    (S.VERIFIED, E.PAYOUT_DUE): S.PAID_OUT,
    (S.VERIFIED, E.BOUNCED): S.PAYOUT_FAILED,
    (S.PAYOUT_FAILED, E.OTHER_ACCOUNT): S.VERIFIED,
}
"""The document's rows, typed anew."""

REPEATS = {
    (S.VERIFYING, E.REQUESTED),
    *product((S.VERIFIED, S.PAID_OUT, S.PAYOUT_FAILED), (E.REQUESTED, E.APPROVED)),
}
"""R-603: "Repeat → ALREADY_REFUNDED"."""


@pytest.mark.req("R-601", "R-603", "R-604", "R-605")
@pytest.mark.parametrize(("state", "event"), list(product(STATES, E)), ids=lambda each: each and each.name)
def test_every_pair_leads_where_the_document_says_or_nowhere(
    state: RefundState | None, event: RefundEvent
) -> None:
    if (state, event) in ROWS:
        assert step_state(state, event) is ROWS[state, event]
        return
    with pytest.raises(BackendError) as refused:
        step_state(state, event)
    wanted = ErrorCode.ALREADY_REFUNDED if (state, event) in REPEATS else ErrorCode.INVALID_STATE
    assert refused.value.code is wanted


@pytest.mark.req("R-605")
@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Chen Wei", "chen  WEI ", True),
        ("Chen Wei", "Wei Chen", False),
        ("Chen Wei", "ChenWei", False),
        ("", "", False),
        (" ", "", False),
    ],
)
def test_a_name_is_the_same_whatever_its_case_and_nobody_is_called_nothing(
    one: str, other: str, same: bool
) -> None:
    assert same_name(one, other) is same


class OneRequest(RuleBasedStateMachine):
    """Whatever happens to a request: money leaves once at most, and only what was verified."""

    def __init__(self) -> None:
        super().__init__()
        self.state: RefundState | None = None
        self.verified = False
        self.paid_out = 0

    @rule(event=st.sampled_from(RefundEvent))
    def happen(self, event: RefundEvent) -> None:
        before = self.state
        try:
            self.state = step_state(before, event)
        except BackendError:
            assert (before, event) not in ROWS
            return
        self.verified = self.verified or event is E.APPROVED
        self.paid_out += event is E.PAYOUT_DUE

    @invariant()
    def money_leaves_once_and_only_when_it_may(self) -> None:
        assert self.paid_out == (self.state is S.PAID_OUT)
        if self.state in (S.VERIFIED, S.PAID_OUT, S.PAYOUT_FAILED):
            assert self.verified
        if self.state in (S.VERIFYING, S.REJECTED, None):
            assert not self.verified


TestOneRequest = OneRequest.TestCase
TestOneRequest.settings = settings(max_examples=30, stateful_step_count=12, deadline=None)
