"""What is refused and why, rule by rule."""

import msgspec
import pytest

from contracts.errors import ErrorCode
from contracts.messages import Line, OrderState
from headunit.domain import rules
from headunit.domain.facts import CarFacts, Motion
from headunit.domain.rules import Refused
from headunit.domain.situation import Situation, situation_of
from tests.headunit.domain.car import (
    CATALOGUE,
    CONCIERGE,
    NOW,
    PREMIUM,
    RTTI,
    TUNNEL,
    facts,
    offline,
    order,
    snapshot,
)

NUMBER = "13800000001"
LINE = Line(RTTI, 3)


def situation(known: CarFacts | None = None) -> Situation:
    return situation_of(known or facts(), {})


def code(refused: Refused | None) -> str:
    return refused.code if refused else ""


def test_what_is_offered_can_be_chosen_and_ordered() -> None:
    assert rules.refuse_put(situation(), (), LINE) is None
    assert rules.refuse_place(situation(), (LINE, Line(CONCIERGE, 12)), NUMBER) is None


@pytest.mark.req("R-101")
@pytest.mark.parametrize("months", [-3, 0, 1, 4, 24, 37])
def test_other_terms_are_refused(months: int) -> None:
    assert code(rules.refuse_put(situation(), (), Line(RTTI, months))) == "BAD_TERM"


@pytest.mark.req("R-101")
def test_a_term_without_a_price_is_refused() -> None:
    product = CATALOGUE.products[0]
    without = msgspec.structs.replace(product, offers=product.offers[1:])
    listed = msgspec.structs.replace(CATALOGUE, products=(without,))
    assert code(rules.refuse_put(situation(facts(catalogue=listed)), (), LINE)) == "BAD_TERM"


@pytest.mark.req("R-102")
def test_what_is_not_listed_is_not_eligible() -> None:
    assert code(rules.refuse_put(situation(), (), Line("OTHER", 3))) == "NOT_ELIGIBLE"
    assert code(rules.refuse_put(situation(facts(catalogue=None)), (), LINE)) == "NOT_ELIGIBLE"
    assert rules.refuse_put(situation(facts(snapshot=None)), (), LINE) is None


@pytest.mark.req("R-004")
def test_standard_services_are_not_ordered() -> None:
    assert code(rules.refuse_put(situation(), (), Line("ECALL", 3))) == "NOT_ORDERABLE"


@pytest.mark.req("R-201")
@pytest.mark.parametrize("months", [3, 12])
def test_each_service_once_whatever_its_term(months: int) -> None:
    assert code(rules.refuse_put(situation(), (LINE,), Line(RTTI, months))) == "DUPLICATE_SERVICE"
    assert code(rules.refuse_place(situation(), (LINE, Line(RTTI, months)), NUMBER)) == "DUPLICATE_SERVICE"


@pytest.mark.req("R-201")
def test_an_empty_basket_is_not_ordered() -> None:
    assert code(rules.refuse_place(situation(), (), NUMBER)) == "EMPTY_CART"


@pytest.mark.req("R-203")
@pytest.mark.parametrize("digits", ["", "1380000000", "23800000001", "138000000012"])
def test_a_bad_number_is_refused_where_a_link_is_sent(digits: str) -> None:
    assert code(rules.refuse_place(situation(), (LINE,), digits)) == "BAD_NUMBER"


@pytest.mark.req("R-301")
def test_no_number_is_needed_where_no_link_is_sent() -> None:
    assert rules.refuse_place(situation(facts(market="AU")), (LINE,), "") is None


@pytest.mark.req("R-204")
def test_orders_are_placed_only_online() -> None:
    assert code(rules.refuse_place(situation(offline()), (LINE,), NUMBER)) == "NO_CONNECTION"
    assert code(rules.refuse_place(situation(facts(modem=TUNNEL)), (LINE,), NUMBER)) == "NO_CONNECTION"
    assert rules.refuse_put(situation(offline()), (), LINE) is None


@pytest.mark.req("R-213")
@pytest.mark.parametrize("state", list(OrderState))
def test_a_service_sits_in_one_open_order_only(state: OrderState) -> None:
    known = facts(snapshot=snapshot(orders=(order(state),)))
    unpaid = state in ("AWAITING_PAYMENT", "PAYING", "PAYMENT_FAILED", "CANCELLING")
    assert code(rules.refuse_line(situation(known), LINE)) == ("SERVICE_IN_OPEN_ORDER" if unpaid else "")
    assert rules.refuse_line(situation(known), Line(PREMIUM, 3)) is None


@pytest.mark.req("R-206", "R-207", "R-214")
@pytest.mark.parametrize(
    ("state", "refused"),
    [
        (OrderState.AWAITING_PAYMENT, ""),
        (OrderState.PAYING, "PAYMENT_IN_PROGRESS"),
        (OrderState.PAYMENT_FAILED, "NOT_MODIFIABLE"),
        (OrderState.CANCELLING, "CANCEL_SYNC"),
        (OrderState.CANCELLED, "INVALID_STATE"),
        (OrderState.PAID, "USE_HOTLINE"),
        (OrderState.FULFILLED, "USE_HOTLINE"),
        (OrderState.PARTLY_REFUNDED, "USE_HOTLINE"),
        (OrderState.REFUNDED, "USE_HOTLINE"),
    ],
)
def test_changing_by_state(state: OrderState, refused: str) -> None:
    known = situation(facts(snapshot=snapshot(orders=(order(state),))))
    assert code(rules.refuse_change(known, order(state), (Line(RTTI, 6),))) == refused


@pytest.mark.req("R-206")
def test_a_change_is_checked_like_an_order() -> None:
    held = order(number="2", lines=(), client_order_id="c2")
    known = situation(facts(snapshot=snapshot(orders=(order(), held))))
    assert code(rules.refuse_change(known, order(), ())) == "EMPTY_CART"
    assert rules.refuse_change(known, order(), (LINE,)) is None
    assert code(rules.refuse_change(known, held, (LINE,))) == "SERVICE_IN_OPEN_ORDER"
    assert code(rules.refuse_change(known, order(), (LINE, LINE))) == "DUPLICATE_SERVICE"
    assert code(rules.refuse_change(situation(offline()), order(), (LINE,))) == "NO_CONNECTION"


@pytest.mark.req("R-208", "R-209", "R-214")
@pytest.mark.parametrize(
    ("state", "refused"),
    [
        (OrderState.AWAITING_PAYMENT, ""),
        (OrderState.PAYING, ""),
        (OrderState.PAYMENT_FAILED, ""),
        (OrderState.CANCELLING, "CANCEL_SYNC"),
        (OrderState.CANCELLED, "INVALID_STATE"),
        (OrderState.PAID, "USE_HOTLINE"),
        (OrderState.FULFILLED, "USE_HOTLINE"),
        (OrderState.PARTLY_REFUNDED, "USE_HOTLINE"),
        (OrderState.REFUNDED, "USE_HOTLINE"),
    ],
)
def test_cancelling_by_state(state: OrderState, refused: str) -> None:
    assert code(rules.refuse_cancel(situation(), order(state))) == refused


@pytest.mark.req("R-811")
def test_a_moving_car_selects_orders_and_cancels_nothing() -> None:
    moving = situation(facts(motion=Motion(50.0, NOW, None)))
    assert code(rules.refuse_put(moving, (), LINE)) == "NOT_WHILE_MOVING"
    assert code(rules.refuse_place(moving, (LINE,), NUMBER)) == "NOT_WHILE_MOVING"
    assert code(rules.refuse_change(moving, order(), (LINE,))) == "NOT_WHILE_MOVING"
    assert code(rules.refuse_cancel(moving, order())) == "NOT_WHILE_MOVING"
    assert code(rules.refuse_setting(moving)) == "NOT_WHILE_MOVING"


@pytest.mark.req("R-209")
def test_the_cancellation_lock_refuses_selection_and_order_but_not_settings_or_cancelling() -> None:
    locked = situation(facts(snapshot=snapshot(locked_until_ms=NOW + 1)))
    assert code(rules.refuse_put(locked, (), LINE)) == "CANCEL_SYNC"
    assert code(rules.refuse_place(locked, (LINE,), NUMBER)) == "CANCEL_SYNC"
    assert code(rules.refuse_change(locked, order(), (LINE,))) == "CANCEL_SYNC"
    assert rules.refuse_setting(locked) is None
    assert rules.refuse_cancel(locked, order()) is None


def test_every_refusal_names_a_known_code() -> None:
    for table in (rules.CHANGE_REFUSED, rules.CANCEL_REFUSED):
        for refused, rule in table.values():
            assert refused in ErrorCode
            assert rule.startswith("R-")
