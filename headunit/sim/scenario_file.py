"""Reads scenario files; an error names file, line and key."""

import os
import re
import tomllib
from pathlib import Path

import msgspec

from headunit.sim.errors import ScenarioError
from headunit.sim.scenario import FaultKind, Program, Scenario
from headunit.sim.script import parse_knob
from runtime.mqtt.broker.topic_tree import filter_is_valid

DEFAULT_BENCH_DATA = Path(__file__).parents[2] / ".." / "shared" / "data"
"""Where recordings are looked for without BENCH_DATA: beside the project, wherever it is run from."""

FIRST_YEAR, LAST_YEAR = 1990, 2190
"""Within these every date that a scenario can come to is a date."""

_PATH = re.compile(r"(?P<why>.*?)(?: - at `\$\.?(?P<path>[^`]*)`)?", re.DOTALL)
_NAMED = re.compile(r"Object (?:contains unknown|missing required) field `(?P<name>[^`]+)`")
_TOML_LINE = re.compile(r"\(at line (?P<line>\d+), column \d+\)")


def load_scenario(path: Path) -> Scenario:
    """The scenario in `path`.

    Raises ScenarioError when the file is missing, is not TOML, or has a wrong, missing or unknown key.
    """
    name = str(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ScenarioError(name, None, "", f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ScenarioError(name, None, "", "is not UTF-8 text") from None
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _TOML_LINE.search(str(error))
        line = int(found["line"]) if found else text.count("\n") + 1
        raise ScenarioError(name, line, "", f"not TOML: {_TOML_LINE.sub('', str(error)).strip()}") from None
    try:
        scenario = msgspec.convert(tree, Scenario)
    except msgspec.ValidationError as error:
        raise _convert_error(name, text, str(error)) from None
    _check(name, text, scenario)
    return scenario


def resolve(scenario_path: Path, reference: str) -> Path:
    """Where a file named inside a scenario is: `$BENCH_DATA/…`, absolute, or beside the scenario file.

    Recordings are found through the environment variable BENCH_DATA, else beside the project.
    """
    if reference.startswith("$BENCH_DATA/"):
        root = Path(os.environ.get("BENCH_DATA") or DEFAULT_BENCH_DATA)
        return root / reference.removeprefix("$BENCH_DATA/")
    path = Path(reference)
    return path if path.is_absolute() else scenario_path.parent / path


def line_of(text: str, path: str) -> int | None:
    """Line of a dotted path such as `causes[1].kind`, or of its table when the key is not written."""
    lines = text.splitlines()
    start, end, found = 0, len(lines), None
    parts = [part for part in path.split(".") if part]
    for depth, part in enumerate(parts):
        name, index = _split_index(part)
        if index is not None or depth < len(parts) - 1:
            header = _find_header(lines, name, index)
            if header is not None:
                start, found = header, header
                end = next(
                    (n for n in range(header + 1, len(lines)) if lines[n].lstrip().startswith("[")), end
                )
                continue
        pattern = re.compile(rf"""[\s,{{]*["']?{re.escape(name)}["']?\s*=|.*[{{,]\s*{re.escape(name)}\s*=""")
        if not found:
            end = next((n for n in range(len(lines)) if lines[n].lstrip().startswith("[")), len(lines))
        for n in range(start, end):
            if pattern.match(lines[n]):
                found = n
                start = n
                break
        else:
            header = _find_header(lines, name, None)
            found = header if header is not None else found
    return None if found is None else found + 1


def _find_header(lines: list[str], name: str, index: int | None) -> int | None:
    seen = -1
    for n, line in enumerate(lines):
        bare = line.split("#")[0].strip()
        if bare == f"[[{name}]]":
            seen += 1
            if seen == (index or 0):
                return n
        elif index is None and bare == f"[{name}]":
            return n
    return None


def _split_index(part: str) -> tuple[str, int | None]:
    match = re.fullmatch(r"([^\[]*)\[(\d+)\].*", part)
    return (match[1], int(match[2])) if match else (part, None)


def _convert_error(name: str, text: str, message: str) -> ScenarioError:
    match = _PATH.fullmatch(message)
    why, path = (match["why"], match["path"] or "") if match else (message, "")
    named = _NAMED.match(why)
    if named:
        path = f"{path}.{named['name']}" if path else named["name"]
        why = "no such key" if "unknown" in why else "required, and missing"
    return ScenarioError(name, line_of(text, path), path, why)


def _check(name: str, text: str, scenario: Scenario) -> None:
    """What the types cannot say."""

    def fail(path: str, why: str) -> None:
        raise ScenarioError(name, line_of(text, path), path, why)

    if scenario.start.tzinfo is None:
        fail("start", "needs a time zone, for instance 2026-03-02T07:20:00Z")
    if not FIRST_YEAR <= scenario.start.year <= LAST_YEAR:
        fail("start", f"year {scenario.start.year} is not between {FIRST_YEAR} and {LAST_YEAR}")
    if len(scenario.vehicles) != 1:
        fail("vehicles", "one vehicle, not more and not fewer; fleets cannot be played yet")
    for n, cause in enumerate(scenario.causes):
        if cause.until_s <= cause.from_s:
            fail(f"causes[{n}].until_s", f"ends at {cause.until_s:g} s, not after its beginning")
    for n, fault in enumerate(scenario.faults):
        stops = fault.kind in (FaultKind.KILL, FaultKind.POWER_CUT)
        if not stops and fault.program is not Program.BROKER:
            fail(f"faults[{n}].program", f"{fault.kind} is for the broker, not for the {fault.program}")
        if fault.kind is FaultKind.DELAY and not fault.delay_s:
            fail(f"faults[{n}].delay_s", "a delay needs its length")
        if fault.client is Program.BROKER:
            fail(f"faults[{n}].client", "is car or backend")
        if not filter_is_valid(fault.topic):
            fail(f"faults[{n}].topic", f"is no topic filter: {fault.topic!r}")
    for n, step in enumerate(scenario.script):
        try:
            step.verb()
        except ValueError as error:
            fail(f"script[{n}]", str(error))
        for word in step.knob or ():
            try:
                parse_knob(word)
            except ValueError as error:
                fail(f"script[{n}].knob", str(error))
    if scenario.drive.until_s is not None and scenario.drive.until_s <= scenario.drive.from_s:
        fail("drive.until_s", "is not after from_s")
