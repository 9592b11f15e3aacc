"""Every event of an account passes here: table, guarded write, timer, tokens, sessions, journal."""

from dataclasses import replace

from backend_stub.domain.account import (
    LOCK_MS,
    NOTHING,
    Account,
    AccountEffect,
    AccountEvent,
    AccountState,
    Facts,
    step,
)
from backend_stub.domain.address import mask_address
from backend_stub.service.ports.accounts import TokenPurpose
from backend_stub.service.ports.due import DueKind
from backend_stub.service.unit_of_work import UnitOfWork


class AccountBook:
    """Applies the Accounts table of section 3 to stored accounts. `apply` raises BackendError."""

    def open(self, uow: UnitOfWork, blank: Account, event: AccountEvent, facts: Facts = NOTHING) -> Account:
        """Keep a new account with what `event` makes of none; `blank` is in state NONE."""
        taken = step(blank, event, facts)
        kept = uow.store.accounts.add(replace(taken.account, version=1))
        self._note(uow, kept, event)
        return kept

    def apply(
        self, uow: UnitOfWork, account: Account, event: AccountEvent, facts: Facts = NOTHING
    ) -> Account:
        """Let `event` happen to `account`. Raises BackendError with the rule's code."""
        taken = step(account, event, facts)
        after = taken.account
        uow.store.accounts.change(account, after)
        key = str(after.account_id)
        if after.locked_until_ms is not None:
            uow.store.due.put(DueKind.ACCOUNT_UNLOCK, key, after.locked_until_ms)
        elif account.locked_until_ms is not None:
            uow.store.due.remove(DueKind.ACCOUNT_UNLOCK, key)
        if AccountEffect.KILL_TOKENS in taken.effects:
            for purpose in (TokenPurpose.ACTIVATION, TokenPurpose.RESET):
                uow.store.tokens.kill(after.account_id, purpose)
        if AccountEffect.REVOKE_SESSIONS in taken.effects:
            self.end_sessions(uow, after)
        self._note(uow, after, event)
        return after

    def update(self, uow: UnitOfWork, before: Account, after: Account) -> Account:
        """Write data that no row of the table is about; returns what was written."""
        written = replace(after, version=before.version + 1)
        uow.store.accounts.change(before, written)
        return written

    def fail(self, uow: UnitOfWork, account: Account, failures_to_lock: int) -> Account:
        """Somebody gave a wrong password (D-34)."""
        if account.failures + 1 < failures_to_lock:
            return self.update(uow, account, replace(account, failures=account.failures + 1))
        facts = Facts(locked_until_ms=uow.now_ms + LOCK_MS)
        return self.apply(uow, account, AccountEvent.FIFTH_FAILURE, facts)

    def unlock_due(self, uow: UnitOfWork, account_id: int) -> None:
        """The lock's time is over (D-34)."""
        account = uow.store.accounts.get(account_id)
        if account is not None and account.state is AccountState.LOCKED:
            self.apply(uow, account, AccountEvent.TIMER)

    def end_sessions(self, uow: UnitOfWork, account: Account) -> None:
        """Nobody is logged in to the account any more, in the Portal or the Remote App."""
        ended = uow.store.sessions.end(account.account_id)
        if ended:
            uow.record("login", mask_address(account.username), "ended", sessions=ended)

    def _note(self, uow: UnitOfWork, account: Account, event: AccountEvent) -> None:
        uow.record("account", mask_address(account.username), account.state, event=str(event))
