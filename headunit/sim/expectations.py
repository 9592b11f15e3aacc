"""Checks a scenario's `[[expect]]` entries against the journal."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from headunit.sim.scenario import Expectation
from headunit.sim.verdict import Violation
from runtime.journal import JournalEntry

NS_PER_S = 1_000_000_000


def check_expectations(
    expectations: Sequence[Expectation], entries: Sequence[JournalEntry], start_ns: int
) -> list[Violation]:
    """One violation for every entry that the journal does not bear out; `start_ns` is second 0."""
    found = []
    for expectation in expectations:
        deadline_ns = None if expectation.by_s is None else start_ns + round(expectation.by_s * NS_PER_S)
        hits = [e for e in entries if _matches(expectation, e)]
        in_time = [e for e in hits if deadline_ns is None or e.t_ns <= deadline_ns]
        if _kept(expectation, len(in_time)):
            continue
        found.append(
            Violation(
                checker="expectation",
                rule=expectation.rule,
                text=f"{_words(expectation)}; seen {_times(len(in_time))} in time, {len(hits)} in all",
                story=tuple(journal_line(e, start_ns) for e in (hits or _nearest(expectation, entries))[-5:]),
            )
        )
    return found


def _matches(expectation: Expectation, entry: JournalEntry) -> bool:
    return (
        entry.actor == expectation.actor
        and entry.kind == expectation.kind
        and fnmatchcase(entry.key, expectation.key)
        and fnmatchcase(entry.state, expectation.state)
        and all(_same(entry.data.get(name), wanted) for name, wanted in expectation.data.items())
    )


def _same(found: object, wanted: str | int | bool) -> bool:
    if isinstance(wanted, str) and isinstance(found, str):
        return fnmatchcase(found, wanted)
    return type(found) is type(wanted) and found == wanted


def _kept(expectation: Expectation, seen: int) -> bool:
    return seen > 0 if expectation.count is None else seen == expectation.count


def _nearest(expectation: Expectation, entries: Sequence[JournalEntry]) -> list[JournalEntry]:
    return [e for e in entries if e.actor == expectation.actor and e.kind == expectation.kind]


def _words(expectation: Expectation) -> str:
    when = "by the end" if expectation.by_s is None else f"by {expectation.by_s:g} s"
    often = "" if expectation.count is None else f" {_times(expectation.count)}"
    data = "".join(f" {name}={wanted}" for name, wanted in expectation.data.items())
    what = f"{expectation.kind} {expectation.key} {expectation.state}{data}"
    return f"expected {expectation.actor}: {what}{often} {when}"


def _times(n: int) -> str:
    return "once" if n == 1 else f"{n} times"


def journal_line(entry: JournalEntry, start_ns: int) -> str:
    """One journal entry as a line of a story, with seconds since the start."""
    seconds = (entry.t_ns - start_ns) / NS_PER_S
    data = "".join(f" {name}={value}" for name, value in entry.data.items() if value != "")
    return f"{seconds:10.3f} s  {entry.actor}: {entry.kind} {entry.key} {entry.state}{data}".rstrip()
