"""Messages with tokens: made, sent, and redeemed by whoever got them (R-701, R-703, R-704, D-34)."""

from collections.abc import Callable
from dataclasses import dataclass

from backend_stub.domain.account import RESET_LIFE_MS, TOKEN_LIFE_MS, Account
from backend_stub.domain.address import is_email
from backend_stub.domain.calendar import local_text
from backend_stub.domain.market import MarketProfile
from backend_stub.domain.password import digest
from backend_stub.service.gateway import Gateway
from backend_stub.service.ports.accounts import AccountToken, TokenPurpose
from backend_stub.service.ports.messages import Sms
from backend_stub.service.unit_of_work import UnitOfWork
from runtime.ports import Ids

LIVES_MS = {
    TokenPurpose.ACTIVATION: TOKEN_LIFE_MS,
    TokenPurpose.RESET: RESET_LIFE_MS,
    TokenPurpose.RENAME: RESET_LIFE_MS,
}
"""How long a token works, by what it is for."""

NOTICE = "notice"
"""The purpose of a message that carries no token."""


@dataclass(frozen=True, slots=True)
class Presented:
    """A token as somebody presents it: its digest, and whether it is theirs, unused and unexpired."""

    digest: str
    is_known: bool
    is_good: bool


class AccountMessages:
    """Sends tokens to the people of accounts. `portal_of` makes an address of the Portal from a path."""

    def __init__(
        self, profile: MarketProfile, ids: Ids, gateway: Gateway, portal_of: Callable[[str], str]
    ) -> None:
        self._profile = profile
        self._ids = ids
        self._gateway = gateway
        self._portal_of = portal_of

    def send_token(self, uow: UnitOfWork, account: Account, purpose: TokenPurpose, to: str) -> None:
        """Send a fresh token to a number or address; earlier ones for the same purpose are dead."""
        token = self._ids.token()
        expires_at_ms = uow.now_ms + LIVES_MS[purpose]
        uow.store.tokens.kill(account.account_id, purpose)
        uow.store.tokens.add(
            AccountToken(
                digest=digest(token),
                account_id=account.account_id,
                purpose=purpose,
                expires_at_ms=expires_at_ms,
            )
        )
        until = local_text(expires_at_ms, self._profile.zone)
        url = self._portal_of(f"{purpose}/{token}")
        self._gateway.send(
            uow, Sms(number=to, text=self._text(purpose, url, token, until), url=url, purpose=purpose)
        )

    def send_notice(self, uow: UnitOfWork, to: str, text: str) -> None:
        """Tell somebody something without a token."""
        self._gateway.send(uow, Sms(number=to, text=text, url=self._portal_of(""), purpose=NOTICE))

    def on_the_phone(self, uow: UnitOfWork, purpose: TokenPurpose, to: str) -> str:
        """The token of the newest message that has arrived there; "" when there is none."""
        message = uow.store.sms.newest(to, purpose)
        return message.token if message is not None else ""

    def present(self, uow: UnitOfWork, account: Account, purpose: TokenPurpose, token: str) -> Presented:
        """What a token is worth now; at exactly the end of its life it still works."""
        key = digest(token)
        found = uow.store.tokens.get(key)
        is_known = found is not None and (found.account_id, found.purpose) == (account.account_id, purpose)
        is_good = is_known and found is not None and not found.is_used and uow.now_ms <= found.expires_at_ms
        return Presented(key, is_known, is_good)

    def reach(self, account: Account) -> str:
        """Where messages to an account go: to its name where that is an address, else by its data."""
        if is_email(account.username) or self._profile.mobile_pattern.fullmatch(account.username):
            return account.username
        return account.number or account.email

    def _text(self, purpose: TokenPurpose, url: str, token: str, until: str) -> str:
        line = self._profile.disturbance_line
        match purpose:
            case TokenPurpose.ACTIVATION:
                return (
                    f"Welcome to ConnectedDrive. Log in at {self._portal_of('')} with this number and the "
                    f"one-time password {token}, until {until}. Help: {line}"
                )
            case TokenPurpose.RESET:
                return f"ConnectedDrive: choose a new password until {until}: {url}. Not you? Call {line}"
            case TokenPurpose.RENAME:
                return f"ConnectedDrive: confirm your new user name until {until}: {url}. Help: {line}"
