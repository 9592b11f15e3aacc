"""No kill -9 and no power cut at any instant of an order and its payment loses or doubles anything.

Real processes, started as a user starts them: broker, telematics unit, backend, car. The driver orders, the
payer pays, the car shows what is booked. In every run one program dies once: before, during or after a
commit, a send or a PUBACK, or at a random instant; and it is started again at once.

What a power cut is: kill -9, and of what was not synced any subset of sectors is gone (`file_log`). Other
computers see the end of its connections at once, as after a kill; the silence of a dead one is the matter of
the proof `faults`, in virtual time.
"""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

from proofs.evidence import Evidence, commit
from proofs.kills.plan import MUTANT_CASES, Undisturbed, instants
from proofs.kills.programs import BrokerKind, can_keep_sessions
from proofs.kills.records import Records
from proofs.kills.shim import build_shim
from proofs.kills.story import play
from runtime.mqtt.mosquitto import find_mosquitto
from runtime.stopwatch import Stopwatch

CLAIM = (
    "an order and its payment exist once and arrive once, whichever program is killed at whichever commit, "
    "send or PUBACK, or loses what it had not synced"
)
COMMAND = "make proof NAME=kills"
SLICE_S = 25 * 60.0
WORKERS = 3
"""Runs side by side; each waits two seconds for the motion lock and longer for back-offs."""


def run(before: Evidence | None) -> Evidence:
    """Play deaths for one slice, from where the last one stopped."""
    at = commit()
    records = Records.of_figures(before.figures) if before is not None and before.commit == at else Records()
    with TemporaryDirectory(prefix="kills-") as name:
        asyncio.run(_slice(records, build_shim(Path(name))))
    return Evidence(
        proof="kills",
        claim=CLAIM,
        commit=at,
        command=COMMAND,
        passed=records.passed,
        figures=records.figures(),
        done=[f"{records.runs} of {records.of} deaths"],
        goes_on_with="" if records.is_complete else COMMAND,
    )


async def _slice(records: Records, shim: Path) -> None:
    watch = Stopwatch()
    for broker in brokers():
        if broker not in records.undisturbed:
            result = await play(shim, broker)
            if result.problems:
                records.failures.append(f"{broker}, nobody killed: {'; '.join(result.problems)}")
                return
            records.undisturbed[broker] = Undisturbed.of(result)
    for case in MUTANT_CASES:
        if case.mutant not in records.mutants:
            result = await play(
                shim, case.instant.broker, case.instant, mutant=case.mutant, patience_s=case.patience_s
            )
            records.mutants[case.mutant] = list(result.problems)
    todo = [instant for broker, before in records.undisturbed.items() for instant in instants(broker, before)]
    records.of = len(todo)
    waiting = iter(todo[records.runs :])

    async def work() -> None:
        for instant in waiting:
            records.add(await play(shim, instant.broker, instant))
            if records.runs % 25 == 0:
                print(f"{records.runs} of {records.of} deaths, {len(records.failures)} failures", flush=True)
            if watch.elapsed_s() > SLICE_S:
                return

    await asyncio.gather(*(work() for _ in range(WORKERS)))


def brokers() -> list[BrokerKind]:
    """The brokers that are at hand."""
    found = [BrokerKind.OURS]
    if can_keep_sessions():
        found.append(BrokerKind.OURS_KEEPING)
    if find_mosquitto() is not None:
        found.append(BrokerKind.MOSQUITTO)
    return found
