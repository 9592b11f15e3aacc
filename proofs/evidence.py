"""The evidence file of a proof: what was run, at which commit, what was seen, and what continues it."""

import subprocess
from pathlib import Path
from typing import Any

import msgspec

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "evidence"


class Evidence(msgspec.Struct, kw_only=True):
    """One file in docs/evidence.

    `figures` are the numbers a reader wants; `done` names the parts that were run, so that the next
    slice skips them; `goes_on_with` is the command that continues, empty when all is done.
    """

    proof: str
    claim: str
    commit: str
    command: str
    passed: bool
    figures: dict[str, Any]
    done: list[str]
    goes_on_with: str = ""


def evidence_path(proof: str) -> Path:
    """Where the evidence of `proof` is."""
    return FOLDER / f"{proof}.json"


def read_evidence(proof: str) -> Evidence | None:
    """The evidence of `proof`, None when it was never run."""
    path = evidence_path(proof)
    return msgspec.json.decode(path.read_bytes(), type=Evidence) if path.exists() else None


def write_evidence(evidence: Evidence) -> None:
    """Replace the evidence of a proof."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    text = msgspec.json.format(msgspec.json.encode(evidence), indent=2)
    evidence_path(evidence.proof).write_bytes(text + b"\n")


def commit() -> str:
    """The commit that is checked out, with "+changes" when the working tree differs in code."""
    head = _git("rev-parse", "HEAD")
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", ":!docs/evidence")
    return f"{head}+changes" if changed else head


def is_known(commit_id: str) -> bool:
    """Whether `commit_id` is a commit of this repository."""
    done = subprocess.run(
        ["git", "cat-file", "-e", f"{commit_id}^{{commit}}"], cwd=ROOT, capture_output=True, check=False
    )
    return done.returncode == 0


def _git(*words: str) -> str:
    return subprocess.run(
        ["git", *words], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
