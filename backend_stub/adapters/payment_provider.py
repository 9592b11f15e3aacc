"""AliPay and Tenpay, scripted: what the payer or the bench decides, reported as `PaymentOutcome` says.

The provider's instant of capture is its own; when it reports is another matter. Its books are rows of
the same database, so that a provider never forgets what it took while the backend was down. Its reports are
signed with the key that it shares with the backend (R-831).
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Row, bindparam, insert, select, update

from backend_stub.adapters.sql_connection import SqlConnection
from backend_stub.adapters.sql_refunds import SqlKeys
from backend_stub.adapters.tables import PROVIDER_SESSIONS
from backend_stub.domain import callback as callbacks
from backend_stub.domain.calendar import MINUTE_MS, SECOND_MS
from backend_stub.domain.callback import CALLBACK_KEY, Callback, SignedCallback
from backend_stub.domain.payment import Transaction
from backend_stub.errors import BackendError, UnknownLinkError
from backend_stub.service.ports.provider import (
    Knowledge,
    ProviderAnswer,
    ProviderReport,
    ProviderSession,
)
from contracts.acts.provider import Signature
from contracts.bench import PaymentOutcome
from contracts.errors import ErrorCode

LATE_MS = 6 * MINUTE_MS
"""How much later than its capture a LATE report comes, unless told: beyond a cancellation's five minutes."""

REPEAT_MS = SECOND_MS
"""How much later a DUPLICATE report comes again."""

WRONG_BY_MINOR = 100
"""How much too little WRONG_AMOUNT takes; at least one minor unit is taken."""

_ONE = select(PROVIDER_SESSIONS).where(PROVIDER_SESSIONS.c.session == bindparam("the_session"))
_UPDATE = update(PROVIDER_SESSIONS).where(PROVIDER_SESSIONS.c.session == bindparam("the_session"))


class ScriptedProvider:
    """The PaymentProvider port, scripted per session."""

    def __init__(self, sql: SqlConnection) -> None:
        self._sql = sql
        self._keys = SqlKeys(sql)

    def open(self, session: ProviderSession) -> None:
        """The payer has been sent here to pay."""
        self._sql.write(insert(PROVIDER_SESSIONS), asdict(session))

    def get(self, session: str) -> ProviderSession | None:
        """One session."""
        row = self._sql.first(_ONE, {"the_session": session})
        return None if row is None else _session(row)

    def decide(self, session: str, outcome: PaymentOutcome, delay_ms: int, now_ms: int) -> Sequence[int]:
        """The payer has decided; returns the instants at which reports will come, earliest first.

        delay_ms is how long the payer takes, for LATE how long the report takes. Raises BackendError
        with INVALID_STATE when the session is closed or decided.
        """
        found = self.get(session)
        if found is None:
            raise UnknownLinkError
        if found.closed or found.outcome is not None:
            raise BackendError(
                ErrorCode.INVALID_STATE, "this payment session is over; open the payment link again"
            )
        is_late = outcome is PaymentOutcome.LATE
        decided_at_ms = now_ms if is_late else now_ms + delay_ms
        self._sql.write(
            _UPDATE.values(outcome=outcome, decided_at_ms=decided_at_ms), {"the_session": session}
        )
        match outcome:
            case PaymentOutcome.SILENT:
                return ()
            case PaymentOutcome.LATE:
                return (now_ms + (delay_ms or LATE_MS),)
            case PaymentOutcome.DUPLICATE:
                return (decided_at_ms, decided_at_ms + REPEAT_MS)
            case _:
                return (decided_at_ms,)

    def report(self, session: str) -> ProviderReport | None:
        """What a report of this session says, None while nothing is decided."""
        found = self.get(session)
        if found is None or found.outcome is None or found.decided_at_ms is None:
            return None
        declined = found.outcome is PaymentOutcome.DECLINE
        captured_minor = 0 if declined else found.amount_minor
        if found.taken_minor is not None:
            captured_minor = found.taken_minor
        elif found.outcome is PaymentOutcome.WRONG_AMOUNT:
            captured_minor = max(1, found.amount_minor - WRONG_BY_MINOR)
        transaction = Transaction(
            transaction_id=found.transaction_id,
            session=session,
            captured_minor=captured_minor,
            currency=found.currency if found.taken_currency is None else found.taken_currency,
            at_ms=found.decided_at_ms,
        )
        return ProviderReport(transaction, declined)

    def query(self, session: str, now_ms: int) -> ProviderAnswer:
        """What the provider knows at `now_ms`; a session it knows nothing of is closed (R-307)."""
        found = self.get(session)
        if found is None or found.decided_at_ms is None:
            self._sql.write(_UPDATE.values(closed=True), {"the_session": session})
            return ProviderAnswer(Knowledge.NONE)
        if found.decided_at_ms > now_ms:
            return ProviderAnswer(Knowledge.UNKNOWN)
        return ProviderAnswer(Knowledge.DECIDED, self.report(session))

    def note(self, session: str, report: ProviderReport) -> None:
        """The provider takes note of what it is about to report; what a session has been told stays."""
        found = self.get(session)
        transaction, declined = report
        if found is None or found.outcome is not None or transaction.transaction_id != found.transaction_id:
            return
        self._sql.write(
            _UPDATE.values(
                outcome=PaymentOutcome.DECLINE if declined else PaymentOutcome.APPROVE,
                decided_at_ms=transaction.at_ms,
                taken_minor=transaction.captured_minor,
                taken_currency=transaction.currency,
            ),
            {"the_session": session},
        )

    def signed(self, callback: Callback, sent_at_ms: int, how: Signature = Signature.GOOD) -> SignedCallback:
        """A report as the provider sends it, signed as `how` says (R-831)."""
        body = callbacks.write(callback)
        if how is Signature.MISSING:
            return SignedCallback(body, "")
        key = self._keys.get(CALLBACK_KEY) or ""
        if how is Signature.WRONG:
            key += "?"
        return SignedCallback(body, callbacks.sign(key, body, sent_at_ms))


def _session(row: Row[Any]) -> ProviderSession:
    return ProviderSession(
        session=row.session,
        transaction_id=row.transaction_id,
        order_number=row.order_number,
        provider=row.provider,
        amount_minor=row.amount_minor,
        currency=row.currency,
        opened_at_ms=row.opened_at_ms,
        outcome=PaymentOutcome(row.outcome) if row.outcome else None,
        decided_at_ms=row.decided_at_ms,
        closed=row.closed,
        taken_minor=row.taken_minor,
        taken_currency=row.taken_currency,
    )
