"""What a program that only serves does about memory."""

import gc
from collections.abc import Iterator

import pytest

from headunit.sim.alone_process import calm_collector


@pytest.fixture(autouse=True)
def restored_collector() -> Iterator[None]:
    """The collector of this process as it was."""
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


def test_garbage_is_searched_in_small_steps_and_never_in_what_was_loaded() -> None:
    """A step over 50,000 objects takes some ten milliseconds, in which nobody is served."""
    calm_collector()
    assert gc.get_freeze_count() > 10_000
    searched: list[int] = []

    def watch(phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            searched.append(len(gc.get_objects(info["generation"])))

    gc.callbacks.append(watch)
    kept = [[number] for number in range(20_000)]
    gc.callbacks.remove(watch)
    assert len(searched) >= len(kept) // 2_000
    assert max(searched) <= 2_000
