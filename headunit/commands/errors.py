"""Errors of the command line.

HeadunitError
└── CommandError            what was asked for cannot be done; the text says why and what to do
    ├── ConfigurationError  a setting is wrong: names file, line and key
    └── BenchInUseError     another instance holds the state folder
"""

from headunit.errors import HeadunitError


class CommandError(HeadunitError):
    """What was asked for cannot be done; the text says why and what to do."""


class ConfigurationError(CommandError):
    """A setting is unknown or has a bad value; the text is `where: key: what is wrong`."""

    def __init__(self, where: str, key: str, detail: str) -> None:
        super().__init__(f"{where}: {key}: {detail}" if key else f"{where}: {detail}")
        self.where = where
        self.key = key
        self.detail = detail


class BenchInUseError(CommandError):
    """Another instance holds the state folder; names its process."""
