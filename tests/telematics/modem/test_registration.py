"""Registration as TS 27.007 names it: the table, and how long a modem searches."""

from random import Random
from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.modem import Registration
from telematics.errors import RegistrationRefusedError
from telematics.modem.registration import (
    REGISTRATION,
    RegistrationEvent,
    RegistrationMachine,
    after,
    search_ns,
)

S = 1_000_000_000
MS = 1_000_000


def modem(
    *,
    cell: bool = True,
    operator_up: bool = True,
    sim_valid: bool = True,
    roaming: bool = False,
    seed: str = "modem",
) -> RegistrationMachine:
    return RegistrationMachine(
        Random(seed), cell=cell, operator_up=operator_up, sim_valid=sim_valid, roaming=roaming
    )


def observe(
    machine: RegistrationMachine,
    now_ns: int,
    *,
    cell: bool = True,
    operator_up: bool = True,
    sim_valid: bool = True,
) -> Registration:
    machine.observe(now_ns, cell=cell, operator_up=operator_up, sim_valid=sim_valid)
    return machine.state


@pytest.mark.parametrize("state", list(Registration))
@pytest.mark.parametrize("event", list(RegistrationEvent))
def test_an_unlisted_event_is_refused(state: Registration, event: RegistrationEvent) -> None:
    if (state, event) in REGISTRATION:
        assert after(state, event) is REGISTRATION[state, event]
        return
    with pytest.raises(RegistrationRefusedError, match=state.name):
        after(state, event)


def test_with_cell_and_sim_it_is_registered_from_the_start() -> None:
    assert modem().state is Registration.REGISTERED_HOME
    assert modem(roaming=True).state is Registration.REGISTERED_ROAMING
    assert modem(cell=False).state is Registration.SEARCHING
    assert modem(sim_valid=False).state is Registration.REGISTRATION_DENIED
    assert modem(operator_up=False).state is Registration.NOT_REGISTERED


def test_losing_the_cell_it_searches_and_registers_again_some_time_after_it_is_back() -> None:
    machine = modem()
    assert observe(machine, 0, cell=False) is Registration.SEARCHING
    assert machine.next_due() is None
    assert observe(machine, 30 * S) is Registration.SEARCHING
    due_ns = machine.next_due()
    assert due_ns is not None
    registered = []
    for now_ns in (due_ns - 1, due_ns):
        machine.advance(now_ns)
        registered.append(machine.is_registered)
    assert registered == [False, True]
    assert machine.next_due() is None


def test_losing_the_cell_again_calls_the_search_off() -> None:
    machine = modem()
    observe(machine, 0, cell=False)
    observe(machine, 30 * S)
    observe(machine, 30 * S + 1, cell=False)
    assert machine.next_due() is None


def test_a_search_under_way_is_not_drawn_anew() -> None:
    machine = modem()
    observe(machine, 0, cell=False)
    observe(machine, 30 * S)
    due_ns = machine.next_due()
    observe(machine, 30 * S + 1)
    assert machine.next_due() == due_ns


def test_an_operator_that_is_down_is_not_searched_for() -> None:
    machine = modem()
    assert observe(machine, 0, cell=False, operator_up=False) is Registration.NOT_REGISTERED
    assert observe(machine, 600 * S) is Registration.SEARCHING
    assert machine.next_due() is not None


def test_an_invalid_sim_is_denied_and_a_valid_one_attaches() -> None:
    machine = modem()
    assert observe(machine, 0, sim_valid=False) is Registration.REGISTRATION_DENIED
    assert observe(machine, S) is Registration.SEARCHING
    due_ns = machine.next_due()
    assert due_ns is not None
    assert 4 * S <= due_ns <= 16 * S


@pytest.mark.parametrize(
    ("gone_ns", "shortest_s", "longest_s", "median_s"),
    [
        (0, 0.1, 0.5, 0.3),
        (2 * S - 1, 0.1, 0.5, 0.3),
        (2 * S, 0.2, 20, 2),
        (120 * S - 1, 0.2, 20, 2),
        (120 * S, 0.3, 400, 10),
        (None, 3, 15, 9),
    ],
)
def test_the_search_depends_on_how_long_the_network_was_gone(
    gone_ns: int | None, shortest_s: float, longest_s: float, median_s: float
) -> None:
    stream = Random("search")
    drawn_s = [search_ns(gone_ns, stream) / S for _ in range(600)]
    assert min(drawn_s) >= shortest_s
    assert max(drawn_s) <= longest_s
    assert median(drawn_s) == pytest.approx(median_s, rel=0.15)


def test_after_minutes_some_searches_take_longer_than_a_minute() -> None:
    stream = Random("tail")
    long = sum(search_ns(300 * S, stream) > 60 * S for _ in range(2000))
    assert 20 <= long <= 90


@given(
    steps=st.lists(
        st.tuples(st.booleans(), st.booleans(), st.booleans(), st.integers(0, 200_000)), max_size=30
    )
)
@settings(max_examples=80, deadline=None)
def test_it_is_registered_only_with_cell_operator_and_sim(
    steps: list[tuple[bool, bool, bool, int]],
) -> None:
    machine, again = modem(), modem()
    now_ns = 0
    for cell, operator_up, sim_valid, wait_ms in steps:
        for twin in (machine, again):
            twin.advance(now_ns)
            observe(twin, now_ns, cell=cell and operator_up, operator_up=operator_up, sim_valid=sim_valid)
        if not (cell and operator_up and sim_valid):
            assert not machine.is_registered
            assert machine.next_due() is None
        elif not machine.is_registered:
            assert machine.next_due() is not None
        assert (machine.state, machine.next_due()) == (again.state, again.next_due())
        now_ns += wait_ms * MS
