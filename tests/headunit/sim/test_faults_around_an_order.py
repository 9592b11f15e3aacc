"""No kill, power cut or loss of the broker around an order or its payment loses or doubles anything.

Every story: the order is pressed at 7.5 s, answered 81 ms later, paid at 50 s, captured at 52 s and active
at 57 s. One program stops at some instant and comes back. The fault comes a microsecond after a round
number, so that it never shares its instant with a press.
"""

from pathlib import Path

import pytest

from contracts.messages import OrderState
from headunit.sim.verdict import Outcome
from tests.headunit.sim.stories import (
    BACK_TO_CHECKOUT,
    BOOKED,
    TO_CHECKOUT,
    Played,
    choose,
    fault,
    pay,
    play,
    write,
)

FINER = 1
"""How many times as many instants as usual; 1 is what the suite can afford."""

STRIKES = (
    ("car", "kill", 2.0),
    ("car", "power_cut", 0.2),
    ("backend", "kill", 2.0),
    ("backend", "power_cut", 0.2),
    ("broker", "kill", 2.0),
    ("broker", "power_cut", 0.2),
)
PRESSED_S, PAID_S, CAPTURED_S, ACTIVE_S = 7.5, 50.0, 52.0, 57.0


def instants(from_s: float, until_s: float, n: int) -> list[float]:
    """`n` instants, evenly spread, the first a microsecond after `from_s`."""
    n *= FINER
    return [round(from_s + k * (until_s - from_s) / n + 1e-6, 6) for k in range(n)]


AROUND_THE_ORDER = instants(PRESSED_S, PRESSED_S + 0.12, 12)
AROUND_THE_PAYMENT = [
    at_s
    for begin_s in (PAID_S, CAPTURED_S, ACTIVE_S)
    for at_s in (begin_s - 1e-3, *instants(begin_s, begin_s + 0.09, 2))
]
WITH_THE_CAR_ALIVE = [at_s for at_s in instants(PRESSED_S - 0.3, PRESSED_S, 3) if at_s < PRESSED_S]


def bought(folder: Path, *faults: str) -> Played:
    """An order paid long after its press, with `faults`; every checker is asked at the end."""
    tables = (choose(5, *TO_CHECKOUT, "Order"), pay(PAID_S), *faults, BOOKED)
    return play(write(folder, *tables, duration_s=70, settle_s=130))


def check(played: Played) -> None:
    """The order was accepted once, paid once and booked once, and nobody has anything to say."""
    assert played.told() == []
    assert played.verdict.verdict is Outcome.PASS
    assert played.seen("car", "accepted") == [("CN-000001", "")]
    backend = [state for _, state in played.seen("backend", "order")]
    assert backend == [
        OrderState.AWAITING_PAYMENT,
        OrderState.PAYING,
        OrderState.PAID,
        OrderState.FULFILLED,
    ]


def test_without_a_fault_the_story_happens_when_this_file_says(tmp_path: Path) -> None:
    played = bought(tmp_path)
    check(played)
    entries = {(e.actor, e.kind, e.key, e.state): e.t_ns / 1e9 - 1.0 for e in played.journal}
    assert entries["car", "request", "submit-order", "sent"] == PRESSED_S
    assert PRESSED_S < entries["car", "reply", "submit-order", "OK"] < PRESSED_S + 0.1
    assert entries["backend", "order", "CN-000001", "PAYING"] == PAID_S
    assert entries["backend", "order", "CN-000001", "PAID"] == CAPTURED_S
    assert entries["backend", "entitlement", "RTTI", "ACTIVE"] == ACTIVE_S
    assert ACTIVE_S < entries["car", "booked", "RTTI", "ACTIVE"] < ACTIVE_S + 0.1


@pytest.mark.req("R-204", "R-404")
@pytest.mark.parametrize("at_s", AROUND_THE_ORDER)
@pytest.mark.parametrize(("program", "kind", "down_s"), STRIKES)
def test_around_the_order(tmp_path: Path, program: str, kind: str, down_s: float, at_s: float) -> None:
    check(bought(tmp_path, fault(at_s, program, kind, down_s)))


@pytest.mark.req("R-204")
@pytest.mark.parametrize("at_s", WITH_THE_CAR_ALIVE)
@pytest.mark.parametrize(("program", "kind", "down_s"), STRIKES[2:])
def test_just_before_the_order(tmp_path: Path, program: str, kind: str, down_s: float, at_s: float) -> None:
    check(bought(tmp_path, fault(at_s, program, kind, down_s)))


@pytest.mark.req("R-305", "R-401", "R-404")
@pytest.mark.parametrize("at_s", AROUND_THE_PAYMENT)
@pytest.mark.parametrize(("program", "kind", "down_s"), STRIKES)
def test_around_payment_and_activation(
    tmp_path: Path, program: str, kind: str, down_s: float, at_s: float
) -> None:
    check(bought(tmp_path, fault(at_s, program, kind, down_s)))


@pytest.mark.req("R-202")
@pytest.mark.parametrize("kind", ["kill", "power_cut"])
def test_a_car_that_dies_at_checkout_has_its_basket_and_the_driver_orders_then(
    tmp_path: Path, kind: str
) -> None:
    tables = (
        choose(5, *TO_CHECKOUT),
        fault(7.3, "car", kind, 3.0),
        choose(14, *BACK_TO_CHECKOUT, "Order"),
        pay(PAID_S),
        BOOKED,
    )
    played = play(write(tmp_path, *tables, duration_s=70, settle_s=30))
    check(played)
    screens = [key for key, _ in played.seen("car", "screen")]
    assert screens[4:10] == [
        "store.checkout",
        "connected_drive",
        "store",
        "store.basket",
        "store.checkout",
        "store.order.CN-000001",
    ]


@pytest.mark.req("R-204")
@pytest.mark.parametrize("down_s", [10.0, 45.0])
def test_the_backend_is_away_for_long_when_the_order_is_pressed(tmp_path: Path, down_s: float) -> None:
    """The broker keeps the request for the backend's session, and it is placed within its minute."""
    tables = (choose(5, *TO_CHECKOUT, "Order"), fault(6, "backend", "kill", down_s), pay(70), BOOKED)
    check(play(write(tmp_path, *tables, duration_s=90, settle_s=30)))


@pytest.mark.req("R-204")
def test_the_backend_is_away_for_more_than_a_minute_and_nothing_is_placed(tmp_path: Path) -> None:
    tables = (choose(5, *TO_CHECKOUT, "Order"), fault(6, "backend", "kill", 75.0))
    played = play(write(tmp_path, *tables, duration_s=90, settle_s=60))
    assert played.told() == []
    assert played.seen("backend", "order") == []
    assert played.seen("car", "accepted") == []
    assert played.seen("car", "reply") == [("submit-order", "NO_ANSWER")]


@pytest.mark.req("R-204")
@pytest.mark.parametrize("until_s", [20.0, 60.0])
def test_the_road_breaks_the_moment_the_order_is_pressed(tmp_path: Path, until_s: float) -> None:
    road = f'[[causes]]\nkind = "tunnel"\nfrom_s = {PRESSED_S + 1e-6:f}\nuntil_s = {until_s}\n'
    tables = (choose(5, *TO_CHECKOUT, "Order"), road, pay(90, delay_s=1), BOOKED)
    played = play(write(tmp_path, *tables, duration_s=100, settle_s=60))
    check(played)


@pytest.mark.req("R-204")
def test_everything_dies_at_once(tmp_path: Path) -> None:
    at_s = PRESSED_S + 0.040_741
    faults = (
        fault(at_s, "car", "power_cut", 3),
        fault(at_s, "backend", "power_cut", 4),
        fault(at_s, "broker"),
    )
    check(bought(tmp_path, *faults))
