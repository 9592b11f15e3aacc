"""The link between a car and an account: data and the Vehicle link table of section 3 (R-706, D-35)."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from backend_stub.domain.calendar import DAY_MS
from backend_stub.domain.vehicle import VehicleRecord
from backend_stub.errors import BackendError
from contracts.errors import ErrorCode

LINK_LOCK_MS = DAY_MS
"""How long five mismatches close a car to linking; at exactly this it is open again."""

MISMATCHES_TO_LOCK = 5

ENDING_LENGTH = 4
"""How many characters of the engine number identify a car at least."""

VIN_PATTERN = re.compile(r"[A-HJ-NPR-Z0-9]{17}")
"""17 characters without I, O, Q (D-35)."""


class LinkState(StrEnum):
    """States of a car's link."""

    UNLINKED = "UNLINKED"
    VERIFYING = "VERIFYING"
    LINKED = "LINKED"
    LOCKED = "LOCKED"


class LinkEvent(StrEnum):
    """What can happen to a link."""

    SUBMIT = "submit"
    MATCH = "match"
    MISMATCH = "mismatch"
    FIFTH_MISMATCH = "fifth mismatch"
    LOCK_OVER = "24 h"
    DISCONNECT = "disconnect"
    OWNER_CHANGE = "owner change"
    ACTIVATED = "service activation"


@dataclass(frozen=True, slots=True, kw_only=True)
class VehicleLink:
    """One car's link. `code` is what the car displays while it is not linked.

    `version` rises with every change.
    """

    vin: str
    state: LinkState = LinkState.UNLINKED
    account_id: int | None = None
    code: str = ""
    failures: int = 0
    locked_until_ms: int | None = None
    linked_at_ms: int | None = None
    version: int = 1


S = LinkState
E = LinkEvent
TRANSITIONS: dict[tuple[LinkState, LinkEvent], LinkState] = {
    (S.UNLINKED, E.SUBMIT): S.VERIFYING,
    (S.VERIFYING, E.MATCH): S.LINKED,
    (S.VERIFYING, E.MISMATCH): S.UNLINKED,
    (S.VERIFYING, E.FIFTH_MISMATCH): S.LOCKED,
    (S.LINKED, E.DISCONNECT): S.UNLINKED,
    (S.LINKED, E.OWNER_CHANGE): S.UNLINKED,
    # "LOCKED 24 h": what its end leads to.
    (S.LOCKED, E.LOCK_OVER): S.UNLINKED,
    # dealer and hotline have verified car and owner themselves.
    (S.UNLINKED, E.ACTIVATED): S.LINKED,
    (S.LOCKED, E.ACTIVATED): S.LINKED,
}
"""(state, event) to the next state."""

REFUSALS: dict[tuple[LinkState, LinkEvent], ErrorCode] = {
    (S.LINKED, E.SUBMIT): ErrorCode.ALREADY_LINKED,
    (S.VERIFYING, E.SUBMIT): ErrorCode.ALREADY_LINKED,
    (S.LINKED, E.ACTIVATED): ErrorCode.ALREADY_LINKED,
}
"""Codes that rules name for unlisted events (R-706); all others are INVALID_STATE."""

_LINKING = (E.MATCH, E.ACTIVATED)


@dataclass(frozen=True, slots=True)
class Facts:
    """What comes with an event: whose account, when, and until when a lock lasts."""

    account_id: int | None = None
    at_ms: int = 0


_WORDS = {
    ErrorCode.ALREADY_LINKED: "this car is linked to an account; whoever has it there can give it away",
}
"""What a person is told instead of state and event."""

NOTHING = Facts()
"""What comes with an event of which nobody asks more."""


def step(
    link: VehicleLink, event: LinkEvent, facts: Facts = NOTHING, *, new_code: Callable[[], str] | None = None
) -> VehicleLink:
    """What `event` makes of `link`; `new_code` makes the code of a car that comes free again.

    Raises BackendError with the code of the rule that refuses it.
    """
    state = TRANSITIONS.get((link.state, event))
    if state is None:
        code = REFUSALS.get((link.state, event), ErrorCode.INVALID_STATE)
        raise BackendError(code, _WORDS.get(code) or f"the car is {link.state}: {event} is not possible")
    failures = link.failures
    if event is E.MISMATCH:
        failures += 1
    elif event is not E.SUBMIT:
        failures = 0
    return replace(
        link,
        state=state,
        account_id=facts.account_id if event in _LINKING else None,
        linked_at_ms=facts.at_ms if event in _LINKING else None,
        locked_until_ms=facts.at_ms + LINK_LOCK_MS if event is E.FIFTH_MISMATCH else None,
        failures=failures,
        code=_code(link, state, new_code),
        version=link.version + 1,
    )


def _code(link: VehicleLink, state: LinkState, new_code: Callable[[], str] | None) -> str:
    """A linked car displays none; one that comes free again displays a new one."""
    if state is S.LINKED:
        return ""
    return link.code if link.code or new_code is None else new_code()


def verdict(link: VehicleLink, *, is_match: bool) -> LinkEvent:
    """What the verification of the features has brought; the fifth mismatch locks."""
    if is_match:
        return E.MATCH
    return E.FIFTH_MISMATCH if link.failures + 1 >= MISMATCHES_TO_LOCK else E.MISMATCH


def is_vin(text: str) -> bool:
    """Whether this can be a VIN at all (D-35)."""
    return VIN_PATTERN.fullmatch(text) is not None


def features_match(
    vehicle: VehicleRecord,
    link: VehicleLink,
    code: str,
    first_registration: date | None,
    engine_number_ending: str,
) -> bool:
    """Whether the code is what the car displays and the one other feature given is right (D-35).

    Somebody who gives both must be right in both.
    """
    if not link.code or code != link.code:
        return False
    if first_registration is None and not engine_number_ending:
        return False
    if first_registration is not None and first_registration != vehicle.first_registration:
        return False
    ending = engine_number_ending
    return not ending or (len(ending) >= ENDING_LENGTH and vehicle.engine_number.endswith(ending))
