"""What the account services need of a store and of a password hasher."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from backend_stub.domain.account import Account
from backend_stub.domain.vehicle_link import VehicleLink
from contracts.acts.portal import PortalClient


class TokenPurpose(StrEnum):
    """What a token in a message is for."""

    ACTIVATION = "activation"
    RESET = "reset"
    RENAME = "rename"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountToken:
    """A token that was sent to somebody; only its digest is kept (R-832). `is_used` = it is dead."""

    digest: str
    account_id: int
    purpose: TokenPurpose
    expires_at_ms: int
    is_used: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalSession:
    """Somebody who is logged in; only the digest of the session's token is kept (R-832).

    `ends_at_ms` is None where only the account's fate ends it.
    """

    digest: str
    account_id: int
    client: PortalClient
    ends_at_ms: int | None


class AccountRows(Protocol):
    """Accounts in the store. Names are the same name whatever their case."""

    def add(self, account: Account) -> Account:
        """Keep a new account; returns it with its id."""

    def change(self, before: Account, after: Account) -> None:
        """Write `after` if the row is still as `before`. Raises ConcurrentChangeError."""

    def get(self, account_id: int) -> Account | None:
        """One account."""

    def called(self, username: str) -> Account | None:
        """The account of this name."""

    def all(self) -> tuple[Account, ...]:
        """All accounts, oldest first."""


class TokenRows(Protocol):
    """Tokens that were sent."""

    def add(self, token: AccountToken) -> None:
        """Keep a new token."""

    def get(self, digest: str) -> AccountToken | None:
        """The token of this digest."""

    def use(self, digest: str) -> bool:
        """Use a token up; False when somebody has used it already."""

    def kill(self, account_id: int, purpose: TokenPurpose) -> None:
        """All tokens of an account for a purpose are dead."""


class SessionRows(Protocol):
    """Who is logged in."""

    def add(self, session: PortalSession) -> None:
        """Somebody has logged in."""

    def get(self, digest: str) -> PortalSession | None:
        """The session of this token digest."""

    def is_open(self, account_id: int, client: PortalClient, now_ms: int) -> bool:
        """Whether somebody is logged in to the account now."""

    def sweep(self, now_ms: int) -> None:
        """Forget the sessions that are over."""

    def end(self, account_id: int, client: PortalClient | None = None) -> int:
        """End the sessions of an account, of one client or all; returns how many there were."""


class LinkRows(Protocol):
    """Links of cars to accounts."""

    def add(self, link: VehicleLink) -> None:
        """Keep the link of a new car."""

    def change(self, before: VehicleLink, after: VehicleLink) -> None:
        """Write `after` if the row is still as `before`. Raises ConcurrentChangeError."""

    def get(self, vin: str) -> VehicleLink | None:
        """The link of a car."""

    def of_account(self, account_id: int) -> tuple[VehicleLink, ...]:
        """The cars linked to an account, in the order in which that was done."""


class PasswordHasher(Protocol):
    """Makes salted hashes of passwords (R-832); `hash` and `verify` can be run on any thread."""

    @property
    def decoy(self) -> str:
        """What no password is the one of, and what takes as long to verify against as any hash."""

    def salt(self) -> bytes:
        """A salt that nobody has had before."""

    def hash(self, password: str, salt: bytes) -> str:
        """A hash that can be kept."""

    def verify(self, kept: str, password: str) -> bool:
        """Whether `password` is the one of a hash that was kept; False for a hash that is none."""
