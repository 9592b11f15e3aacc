"""Errors of this package.

HardwareError
└── CanSourceError       a bus or a recording cannot be opened or read
"""


class HardwareError(Exception):
    """Root of what this package raises itself."""


class CanSourceError(HardwareError):
    """A bus or a recording cannot be opened or read; says which, why and what to do."""
