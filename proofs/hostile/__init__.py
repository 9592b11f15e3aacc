"""Two million random and mutated packets, a hundred thousand hostile connections: nothing breaks.

`fuzz` plays seeded stories against the broker's core without any I/O; `siege` runs the broker in its own
process under a storm of connections, with well-behaved clients in the midst of it.
"""

from proofs.evidence import Evidence


def run(before: Evidence | None) -> Evidence:
    """The next slice of the proof, see `proofs.hostile.proof`."""
    from proofs.hostile.proof import run_slice  # the storm's process needs nothing of it

    return run_slice(before)
