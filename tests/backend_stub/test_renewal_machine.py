"""Choices, notices, orders, charges and passing time in any order, against a model from the document."""

from calendar import monthrange
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

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

from backend_stub.errors import BackendError
from contracts.errors import ErrorCode
from contracts.messages import EntitlementState, OrderState
from tests.backend_stub.renewal_shop import AuShop
from tests.backend_stub.shop import MINUTE

ZONE = ZoneInfo("Australia/Melbourne")
PRICES = {3: 4950, 6: 9240, 12: 16500, 36: 41800}


def midnight_ms(day: date) -> int:
    """When a day begins in Melbourne."""
    return round(datetime(day.year, day.month, day.day, tzinfo=ZONE).timestamp()) * 1000


def last_day(start: date, months: int) -> date:
    """R-403, as the document writes it."""
    month = start.month - 1 + months
    year, month = start.year + month // 12, month % 12 + 1
    if start.day > monthrange(year, month)[1]:
        return date(year, month, monthrange(year, month)[1])
    return date(year, month, start.day) - timedelta(days=1)


class Renewing(RuleBasedStateMachine):
    """The model: one service with an end, what was chosen for it, and the card."""

    def __init__(self) -> None:
        super().__init__()
        self.shop = AuShop()
        self.until: date | None = None
        self.months = 0
        self.auto = self.notice = False
        self.card = True
        self.charged: list[date] = []
        self.money_minor = 0
        self.renewals = 0

    def teardown(self) -> None:
        self.shop.close()

    # Time in the model

    def _today(self) -> date:
        return datetime.fromtimestamp(self.shop.now / 1000, ZONE).date()

    def _is_over(self) -> bool:
        return self.until is not None and self.shop.now >= midnight_ms(self.until + timedelta(days=1))

    def _is_running(self) -> bool:
        return self.until is not None and not self._is_over()

    def _is_charged(self) -> bool:
        return self.until is not None and self.shop.now >= midnight_ms(self.until)

    def _pass(self, until_ms: int) -> None:
        """What happens by itself: a charge as each last day begins, while somebody has chosen it."""
        while (
            self.until is not None
            and midnight_ms(self.until) <= until_ms
            and self.until not in self.charged
            and (self.auto or self.notice)
            and self.shop.now < midnight_ms(self.until)
        ):
            self.charged.append(self.until)
            self.renewals += 1
            if not self.card:
                break
            self.money_minor += PRICES[self.months]
            self.until = last_day(self.until + timedelta(days=1), self.months)
            self.notice = False

    def _advance_to(self, instant_ms: int) -> None:
        if instant_ms <= self.shop.now:
            return
        self._pass(instant_ms)
        self.shop.advance_to(instant_ms)

    @rule(days=st.integers(1, 50))
    def days_pass(self, days: int) -> None:
        self._advance_to(self.shop.now + days * 86_400_000)

    @precondition(lambda self: self.until is not None)
    @rule(
        days=st.sampled_from((-41, 0, 1)),
        off_ms=st.sampled_from((-1, 0, 1)),
    )
    def an_edge_is_reached(self, days: int, off_ms: int) -> None:
        """The end of the time for notice, the charge, the end of the term."""
        assert self.until is not None
        self._advance_to(midnight_ms(self.until + timedelta(days=days)) + off_ms)

    @rule(hours=st.sampled_from((0, 1, 23, 24, 25, 49)))
    def the_backend_is_down(self, hours: int) -> None:
        """A charge that was missed is made on return while the last day lasts, and never after the end."""
        back_ms = self.shop.now + hours * 3_600_000
        if self.until is None or back_ms < midnight_ms(self.until + timedelta(days=1)):
            self._pass(back_ms)
        self.shop.restart_after(back_ms - self.shop.now)

    # What people do

    @rule(approves=st.booleans())
    def the_card_is_good_or_not(self, approves: bool) -> None:
        self.shop.card(approves)
        self.card = approves

    @rule(on=st.booleans())
    def auto_renew_is_switched(self, on: bool) -> None:
        code = self._code(lambda: self.shop.auto_renew(on))
        if not self._is_running():
            assert code is ErrorCode.INVALID_STATE
        elif self._is_charged():
            assert code is ErrorCode.RENEWAL_WINDOW_CLOSED
        else:
            assert code is None
            self.auto = on

    @rule()
    def notice_is_given(self) -> None:
        code = self._code(self.shop.notice)
        if not self._is_running():
            assert code is ErrorCode.INVALID_STATE
        elif self._is_too_late():
            assert code is ErrorCode.RENEWAL_WINDOW_CLOSED
        else:
            assert code is None
            self.notice = True

    @rule(months=st.sampled_from((3, 6, 12)))
    def it_is_ordered_and_paid(self, months: int) -> None:
        numbers: list[str] = []
        code = self._code(lambda: numbers.append(self.shop.order_in_portal(("RTTI", months))))
        if self._is_running() and self._is_too_late():
            assert code is ErrorCode.RENEWAL_WINDOW_CLOSED
            return
        assert code is None
        self.shop.pay_by_card(numbers[0])
        self.money_minor += PRICES[months]
        if self._is_running():
            assert self.until is not None
            self.until = last_day(self.until + timedelta(days=1), months)
            self.notice = False
        else:
            self._advance_to(self.shop.now + MINUTE // 3)
            self.until = last_day(self._today(), months)
            self.auto = self.notice = False
        self.months = months

    def _is_too_late(self) -> bool:
        assert self.until is not None
        return self._today() > self.until - timedelta(days=42)

    def _code(self, act: object) -> ErrorCode | None:
        assert callable(act)
        try:
            act()
        except BackendError as error:
            return error.code
        return None

    # What must be so

    @invariant()
    def the_car_is_shown_what_the_model_says(self) -> None:
        if self.until is None:
            assert self.shop.entitlements("RTTI") == ()
            return
        view = self.shop.booked("RTTI")
        assert view.booked_until == self.until.isoformat()
        if self._is_over():
            assert (view.state, view.auto_renew, view.renew_by) == (EntitlementState.EXPIRED, False, "")
            return
        assert view.state is EntitlementState.ACTIVE
        assert view.auto_renew is (self.auto and not self._is_charged())
        assert view.renew_by == (self.until - timedelta(days=42)).isoformat()

    @invariant()
    def every_cent_belongs_to_a_term(self) -> None:
        audit = self.shop.backend.audit()
        assert sum(order.kept_minor for order in audit.orders) == self.money_minor
        periods = [period for each in audit.entitlements for period in each.periods]
        paid = [o for o in audit.orders if o.state in (OrderState.PAID, OrderState.FULFILLED)]
        assert sorted(period.order_number for period in periods) == sorted(order.number for order in paid)

    @invariant()
    def every_last_day_is_charged_once_at_most(self) -> None:
        charges = [o for o in self.shop.backend.audit().orders if o.client_order_id.startswith("renewal")]
        assert len(charges) == self.renewals


@pytest.mark.req("R-504", "R-505")
def test_renewal_follows_its_model_whatever_people_do() -> None:
    run_state_machine_as_test(
        Renewing, settings=settings(max_examples=15, stateful_step_count=12, deadline=None)
    )
