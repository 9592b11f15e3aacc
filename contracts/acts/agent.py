"""What an agent does on the telephone (S8 to S10): `line` is the number called, empty = the right one.

Where a caller has to be verified, `vin` and `number` are what the caller says; None = what is right (R-601).
"""

from typing import TypeAlias

from contracts.acts.act import Act


class AgentAct(Act, frozen=True, kw_only=True):
    """`line` is the number that was called."""

    line: str = ""


class ResendLink(AgentAct, tag="resend_link", frozen=True, kw_only=True):
    """Send the payment link again (R-306, R-308)."""

    order: str = ""


class LookUpPayment(AgentAct, tag="payment_status", frozen=True, kw_only=True):
    """Say the true state of an order and its payment (R-307); it is journalled."""

    order: str = ""


class EndService(AgentAct, tag="end_service", frozen=True, kw_only=True):
    """End one service at the customer's wish (R-511, R-512)."""

    service: str
    order: str = ""
    vin: str | None = None
    number: str | None = None


class EndEverything(AgentAct, tag="end_everything", frozen=True, kw_only=True):
    """The customer wants all of ConnectedDrive switched off (R-514)."""


class RequestRefund(AgentAct, tag="request_refund", frozen=True, kw_only=True):
    """Ask for the money of some lines of an order; no `services` = all lines (R-601, R-603)."""

    order: str = ""
    services: tuple[str, ...] = ()
    vin: str | None = None
    number: str | None = None


class ApproveRefund(AgentAct, tag="approve_refund", frozen=True, kw_only=True):
    """Approve what was asked for (R-602 to R-604); no `services` = all that wait."""

    order: str = ""
    services: tuple[str, ...] = ()


class ChangePayee(AgentAct, tag="change_payee", frozen=True, kw_only=True):
    """Pay out to another account, held by `holder` (R-605)."""

    order: str = ""
    service: str
    holder: str
    account: str


class GrantStatutoryRemedy(AgentAct, tag="statutory_remedy", frozen=True, kw_only=True):
    """Give back `amount_minor` of a line (None = all of it) because the law wants it, and say why (R-606)."""

    order: str = ""
    service: str
    reason: str
    amount_minor: int | None = None


class ChangeOwner(AgentAct, tag="change_owner", frozen=True, kw_only=True):
    """The car has another owner (R-712)."""

    name: str
    number: str


class ReportCompromise(AgentAct, tag="report_compromise", frozen=True, kw_only=True):
    """Somebody else knows the password: lock the account (R-705)."""

    user: str


class Unlock(AgentAct, tag="unlock", frozen=True, kw_only=True):
    """The care centre opens a locked account again."""

    user: str


AnyAgentAct: TypeAlias = (
    ResendLink
    | LookUpPayment
    | EndService
    | EndEverything
    | RequestRefund
    | ApproveRefund
    | ChangePayee
    | GrantStatutoryRemedy
    | ChangeOwner
    | ReportCompromise
    | Unlock
)
