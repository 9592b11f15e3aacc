"""Errors of this package.

BackendStubError
├── BackendError                  a rule says no; carries the rule's code, and nothing has changed
│   ├── CountedRefusalError       the refusal itself counts: a wrong password, a wrong code of a car
│   ├── ConcurrentChangeError     somebody else changed the row between reading and writing
│   └── UnknownLinkError          no order has that payment link, no provider that session
└── StoreError                    the database cannot be used; says which, why and what to do
"""

from contracts.errors import ErrorCode


class BackendStubError(Exception):
    """Root of what this package raises itself."""


class BackendError(BackendStubError):
    """A request that a rule refuses.

    code is what the asker is answered with; detail says what was wrong and what to do, in words that
    may be shown: it never holds a full number, a VIN or a token.
    """

    def __init__(self, code: ErrorCode, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class ConcurrentChangeError(BackendError):
    """A guarded update found the row in another state or version than the one that was read."""

    def __init__(self, what: str) -> None:
        super().__init__(ErrorCode.INVALID_STATE, f"{what} was changed by somebody else; look again")


class CountedRefusalError(BackendError):
    """A refusal that leaves a trace: what its unit of work has written stays (D-34: five failures)."""


class UnknownLinkError(BackendError):
    """A payment link or a provider session that does not exist."""

    def __init__(self) -> None:
        super().__init__(ErrorCode.UNKNOWN_ORDER, "this link leads to no order; ask the sender for a new one")


class StoreError(BackendStubError):
    """The database cannot be opened, or has gone; the text never holds a password."""
