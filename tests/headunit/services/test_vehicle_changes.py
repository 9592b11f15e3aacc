"""What the journal says of the car as a whole, and of what its driver is told (R-202, R-514, R-515)."""

from typing import Any

import pytest

from contracts.controller import BACK, PRESS, TILT_RIGHT, rotate
from contracts.errors import ErrorCode
from contracts.messages import Snapshot
from headunit.services.vehicle_changes import vehicle_changes
from tests.headunit.services.one_display import NONE, TO_CHECKOUT, OneDisplay, drive


def snapshot(**fields: Any) -> Snapshot:
    return Snapshot(key="s", sent_at_ms=1, revision=1, entitlements=(), orders=(), **fields)


UNLINKED = snapshot(store_needs=ErrorCode.REGISTRATION_REQUIRED)
OFF = snapshot(deactivated=True, ecall_available=False)


@pytest.mark.req("R-202", "R-514", "R-515")
@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        (None, snapshot(), []),
        (None, UNLINKED, [("store", "REGISTRATION_REQUIRED")]),
        (UNLINKED, UNLINKED, []),
        (UNLINKED, snapshot(), [("store", "OPEN")]),
        (snapshot(), OFF, [("services", "DEACTIVATED"), ("emergency_call", "UNAVAILABLE")]),
        (OFF, snapshot(), [("services", "ACTIVE"), ("emergency_call", "AVAILABLE")]),
        (snapshot(), snapshot(ecall_available=False), [("emergency_call", "UNAVAILABLE")]),
    ],
)
def test_only_what_has_changed_is_told(
    before: Snapshot | None, after: Snapshot, changes: list[tuple[str, str]]
) -> None:
    assert vehicle_changes(before, after) == changes


@pytest.mark.req("R-204")
def test_what_the_driver_is_told_is_journalled_once_per_screen_and_code() -> None:
    async def story(car: OneDisplay) -> None:
        await car.online()
        await car.stand()
        car.choose(*TO_CHECKOUT)
        car.modem.turn_to(NONE)
        car.press(rotate(1), rotate(-1), PRESS)
        car.press(BACK, TILT_RIGHT)

    assert drive(story).written("banner") == [("store.checkout", "NO_CONNECTION")] * 2
