"""An expectation is kept by the journal alone: by its instant, as often as it says, `*` for anything."""

import pytest

from headunit.sim.expectations import check_expectations, journal_line
from headunit.sim.scenario import Expectation
from runtime.journal import JournalEntry

START_NS = 1_000_000_000


def entry(
    second: float, key: str, state: str = "", *, actor: str = "car", kind: str = "order"
) -> JournalEntry:
    return JournalEntry(START_NS + round(second * 1e9), 0, actor, 1, kind, key, state, {})


JOURNAL = (
    entry(1, "CN-000001", "AWAITING_PAYMENT"),
    entry(2, "CN-000002", "AWAITING_PAYMENT"),
    entry(5, "CN-000001", "PAID"),
    entry(6, "RTTI", "ACTIVE", kind="booked"),
)


def is_kept(expected: Expectation) -> bool:
    return check_expectations([expected], JOURNAL, START_NS) == []


@pytest.mark.parametrize(
    ("key", "state", "kept"),
    [
        ("*", "*", True),
        ("CN-000001", "PAID", True),
        ("CN-*", "PAID", True),
        ("CN-*2", "PAID", False),
        ("*", "P*", True),
        ("cn-000001", "*", False),
        ("CN-000003", "*", False),
    ],
)
def test_key_and_state_may_hold_a_star(key: str, state: str, kept: bool) -> None:
    assert is_kept(Expectation(actor="car", kind="order", key=key, state=state)) is kept


@pytest.mark.parametrize(("actor", "kind"), [("backend", "order"), ("car", "booked_"), ("car", "ord*")])
def test_actor_and_kind_are_taken_as_they_stand(actor: str, kind: str) -> None:
    assert not is_kept(Expectation(actor=actor, kind=kind))


@pytest.mark.parametrize(("by_s", "kept"), [(4.999, False), (5.0, True), (5.001, True), (None, True)])
def test_the_instant_itself_is_in_time(by_s: float | None, kept: bool) -> None:
    assert is_kept(Expectation(actor="car", kind="order", state="PAID", by_s=by_s)) is kept


@pytest.mark.parametrize(
    ("count", "by_s", "kept"),
    [(2, None, True), (1, None, False), (3, None, False), (1, 1.5, True), (0, 0.5, True), (0, None, False)],
)
def test_a_count_is_exact_and_zero_means_never(count: int, by_s: float | None, kept: bool) -> None:
    expected = Expectation(actor="car", kind="order", state="AWAITING_PAYMENT", count=count, by_s=by_s)
    assert is_kept(expected) is kept


def test_a_miss_names_what_when_and_the_rule_and_shows_what_came_instead() -> None:
    expected = Expectation(
        actor="car", kind="order", key="CN-000001", state="FULFILLED", by_s=9, rule="R-404"
    )
    (violation,) = check_expectations([expected], JOURNAL, START_NS)
    assert (violation.checker, violation.rule) == ("expectation", "R-404")
    assert violation.text == "expected car: order CN-000001 FULFILLED by 9 s; seen 0 times in time, 0 in all"
    assert violation.story[-1] == "     5.000 s  car: order CN-000001 PAID"
    assert len(violation.story) == 3


def test_what_came_too_late_is_the_story() -> None:
    expected = Expectation(actor="car", kind="order", state="PAID", by_s=2, count=1)
    (violation,) = check_expectations([expected], JOURNAL, START_NS)
    assert violation.text == "expected car: order * PAID once by 2 s; seen 0 times in time, 1 in all"
    assert violation.story == ("     5.000 s  car: order CN-000001 PAID",)


def test_the_story_is_five_lines_at_most() -> None:
    many = [entry(second, "CN-000001", "PAID") for second in range(20)]
    (violation,) = check_expectations([Expectation(actor="car", kind="order", count=0)], many, START_NS)
    assert len(violation.story) == 5
    assert violation.story[-1].startswith("    19.000 s")


def test_a_line_of_the_story_has_no_blanks_at_its_end() -> None:
    assert journal_line(entry(0.25, "CN-000001"), START_NS) == "     0.250 s  car: order CN-000001"
