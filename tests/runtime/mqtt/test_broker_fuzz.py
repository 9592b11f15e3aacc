"""A small sample of the fuzz of the broker's core; `make proof NAME=hostile` plays two million packets."""

from functools import partial

import pytest

from proofs.hostile.peer import FindingError
from proofs.hostile.stage import SCENES
from proofs.hostile.story import Story, replay, shortest

SEED = 20_260_302
PACKETS = 500


@pytest.mark.parametrize("number", range(6 * len(SCENES)))
def test_hostile_clients_break_nothing(number: int) -> None:
    """No exception, nothing unreadable or unasked for, witnesses unharmed, nothing kept afterwards."""
    story = Story(SEED, number, PACKETS)
    try:
        story.play()
    except FindingError as finding:
        steps = "\n".join(map(str, shortest(story.log, finding.rule, partial(replay, story.scene))))
        pytest.fail(
            f"{finding}\npython -m proofs.hostile --seed {SEED} --story {number} --packets {PACKETS}\n{steps}"
        )
    assert story.packets >= PACKETS
    assert len(story.stage.witnesses) == 2, "one of MQTT 5 and one of MQTT 3.1.1"
    assert story.stage.accepted > 10
