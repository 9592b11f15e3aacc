"""Errors of the proofs: what keeps a proof from being run, in one line.

ProofError
├── CompilerMissingError   the layer of `kills` cannot be built
└── ProgramEndedError      a program has ended by itself, or was ended by somebody else
"""


class ProofError(Exception):
    """The root of them all."""


class CompilerMissingError(ProofError):
    """There is no C compiler, or it cannot build the layer."""


class ProgramEndedError(ProofError):
    """A program has ended, and not by the proof's hand."""
