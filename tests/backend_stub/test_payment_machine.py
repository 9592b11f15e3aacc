"""The Payment table of section 3 against a model that knows nothing but sessions and money."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from backend_stub.domain.payment import PaymentEvent, PaymentState, step
from backend_stub.errors import BackendError
from contracts.errors import ErrorCode

P = PaymentState
E = PaymentEvent


class OnePayment(RuleBasedStateMachine):
    """A payer tries, a provider reports whatever it likes, and money is kept once at most."""

    def __init__(self) -> None:
        super().__init__()
        self.state = P.CREATED
        self.tried = self.at_provider = self.returned = self.kept = self.refunded = False

    @rule(event=st.sampled_from(PaymentEvent))
    def happen(self, event: PaymentEvent) -> None:
        listed = self._is_listed(event)
        try:
            after = step(self.state, event)
        except BackendError as error:
            assert not listed, event
            if error.code is not ErrorCode.INVALID_STATE:
                raise
            return
        assert listed, event
        self.state = after
        self._model(event)

    def _is_listed(self, event: PaymentEvent) -> bool:
        match event:
            case E.SESSION_OPENED:
                return not (self.tried or self.returned or self.kept)
            case E.RETRY:
                return self.tried and not (self.at_provider or self.returned or self.kept)
            case E.DECLINED | E.NONE_FOUND:
                return self.at_provider
            case E.ACCEPTED:
                return not self.kept
            case E.NOT_ACCEPTED:
                return True
            case E.REPEATED | E.PAID_OUT:
                return self.kept and not self.refunded

    def _model(self, event: PaymentEvent) -> None:
        match event:
            case E.SESSION_OPENED | E.RETRY:
                self.tried = self.at_provider = True
            case E.DECLINED | E.NONE_FOUND:
                self.at_provider = False
            case E.ACCEPTED:
                self.kept, self.at_provider = True, False
            case E.NOT_ACCEPTED if not self.kept:
                self.returned, self.at_provider = True, False
            case E.PAID_OUT:
                self.refunded = True
            case _:
                pass

    @invariant()
    def the_state_says_where_the_money_is(self) -> None:
        assert (self.state in (P.CAPTURED, P.REFUNDED)) == self.kept
        assert (self.state is P.REFUNDED) == self.refunded
        assert (self.state is P.PENDING) == self.at_provider
        assert (self.state is P.RETURNED) == (self.returned and not self.kept)


TestOnePayment = OnePayment.TestCase
TestOnePayment.settings = settings(max_examples=40, stateful_step_count=15, deadline=None)
