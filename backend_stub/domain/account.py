"""ConnectedDrive accounts: their data and the Accounts table of section 3 (R-701 to R-705, D-34).

The table is laid out like the document's; rows that a rule asks for beyond it are marked with that rule.
An event that is not listed is refused with the code its rule names, else INVALID_STATE. BMW accounts are
another realm (R-904) and are not kept here.
"""

from dataclasses import dataclass, replace
from enum import Enum, StrEnum, auto

from backend_stub.domain.calendar import DAY_MS, HOUR_MS, MINUTE_MS
from backend_stub.errors import BackendError
from contracts.errors import ErrorCode

TOKEN_LIFE_MS = 7 * DAY_MS
"""How long the token of a first activation opens the Portal, this instant included (D-34)."""

RESET_LIFE_MS = 30 * MINUTE_MS
"""How long the link of a reset, or of another name, can be followed, this instant included (D-34)."""

LOCK_MS = 15 * MINUTE_MS
"""How long failures lock an account; at exactly this it is open again (D-34)."""

FAILURES_TO_LOCK = 5

SESSION_MS = 12 * HOUR_MS
"""How long somebody stays logged in to the Portal; the Remote App stays until its access ends."""


class AccountState(StrEnum):
    """States of a ConnectedDrive account."""

    NONE = "NONE"
    TOKEN_SENT = "TOKEN_SENT"
    MUST_CHANGE = "MUST_CHANGE"
    ACTIVE = "ACTIVE"
    LOCKED = "LOCKED"
    RENAMING = "RENAMING"


class AccountEvent(StrEnum):
    """What can happen to an account."""

    SERVICE_ACTIVATED = "service activation"
    TOKEN_LOGIN = "token login"
    NEW_PASSWORD = "new password"
    REGISTER = "register on Portal"
    FIFTH_FAILURE = "fifth failure"
    COMPROMISE = "compromise"
    TIMER = "timer"
    RESET = "reset"
    CARE_CENTRE = "care centre"
    RENAME = "rename"
    CONFIRM = "confirm message"


class AccountEffect(Enum):
    """What the service has to do besides writing the new state."""

    SEND_TOKEN = auto()
    KILL_TOKENS = auto()
    REVOKE_SESSIONS = auto()
    SEND_CONFIRMATION = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One account. `name`, `number` and `email` are the person's data (R-705).

    `password_hash` is "" before a password is chosen; `locked_until_ms` is None for a lock without a timer;
    `pending_username` is the name asked for while RENAMING; `version` rises with every change.
    """

    account_id: int
    username: str
    state: AccountState
    name: str = ""
    number: str = ""
    email: str = ""
    password_hash: str = ""
    failures: int = 0
    locked_until_ms: int | None = None
    pending_username: str = ""
    version: int = 1


@dataclass(frozen=True, slots=True)
class Facts:
    """What comes with an event.

    Guards look at whether its token is unused and unexpired, and at whether the market lets people
    register; a rename brings the name asked for, a lock its end.
    """

    token_good: bool = True
    may_register: bool = True
    pending_username: str = ""
    locked_until_ms: int | None = None


NOTHING = Facts()
"""What comes with an event of which nobody asks more."""

S = AccountState
E = AccountEvent
F = AccountEffect
_Row = tuple[tuple[AccountState, AccountEvent], tuple[AccountState, tuple[AccountEffect, ...]]]


def _row(
    states: tuple[AccountState, ...], event: AccountEvent, to: AccountState | None, *effects: AccountEffect
) -> list[_Row]:
    return [((state, event), (to or state, effects)) for state in states]


_SAME = None
TRANSITIONS = dict(
    [
        *_row((S.NONE,), E.SERVICE_ACTIVATED, S.TOKEN_SENT, F.SEND_TOKEN),
        *_row((S.TOKEN_SENT,), E.TOKEN_LOGIN, S.MUST_CHANGE),
        *_row((S.MUST_CHANGE,), E.NEW_PASSWORD, S.ACTIVE, F.KILL_TOKENS),
        *_row((S.NONE,), E.REGISTER, S.ACTIVE),
        *_row((S.ACTIVE,), E.FIFTH_FAILURE, S.LOCKED, F.REVOKE_SESSIONS),
        *_row((S.ACTIVE,), E.COMPROMISE, S.LOCKED, F.REVOKE_SESSIONS),
        *_row((S.LOCKED,), E.TIMER, S.ACTIVE),
        *_row((S.LOCKED,), E.RESET, S.ACTIVE, F.KILL_TOKENS, F.REVOKE_SESSIONS),
        *_row((S.LOCKED,), E.CARE_CENTRE, S.ACTIVE),
        *_row((S.ACTIVE,), E.RENAME, S.RENAMING, F.SEND_CONFIRMATION),
        *_row((S.RENAMING,), E.CONFIRM, S.ACTIVE),
        # a number that has not used its token yet gets a fresh one with its next car.
        *_row((S.TOKEN_SENT,), E.SERVICE_ACTIVATED, _SAME, F.SEND_TOKEN),
        # whoever has a password may change it.
        *_row((S.ACTIVE, S.RENAMING), E.NEW_PASSWORD, _SAME, F.KILL_TOKENS),
        # a password is forgotten in any state, and the token's may run out unused.
        *_row((S.ACTIVE,), E.RESET, _SAME, F.KILL_TOKENS, F.REVOKE_SESSIONS),
        # It may be forgotten because somebody else knew it: that one's wish for a name is given up.
        *_row((S.RENAMING,), E.RESET, S.ACTIVE, F.KILL_TOKENS, F.REVOKE_SESSIONS),
        *_row((S.TOKEN_SENT, S.MUST_CHANGE), E.RESET, S.ACTIVE, F.KILL_TOKENS, F.REVOKE_SESSIONS),
        # a message that got lost must not keep the account from asking again.
        *_row((S.RENAMING,), E.RENAME, _SAME, F.SEND_CONFIRMATION),
        # R-705, D-34: a lock does not care which name is on its way; that wish is given up.
        *_row((S.RENAMING,), E.FIFTH_FAILURE, S.LOCKED, F.REVOKE_SESSIONS),
        *_row((S.RENAMING,), E.COMPROMISE, S.LOCKED, F.REVOKE_SESSIONS),
        # five wrong guesses must not keep a report out; no timer opens the account any more.
        *_row((S.LOCKED,), E.COMPROMISE, _SAME, F.REVOKE_SESSIONS),
    ]
)
"""(state, event) to the next state and what is to be done."""

_Codes = dict[tuple[AccountState, AccountEvent], ErrorCode]


def _codes(event: AccountEvent, code: ErrorCode, *, listed: AccountState) -> _Codes:
    return {(state, event): code for state in S if state != listed}


REFUSALS: _Codes = (
    _codes(E.TOKEN_LOGIN, ErrorCode.BAD_TOKEN, listed=S.TOKEN_SENT)
    | _codes(E.CONFIRM, ErrorCode.BAD_TOKEN, listed=S.RENAMING)
    | _codes(E.REGISTER, ErrorCode.NAME_TAKEN, listed=S.NONE)
    | {(S.NONE, E.RESET): ErrorCode.BAD_TOKEN}
    | {(S.MUST_CHANGE, E.RENAME): ErrorCode.PASSWORD_CHANGE_REQUIRED}
    | {(S.LOCKED, event): ErrorCode.ACCOUNT_LOCKED for event in (E.RENAME, E.NEW_PASSWORD)}
)
"""Codes that rules name for unlisted events (R-701, R-704, D-34); all others are INVALID_STATE."""

_BY_TOKEN = (E.TOKEN_LOGIN, E.RESET, E.CONFIRM)


@dataclass(frozen=True, slots=True)
class Step:
    """The account after an event, and what is to be done besides."""

    account: Account
    effects: tuple[AccountEffect, ...]


def step(account: Account, event: AccountEvent, facts: Facts = NOTHING) -> Step:
    """What `event` makes of `account`. Raises BackendError with the code of the rule that refuses it."""
    cell = (account.state, event)
    if cell not in TRANSITIONS:
        code = REFUSALS.get(cell, ErrorCode.INVALID_STATE)
        if code is ErrorCode.BAD_TOKEN:
            raise bad_token()
        raise BackendError(code, f"the account is {account.state}: {event} is not possible")
    if event in _BY_TOKEN and not facts.token_good:
        raise bad_token()
    if event is E.REGISTER and not facts.may_register:
        raise BackendError(ErrorCode.INVALID_STATE, "accounts are opened by the dealer here")
    state, effects = TRANSITIONS[cell]
    after = replace(
        account,
        state=state,
        version=account.version + 1,
        failures=account.failures if state is account.state else 0,
        locked_until_ms=facts.locked_until_ms if state is S.LOCKED else None,
        pending_username=_pending(account, event, state, facts),
        username=account.pending_username if event is E.CONFIRM else account.username,
    )
    return Step(after, effects)


def bad_token() -> BackendError:
    """The answer to any token that does not work: it tells neither which names there are nor their state."""
    return BackendError(ErrorCode.BAD_TOKEN, "the token is wrong, used or too old")


def _pending(account: Account, event: AccountEvent, state: AccountState, facts: Facts) -> str:
    if state is not S.RENAMING:
        return ""
    return facts.pending_username if event is E.RENAME else account.pending_username


def is_missing_data(account: Account, required: tuple[tuple[str, ...], ...]) -> bool:
    """Whether data is missing that the market wants: of each group one field at least (R-705)."""
    return any(not any(getattr(account, field) for field in group) for group in required)
