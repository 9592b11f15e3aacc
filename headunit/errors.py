"""Errors of this package.

HeadunitError
├── UnknownLanguageError   no catalogue of texts for that language
├── UnknownMarketError     no market profile of that name (R-001)
└── RowNotFoundError       a script names a row that the display does not show
"""


class HeadunitError(Exception):
    """Root of what this package raises itself."""


class UnknownLanguageError(HeadunitError):
    """No catalogue of texts for that language; the message lists those there are."""


class UnknownMarketError(HeadunitError):
    """No market profile of that name; the message lists those there are."""


class RowNotFoundError(HeadunitError):
    """A script names a row that the display does not show; the message lists what it shows."""
