"""What BMW's own desk does."""

from datetime import date
from enum import StrEnum
from typing import Annotated, TypeAlias

from msgspec import Meta

from contracts.acts.act import Act


class BmwAct(Act, frozen=True, kw_only=True):
    """Everything BMW's desk does."""


class Ground(StrEnum):
    """Why services may be suspended or terminated without notice (R-516)."""

    BREACH = "breach"
    SUSPECTED_BREACH = "suspected_breach"
    NON_PAYMENT = "non_payment"


class SuspendServices(BmwAct, tag="suspend", frozen=True, kw_only=True):
    """Suspend services, none named = all but the Emergency Call; that only with the flag (R-516)."""

    services: tuple[str, ...] = ()
    emergency_call: bool = False
    ground: Ground = Ground.BREACH


class LiftSuspension(BmwAct, tag="lift", frozen=True, kw_only=True):
    """Lift suspensions, none named = all."""

    services: tuple[str, ...] = ()


class TerminateServices(BmwAct, tag="terminate", frozen=True, kw_only=True):
    """Terminate services without notice, none named = all but the Emergency Call (R-516)."""

    services: tuple[str, ...] = ()
    emergency_call: bool = False
    ground: Ground = Ground.BREACH


class AnnounceEnd(BmwAct, tag="announce_end", frozen=True, kw_only=True):
    """Written notice that a service ends with `last_day`; `refund` pays back pro rata (R-513)."""

    service: str
    last_day: date
    refund: bool = False


class AnnounceAppEnd(BmwAct, tag="announce_app_end", frozen=True, kw_only=True):
    """Notice that the app is shut down with `last_day` (R-513)."""

    last_day: date


class SubstituteService(BmwAct, tag="substitute", frozen=True, kw_only=True):
    """Replace a service by another one; what was booked goes on under the same dates (R-104).

    `by` is the code of a service that is sold, or of a new one, which then has a name and a description.
    """

    service: str
    by: str
    name: str = ""
    description: str = ""


class ChangePriceList(BmwAct, tag="change_prices", frozen=True, kw_only=True):
    """Put the next price list into force, every price changed by `percent` (R-103).

    `tax_included` flags it as one whose prices include the tax, or not (R-310); None = as before.
    """

    percent: Annotated[int, Meta(ge=-90, le=900)] = 0
    tax_included: bool | None = None


class SetHolidays(BmwAct, tag="holidays", frozen=True, kw_only=True):
    """Holidays, and weekend days on which people work (D-32)."""

    holidays: tuple[date, ...] = ()
    working_weekends: tuple[date, ...] = ()


class SendData(BmwAct, tag="send_data", frozen=True, kw_only=True):
    """Send data of the car to somebody, for a purpose (R-821, R-822)."""

    category: str
    recipient: str
    purpose: str


AnyBmwAct: TypeAlias = (
    SuspendServices
    | LiftSuspension
    | TerminateServices
    | AnnounceEnd
    | AnnounceAppEnd
    | SubstituteService
    | ChangePriceList
    | SetHolidays
    | SendData
)
