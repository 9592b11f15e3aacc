"""Reads what a scenario drives through: a recording, levels, rate traces, or standing still in good cover."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from headunit.sim.errors import ScenarioError
from headunit.sim.scenario import Scenario
from headunit.sim.scenario_file import line_of, resolve
from telematics.errors import TelematicsError, TimelineError
from telematics.radio.rate_trace import RateTrace, read_rate_trace
from telematics.radio.recorded_drive import read_recorded_drive
from telematics.radio.timeline import RadioTimeline

T = TypeVar("T")

STANDING_DBM = -75.0
"""Reception of a scenario that has no drive: good (D-38)."""


def read_timeline(scenario: Scenario, path: Path) -> RadioTimeline:
    """The radio timeline of `scenario`, which was read from `path`.

    Raises ScenarioError naming file, line and key: of the scenario when a file cannot be found, of the
    recording when one of its rows is broken.
    """
    drive, radio = scenario.drive, scenario.radio
    if drive.recording is None:
        timeline = RadioTimeline.constant(STANDING_DBM)
    else:
        timeline = _read(path, "drive.recording", drive.recording, read_recorded_drive)
        if drive.from_s or drive.until_s is not None:
            with _blaming(path, "drive.from_s"):
                timeline = timeline.excerpt(drive.from_s, drive.until_s)
    if drive.park_before_s:
        timeline = timeline.delayed(drive.park_before_s)
    if radio.levels:
        with _blaming(path, "radio.levels"):
            timeline = timeline.with_levels(radio.levels)
    down = _read_rates(path, "radio.rate_down", radio.rate_down)
    up = _read_rates(path, "radio.rate_up", radio.rate_up)
    return timeline.with_rates(down, up) if down or up else timeline


@contextmanager
def _blaming(path: Path, key: str) -> Iterator[None]:
    """What the timeline refuses is a fault of `key` in the scenario."""
    try:
        yield
    except TimelineError as error:
        raise ScenarioError(str(path), _line(path, key), key, str(error)) from None


def _line(path: Path, key: str) -> int | None:
    return line_of(path.read_text(encoding="utf-8-sig"), key)


def _read_rates(path: Path, key: str, reference: str | None) -> RateTrace | None:
    return None if reference is None else _read(path, key, reference, read_rate_trace)


def _read(path: Path, key: str, reference: str, reader: Callable[[Iterable[str], str], T]) -> T:
    found = resolve(path, reference)
    try:
        with found.open(encoding="utf-8-sig", newline="") as lines:
            return reader(lines, str(found))
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else _not_text(error)
        hint = "; set BENCH_DATA to the folder of the recordings" if reference.startswith("$") else ""
        raise ScenarioError(str(path), _line(path, key), key, f"{reference}: {why}{hint}") from None
    except TelematicsError as error:
        raise ScenarioError(
            str(found), getattr(error, "line", None), getattr(error, "key", ""), _detail(error)
        ) from None


def _not_text(error: ValueError) -> str:
    return "is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else str(error)


def _detail(error: TelematicsError) -> str:
    detail = getattr(error, "detail", None)
    return detail if isinstance(detail, str) else str(error)
