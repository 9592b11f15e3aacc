"""Passwords hashed and verified ahead of the unit of work, where the loop stays free meanwhile (R-832)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from backend_stub.domain.password import is_password
from backend_stub.service.ports.accounts import AccountRows, PasswordHasher
from contracts.acts import portal
from contracts.acts.act import Act
from runtime.ports import Executor


@dataclass(frozen=True, slots=True)
class Ahead:
    """What was worked out ahead of an act: `kept` is the hash that was made, or verified against.

    `is_match` is None for a hash that was made.
    """

    password: str
    kept: str
    is_match: bool | None = None


class Passwords:
    """What the account services hash and verify with.

    An act's costly part is done by `ahead`, before its transaction opens, in the executor; the services find
    it done while it is `at_hand`. Whatever was not foreseen, as a hash that somebody has changed in between,
    is worked out when it is asked for.
    """

    def __init__(self, hasher: PasswordHasher, executor: Executor, accounts: AccountRows) -> None:
        self._hasher = hasher
        self._executor = executor
        self._accounts = accounts
        self._done: Ahead | None = None

    async def ahead(self, act: Act | None) -> Ahead | None:
        """Do what `act` will need of the hasher; None when that is nothing.

        For a name that nobody has, or that has no password, as much is done as for any other: how long a
        login takes must not tell which names there are.
        """
        match act:
            case portal.Login(user=user, password=str() as password) if "\0" not in user:
                account = self._accounts.called(user)
                kept = (account.password_hash if account is not None else "") or self._hasher.decoy
                is_match = await self._executor.run(partial(self._hasher.verify, kept, password))
                return Ahead(password, kept, is_match)
            case (
                portal.Register(password=password)
                | portal.ChoosePassword(password=password)
                | portal.ResetPassword(password=password)
            ) if is_password(password):
                # The salt is drawn here: chance is drawn on the loop's thread alone.
                salt = self._hasher.salt()
                return Ahead(password, await self._executor.run(partial(self._hasher.hash, password, salt)))
        return None

    @contextmanager
    def at_hand(self, done: Ahead | None) -> Iterator[None]:
        """Let the services find `done` inside the block."""
        self._done = done
        try:
            yield
        finally:
            self._done = None

    def hash(self, password: str) -> str:
        """A hash that can be kept, with a salt of its own."""
        done, self._done = self._done, None
        if done is not None and done.is_match is None and done.password == password:
            return done.kept
        return self._hasher.hash(password, self._hasher.salt())

    def verify(self, kept: str, password: str) -> bool:
        """Whether `password` is the one of a hash that was kept."""
        done = self._done
        if done is not None and done.is_match is not None and (done.kept, done.password) == (kept, password):
            return done.is_match
        return self._hasher.verify(kept, password)
