"""Chance that can be repeated."""

from runtime.randomness import SeededRandomness, SystemRandomness


def test_the_same_seed_and_name_give_the_same_numbers() -> None:
    one, two = SeededRandomness(7).stream("car-1"), SeededRandomness("7").stream("car-1")
    assert [one.random() for _ in range(5)] == [two.random() for _ in range(5)]


def test_a_stream_is_the_same_object_every_time() -> None:
    randomness = SeededRandomness("seed")
    assert randomness.stream("link") is randomness.stream("link")


def test_another_purpose_does_not_disturb_a_stream() -> None:
    alone, disturbed = SeededRandomness(1), SeededRandomness(1)
    disturbed.stream("other").random()
    assert alone.stream("link").random() == disturbed.stream("link").random()


def test_names_and_seeds_give_different_numbers() -> None:
    draws = [SeededRandomness(seed).stream(name).random() for seed in (1, 2) for name in ("a", "b")]
    assert len(set(draws)) == 4


def test_the_numbers_are_the_same_on_every_machine() -> None:
    assert SeededRandomness(2017).stream("car").getrandbits(32) == 3689755863


def test_the_systems_chance_cannot_be_repeated() -> None:
    assert SystemRandomness().stream("car").getrandbits(128) != SystemRandomness().stream("car").getrandbits(
        128
    )
