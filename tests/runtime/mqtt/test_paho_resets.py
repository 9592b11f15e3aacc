"""A road that is cut with RST, after whichever byte, loses no message and lets none take effect twice."""

import pytest

from contracts.link import Direction
from tests.runtime.mqtt.port_rigs import RealRig, Rig, VirtualRig
from tests.runtime.mqtt.two_programs import TwoPrograms, numbers

UP, DOWN = Direction
CAR_SENDS, BACKEND_SENDS = 3, 2
SAMPLE = 6
"""Every which part of a conversation is cut on real sockets, where each cut costs some milliseconds."""


class Conversation:
    """Three messages up, two down, over one connection, or over more when that is cut."""

    def __init__(self) -> None:
        self.passed: tuple[int, ...] = ()
        self.connections = 0

    async def hold(self, rig: Rig, *cuts: tuple[Direction, int]) -> None:
        it = TwoPrograms(rig)
        await it.begin()
        it.road.cuts.extend(cuts)
        it.car.send(CAR_SENDS)
        it.start_car()
        it.backend.send(BACKEND_SENDS)
        await it.backend.until_taken(CAR_SENDS)
        await it.car.until_taken(BACKEND_SENDS)
        await it.car.until_sent()
        await it.backend.until_sent()
        assert it.backend.taken == numbers(CAR_SENDS)
        assert it.car.taken == numbers(BACKEND_SENDS)
        assert it.car.delivery.counts.refused == it.car.delivery.counts.failed == 0
        self.passed = it.road.passed
        self.connections = it.road.accepted
        await it.end()


def whole(rig: Rig) -> tuple[int, ...]:
    """Bytes of an undisturbed conversation, up and down."""
    conversation = Conversation()
    rig.run(conversation.hold(rig))
    assert conversation.connections == 1
    return conversation.passed


@pytest.mark.parametrize("direction", Direction)
def test_a_reset_after_any_byte_loses_and_doubles_nothing_in_virtual_time(direction: Direction) -> None:
    length = whole(VirtualRig())[direction]
    cut = 0
    for n in range(length + 1):
        conversation = Conversation()
        rig = VirtualRig()
        rig.run(conversation.hold(rig, (direction, n)))
        cut += conversation.connections == 2
    # A reset behind the last byte comes when the conversation is over.
    assert cut >= length - 1


@pytest.mark.parametrize("direction", Direction)
def test_a_reset_in_any_part_loses_and_doubles_nothing_on_sockets(direction: Direction) -> None:
    length = whole(RealRig())[direction]
    for part in range(SAMPLE):
        conversation = Conversation()
        rig = RealRig()
        rig.run(conversation.hold(rig, (direction, part * length // SAMPLE)))
        assert conversation.connections == 2


def test_five_resets_in_a_row_lose_and_double_nothing(rig: Rig) -> None:
    conversation = Conversation()
    rig.run(conversation.hold(rig, (UP, 0), (DOWN, 1), (UP, 30), (DOWN, 30), (UP, 60)))
    assert conversation.connections == 6


@pytest.fixture(params=[VirtualRig, RealRig], ids=["virtual", "sockets"])
def rig(request: pytest.FixtureRequest) -> Rig:
    """Each world in turn."""
    made: Rig = request.param()
    return made
