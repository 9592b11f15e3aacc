"""Accounts as their people use them: register, log in, passwords, names, data (R-701 to R-705)."""

from dataclasses import replace

from backend_stub.domain.account import (
    FAILURES_TO_LOCK,
    NOTHING,
    SESSION_MS,
    Account,
    AccountEvent,
    AccountState,
    Facts,
    bad_token,
)
from backend_stub.domain.address import MAX_LENGTH, is_email, mask_address
from backend_stub.domain.market import MarketProfile
from backend_stub.domain.password import check_password, digest
from backend_stub.domain.vehicle import VehicleRecord
from backend_stub.errors import BackendError, CountedRefusalError
from backend_stub.service.acts import Acts
from backend_stub.service.people.account_book import AccountBook
from backend_stub.service.people.account_messages import AccountMessages
from backend_stub.service.people.links import Links
from backend_stub.service.people.passwords import Passwords
from backend_stub.service.people.portal_access import PortalAccess
from backend_stub.service.ports.accounts import PortalSession, TokenPurpose
from backend_stub.service.unit_of_work import UnitOfWork
from contracts.acts import portal
from contracts.acts.portal import PortalClient
from contracts.errors import ErrorCode
from runtime.ports import Ids

_WITH_PASSWORD = (AccountState.ACTIVE, AccountState.RENAMING)


class Accounts:
    """What people can do with their accounts. Every method works inside the unit of work that is open."""

    def __init__(
        self,
        profile: MarketProfile,
        ids: Ids,
        book: AccountBook,
        messages: AccountMessages,
        passwords: Passwords,
        access: PortalAccess,
        links: Links,
    ) -> None:
        self._profile = profile
        self._ids = ids
        self._book = book
        self._messages = messages
        self._passwords = passwords
        self._access = access
        self._links = links

    def acts(self) -> Acts:
        """What people can do here."""
        return {
            portal.Register: self.register,
            portal.Login: self._log_in,
            portal.Logout: self.log_out,
            portal.ChoosePassword: self.choose_password,
            portal.ForgetPassword: self.forget_password,
            portal.ResetPassword: self.reset_password,
            portal.Rename: self.rename,
            portal.ConfirmName: self.confirm_name,
            portal.UpdateData: self.update_data,
        }

    # Opened by the dealer, or by the person

    def first_activation(self, uow: UnitOfWork, vehicle: VehicleRecord, name: str, number: str) -> None:
        """A car gets an owner: link it, and send a token to a number that has no password yet (R-701, R-712).

        Where people register themselves nothing happens. Raises BackendError with BAD_NUMBER.
        """
        if self._profile.portal_registration:
            return
        self.check_number(number)
        before = uow.store.accounts.called(number)
        event = AccountEvent.SERVICE_ACTIVATED
        if before is None:
            account = self._book.open(uow, replace(_blank(number), name=name, number=number), event)
        elif before.state is AccountState.TOKEN_SENT:
            named = self._book.update(uow, before, replace(before, name=name or before.name))
            account = self._book.apply(uow, named, event)
        else:
            account = before
        self._links.attach(uow, vehicle.vin, account)
        if account.state is AccountState.TOKEN_SENT:
            self._messages.send_token(uow, account, TokenPurpose.ACTIVATION, number)
        else:
            self._messages.send_notice(uow, number, "ConnectedDrive: a car has been added to your account.")

    def check_number(self, number: str) -> None:
        """Raises BackendError with BAD_NUMBER for what is no mobile number of the market."""
        if not self._profile.mobile_pattern.fullmatch(number):
            raise BackendError(ErrorCode.BAD_NUMBER, "this is no mobile number of this market")

    def register(self, uow: UnitOfWork, act: portal.Register) -> None:
        """Open an account under a name of free choice, where the market lets people do so (R-202).

        Raises BackendError with INVALID_STATE, NAME_TAKEN, BAD_PASSWORD, BAD_NUMBER or BAD_MESSAGE.
        """
        if not act.user or len(act.user) > MAX_LENGTH or not act.user.isprintable():
            raise BackendError(ErrorCode.BAD_MESSAGE, "a user name has 1 to 254 characters")
        if self._profile.portal_registration and uow.store.accounts.called(act.user) is not None:
            raise _name_taken()
        check_password(act.password)
        blank = self._with_data(_blank(act.user), act.name, act.number, act.email)
        blank = replace(blank, password_hash=self._passwords.hash(act.password))
        facts = Facts(may_register=self._profile.portal_registration)
        self._book.open(uow, blank, AccountEvent.REGISTER, facts)

    # In and out

    def _log_in(self, uow: UnitOfWork, act: portal.Login) -> None:
        self.log_in(uow, act.user, act.password, act.client)

    def log_in(
        self, uow: UnitOfWork, user: str, password: str | None, client: PortalClient = PortalClient.PORTAL
    ) -> str:
        """Begin a session and return its token; a password of None is the token on the phone.

        Raises BackendError with BAD_CREDENTIALS, BAD_TOKEN or ACCOUNT_LOCKED.
        """
        account = uow.store.accounts.called(user)
        if account is None:
            raise _bad_credentials()
        if account.state is AccountState.LOCKED:
            raise BackendError(
                ErrorCode.ACCOUNT_LOCKED,
                f"this account is locked; reset the password or call {self._profile.disturbance_line}",
            )
        if password is None:
            password = self._messages.on_the_phone(uow, TokenPurpose.ACTIVATION, account.username)
            if not password:
                raise bad_token()
        if client is PortalClient.PORTAL:
            account = self._by_token(uow, account, password)
        if account.state is not AccountState.MUST_CHANGE:
            account = self._by_password(uow, account, password)
        elif client is not PortalClient.PORTAL:
            raise _bad_credentials()
        return self._begin_session(uow, account, client)

    def _by_token(self, uow: UnitOfWork, account: Account, token: str) -> Account:
        """Single use, seven days (R-701). Whoever has chosen a password already has no token any more."""
        presented = self._messages.present(uow, account, TokenPurpose.ACTIVATION, token)
        if account.state in _WITH_PASSWORD and not presented.is_known:
            return account
        after = self._book.apply(uow, account, AccountEvent.TOKEN_LOGIN, Facts(token_good=presented.is_good))
        uow.store.tokens.use(presented.digest)
        return after

    def _by_password(self, uow: UnitOfWork, account: Account, password: str) -> Account:
        if account.state not in _WITH_PASSWORD:
            raise _bad_credentials()
        if not self._passwords.verify(account.password_hash, password):
            self._book.fail(uow, account, FAILURES_TO_LOCK)
            raise CountedRefusalError(ErrorCode.BAD_CREDENTIALS, "name or password is wrong")
        if account.failures:
            return self._book.update(uow, account, replace(account, failures=0))
        return account

    def _begin_session(self, uow: UnitOfWork, account: Account, client: PortalClient) -> str:
        token = self._ids.token()
        ends_at_ms = uow.now_ms + SESSION_MS if client is PortalClient.PORTAL else None
        uow.store.sessions.sweep(uow.now_ms)
        uow.store.sessions.add(
            PortalSession(
                digest=digest(token), account_id=account.account_id, client=client, ends_at_ms=ends_at_ms
            )
        )
        uow.record("login", mask_address(account.username), "begun", client=str(client))
        return token

    def log_out(self, uow: UnitOfWork, act: portal.Logout) -> None:
        """End all sessions of a client. Raises BackendError with NOT_LOGGED_IN."""
        account = self._access.account_of(uow, act, act.client)
        ended = uow.store.sessions.end(account.account_id, act.client)
        uow.record("login", mask_address(account.username), "ended", sessions=ended)

    # Passwords

    def choose_password(self, uow: UnitOfWork, act: portal.ChoosePassword) -> None:
        """A new password by somebody who is logged in; it ends all sessions of the Remote App (R-702)."""
        account = self._access.logged_in(uow, act.user)
        changed = self._new_password(uow, account, act.password, AccountEvent.NEW_PASSWORD)
        ended = uow.store.sessions.end(changed.account_id, PortalClient.REMOTE_APP)
        if ended:
            uow.record("login", mask_address(changed.username), "ended", sessions=ended)

    def forget_password(self, uow: UnitOfWork, act: portal.ForgetPassword) -> None:
        """Send a message with which the password can be reset (R-703).

        Nobody learns here which names exist: for one that does not, nothing is sent.
        """
        account = uow.store.accounts.called(act.user)
        to = self._messages.reach(account) if account is not None else ""
        if account is not None and to:
            self._messages.send_token(uow, account, TokenPurpose.RESET, to)

    def reset_password(self, uow: UnitOfWork, act: portal.ResetPassword) -> None:
        """Complete that: a new password, all sessions end, a lock is opened (R-703).

        Raises BackendError with BAD_TOKEN or BAD_PASSWORD.
        """
        account = uow.store.accounts.called(act.user)
        if account is None:
            raise bad_token()
        token = act.token
        if token is None:
            token = self._messages.on_the_phone(uow, TokenPurpose.RESET, self._messages.reach(account))
        presented = self._messages.present(uow, account, TokenPurpose.RESET, token)
        self._new_password(
            uow, account, act.password, AccountEvent.RESET, Facts(token_good=presented.is_good)
        )

    def _new_password(
        self, uow: UnitOfWork, account: Account, password: str, event: AccountEvent, facts: Facts = NOTHING
    ) -> Account:
        after = self._book.apply(uow, account, event, facts)
        check_password(password)
        return self._book.update(
            uow, after, replace(after, password_hash=self._passwords.hash(password), failures=0)
        )

    # Name and data

    def rename(self, uow: UnitOfWork, act: portal.Rename) -> None:
        """Ask for a number or an address as the name; the old one is valid until that is confirmed (R-704).

        Raises BackendError with NAME_TAKEN or BAD_NUMBER.
        """
        account = self._access.account_of(uow, act)
        if not is_email(act.to):
            self.check_number(act.to)
        if uow.store.accounts.called(act.to) is not None:
            raise _name_taken()
        facts = Facts(pending_username=act.to)
        renaming = self._book.apply(uow, account, AccountEvent.RENAME, facts)
        self._messages.send_token(uow, renaming, TokenPurpose.RENAME, act.to)

    def confirm_name(self, uow: UnitOfWork, act: portal.ConfirmName) -> None:
        """Complete that with the message; `user` is the name that is still valid (R-704).

        Raises BackendError with BAD_TOKEN, or NAME_TAKEN when somebody was faster.
        """
        account = uow.store.accounts.called(act.user)
        if account is None:
            raise bad_token()
        to, token = account.pending_username, act.token
        if token is None:
            token = self._messages.on_the_phone(uow, TokenPurpose.RENAME, to)
        presented = self._messages.present(uow, account, TokenPurpose.RENAME, token)
        if presented.is_good and uow.store.accounts.called(to) is not None:
            raise _name_taken()
        self._book.apply(uow, account, AccountEvent.CONFIRM, Facts(token_good=presented.is_good))
        uow.store.tokens.use(presented.digest)

    def update_data(self, uow: UnitOfWork, act: portal.UpdateData) -> None:
        """Changed data of the person (R-705). Raises BackendError with BAD_NUMBER or BAD_MESSAGE."""
        account = self._access.account_of(uow, act)
        after = self._with_data(
            account,
            account.name if act.name is None else act.name,
            account.number if act.number is None else act.number,
            account.email if act.email is None else act.email,
        )
        self._book.update(uow, account, after)
        # What the Store in the car wants first may have come, or gone.
        for link in uow.store.links.of_account(account.account_id):
            uow.touch(link.vin)

    def _with_data(self, account: Account, name: str, number: str, email: str) -> Account:
        if number:
            self.check_number(number)
        if email and not is_email(email):
            raise BackendError(ErrorCode.BAD_MESSAGE, "this is no e-mail address")
        return replace(account, name=name, number=number, email=email)


def _blank(username: str) -> Account:
    return Account(account_id=0, username=username, state=AccountState.NONE)


def _bad_credentials() -> BackendError:
    return BackendError(ErrorCode.BAD_CREDENTIALS, "name or password is wrong")


def _name_taken() -> BackendError:
    return BackendError(ErrorCode.NAME_TAKEN, "somebody has this name already; choose another one")
