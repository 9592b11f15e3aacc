"""What the vehicle bus says, and what of it is believed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.bench import Terminal
from hardware.vehicle_frames import VehicleDecoder, VehicleReading, crc8
from tests.hardware.synthetic import SyntheticCar, bitwise_crc


def readings(car: SyntheticCar, decoder: VehicleDecoder) -> list[VehicleReading | None]:
    return [decoder.decode(frame.arbitration_id, frame.data) for frame in car.frames]


@given(st.binary(max_size=12), st.integers(0, 255))
@settings(max_examples=100)
def test_the_checksum_is_a_crc_8_with_polynomial_1d(data: bytes, xor: int) -> None:
    assert crc8(data, xor) == bitwise_crc(data) ^ xor


def test_the_checksum_agrees_with_recorded_frames() -> None:
    assert crc8(bytes.fromhex("C6000081"), 0x0F) == 0xFC
    assert crc8(bytes.fromhex("23861CF1013009"), 0xB1) == 0xD4


@pytest.mark.parametrize("kmh", [0.0, 1 / 64, 1.375, 99.5, 400.0])
def test_speed_comes_in_64ths_of_a_kilometre_per_hour(kmh: float) -> None:
    car = SyntheticCar()
    car.speed(kmh)
    assert readings(car, VehicleDecoder()) == [VehicleReading(speed_kmh=kmh)]


@pytest.mark.parametrize(
    ("status", "terminal"),
    [
        (0x2, Terminal.OFF),
        (0x6, Terminal.OFF),
        (0x8, Terminal.R),
        (0xA, Terminal.IGNITION),
        (0xD, Terminal.STARTER),
    ],
)
def test_the_ignition_lock_names_its_terminal(status: int, terminal: Terminal) -> None:
    car = SyntheticCar()
    car.terminal(status)
    assert readings(car, VehicleDecoder()) == [VehicleReading(terminal=terminal)]


@pytest.mark.parametrize(("status", "invalid"), [(0x9, 0), (0xC, 0), (0xE, 1), (0xF, 1)])
def test_a_lock_that_is_changing_or_does_not_know_says_nothing(status: int, invalid: int) -> None:
    car, decoder = SyntheticCar(), VehicleDecoder()
    car.terminal(status)
    assert readings(car, decoder) == [None]
    assert decoder.invalid == invalid


def test_a_wrong_checksum_is_counted_and_ignored() -> None:
    car, decoder = SyntheticCar(), VehicleDecoder()
    car.speed(50, broken=True)
    car.terminal(0xA, broken=True)
    car.speed(51)
    assert readings(car, decoder) == [None, None, VehicleReading(speed_kmh=51.0)]
    assert decoder.crc_errors == 2


def test_a_frame_of_the_wrong_length_is_counted_and_ignored() -> None:
    decoder = VehicleDecoder()
    assert decoder.decode(0x1A1, b"") is None
    assert decoder.decode(0x12F, bytes(5)) is None
    assert decoder.crc_errors == 2


def test_an_alive_counter_that_stands_still_makes_a_frame_stale() -> None:
    car, decoder = SyntheticCar(), VehicleDecoder()
    car.speed(50)
    car.frames.append(car.frames[-1])
    assert readings(car, decoder) == [VehicleReading(speed_kmh=50.0), None]
    assert decoder.stale == 1


def test_a_speed_no_car_has_is_invalid() -> None:
    car, decoder = SyntheticCar(), VehicleDecoder()
    car.speed(400 + 1 / 64)
    assert readings(car, decoder) == [None]
    assert decoder.invalid == 1


@pytest.mark.parametrize(
    ("first_byte", "terminal"),
    [
        (0x00, Terminal.OFF),
        (0x40, Terminal.OFF),
        (0x41, Terminal.R),
        (0x45, Terminal.IGNITION),
        (0x55, Terminal.STARTER),
    ],
)
def test_an_older_lock_says_it_in_bits(first_byte: int, terminal: Terminal) -> None:
    frame = bytes((first_byte, 0xF0, 0xFC, 0xFF, 0xFF))
    assert VehicleDecoder().decode(0x130, frame) == VehicleReading(terminal=terminal)


def test_an_older_lock_that_does_not_know_says_nothing() -> None:
    decoder = VehicleDecoder()
    assert decoder.decode(0x130, bytes.fromhex("0FF0FCFFFF")) is None
    assert decoder.decode(0x130, b"") is None
    assert decoder.invalid == 1


def test_the_lock_with_a_checksum_is_believed_more_than_the_one_without() -> None:
    car, decoder = SyntheticCar(), VehicleDecoder()
    car.terminal(0x8)
    car.send(0x130, bytes.fromhex("45F0FCFFFF"))
    assert readings(car, decoder) == [VehicleReading(terminal=Terminal.R), None]
