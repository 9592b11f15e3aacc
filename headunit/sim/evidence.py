"""Writes what a run leaves in its folder beside the journal: summary and JUnit report."""

from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import msgspec

from headunit.sim.verdict import Verdict

SUMMARY = "summary.json"
REPORT = "junit.xml"


def forget_evidence(folder: Path) -> None:
    """Take away the reports of an earlier run, which would be read as this one's if it cannot be played."""
    for name in (SUMMARY, REPORT):
        (folder / name).unlink(missing_ok=True)


def write_evidence(folder: Path, verdict: Verdict) -> None:
    """Put summary.json and junit.xml into `folder`."""
    summary = msgspec.json.format(msgspec.json.encode(verdict), indent=2)
    (folder / SUMMARY).write_bytes(summary + b"\n")
    (folder / REPORT).write_text(junit(verdict), encoding="utf-8")


def junit(verdict: Verdict) -> str:
    """The verdict as a JUnit test suite: one case for the run, one failed case per violation."""
    name = quoteattr(verdict.scenario)
    cases = [f'  <testcase classname={name} name="run" time="{verdict.wall_s}"/>']
    for violation in verdict.violations:
        message = quoteattr(f"{violation.rule} {violation.text}".strip())
        text = "\n".join([violation.text, *violation.story, f"replay: {verdict.replay}"])
        cases += [
            f"  <testcase classname={name} name={quoteattr(violation.checker)}>",
            f"    <failure message={message}>{escape(text)}</failure>",
            "  </testcase>",
        ]
    counts = f'tests="{len(verdict.violations) + 1}" failures="{len(verdict.violations)}"'
    return "\n".join(
        [
            '<?xml version="1.0" encoding="utf-8"?>',
            f'<testsuite name={name} {counts} time="{verdict.wall_s}">',
            *cases,
            "</testsuite>",
            "",
        ]
    )
