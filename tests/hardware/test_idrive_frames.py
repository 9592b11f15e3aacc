"""What the controller's frames mean: each movement of the hand once."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.controller import BACK, MENU, OPTION, PRESS, TILT_LEFT, TILT_RIGHT, ControllerEvent, rotate
from hardware.idrive_frames import MOST_DETENTS, IdriveDecoder
from tests.hardware.synthetic import SyntheticCar

PUSH, TILT, BUTTON = 0xDE, 0xDD, 0xC0


def events(car: SyntheticCar, decoder: IdriveDecoder | None = None) -> list[ControllerEvent]:
    decoder = decoder or IdriveDecoder()
    decoded = [decoder.decode(frame.arbitration_id, frame.data) for frame in car.frames]
    return [event for event in decoded if event is not None]


@pytest.fixture
def car() -> SyntheticCar:
    car = SyntheticCar()
    car.init()
    return car


def test_rotation_counts_from_the_init(car: SyntheticCar) -> None:
    for detents in (0, 1, 3, -2):
        car.rotate(detents)
    assert events(car) == [rotate(1), rotate(3), rotate(-2)]


def test_the_first_frame_after_an_init_counts_when_it_has_moved_already(car: SyntheticCar) -> None:
    car.rotate(2)
    assert events(car) == [rotate(2)]


def test_a_bridge_that_comes_later_takes_its_reference_from_the_first_frame() -> None:
    car = SyntheticCar()
    car.rotate(17)
    car.rotate(1)
    assert events(car) == [rotate(1)]


def test_a_new_init_zeroes_the_position(car: SyntheticCar) -> None:
    car.rotate(5)
    car.init()
    car.rotate(0)
    car.rotate(-1)
    assert events(car) == [rotate(5), rotate(-1)]


def test_an_init_without_acknowledgement_makes_no_false_rotation(car: SyntheticCar) -> None:
    car.rotate(20)
    car.send(0x273, bytes.fromhex("1DE100F0FF7FDE77"))
    car.rotate(1)
    car.rotate(1)
    assert events(car) == [rotate(20), rotate(1)]


def test_a_repeated_acknowledgement_zeroes_nothing(car: SyntheticCar) -> None:
    car.rotate(3)
    car.send(0x277, bytes.fromhex("E19D01FF"))
    car.rotate(1)
    assert events(car) == [rotate(3), rotate(1)]


def test_the_position_wraps_at_16_bits() -> None:
    decoder = IdriveDecoder()
    frames = ("E1FD00FEFF1E", "E1FD0101001E", "E1FD02FFFF1E")
    assert [decoder.decode(0x264, bytes.fromhex(frame)) for frame in frames] == [None, rotate(3), rotate(-2)]


def test_a_frame_that_comes_twice_counts_once(car: SyntheticCar) -> None:
    car.rotate(1)
    car.frames.append(car.frames[-1])
    assert events(car) == [rotate(1)]


def test_no_hand_turns_farther_than_the_bound_between_two_frames(car: SyntheticCar) -> None:
    car.rotate(MOST_DETENTS)
    car.rotate(-MOST_DETENTS - 1)
    car.rotate(1)
    assert events(car) == [rotate(MOST_DETENTS), rotate(1)]


@pytest.mark.parametrize(
    ("kind", "button", "direction", "event"),
    [
        (PUSH, 0x01, 0, PRESS),
        (TILT, 0x01, 8, TILT_LEFT),
        (TILT, 0x01, 2, TILT_RIGHT),
        (BUTTON, 0x01, 0, MENU),
        (BUTTON, 0x02, 0, BACK),
        (BUTTON, 0x04, 0, OPTION),
    ],
)
def test_a_movement_is_one_event_however_long_it_is_held(
    car: SyntheticCar, kind: int, button: int, direction: int, event: ControllerEvent
) -> None:
    for repeats in (1, 2, 30):
        car.hold_and_release(kind, button, direction, repeats)
    assert events(car) == [event] * 3


@pytest.mark.parametrize(
    ("kind", "button", "direction"),
    [(BUTTON, 0x08, 0), (BUTTON, 0x40, 0), (TILT, 0x01, 3), (0xAA, 0x01, 0)],
)
def test_what_we_do_not_know_makes_no_event(
    car: SyntheticCar, kind: int, button: int, direction: int
) -> None:
    car.hold_and_release(kind, button, direction)
    assert events(car) == []


def test_a_long_press_that_turns_into_a_hold_stays_one_event() -> None:
    decoder = IdriveDecoder()
    frames = ("E1FD0101DE01", "E1FD0102DE01", "E1FD0202DE01", "E1FD0300DE01")
    assert [decoder.decode(0x267, bytes.fromhex(frame)) for frame in frames] == [PRESS, None, None, None]


def test_a_press_whose_release_was_lost_does_not_hide_the_next() -> None:
    decoder = IdriveDecoder()
    assert decoder.decode(0x267, bytes.fromhex("E1FD0101DE01")) == PRESS
    assert decoder.decode(0x267, bytes.fromhex("E1FD0301DE01")) == PRESS


def test_a_controller_that_restarts_may_reuse_its_counters() -> None:
    decoder = IdriveDecoder()
    press, needs_init = bytes.fromhex("E1FD0101DE01"), bytes.fromhex("99010A0106000000")
    assert decoder.decode(0x267, press) == PRESS
    assert decoder.decode(0x5E7, needs_init) is None
    assert decoder.decode(0x267, press) == PRESS


@given(st.integers(0, 0x7FF), st.binary(max_size=8))
@settings(max_examples=200)
def test_no_frame_is_too_strange(arbitration_id: int, data: bytes) -> None:
    decoder = IdriveDecoder()
    for known in (0x264, 0x267, 0x273, 0x277, 0x5E7, arbitration_id):
        decoder.decode(known, data)


@given(st.lists(st.integers(-3, 3), max_size=30))
@settings(max_examples=50)
def test_no_detent_is_lost_or_invented(turns: list[int]) -> None:
    car = SyntheticCar()
    car.init()
    for detents in turns:
        car.rotate(detents)
    assert [event.detents for event in events(car)] == [detents for detents in turns if detents]
