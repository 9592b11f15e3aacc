"""A small, fixed sample of the kill proof: real processes, one death each, side by side."""

import asyncio
from pathlib import Path

import pytest

from proofs.kills.file_log import Kept
from proofs.kills.plan import Undisturbed, instants, percentile_s
from proofs.kills.programs import BrokerKind
from proofs.kills.records import Records
from proofs.kills.shim import Point, build_shim, find_compiler
from proofs.kills.story import Instant, Result, play
from runtime.mqtt.mosquitto import find_mosquitto

needs_a_compiler = pytest.mark.skipif(find_compiler() is None, reason="no C compiler is installed")


def death(program: str, point: Point, index: int = 1, cut: str = "", seed: int = 0) -> Instant:
    return Instant(broker=BrokerKind.OURS, program=program, point=point.name, index=index, cut=cut, seed=seed)


SAMPLE = (
    death("backend", Point.COMMIT_SYNCED, cut=Kept.SOME.value, seed=5),
    death("broker", Point.PUBACK_AFTER),
)


@needs_a_compiler
@pytest.mark.req("R-204", "R-305", "R-404")
async def test_an_order_and_its_payment_survive_a_kill_and_a_power_cut(tmp_path: Path) -> None:
    shim = build_shim(tmp_path)
    results = await asyncio.gather(*(play(shim, BrokerKind.OURS, instant) for instant in SAMPLE))
    assert [(str(r.instant), r.problems) for r in results] == [(str(i), ()) for i in SAMPLE]
    assert all(result.reached for result in results)
    assert all(0 < result.connected_after_s <= result.done_after_s for result in results)


@needs_a_compiler
@pytest.mark.mosquitto
@pytest.mark.skipif(find_mosquitto() is None, reason="mosquitto is not installed")
@pytest.mark.req("R-204", "R-305", "R-404")
async def test_and_a_killed_mosquitto_while_a_forgetful_backend_is_caught(tmp_path: Path) -> None:
    shim = build_shim(tmp_path)
    killed = Instant(broker=BrokerKind.MOSQUITTO, program="broker", point="PUBACK_AFTER", index=1)
    honest, broken = await asyncio.gather(
        play(shim, BrokerKind.MOSQUITTO, killed),
        play(shim, BrokerKind.OURS, death("car", Point.SEND_AFTER), mutant="forgetful"),
    )
    assert (honest.reached, honest.problems) == (True, ())
    assert broken.reached
    assert any("one press of the driver has become 2 orders" in problem for problem in broken.problems)


# The plan and the evidence

UNDISTURBED = Undisturbed({"car": {"COMMIT_SYNCED": 2, "SEND_BEFORE": 1}, "broker": {"PUBACK_AFTER": 1}}, 0.5)


def test_every_instant_is_in_the_plan_once() -> None:
    planned = instants(BrokerKind.OURS, UNDISTURBED)
    assert len({str(instant) for instant in planned}) == len(planned)
    kills = [(i.program, i.point, i.index) for i in planned if i.point and not i.cut]
    assert kills == [
        ("car", "COMMIT_SYNCED", 1),
        ("car", "COMMIT_SYNCED", 2),
        ("car", "SEND_BEFORE", 1),
        ("broker", "PUBACK_AFTER", 1),
    ]
    by_chance = [i for i in planned if not i.point]
    assert [i.program for i in by_chance].count("backend") == 20
    assert all(0 <= i.after_s <= 0.5 for i in by_chance)
    assert [(i.point, i.index, i.cut, i.seed) for i in planned if i.cut] == [
        ("COMMIT_SYNCED", index, cut, seed)
        for index in (1, 2)
        for cut, seed in (("nothing", 0), ("some", 1), ("some", 2))
    ]


def test_a_slice_goes_on_where_the_last_one_stopped() -> None:
    records = Records(undisturbed={BrokerKind.OURS: UNDISTURBED}, of=3)
    instant = death("car", Point.COMMIT_SYNCED)
    records.add(Result(instant=instant, reached=True, connected_after_s=0.5, done_after_s=1.5))
    records.add(Result(instant=instant, reached=False, problems=("LOST: 0 orders instead of 1",)))
    again = Records.of_figures(records.figures())
    assert again == records
    assert (again.runs, again.lost, again.doubled, again.passed, again.is_complete) == (2, 1, 0, False, False)
    assert again.not_reached == [str(instant)]


def test_the_proof_holds_only_if_every_mutant_was_caught() -> None:
    caught = {name: ["LOST"] for name in ("unsynced", "hasty", "eager", "forgetful")}
    assert Records(mutants=caught).passed
    assert not Records(mutants={**caught, "eager": []}).passed
    assert not Records().passed


def test_percentiles_are_the_nearest_rank() -> None:
    hundred = [n / 100 for n in range(1, 101)]
    assert (percentile_s(hundred, 50), percentile_s(hundred, 95), percentile_s(hundred, 100)) == (
        0.5,
        0.95,
        1.0,
    )
    assert percentile_s([], 50) is None
