"""Accounts, tokens, sessions and links in SQL."""

from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import Row, and_, bindparam, delete, insert, or_, select, update

from backend_stub.adapters.sql_connection import SqlConnection
from backend_stub.adapters.tables.accounts import ACCOUNT_TOKENS, ACCOUNTS, PORTAL_SESSIONS, VEHICLE_LINKS
from backend_stub.domain.account import Account, AccountState
from backend_stub.domain.vehicle_link import LinkState, VehicleLink
from backend_stub.errors import ConcurrentChangeError
from backend_stub.service.ports.accounts import AccountToken, PortalSession, TokenPurpose
from contracts.acts.portal import PortalClient

_ACCOUNTS = select(ACCOUNTS).order_by(ACCOUNTS.c.account_id)
_ACCOUNT = select(ACCOUNTS).where(ACCOUNTS.c.account_id == bindparam("the_id"))
_CALLED = select(ACCOUNTS).where(ACCOUNTS.c.name_key == bindparam("the_key"))
_CHANGE_ACCOUNT = update(ACCOUNTS).where(
    ACCOUNTS.c.account_id == bindparam("the_id"), ACCOUNTS.c.version == bindparam("old_version")
)

_TOKEN = select(ACCOUNT_TOKENS).where(ACCOUNT_TOKENS.c.digest == bindparam("the_digest"))
_UNUSED = ACCOUNT_TOKENS.c.is_used.is_(False)
_USE = update(ACCOUNT_TOKENS).where(ACCOUNT_TOKENS.c.digest == bindparam("the_digest"), _UNUSED)
_KILL = update(ACCOUNT_TOKENS).where(
    ACCOUNT_TOKENS.c.account_id == bindparam("the_id"),
    ACCOUNT_TOKENS.c.purpose == bindparam("the_purpose"),
    _UNUSED,
)

_SESSION = select(PORTAL_SESSIONS).where(PORTAL_SESSIONS.c.digest == bindparam("the_digest"))
_OPEN = (
    select(PORTAL_SESSIONS.c.digest)
    .where(
        and_(
            PORTAL_SESSIONS.c.account_id == bindparam("the_id"),
            PORTAL_SESSIONS.c.client == bindparam("the_client"),
            or_(PORTAL_SESSIONS.c.ends_at_ms.is_(None), PORTAL_SESSIONS.c.ends_at_ms > bindparam("the_now")),
        )
    )
    .limit(1)
)
_END = delete(PORTAL_SESSIONS).where(PORTAL_SESSIONS.c.account_id == bindparam("the_id"))
_SWEEP = delete(PORTAL_SESSIONS).where(PORTAL_SESSIONS.c.ends_at_ms <= bindparam("the_now"))
_END_CLIENT = _END.where(PORTAL_SESSIONS.c.client == bindparam("the_client"))

_LINK = select(VEHICLE_LINKS).where(VEHICLE_LINKS.c.vin == bindparam("the_vin"))
_LINKED = (
    select(VEHICLE_LINKS)
    .where(VEHICLE_LINKS.c.account_id == bindparam("the_id"))
    .order_by(VEHICLE_LINKS.c.linked_at_ms, VEHICLE_LINKS.c.vin)
)
_CHANGE_LINK = update(VEHICLE_LINKS).where(
    VEHICLE_LINKS.c.vin == bindparam("the_vin"), VEHICLE_LINKS.c.version == bindparam("old_version")
)


class SqlAccounts:
    """The AccountRows port."""

    def __init__(self, sql: SqlConnection) -> None:
        self._sql = sql

    def add(self, account: Account) -> Account:
        """Keep a new account; returns it with its id."""
        return replace(account, account_id=self._sql.insert(insert(ACCOUNTS), _account_values(account)))

    def change(self, before: Account, after: Account) -> None:
        """Write `after` if the row is still as `before`. Raises ConcurrentChangeError."""
        keys = {"the_id": before.account_id, "old_version": before.version}
        if self._sql.write(_CHANGE_ACCOUNT.values(_account_values(after)), keys) != 1:
            raise ConcurrentChangeError("the account")

    def get(self, account_id: int) -> Account | None:
        """One account."""
        return _maybe_account(self._sql.first(_ACCOUNT, {"the_id": account_id}))

    def called(self, username: str) -> Account | None:
        """The account of this name."""
        return _maybe_account(self._sql.first(_CALLED, {"the_key": name_key(username)}))

    def all(self) -> tuple[Account, ...]:
        """All accounts, oldest first."""
        return tuple(map(_account, self._sql.rows(_ACCOUNTS)))


class SqlTokens:
    """The TokenRows port."""

    def __init__(self, sql: SqlConnection) -> None:
        self._sql = sql

    def add(self, token: AccountToken) -> None:
        """Keep a new token."""
        self._sql.write(insert(ACCOUNT_TOKENS), asdict(token))

    def get(self, digest: str) -> AccountToken | None:
        """The token of this digest."""
        row = self._sql.first(_TOKEN, {"the_digest": digest})
        if row is None:
            return None
        return AccountToken(
            digest=row.digest,
            account_id=row.account_id,
            purpose=TokenPurpose(row.purpose),
            expires_at_ms=row.expires_at_ms,
            is_used=row.is_used,
        )

    def use(self, digest: str) -> bool:
        """Use a token up; False when somebody has used it already."""
        return self._sql.write(_USE.values(is_used=True), {"the_digest": digest}) == 1

    def kill(self, account_id: int, purpose: TokenPurpose) -> None:
        """All tokens of an account for a purpose are dead."""
        self._sql.write(_KILL.values(is_used=True), {"the_id": account_id, "the_purpose": purpose})


class SqlSessions:
    """The SessionRows port."""

    def __init__(self, sql: SqlConnection) -> None:
        self._sql = sql

    def add(self, session: PortalSession) -> None:
        """Somebody has logged in."""
        self._sql.write(insert(PORTAL_SESSIONS), asdict(session))

    def get(self, digest: str) -> PortalSession | None:
        """The session of this token digest."""
        row = self._sql.first(_SESSION, {"the_digest": digest})
        if row is None:
            return None
        return PortalSession(
            digest=row.digest,
            account_id=row.account_id,
            client=PortalClient(row.client),
            ends_at_ms=row.ends_at_ms,
        )

    def is_open(self, account_id: int, client: PortalClient, now_ms: int) -> bool:
        """Whether somebody is logged in to the account now."""
        keys = {"the_id": account_id, "the_client": client, "the_now": now_ms}
        return self._sql.first(_OPEN, keys) is not None

    def sweep(self, now_ms: int) -> None:
        """Forget the sessions that are over."""
        self._sql.write(_SWEEP, {"the_now": now_ms})

    def end(self, account_id: int, client: PortalClient | None = None) -> int:
        """End the sessions of an account, of one client or all; returns how many there were."""
        if client is None:
            return self._sql.write(_END, {"the_id": account_id})
        return self._sql.write(_END_CLIENT, {"the_id": account_id, "the_client": client})


class SqlLinks:
    """The LinkRows port."""

    def __init__(self, sql: SqlConnection) -> None:
        self._sql = sql

    def add(self, link: VehicleLink) -> None:
        """Keep the link of a new car."""
        self._sql.write(insert(VEHICLE_LINKS), asdict(link))

    def change(self, before: VehicleLink, after: VehicleLink) -> None:
        """Write `after` if the row is still as `before`. Raises ConcurrentChangeError."""
        values = asdict(after)
        del values["vin"]
        keys = {"the_vin": before.vin, "old_version": before.version}
        if self._sql.write(_CHANGE_LINK.values(values), keys) != 1:
            raise ConcurrentChangeError("the link of this car")

    def get(self, vin: str) -> VehicleLink | None:
        """The link of a car."""
        row = self._sql.first(_LINK, {"the_vin": vin})
        return None if row is None else _link(row)

    def of_account(self, account_id: int) -> tuple[VehicleLink, ...]:
        """The cars linked to an account, in the order in which that was done."""
        return tuple(map(_link, self._sql.rows(_LINKED, {"the_id": account_id})))


def name_key(username: str) -> str:
    """A name without its case."""
    return username.casefold()


def _account_values(account: Account) -> dict[str, Any]:
    values = asdict(account)
    del values["account_id"]
    return {"name_key": name_key(account.username), **values}


def _maybe_account(row: Row[Any] | None) -> Account | None:
    return None if row is None else _account(row)


def _account(row: Row[Any]) -> Account:
    return Account(
        account_id=row.account_id,
        username=row.username,
        state=AccountState(row.state),
        name=row.name,
        number=row.number,
        email=row.email,
        password_hash=row.password_hash,
        failures=row.failures,
        locked_until_ms=row.locked_until_ms,
        pending_username=row.pending_username,
        version=row.version,
    )


def _link(row: Row[Any]) -> VehicleLink:
    return VehicleLink(
        vin=row.vin,
        state=LinkState(row.state),
        account_id=row.account_id,
        code=row.code,
        failures=row.failures,
        locked_until_ms=row.locked_until_ms,
        linked_at_ms=row.linked_at_ms,
        version=row.version,
    )
