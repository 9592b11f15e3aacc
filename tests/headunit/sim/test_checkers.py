"""Each checker finds its violation, names the rule and tells the story, and is silent where all is well."""

from dataclasses import replace
from datetime import date

import pytest

from backend_stub.domain.entitlement import Origin
from backend_stub.domain.order import OrderLine
from backend_stub.domain.refund import RefundState
from backend_stub.service.audit import BackendAudit, EntitlementAudit, OrderAudit, PeriodAudit, RefundAudit
from contracts.messages import EntitlementState, EntitlementView, OrderState
from headunit.sim.checkers import (
    CHECKERS,
    Evidence,
    car_shows_what_the_backend_has,
    check_all,
    no_accepted_order_lost,
    no_entitlement_without_payment,
    no_payment_taken_twice,
    no_refund_beyond_its_line,
)
from runtime.journal import JournalEntry

VIN = "WBAHEADUN1T000001"
START_NS = 1_000_000_000
ORDER = OrderAudit(
    number="CN-000001",
    vin=VIN,
    client_order_id="press-1",
    state=OrderState.FULFILLED,
    cancel_reason=None,
    lines=(OrderLine("RTTI", 3, 15000, 0),),
    amount_minor=15000,
    accepted_at_ms=0,
    deadline_ms=86_400_000,
    cancel_at_ms=None,
    captured_minor=15000,
    returned_minor=0,
)
PERIOD = PeriodAudit(
    order_number="CN-000001",
    months=3,
    first_day=date(2026, 3, 2),
    last_day=date(2026, 6, 1),
    captured_at_ms=0,
)
BOOKED = EntitlementAudit(
    vin=VIN,
    service="RTTI",
    origin=Origin.STORE,
    state=EntitlementState.ACTIVE,
    overdue=False,
    periods=(PERIOD,),
)
SHOWN = EntitlementView(
    service="RTTI", name="", origin="STORE", state=EntitlementState.ACTIVE, booked_until="2026-06-01"
)


def entry(second: float, actor: str, kind: str, key: str, state: str = "") -> JournalEntry:
    return JournalEntry(START_NS + round(second * 1e9), 0, actor, 1, kind, key, state, {})


JOURNAL = (
    entry(7.5, "backend", "order", "CN-000001", "AWAITING_PAYMENT"),
    entry(7.6, "car", "accepted", "CN-000001"),
    entry(8.0, "car", "accepted", "CN-000777"),
    entry(9.0, "car", "booked", "RTTI", "ACTIVE"),
)


def evidence(
    *orders: OrderAudit,
    booked: tuple[EntitlementAudit, ...] = (BOOKED,),
    shown: tuple[EntitlementView, ...] = (SHOWN,),
    journal: tuple[JournalEntry, ...] = (JOURNAL[0], JOURNAL[1], JOURNAL[3]),
) -> Evidence:
    return Evidence(BackendAudit(orders=orders, ledger=(), entitlements=booked), shown, journal, START_NS)


ALL_WELL = evidence(ORDER)


@pytest.mark.parametrize("checker", CHECKERS, ids=lambda checker: checker.__name__)
def test_where_all_is_well_a_checker_is_silent(checker: object) -> None:
    assert callable(checker)
    assert checker(ALL_WELL) == []
    assert checker(evidence(booked=(), shown=(), journal=())) == []


#


@pytest.mark.req("R-204")
def test_an_accepted_order_that_is_not_in_the_books_is_found() -> None:
    (found,) = no_accepted_order_lost(evidence(ORDER, journal=JOURNAL))
    assert (found.checker, found.rule) == ("no accepted order lost", "R-204")
    assert found.text == "the car was told that CN-000777 is accepted; the backend has it 0 times"
    assert found.story == ("     8.000 s  car: accepted CN-000777",)


@pytest.mark.req("R-204")
def test_one_press_that_has_become_two_orders_is_found_once() -> None:
    twin = replace(ORDER, number="CN-000002")
    (found,) = no_accepted_order_lost(evidence(ORDER, twin))
    assert found.rule == "R-204"
    assert found.text == "one press of the driver has become 2 orders: CN-000001, CN-000002"
    assert found.story == (
        "     7.500 s  backend: order CN-000001 AWAITING_PAYMENT",
        "     7.600 s  car: accepted CN-000001",
    )


@pytest.mark.req("R-204")
def test_two_presses_may_become_two_orders() -> None:
    other = replace(ORDER, number="CN-000777", client_order_id="press-2")
    assert no_accepted_order_lost(evidence(ORDER, other, journal=JOURNAL)) == []


#


@pytest.mark.req("R-304", "R-305")
@pytest.mark.parametrize(
    ("state", "captured", "returned", "kept"),
    [
        (OrderState.PAID, 30000, 0, 30000),
        (OrderState.FULFILLED, 15000, 15000, 0),
        (OrderState.FULFILLED, 14900, 0, 14900),
        (OrderState.PAYMENT_FAILED, 14900, 0, 14900),
        (OrderState.CANCELLED, 15000, 0, 15000),
        (OrderState.AWAITING_PAYMENT, 0, 15000, -15000),
    ],
)
def test_money_that_should_not_be_here_or_is_missing_is_found(
    state: OrderState, captured: int, returned: int, kept: int
) -> None:
    order = replace(ORDER, state=state, captured_minor=captured, returned_minor=returned)
    (found,) = no_payment_taken_twice(evidence(order))
    assert (found.checker, found.rule) == ("no payment taken twice", "R-305")
    assert f"CN-000001 is {state}, amount 15000; kept {kept}" in found.text
    assert len(found.story) == 2


@pytest.mark.req("R-305")
@pytest.mark.parametrize(
    ("state", "captured", "returned"),
    [
        (OrderState.PAID, 15000, 0),
        (OrderState.FULFILLED, 30000, 15000),
        (OrderState.CANCELLED, 15000, 15000),
        (OrderState.AWAITING_PAYMENT, 0, 0),
    ],
)
def test_money_kept_once_or_given_back_is_well(state: OrderState, captured: int, returned: int) -> None:
    order = replace(ORDER, state=state, captured_minor=captured, returned_minor=returned)
    assert no_payment_taken_twice(evidence(order)) == []


#


def refund(amount_minor: int, state: RefundState, paid_out_minor: int = 0) -> RefundAudit:
    return RefundAudit(service="RTTI", state=state, amount_minor=amount_minor, paid_out_minor=paid_out_minor)


def refunded(*refunds: RefundAudit, state: OrderState = OrderState.REFUNDED) -> OrderAudit:
    return replace(ORDER, state=state, refunds=refunds)


@pytest.mark.req("R-602", "R-603")
@pytest.mark.parametrize(
    "order",
    [
        refunded(refund(13000, RefundState.VERIFYING), state=OrderState.FULFILLED),
        refunded(refund(0, RefundState.REJECTED), refund(13000, RefundState.VERIFIED)),
        refunded(refund(13000, RefundState.PAYOUT_FAILED)),
        refunded(refund(13000, RefundState.PAID_OUT, 13000)),
    ],
    ids=["asked for", "approved", "bounced", "paid out"],
)
def test_money_refunded_once_is_well(order: OrderAudit) -> None:
    assert no_payment_taken_twice(evidence(order)) == []
    assert no_refund_beyond_its_line(evidence(order)) == []
    assert no_entitlement_without_payment(evidence(order)) == []


@pytest.mark.req("R-603")
@pytest.mark.parametrize(
    ("order", "text"),
    [
        (
            refunded(refund(15001, RefundState.VERIFIED)),
            "CN-000001: RTTI is refunded with 15001 of 15000",
        ),
        (
            refunded(refund(9000, RefundState.PAID_OUT, 8999)),
            "CN-000001: RTTI is PAID_OUT, and 8999 of 9000 has gone",
        ),
        (
            refunded(refund(9000, RefundState.VERIFIED, 9000)),
            "CN-000001: RTTI is VERIFIED, and 9000 of 9000 has gone",
        ),
        (
            refunded(refund(9000, RefundState.VERIFIED), state=OrderState.FULFILLED),
            "CN-000001: is FULFILLED with 1 of 1 lines refunded",
        ),
        (refunded(), "CN-000001: is REFUNDED with 0 of 1 lines refunded"),
    ],
)
def test_a_refund_that_does_not_add_up_is_found(order: OrderAudit, text: str) -> None:
    (found,) = no_refund_beyond_its_line(evidence(order))
    assert (found.checker, found.rule, found.text) == ("no refund beyond its line", "R-603", text)


@pytest.mark.req("R-603")
def test_a_line_that_is_refunded_twice_is_found() -> None:
    twice = refunded(refund(100, RefundState.VERIFIED), refund(100, RefundState.PAID_OUT, 100))
    assert no_refund_beyond_its_line(evidence(twice))


@pytest.mark.req("R-305", "R-604")
def test_refunded_money_that_did_not_leave_is_found() -> None:
    order = refunded(refund(9000, RefundState.PAID_OUT))
    (found,) = no_payment_taken_twice(evidence(order))
    assert "kept 15000 (captured 15000, returned 0, refunded 0)" in found.text


@pytest.mark.req("R-603")
def test_a_refunded_term_may_have_left_the_chain() -> None:
    order = refunded(refund(9000, RefundState.VERIFIED))
    assert no_entitlement_without_payment(evidence(order, booked=())) == []


#


@pytest.mark.req("R-401")
@pytest.mark.parametrize(
    "period",
    [PERIOD, replace(PERIOD, order_number="CN-000009")],
    ids=["of an unpaid order", "of an order nobody knows"],
)
def test_a_service_that_nobody_has_paid_for_is_found(period: PeriodAudit) -> None:
    unpaid = replace(ORDER, state=OrderState.PAYMENT_FAILED, captured_minor=0)
    (found,) = no_entitlement_without_payment(evidence(unpaid, booked=(replace(BOOKED, periods=(period,)),)))
    assert (found.checker, found.rule) == ("no entitlement without payment", "R-401")
    assert found.text == f"RTTI, 3 months, of {period.order_number} stands on no paid line"
    assert "     9.000 s  car: booked RTTI ACTIVE" in found.story


@pytest.mark.req("R-401")
def test_a_term_booked_twice_for_one_payment_is_found_once() -> None:
    twice = replace(BOOKED, periods=(PERIOD, PERIOD))
    (found,) = no_entitlement_without_payment(evidence(ORDER, booked=(twice,)))
    assert found.checker == "no entitlement without payment"


@pytest.mark.req("R-401")
def test_a_term_longer_than_the_paid_one_is_found() -> None:
    longer = replace(BOOKED, periods=(replace(PERIOD, months=36),))
    found = no_entitlement_without_payment(evidence(ORDER, booked=(longer,)))
    assert [v.checker for v in found] == ["no entitlement without payment", "no payment without entitlement"]


@pytest.mark.req("R-401")
def test_a_payment_that_has_booked_nothing_is_found() -> None:
    (found,) = no_entitlement_without_payment(evidence(ORDER, booked=()))
    assert (found.checker, found.rule) == ("no payment without entitlement", "R-401")
    assert found.text == "RTTI, 3 months, of CN-000001 is paid, and there is no term for it"


@pytest.mark.req("R-004")
def test_what_the_car_was_born_with_needs_no_payment() -> None:
    base = replace(
        BOOKED, service="BASE", origin=Origin.CONTRACT, periods=(replace(PERIOD, order_number=""),)
    )
    assert no_entitlement_without_payment(evidence(ORDER, booked=(BOOKED, base))) == []


@pytest.mark.req("R-401")
@pytest.mark.parametrize(
    ("periods", "text"),
    [
        ((), "CONCIERGE is ACTIVE, and no term of it was ever bought"),
        ((replace(PERIOD, order_number=""),), "CONCIERGE, 3 months, of no order stands on no paid line"),
    ],
    ids=["without a term", "of no order"],
)
def test_a_service_of_the_store_that_belongs_to_no_order_is_found(
    periods: tuple[PeriodAudit, ...], text: str
) -> None:
    gift = replace(BOOKED, service="CONCIERGE", periods=periods)
    (found,) = no_entitlement_without_payment(evidence(ORDER, booked=(BOOKED, gift)))
    assert (found.checker, found.rule) == ("no entitlement without payment", "R-401")
    assert found.text == text


#


@pytest.mark.req("R-404")
@pytest.mark.parametrize(
    ("shown", "text"),
    [
        ((), "RTTI: backend ACTIVE until 2026-06-01, car nothing"),
        (
            (EntitlementView(service="RTTI", name="", origin="STORE", state=EntitlementState.PENDING),),
            "RTTI: backend ACTIVE until 2026-06-01, car PENDING",
        ),
        (
            (
                SHOWN,
                EntitlementView(service="CONCIERGE", name="", origin="STORE", state=EntitlementState.ACTIVE),
            ),
            "CONCIERGE: backend nothing, car ACTIVE",
        ),
    ],
)
def test_a_car_that_shows_something_else_is_found(shown: tuple[EntitlementView, ...], text: str) -> None:
    (found,) = car_shows_what_the_backend_has(evidence(ORDER, shown=shown))
    assert (found.checker, found.rule, found.text) == ("the car shows what the backend has", "R-404", text)


@pytest.mark.req("R-404", "R-405")
def test_a_car_that_has_not_heard_of_an_extension_is_found() -> None:
    extension = replace(PERIOD, first_day=date(2026, 6, 2), last_day=date(2026, 9, 1))
    extended = replace(BOOKED, periods=(PERIOD, extension))
    (found,) = car_shows_what_the_backend_has(evidence(ORDER, booked=(extended,)))
    assert found.text == "RTTI: backend ACTIVE until 2026-09-01, car ACTIVE until 2026-06-01"


@pytest.mark.req("R-404")
def test_a_service_that_is_current_counts_before_one_that_has_ended() -> None:
    ended = replace(BOOKED, state=EntitlementState.TERMINATED, periods=())
    assert car_shows_what_the_backend_has(evidence(ORDER, booked=(BOOKED, ended))) == []


@pytest.mark.req("R-404")
def test_what_has_ended_need_not_be_shown() -> None:
    ended = replace(BOOKED, state=EntitlementState.EXPIRED)
    assert car_shows_what_the_backend_has(evidence(ORDER, booked=(ended,), shown=())) == []


def test_every_checker_is_asked_in_order() -> None:
    unpaid = replace(ORDER, state=OrderState.PAYMENT_FAILED)
    found = check_all(evidence(unpaid, shown=(), journal=JOURNAL))
    assert [violation.rule for violation in found] == ["R-204", "R-305", "R-401", "R-404"]
