"""Market profiles (section 2.9): every value in which the markets differ, as data.

Code asks the profile for the value it needs and never looks at the market's name (R-001).
"""

import re
from dataclasses import dataclass
from datetime import date, time
from enum import StrEnum

from backend_stub.domain.calendar import DAY_MS, MINUTE_MS
from backend_stub.domain.data_flow import (
    CONDITION,
    FOR_AUTHORITIES,
    IN_EMERGENCIES,
    Allowance,
    DataCategory,
    Recipient,
)
from backend_stub.domain.hotline_hours import OpeningHours


class StoreLogin(StrEnum):
    """Who may order from the car (R-202)."""

    NONE = "none"
    PORTAL_ACCOUNT = "portal_account"


class FirstDay(StrEnum):
    """Which local date begins a fresh term (R-402)."""

    CAPTURE = "capture"
    ACTIVATION = "activation"


class Renewal(StrEnum):
    """How a term is renewed (R-501, R-504)."""

    PURCHASE_ANY_TIME = "purchase_any_time"
    NOTICE = "notice"


class TermsChange(StrEnum):
    """How customers learn of changed terms."""

    OFFERED_BEFORE_EFFECT = "offered_before_effect"
    UNANNOUNCED = "unannounced"


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketProfile:
    """Values of one market.

    `number_pattern` is what a text message may be sent to (R-203, D-05), None where none is sent;
    `notice_days` is the renewal window of R-504; `tax_percent` is added to list prices unless
    `tax_included` (R-310); `hotline` changes and ends paid orders (R-214); `base_package` says
    whether cars begin with one (D-51), and those bought before `base_extension_before` can extend it once
    by `base_extension_months` (R-506). `allowances` is the whole of what may be sent to whom (R-821);
    `store_partner` gets a car's order (R-301), `message_sender` the number of whoever is sent a message,
    `payment_processor` what is to be charged to a card. Whoever calls `hotline` to end a
    service must be verified where `verifies_callers` (R-511), and is answered within `hotline_hours`,
    None = always (R-512, D-26); `cancellation_fee_minor` is what ending one then costs (D-26).
    `portal_registration` says whether people open accounts themselves (R-202), else a dealer does
    (R-701); `required_data` is what an account must know of its person, of each group one field at least
    (R-705); `mobile_pattern` is a mobile number there.
    """

    market: str
    currency: str
    zone: str
    tax_included: bool
    tax_percent: int
    store_login: StoreLogin
    providers: tuple[str, ...]
    payment_by_link: bool
    number_pattern: re.Pattern[str] | None
    first_day: FirstDay
    renewal: Renewal
    notice_days: int
    hotline: str
    disturbance_line: str
    ends_service_refunds: bool
    full_deactivation_by: str
    owner_change_by: str
    username: str
    invoice: str
    invoice_issuer: str
    data_abroad: tuple[str, ...]
    terms_change: TermsChange
    base_package: bool
    support: str
    portal_registration: bool
    required_data: tuple[tuple[str, ...], ...]
    mobile_pattern: re.Pattern[str]
    base_extension_before: date | None
    allowances: tuple[Allowance, ...]
    store_partner: Recipient | None
    message_sender: Recipient
    verifies_callers: bool
    hotline_hours: OpeningHours | None
    payment_processor: Recipient | None
    cancellation_fee_minor: int = 0
    base_extension_months: int = 12
    payment_window_ms: int = DAY_MS
    cancel_sync_ms: int = 5 * MINUTE_MS
    activation_limit_ms: int = DAY_MS
    query_after_ms: int = 15 * MINUTE_MS


CN = MarketProfile(
    market="CN",
    currency="CNY",
    zone="Asia/Shanghai",
    tax_included=True,
    tax_percent=0,
    store_login=StoreLogin.NONE,
    providers=("AliPay", "Tenpay"),
    payment_by_link=True,
    number_pattern=re.compile(r"1[0-9]{10}"),
    first_day=FirstDay.CAPTURE,
    renewal=Renewal.PURCHASE_ANY_TIME,
    notice_days=0,
    hotline="10101018",
    disturbance_line="400-800-6666",
    ends_service_refunds=True,
    full_deactivation_by="dealer",
    owner_change_by="400-800-6666",
    username="mobile number, later e-mail",
    invoice="Tele-service Service Fee",
    invoice_issuer="China Unicom",
    data_abroad=(),
    terms_change=TermsChange.OFFERED_BEFORE_EFFECT,
    base_package=True,
    base_extension_before=date(2015, 5, 1),
    allowances=(
        Allowance(Recipient.BMW),
        Allowance(Recipient.CHINA_UNICOM, (DataCategory.ORDER, DataCategory.NUMBER)),
        Allowance(Recipient.DEALER),
        Allowance(Recipient.EMERGENCY_SERVICES, purposes=IN_EMERGENCIES),
    ),
    store_partner=Recipient.CHINA_UNICOM,
    message_sender=Recipient.CHINA_UNICOM,
    payment_processor=None,
    verifies_callers=True,
    hotline_hours=None,
    support="400-800-6666",
    portal_registration=False,
    required_data=(("number",),),
    mobile_pattern=re.compile(r"1[0-9]{10}"),
)

AU = MarketProfile(
    market="AU",
    currency="AUD",
    zone="Australia/Melbourne",
    tax_included=False,
    tax_percent=10,
    store_login=StoreLogin.PORTAL_ACCOUNT,
    providers=("Card",),
    payment_by_link=False,
    number_pattern=None,
    first_day=FirstDay.ACTIVATION,
    renewal=Renewal.NOTICE,
    notice_days=42,
    hotline="133 269",
    disturbance_line="133 269",
    ends_service_refunds=False,
    full_deactivation_by="dealer",
    owner_change_by="Portal",
    username="free choice",
    invoice="GST tax invoice",
    invoice_issuer="BMW Australia",
    data_abroad=("AU", "DK", "FR", "DE", "PH"),
    terms_change=TermsChange.UNANNOUNCED,
    base_package=False,
    base_extension_before=None,
    allowances=(
        Allowance(Recipient.EMERGENCY_SERVICES, purposes=IN_EMERGENCIES),
        Allowance(Recipient.AUTHORITIES, purposes=FOR_AUTHORITIES),
        Allowance(Recipient.BMW, CONDITION),
        Allowance(Recipient.BMW_GERMANY),
        Allowance(Recipient.PROVIDER_AU),
        Allowance(Recipient.PROVIDER_DK),
        Allowance(Recipient.PROVIDER_FR),
        Allowance(Recipient.PROVIDER_DE),
        Allowance(Recipient.PROVIDER_PH),
        Allowance(Recipient.DEALER),
    ),
    store_partner=None,
    message_sender=Recipient.PROVIDER_AU,
    payment_processor=Recipient.PROVIDER_AU,
    verifies_callers=False,
    hotline_hours=OpeningHours(time(9), time(18)),
    support="133 269 (9:00-18:00)",
    portal_registration=True,
    required_data=(("name",), ("email", "number")),
    mobile_pattern=re.compile(r"04[0-9]{8}"),
)

PROFILES = {profile.market: profile for profile in (CN, AU)}


def profile_of(market: str) -> MarketProfile:
    """The profile of `market`. Raises ValueError naming the markets there are."""
    try:
        return PROFILES[market]
    except KeyError:
        raise ValueError(f"no market {market!r}; there are: {', '.join(PROFILES)}") from None
