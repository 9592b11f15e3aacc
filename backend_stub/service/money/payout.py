"""Refunded money leaves: on the 25th working day, or again after it has bounced (R-604, R-605)."""

from dataclasses import replace
from datetime import date

from backend_stub.domain import calendar
from backend_stub.domain.market import MarketProfile
from backend_stub.domain.payment import PaymentEvent, PaymentState, step
from backend_stub.domain.refund import (
    PAYOUT_WORKING_DAYS,
    Payout,
    RefundEvent,
    RefundRequest,
    RefundState,
    happen,
)
from backend_stub.domain.working_days import nth_working_day, work_calendar
from backend_stub.errors import BackendError
from backend_stub.service.acts import Acts
from backend_stub.service.ports.due import DueKind
from backend_stub.service.unit_of_work import UnitOfWork
from contracts.acts.bmw import SetHolidays
from contracts.errors import ErrorCode


class Payouts:
    """Pays refunds out. Every method works inside the unit of work that is open."""

    def __init__(self, profile: MarketProfile) -> None:
        self._profile = profile

    def acts(self) -> Acts:
        """What BMW's desk says about working days."""
        return {SetHolidays: self.set_holidays}

    def set_holidays(self, uow: UnitOfWork, act: SetHolidays) -> None:
        """Put holidays and working weekends into force; what has a date already keeps it (D-32)."""
        work = work_calendar(act.holidays, act.working_weekends)
        uow.store.workdays.put(work)
        uow.record(
            "workdays",
            self._profile.market,
            "set",
            holidays=len(work.holidays),
            working_weekends=len(work.working_weekends),
        )

    def due_ms(self, uow: UnitOfWork, verified_at_ms: int) -> int:
        """When what is verified at that instant is paid out: as the 25th working day begins (R-604)."""
        verified_on = calendar.local_date(verified_at_ms, self._profile.zone)
        day = nth_working_day(verified_on, PAYOUT_WORKING_DAYS, uow.store.workdays.get())
        return calendar.local_midnight_ms(day, self._profile.zone)

    def schedule(self, uow: UnitOfWork, refund: RefundRequest) -> None:
        """Let a verified refund be paid out when it is due."""
        if refund.payout_ms is not None:
            uow.store.due.put(DueKind.PAYOUT, str(refund.refund_id), refund.payout_ms)

    def pay_out(self, uow: UnitOfWork, refund_id: int) -> None:
        """The day has come: the money leaves, and the payment counts as refunded."""
        before = uow.store.refunds.get(refund_id)
        if before is None or before.state is not RefundState.VERIFIED:
            return
        kept = uow.store.payments.kept_of(before.order_number)
        payment = None if kept is None else uow.store.payments.by_id(kept.payment_id)
        if kept is None or payment is None:
            raise BackendError(ErrorCode.INVALID_STATE, f"no money is kept for order {before.order_number}")
        self.change(uow, before, happen(before, RefundEvent.PAYOUT_DUE))
        uow.store.refunds.pay_out(
            Payout(
                refund_id=before.refund_id,
                order_number=before.order_number,
                service=before.service,
                payment_id=payment.payment_id,
                transaction_id=kept.transaction_id,
                amount_minor=before.amount_minor,
                currency=before.currency,
                paid_out_at_ms=uow.now_ms,
            )
        )
        # A payment whose first line is paid out is REFUNDED already; the ledger tells of the others.
        if payment.state is PaymentState.CAPTURED:
            refunded = replace(payment, state=step(payment.state, PaymentEvent.PAID_OUT))
            uow.store.payments.change(payment, refunded)
            uow.record("payment", payment.payment_id, refunded.state, provider=payment.provider)

    def bounced(self, uow: UnitOfWork, refund_id: int) -> bool:
        """The provider says that a payout came back; False when there is no such refund.

        A report is never refused: what does not wait for its payout stays as it is.
        """
        before = uow.store.refunds.get(refund_id)
        if before is None:
            return False
        if before.state is not RefundState.VERIFIED:
            uow.record("refund", _key(before), "acknowledged", event=RefundEvent.BOUNCED)
            return True
        uow.store.due.remove(DueKind.PAYOUT, str(refund_id))
        self.change(uow, before, happen(before, RefundEvent.BOUNCED))
        return True

    def change(self, uow: UnitOfWork, before: RefundRequest, after: RefundRequest) -> None:
        """Write what a refund has become."""
        uow.store.refunds.change(before, after)
        self.note(uow, after)

    def note(self, uow: UnitOfWork, refund: RefundRequest) -> None:
        """Journal how a refund stands; of an account only whether it is the paying one."""
        uow.record(
            "refund",
            _key(refund),
            refund.state,
            amount_minor=refund.amount_minor,
            currency=refund.currency,
            ground=refund.ground,
            used_through=refund.usage_date.isoformat(),
            payout_on=self._day(refund.payout_ms),
            payee="another account" if refund.account else "paying account",
        )

    def _day(self, instant_ms: int | None) -> str:
        if instant_ms is None:
            return ""
        day: date = calendar.local_date(instant_ms, self._profile.zone)
        return day.isoformat()


def _key(refund: RefundRequest) -> str:
    return f"{refund.order_number}/{refund.service}"
