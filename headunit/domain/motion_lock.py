"""The motion lock: a moving car does not sell (R-811).

Speed above zero, unknown speed, or a reading older than 2 s locks; 2 s of zero unlock.
"""

from headunit.domain.facts import Motion

READING_VALID_MS = 2_000
"""A reading exactly this old still counts; one millisecond older does not."""

STANDING_MS = 2_000
"""How long the car must have stood before the lock opens."""


def observed(before: Motion, speed_kmh: float | None, at_ms: int) -> Motion:
    """The motion after a bus reading of `speed_kmh` at `at_ms`.

    Time at zero counts only without a break: after a reading that was moving, unknown or too old,
    the two seconds begin anew.
    """
    if speed_kmh is None or speed_kmh > 0:
        return Motion(speed_kmh, at_ms, None)
    since = before.standing_since_ms
    if since is None or before.read_at_ms is None or at_ms - before.read_at_ms > READING_VALID_MS:
        since = at_ms
    return Motion(speed_kmh, at_ms, since)


def shifted(motion: Motion, by_ms: int) -> Motion:
    """The same reading by a clock that has run `by_ms` ahead: its age is elapsed time (R-002)."""
    if motion.read_at_ms is None:
        return motion
    since = motion.standing_since_ms
    return Motion(motion.speed_kmh, motion.read_at_ms + by_ms, None if since is None else since + by_ms)


def is_locked(motion: Motion, now_ms: int) -> bool:
    """Whether selection, text entry, checkout and cancelling are locked at `now_ms`."""
    if motion.standing_since_ms is None or motion.read_at_ms is None:
        return True
    if now_ms - motion.read_at_ms > READING_VALID_MS:
        return True
    return now_ms - motion.standing_since_ms < STANDING_MS


def next_change_ms(motion: Motion, now_ms: int) -> int | None:
    """When the lock changes by the passing of time alone, None when only a reading can change it."""
    if motion.standing_since_ms is None or motion.read_at_ms is None:
        return None
    stale = motion.read_at_ms + READING_VALID_MS + 1
    opens = motion.standing_since_ms + STANDING_MS
    if now_ms >= stale:
        return None
    return opens if now_ms < opens < stale else stale
