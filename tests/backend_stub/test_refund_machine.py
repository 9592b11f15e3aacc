"""Purchases, ends, refunds and passing time in any order, against a model written from the document."""

from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from backend_stub.domain import calendar
from contracts.acts.agent import ApproveRefund, ChangePayee, RequestRefund
from contracts.bench import AtHotline
from contracts.errors import ErrorCode
from contracts.messages import EntitlementState, OrderState
from tests.backend_stub.refund_shop import OWNER, RefundShop
from tests.backend_stub.shop import DAY

PRICES = {("RTTI", 3): (15000, 2000), ("RTTI", 6): (28000, 2000), ("CONCIERGE", 3): (30000, 3000)}
PICK = st.integers(0, 30)


@dataclass
class Line:
    """A paid line; `state` is that of its refund, "" without one."""

    number: str
    service: str
    total: int
    fee: int
    captured: date
    first: date
    last: date
    state: str = ""
    amount: int = 0
    due: date | None = None


@dataclass
class Chain:
    """Terms of one service, each the day after the one before."""

    lines: list[Line]
    ended: date | None = None

    def is_over(self, today: date) -> bool:
        return self.ended is not None or today > self.lines[-1].last


def working_day_25(after: date) -> date:
    day, n = after, 0
    while n < 25:
        day += timedelta(days=1)
        n += day.weekday() < 5
    return day


class Refunding(RuleBasedStateMachine):
    """The model: chains of terms per service, and what was asked for of each."""

    def __init__(self) -> None:
        super().__init__()
        self.shop = RefundShop()
        self.today = date(2026, 5, 1)
        self.chains: dict[str, list[Chain]] = {"RTTI": [], "CONCIERGE": []}
        self.paid: list[Line] = []

    def teardown(self) -> None:
        self.shop.close()

    def pick(self, pick: int) -> Line:
        return self.paid[pick % len(self.paid)]

    def chain_of(self, line: Line) -> tuple[Chain, list[Line]]:
        """Where a line stands, and what extends it there; a term that has left its chain stands alone."""
        for chain in self.chains[line.service]:
            if line in chain.lines:
                return chain, chain.lines[chain.lines.index(line) + 1 :]
        return Chain([line], ended=self.today), []

    @rule(what=st.sampled_from(sorted(PRICES)))
    def buy(self, what: tuple[str, int]) -> None:
        service, months = what
        total, fee = PRICES[what]
        number = self.shop.active(what)
        chains = self.chains[service]
        if chains and not chains[-1].is_over(self.today):
            first = chains[-1].lines[-1].last + timedelta(days=1)
        else:
            first = self.today
            chains.append(Chain([]))
        line = Line(number, service, total, fee, self.today, first, calendar.end(first, months))
        chains[-1].lines.append(line)
        self.paid.append(line)

    @rule(days=st.integers(1, 70))
    def wait(self, days: int) -> None:
        self.shop.advance(days * DAY)
        self.today += timedelta(days=days)
        for line in self.paid:
            if line.state == "VERIFIED" and line.due is not None and line.due <= self.today:
                line.state = "PAID_OUT"

    @precondition(lambda self: self.paid)
    @rule(pick=PICK)
    def end_service(self, pick: int) -> None:
        line = self.pick(pick)
        chain, _ = self.chain_of(line)
        if not chain.is_over(self.today):
            self.shop.end_service(line.service)
            chain.ended = self.today

    @precondition(lambda self: self.paid)
    @rule(pick=PICK)
    def request(self, pick: int) -> None:
        line = self.pick(pick)
        chain, later = self.chain_of(line)
        amount = self.worth(line, chain)
        if line.state:
            code = ErrorCode.ALREADY_REFUNDED
        elif any(not each.state for each in later):
            code = ErrorCode.REFUND_LATEST_FIRST
        elif amount == 0:
            code = ErrorCode.NOTHING_REFUNDABLE
        else:
            self.shop.request(line.number)
            line.state, line.amount = "VERIFYING", amount
            return
        assert self.shop.refusal(AtHotline(act=RequestRefund(order=line.number))) is code

    def worth(self, line: Line, chain: Chain) -> int:
        """R-602, as the document writes it."""
        net = line.total - line.fee
        if (self.today - line.captured).days <= 7:
            return net
        through = min(self.today, chain.ended or self.today)
        length = (line.last - line.first).days + 1
        used = Fraction(min(max((through - line.first).days + 1, 0), length), length)
        return net - int(net * used)

    @precondition(lambda self: self.paid)
    @rule(pick=PICK)
    def approve(self, pick: int) -> None:
        line = self.pick(pick)
        chain, later = self.chain_of(line)
        if not line.state:
            code = ErrorCode.INVALID_STATE
        elif line.state != "VERIFYING":
            code = ErrorCode.ALREADY_REFUNDED
        elif any(each.state in ("", "VERIFYING") for each in later):
            code = ErrorCode.REFUND_LATEST_FIRST
        else:
            self.shop.approve(line.number)
            line.state, line.due = "VERIFIED", working_day_25(self.today)
            if not chain.is_over(self.today):
                if len(chain.lines) > 1 and chain.lines[-2].last >= self.today:
                    chain.lines.pop()
                else:
                    chain.ended = self.today
            return
        assert self.shop.refusal(AtHotline(act=ApproveRefund(order=line.number))) is code

    @precondition(lambda self: any(line.state == "VERIFIED" for line in self.paid))
    @rule(pick=PICK)
    def bounce(self, pick: int) -> None:
        verified = [line for line in self.paid if line.state == "VERIFIED"]
        line = verified[pick % len(verified)]
        self.shop.bounce(line.number)
        line.state = "PAYOUT_FAILED"

    @precondition(lambda self: self.paid)
    @rule(pick=PICK, mine=st.booleans())
    def change_payee(self, pick: int, mine: bool) -> None:
        line = self.pick(pick)
        holder = OWNER if mine else "Wang Fang"
        if line.state in ("", "PAID_OUT"):
            code = ErrorCode.INVALID_STATE
        elif not mine:
            code = ErrorCode.NAME_MISMATCH
        else:
            self.shop.change_payee(line.number, line.service)
            line.state = "PAID_OUT" if line.state == "PAYOUT_FAILED" else line.state
            return
        act = ChangePayee(order=line.number, service=line.service, holder=holder, account="1")
        assert self.shop.refusal(AtHotline(act=act)) is code

    @invariant()
    def requests_stand_as_in_the_model(self) -> None:
        for line in self.paid:
            found = self.shop.refunds(line.number)
            assert [(each.state, each.amount_minor) for each in found] == (
                [(line.state, line.amount)] if line.state else []
            )
            approved = line.state not in ("", "VERIFYING")
            wanted = OrderState.REFUNDED if approved else OrderState.FULFILLED
            assert self.shop.order(line.number).state is wanted

    @invariant()
    def services_stand_as_in_the_model(self) -> None:
        for service, chains in self.chains.items():
            found = self.shop.entitlements(service)
            assert len(found) == len(chains)
            for entitlement, chain in zip(found, chains, strict=True):
                assert [(each.first_day, each.last_day) for each in entitlement.periods] == [
                    (line.first, line.last) for line in chain.lines
                ]
                assert (entitlement.state is EntitlementState.ACTIVE) != chain.is_over(self.today)

    @invariant()
    def every_fen_is_accounted_for(self) -> None:
        kept = sum(order.kept_minor for order in self.shop.backend.audit().orders)
        gone = sum(line.amount for line in self.paid if line.state == "PAID_OUT")
        assert kept == sum(line.total for line in self.paid) - gone
        assert self.shop.balances()


@pytest.mark.req("R-602", "R-603", "R-604", "R-605")
def test_refunds_follow_their_model_whatever_people_do() -> None:
    run_state_machine_as_test(
        Refunding, settings=settings(max_examples=6, stateful_step_count=14, deadline=None)
    )
