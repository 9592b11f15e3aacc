"""Eight threads do what they like with the same few orders, and the ledger balances to the minor unit.

Each thread has a backend of its own with all its services, on a connection of its own to one database. They
order, go to providers, report captures, declines, wrong amounts, repeats and second transactions, cancel, let
orders time out, ask for refunds, approve them and let them be paid out. Whatever they are refused, a rule
refuses it; what comes of it is decided by the order of commits.
"""

from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from proofs.errors import ProofError
from proofs.evidence import Evidence, commit
from proofs.races.crowd import THREADS, Outcome, race

CLAIM: Final = (
    "eight threads paying, cancelling, timing out and refunding the same orders leave a ledger that balances"
    " to the minor unit, no order paid twice, and nothing raised but what rules refuse, on both databases"
)
OPERATIONS: Final = 10_000
SEED: Final = 1


def run(before: Evidence | None) -> Evidence:
    """Race on both databases, 10,000 operations on each; one slice is enough."""
    from tests.postgres import MISSING, PostgresServer

    if MISSING:
        raise ProofError(MISSING)
    outcomes: dict[str, Outcome] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="races-")))
        outcomes["sqlite"] = race(SEED, OPERATIONS, folder)
        print(_line("sqlite", outcomes["sqlite"]), flush=True)
        server = PostgresServer()
        stack.callback(server.stop)
        outcomes["postgresql"] = race(SEED, OPERATIONS, folder, stack.enter_context(server.empty_schema()))
        print(_line("postgresql", outcomes["postgresql"]), flush=True)
    return Evidence(
        proof="races",
        claim=CLAIM,
        commit=commit(),
        command="make proof NAME=races",
        passed=not any(outcome.wrongs for outcome in outcomes.values()),
        figures={"threads": THREADS, **{name: _figures(each) for name, each in outcomes.items()}},
        done=list(outcomes),
    )


def _figures(outcome: Outcome) -> dict[str, object]:
    return {
        "operations": outcome.done.total() + outcome.refused.total() + len(outcome.wrongs),
        "seconds": outcome.seconds,
        "done": dict(sorted(outcome.done.items())),
        "refused": {str(code): times for code, times in sorted(outcome.refused.items())},
        "orders": dict(sorted(outcome.states.items())),
        "money_minor": outcome.money,
        "wrongs": outcome.wrongs[:20],
    }


def _line(name: str, outcome: Outcome) -> str:
    return (
        f"{name}: {outcome.done.total()} done, {outcome.refused.total()} refused, {len(outcome.wrongs)} wrong"
    )
