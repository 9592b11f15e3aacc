"""What the broker does wrong in a scenario: it happens as written, and costs no order."""

from pathlib import Path

import pytest

from headunit.sim.errors import ScenarioError
from headunit.sim.verdict import Outcome
from tests.headunit.sim.stories import BOOKED, TO_CHECKOUT, Played, choose, fault, pay, play, write

CONNECTED_S = 1.0


def wrong(kind: str, at_s: float, **more: object) -> str:
    """A fault of the broker."""
    lines = [f"{key} = {value!r}".replace("'", '"') for key, value in more.items()]
    return "\n".join(("[[faults]]", f'kind = "{kind}"', 'program = "broker"', f"at_s = {at_s}", *lines))


def bought(folder: Path, *tables: str) -> Played:
    """An order and its payment, with whatever `tables` say; every checker is asked at the end."""
    return play(
        write(folder, choose(5, *TO_CHECKOUT, "Order"), pay(30), *tables, BOOKED, duration_s=70, settle_s=130)
    )


def sessions(played: Played) -> list[str]:
    """How often the car's session went up and down."""
    return [state for _, state in played.seen("car", "session")]


@pytest.mark.req("R-204", "R-305", "R-404")
@pytest.mark.parametrize("kind", ["delay", "duplicate", "drop_before", "drop_after"])
@pytest.mark.parametrize("client", ["car", "backend"])
@pytest.mark.parametrize("at_s", [4.0, 29.0])
def test_no_order_is_lost_or_doubled(tmp_path: Path, kind: str, client: str, at_s: float) -> None:
    more = {"delay_s": 3.0} if kind == "delay" else {"times": 3}
    played = bought(tmp_path, wrong(kind, at_s, client=client, **more))
    assert played.told() == []
    assert played.verdict.verdict is Outcome.PASS


def test_a_repeated_order_is_known_again_by_its_key(tmp_path: Path) -> None:
    played = bought(tmp_path, wrong("duplicate", 4.0, client="car", times=1))
    assert ("submit-order", "answered") in played.seen("backend", "repeat") or (
        "submit-order",
        "ignored",
    ) in played.seen("backend", "repeat")


def test_a_fault_happens_as_often_as_it_may_though_the_broker_is_killed(tmp_path: Path) -> None:
    played = bought(tmp_path, wrong("drop_after", 4.0, client="car", times=1), fault(50, "broker", "kill", 1))
    assert sessions(played) == ["up", "down", "up", "down", "up"]


def test_a_refused_connection_is_tried_again(tmp_path: Path) -> None:
    played = bought(
        tmp_path, wrong("refuse_connection", 0.0, times=4), fault(10, "broker", "kill", 1), BOOKED
    )
    assert played.verdict.verdict is Outcome.PASS


def test_a_fault_ends_when_its_time_is_over(tmp_path: Path) -> None:
    played = bought(tmp_path, wrong("drop_before", 40.0, client="car", for_s=1.5))
    assert [state for _, state in played.seen("rig", "fault")] == ["drop_before", "drop_before over"]


# With and without sessions that survive


def story_with_a_killed_broker(folder: Path, keeps_sessions: bool) -> Played:
    """The broker is killed while the car is away and an answer waits for it there."""
    table = f"[broker]\nkeeps_sessions = {str(keeps_sessions).lower()}\n"
    return bought(
        folder,
        table,
        fault(28, "car", "kill", 12),
        fault(36, "broker", "kill", 1),
    )


@pytest.mark.req("R-404")
@pytest.mark.parametrize("keeps_sessions", [False, True])
def test_a_killed_broker_costs_nothing_whether_it_keeps_sessions_or_not(
    tmp_path: Path, keeps_sessions: bool
) -> None:
    assert story_with_a_killed_broker(tmp_path, keeps_sessions).told() == []


# What a file cannot say


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (wrong("delay", 1.0), "faults[0].delay_s: a delay needs its length"),
        (wrong("duplicate", 1.0, topic="a/#/b"), "faults[0].topic: is no topic filter: 'a/#/b'"),
        (wrong("duplicate", 1.0, client="broker"), "faults[0].client: is car or backend"),
        (fault(1, "car", "duplicate"), "faults[0].program: duplicate is for the broker, not for the car"),
        ('[broker]\nprofile = "best"\n', "broker.profile: "),
    ],
)
def test_what_no_broker_can_do_is_refused(tmp_path: Path, table: str, expected: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        play(write(tmp_path, table))
    assert expected in str(caught.value)
