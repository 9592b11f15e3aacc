"""Runs a proof by name; without a name, lists them with what is known of each."""

import argparse
import sys
from collections.abc import Callable
from importlib import import_module

from proofs.errors import ProofError
from proofs.evidence import Evidence, read_evidence, write_evidence

PROOFS = {
    "same_story": "real and virtual time tell the same story, on our broker and on mosquitto (3.5 minutes)",
    "faults": "no kill, power cut or outage at any instant loses an order or doubles a payment",
    "kills": "the same with real processes, killed at every commit, send and PUBACK",
    "races": "eight threads with the same orders leave a ledger that balances, on both databases (2 minutes)",
    "rules": "every story of scenarios/rules is kept in real time as in virtual time (25 minutes)",
    "hostile": "two million hostile packets and 100,000 hostile connections harm nobody on our broker",
}


def main() -> int:
    """Exit code 0 when the proof holds so far, 1 when it does not, 2 when it cannot be run."""
    parser = argparse.ArgumentParser(prog="make proof NAME=", description=__doc__)
    parser.add_argument("name", nargs="?")
    name = parser.parse_args().name
    if name is None:
        for known, about in PROOFS.items():
            print(f"{known:12} {about}\n{'':12} {_state(read_evidence(known))}")
        return 0
    if name not in PROOFS:
        print(f"no proof {name!r}; there are: {', '.join(PROOFS)}", file=sys.stderr)
        return 2
    run: Callable[[Evidence | None], Evidence] = import_module(f"proofs.{name}").run
    try:
        evidence = run(read_evidence(name))
    except ProofError as error:
        print(f"{name} cannot be run: {error}", file=sys.stderr)
        return 2
    write_evidence(evidence)
    print(_state(evidence))
    return 0 if evidence.passed else 1


def _state(evidence: Evidence | None) -> str:
    if evidence is None:
        return "never run"
    goes_on = f"; goes on with {evidence.goes_on_with}" if evidence.goes_on_with else ""
    return f"{'holds' if evidence.passed else 'DOES NOT HOLD'} at {evidence.commit[:12]}{goes_on}"


if __name__ == "__main__":
    sys.exit(main())
