"""Broken backends are caught, by the checker of the rule they break, and the seed shows it again.

The honest backend plays the same stories and nobody has anything to say.
"""

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from backend_stub.app import Backend
from headunit.sim.verdict import Outcome
from headunit.sim.world import MakeBackend
from tests.headunit.sim.stories import TO_CHECKOUT, choose, fault, pay, play, write
from tests.mutants.forgetful_backend import ForgetfulBackend, WithoutKeys
from tests.mutants.greedy_backend import GreedyBackend
from tests.mutants.mumbling_backend import MumblingBackend
from tests.mutants.trusting_backend import TrustingBackend

Story = Callable[[Path], Path]


def order_repeated(paid_s: float) -> Story:
    """The car loses its power before its broker has acknowledged the order, and sends it again 40 s later."""

    def story(folder: Path) -> Path:
        blackout = fault(7.52, "car", "power_cut", 40)
        return write(folder, choose(5, *TO_CHECKOUT, "Order"), blackout, pay(paid_s), duration_s=70)

    return story


def paid_with(outcome: str) -> Story:
    """The payer pays once, and the provider reports as `outcome` says."""

    def story(folder: Path) -> Path:
        return write(folder, choose(5, *TO_CHECKOUT, "Order"), pay(15, outcome))

    return story


CAUGHT = [
    pytest.param(
        ForgetfulBackend,
        order_repeated(paid_s=15),
        "R-204",
        "one press of the driver has become 2 orders: CN-000001, CN-000002",
        id="forgetful",
    ),
    pytest.param(
        GreedyBackend,
        paid_with("duplicate"),
        "R-305",
        "CN-000001 is FULFILLED, amount 15000; kept 30000 (captured 30000, returned 0, refunded 0)",
        id="greedy",
    ),
    pytest.param(
        TrustingBackend,
        paid_with("decline"),
        "R-401",
        "RTTI, 3 months, of CN-000001 stands on no paid line",
        id="trusting",
    ),
    pytest.param(
        MumblingBackend,
        paid_with("approve"),
        "R-404",
        "RTTI: backend ACTIVE until 2026-06-01, car nothing",
        id="mumbling",
    ),
]


@pytest.mark.req("R-204", "R-305", "R-401", "R-404")
@pytest.mark.parametrize(("broken", "story", "rule", "text"), CAUGHT)
def test_a_broken_backend_is_caught_by_the_rule_it_breaks(
    tmp_path: Path, broken: MakeBackend, story: Story, rule: str, text: str
) -> None:
    file = story(tmp_path)
    caught = play(file, make_backend=broken)
    assert caught.verdict.verdict is Outcome.FAIL
    (violation,) = caught.verdict.violations
    assert (violation.rule, violation.text) == (rule, text)
    assert violation.story
    assert caught.verdict.replay == f"headunit simulate {file} --seed 3"


@pytest.mark.parametrize(("broken", "story", "rule", "text"), CAUGHT)
def test_its_seed_shows_it_again_to_the_byte(
    tmp_path: Path, broken: MakeBackend, story: Story, rule: str, text: str
) -> None:
    file = story(tmp_path)
    first = play(file, make_backend=broken).verdict
    again = play(file, seed=first.seed, make_backend=broken).verdict
    assert again.violations == first.violations
    assert (again.digest, again.events) == (first.digest, first.events)


@pytest.mark.parametrize(("broken", "story", "rule", "text"), CAUGHT)
def test_the_honest_backend_plays_the_same_story_well(
    tmp_path: Path, broken: MakeBackend, story: Story, rule: str, text: str
) -> None:
    assert play(story(tmp_path)).told() == []


# The legs of idempotency


@pytest.mark.req("R-204")
def test_without_its_keys_a_backend_still_knows_the_order_of_a_client(tmp_path: Path) -> None:
    played = play(order_repeated(paid_s=15)(tmp_path), make_backend=WithoutKeys)
    assert played.told() == []
    assert played.seen("backend", "repeat") == []
    assert [state for _, state in played.seen("backend", "order")].count("AWAITING_PAYMENT") == 1


@pytest.mark.req("R-213")
def test_while_the_order_is_unpaid_even_a_forgetful_backend_sells_nothing_twice(tmp_path: Path) -> None:
    played = play(order_repeated(paid_s=60)(tmp_path), make_backend=ForgetfulBackend)
    assert played.told() == []
    assert ("submit-order", "SERVICE_IN_OPEN_ORDER") in played.seen("backend", "refusal")


# The one seed that breaks it


def chance_story(folder: Path, seed: int) -> Path:
    """The car dies at some instant after the press; most often too late to do harm."""
    chance = Random(f"mutants:{seed}")
    died_s = round(chance.uniform(7.5, 8.5), 6)
    down_s = round(chance.uniform(20, 50), 3)
    paid_s = round(chance.uniform(9, 12), 3)
    blackout = fault(died_s, "car", "kill", down_s)
    return write(folder, choose(5, *TO_CHECKOUT, "Order"), blackout, pay(paid_s), seed=seed, duration_s=70)


@pytest.mark.req("R-204")
def test_among_many_seeds_the_first_that_breaks_it_is_found_and_replayed(tmp_path: Path) -> None:
    passed = 0
    for seed in range(1, 60):
        found = play(chance_story(tmp_path, seed), make_backend=ForgetfulBackend)
        if found.verdict.verdict is Outcome.FAIL:
            break
        passed += 1
    else:
        pytest.fail("no seed has broken the forgetful backend")
    assert passed > 0, "chance decides nothing in this story"
    again = play(chance_story(tmp_path, seed), make_backend=ForgetfulBackend)
    assert again.verdict.violations == found.verdict.violations
    assert again.verdict.digest == found.verdict.digest
    assert [v.rule for v in again.verdict.violations] == ["R-204"]
    assert play(chance_story(tmp_path, seed), make_backend=Backend).told() == []
