"""Errors of this package.

    TelematicsError
    ├── LinkConditionsError        conditions no link can have; names the field
    ├── UnknownFlowError           a flow that was never opened or has been closed
    ├── TraceFileError             a broken row of a drive or rate file; names file, line and key
    ├── TimelineError              a radio timeline that is empty, unordered or cut to nothing
    ├── SubscriptionRefusedError   an event the SIM subscription's state does not list
    └── RegistrationRefusedError   an event the registration's state does not list

Each carries `code`, the specification's error code with which the bench answers, or "".
"""

from contracts.errors import ErrorCode


class TelematicsError(Exception):
    """Root of what this package raises itself."""

    code: str = ""


class LinkConditionsError(TelematicsError):
    """Conditions no link can have; `field` names the wrong one."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(f"link conditions: {field}: {detail}")
        self.field = field
        self.detail = detail


class UnknownFlowError(TelematicsError):
    """Bytes were offered on a flow that was never opened or has been closed."""

    def __init__(self, flow: int) -> None:
        super().__init__(f"flow {flow} is not open on this link")
        self.flow = flow


class TraceFileError(TelematicsError):
    """A row of a drive or rate file that cannot be read: which file, which line, which key, and why."""

    def __init__(self, file: str, line: int, key: str, detail: str) -> None:
        super().__init__(f"{file}:{line}: {key}: {detail}")
        self.file = file
        self.line = line
        self.key = key
        self.detail = detail


class TimelineError(TelematicsError):
    """A radio timeline that is empty, out of order or cut to nothing."""


class SubscriptionRefusedError(TelematicsError):
    """The SIM subscription's table (specification, section 3) does not list this; nothing has changed."""

    code = ErrorCode.INVALID_STATE.value


class RegistrationRefusedError(TelematicsError):
    """The registration's table does not list this; nothing has changed."""

    code = ErrorCode.INVALID_STATE.value
