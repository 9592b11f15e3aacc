"""Errors of the view.

HeadunitError
└── BenchGoneError   the bench process has ended on its own
"""

from headunit.errors import HeadunitError


class BenchGoneError(HeadunitError):
    """The bench has ended on its own; `lines` are the last it wrote, `log` is the file with all of them."""

    def __init__(self, detail: str, *, lines: tuple[str, ...] = (), log: str = "") -> None:
        super().__init__(detail)
        self.lines = lines
        self.log = log
