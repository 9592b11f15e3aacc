"""The refund desk: asked for by telephone, granted by law, given by who ends a service (R-601 to R-606)."""

from dataclasses import replace
from datetime import date

from backend_stub.domain.entitlement import Entitlement
from backend_stub.domain.market import MarketProfile
from backend_stub.domain.order import Order
from backend_stub.domain.refund import (
    RefundEvent,
    RefundGround,
    RefundState,
    happen,
    line_of,
    provider_end_minor,
    same_name,
)
from backend_stub.domain.verification import verified_order
from backend_stub.errors import BackendError, CountedRefusalError
from backend_stub.service.acts import Acts
from backend_stub.service.hotline import check_call
from backend_stub.service.money.payout import Payouts
from backend_stub.service.money.refund_book import RefundBook, line_of_period
from backend_stub.service.ordering.order_book import OrderBook
from backend_stub.service.unit_of_work import UnitOfWork
from contracts.acts.agent import AgentAct, ApproveRefund, ChangePayee, GrantStatutoryRemedy, RequestRefund
from contracts.errors import ErrorCode


class Refunds:
    """What an agent does about refunds. Every method works inside the unit of work that is open.

    What somebody else has changed meanwhile is refused: ConcurrentChangeError.
    """

    def __init__(self, profile: MarketProfile, orders: OrderBook, book: RefundBook, payouts: Payouts) -> None:
        self._profile = profile
        self._orders = orders
        self._book = book
        self._payouts = payouts

    def acts(self) -> Acts:
        """What people can do here."""
        return {
            RequestRefund: self.request,
            ApproveRefund: self.approve,
            ChangePayee: self.change_payee,
            GrantStatutoryRemedy: self.grant_remedy,
        }

    def request(self, uow: UnitOfWork, act: RequestRefund) -> None:
        """A caller asks for the money of some lines; how much it is, is settled now (R-601, R-602, D-30).

        Raises BackendError with USE_HOTLINE, HOTLINE_CLOSED, VERIFICATION_FAILED, ALREADY_REFUNDED,
        REFUND_LATEST_FIRST or NOTHING_REFUNDABLE.
        """
        self._answer(uow, act)
        if not self._profile.ends_service_refunds:
            raise BackendError(ErrorCode.NOTHING_REFUNDABLE, "in this market nothing comes back on request")
        order = self._verified(uow, act)
        for line in self._book.asked(uow, order, act.services):
            # An extension whose refund is asked for, too, is on its way: approval looks again.
            bought = self._book.refundable(uow, order, line, is_gone=lambda refund: True)
            amount_minor = self._book.worth_minor(uow, bought)
            if amount_minor == 0:
                raise BackendError(ErrorCode.NOTHING_REFUNDABLE, f"nothing of {line.service} comes back")
            used_through = self._book.used_through(uow, bought)
            self._book.add(uow, order, line, RefundGround.REQUEST, amount_minor, used_through)

    def approve(self, uow: UnitOfWork, act: ApproveRefund) -> None:
        """An agent approves what waits: the lines end, their payout gets a date (R-602 to R-604).

        Raises BackendError with USE_HOTLINE, HOTLINE_CLOSED, ALREADY_REFUNDED, REFUND_LATEST_FIRST or
        INVALID_STATE.
        """
        self._answer(uow, act)
        order = self._orders.named(uow, act.order, act.car)
        for refund in self._book.waiting(uow, order, act.services):
            line = line_of(order.lines, refund.service)
            if line is not None:
                self._book.approve(uow, order, line, refund)

    def change_payee(self, uow: UnitOfWork, act: ChangePayee) -> None:
        """The money is to go to another account of the verified customer (R-605).

        Raises BackendError with USE_HOTLINE, HOTLINE_CLOSED, NAME_MISMATCH, DATA_MISSING or INVALID_STATE.
        """
        self._answer(uow, act)
        order = self._orders.named(uow, act.order, act.car)
        before = self._book.standing(uow, order.number, act.service)
        if before is None:
            raise BackendError(ErrorCode.INVALID_STATE, f"nobody has asked for the money of {act.service}")
        after = happen(before, RefundEvent.OTHER_ACCOUNT)
        if not same_name(act.holder, before.customer):
            raise BackendError(
                ErrorCode.NAME_MISMATCH, "the account must be held under the verified customer's name"
            )
        if not act.account.strip():
            raise BackendError(ErrorCode.DATA_MISSING, "say which account")
        after = replace(after, holder=act.holder.strip(), account=act.account.strip())
        if before.state is RefundState.PAYOUT_FAILED:
            after = replace(after, payout_ms=uow.now_ms)
            self._payouts.schedule(uow, after)
        self._payouts.change(uow, before, after)

    def grant_remedy(self, uow: UnitOfWork, act: GrantStatutoryRemedy) -> None:
        """The law wants money back where the market refunds none; the agent says why (R-606).

        Raises BackendError with USE_HOTLINE, HOTLINE_CLOSED, INVALID_STATE, DATA_MISSING, BAD_MESSAGE,
        ALREADY_REFUNDED, REFUND_LATEST_FIRST or NOTHING_REFUNDABLE.
        """
        self._answer(uow, act)
        if self._profile.ends_service_refunds:
            raise BackendError(ErrorCode.INVALID_STATE, "here money comes back on request; ask for a refund")
        if not act.reason.strip():
            raise BackendError(ErrorCode.DATA_MISSING, "a statutory remedy needs a reason")
        order = self._orders.named(uow, act.order, act.car)
        [line] = self._book.asked(uow, order, (act.service,))
        bought = self._book.refundable(uow, order, line)
        amount_minor = line.amount_minor if act.amount_minor is None else act.amount_minor
        if not 0 <= amount_minor <= line.amount_minor:
            raise BackendError(ErrorCode.BAD_MESSAGE, f"between 0 and {line.amount_minor} can be given back")
        if amount_minor == 0:
            raise BackendError(ErrorCode.NOTHING_REFUNDABLE, f"nothing of {line.service} is to come back")
        refund = self._book.add(
            uow,
            order,
            line,
            RefundGround.STATUTORY,
            amount_minor,
            self._book.used_through(uow, bought),
            reason=act.reason.strip(),
        )
        self._book.approve(uow, order, line, refund)

    def provider_end(self, uow: UnitOfWork, entitlement: Entitlement, last_day: date) -> None:
        """Give back pro rata what is left of a service that BMW ends with `last_day` (R-513, R-606, D-33).

        The service itself is ended by whoever calls this. Lines whose money is asked for are left out.
        """
        for period in reversed(entitlement.periods):
            order = uow.store.orders.get(period.order_number) if period.order_number else None
            line = line_of_period(order, entitlement, period) if order else None
            if order is None or line is None or self._book.standing(uow, order.number, line.service):
                continue
            amount_minor = provider_end_minor(line, period, last_day)
            if amount_minor:
                refund = self._book.add(uow, order, line, RefundGround.PROVIDER_END, amount_minor, last_day)
                self._book.settle(uow, order, refund)

    def provider_ended(self, uow: UnitOfWork, entitlement: Entitlement, last_day: date, refund: bool) -> None:
        """BMW has ended a service; whether it pays back is its own word (R-513, D-33)."""
        if refund:
            self.provider_end(uow, entitlement, last_day)

    def _answer(self, uow: UnitOfWork, act: AgentAct) -> None:
        """The right line was called, while somebody was there (R-512, R-601)."""
        check_call(self._profile, act.line, self._profile.hotline, "refunds", uow.now_ms)

    def _verified(self, uow: UnitOfWork, act: RequestRefund) -> Order:
        """The order of a caller who knows VIN and number; who does not leaves a rejected request behind."""
        orders = uow.store.orders
        order = orders.get(act.order) if act.order else next(iter(reversed(orders.all())), None)
        vehicle = uow.store.vehicles.get(order.vin) if order else None
        registered = vehicle.contract_number if vehicle else ""
        try:
            return verified_order(order, registered_number=registered, vin=act.vin, number=act.number)
        except BackendError as error:
            if order is not None:
                self._reject(uow, order, act)
            raise CountedRefusalError(error.code, error.detail) from None

    def _reject(self, uow: UnitOfWork, order: Order, act: RequestRefund) -> None:
        today = self._book.today(uow)
        for line in order.lines:
            if not act.services or line.service in act.services:
                event = RefundEvent.MISMATCHED
                self._book.add(uow, order, line, RefundGround.REQUEST, 0, today, event=event)
