"""What the care centre does about accounts on the telephone: lock and unlock (R-705, D-34)."""

from backend_stub.domain.account import Account, AccountEvent
from backend_stub.domain.market import MarketProfile
from backend_stub.errors import BackendError
from backend_stub.service.acts import Acts
from backend_stub.service.hotline import check_call
from backend_stub.service.people.account_book import AccountBook
from backend_stub.service.unit_of_work import UnitOfWork
from contracts.acts import agent
from contracts.errors import ErrorCode


class CareCentre:
    """The agents of the profile's disturbance line, inside the unit of work that is open."""

    def __init__(self, profile: MarketProfile, book: AccountBook) -> None:
        self._profile = profile
        self._book = book

    def acts(self) -> Acts:
        """What an agent can do here."""
        return {agent.ReportCompromise: self.lock, agent.Unlock: self.unlock}

    def lock(self, uow: UnitOfWork, act: agent.ReportCompromise) -> None:
        """Somebody else knows the password: all sessions end, and no timer opens the account (R-705)."""
        self._book.apply(uow, self._account(uow, act), AccountEvent.COMPROMISE)

    def unlock(self, uow: UnitOfWork, act: agent.Unlock) -> None:
        """Open a locked account at its person's wish."""
        self._book.apply(uow, self._account(uow, act), AccountEvent.CARE_CENTRE)

    def _account(self, uow: UnitOfWork, act: agent.ReportCompromise | agent.Unlock) -> Account:
        check_call(self._profile, act.line, self._profile.disturbance_line, "accounts", uow.now_ms)
        account = uow.store.accounts.called(act.user)
        if account is None:
            raise BackendError(ErrorCode.VERIFICATION_FAILED, "there is no such account")
        return account
