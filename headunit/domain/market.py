"""Market profiles: every value of the menu that depends on the market (R-001, section 2.9).

What the backend sends (currency, tax, numbers to call, last day of notice) is not in here, except for what a
car shows before it has heard of the backend.
"""

from typing import Final

import msgspec

from headunit.errors import UnknownMarketError


class MarketProfile(msgspec.Struct, frozen=True, kw_only=True):
    """What the menu must know about a market.

    sms_link: the link for payment goes by text message (R-301); needs_account: the car's Store is open only
    to a car linked to a Portal account (R-202); tax_name is what is added to list prices that exclude it
    (R-310). twelve_hours and date_separator are how its English is written.
    """

    zone: str
    currency: str
    sms_link: bool
    needs_account: bool
    tax_name: str
    hotline: str
    disturbance_line: str
    twelve_hours: bool
    date_separator: str


_PROFILES: Final = {
    "CN": MarketProfile(
        zone="Asia/Shanghai",
        currency="CNY",
        sms_link=True,
        needs_account=False,
        tax_name="VAT",
        hotline="10101018",
        disturbance_line="400-800-6666",
        twelve_hours=False,
        date_separator=".",
    ),
    "AU": MarketProfile(
        zone="Australia/Melbourne",
        currency="AUD",
        sms_link=False,
        needs_account=True,
        tax_name="GST",
        hotline="133 269",
        disturbance_line="133 269",
        twelve_hours=True,
        date_separator="/",
    ),
}


def profile_of(market: str) -> MarketProfile:
    """The profile of `market`. Raises UnknownMarketError."""
    try:
        return _PROFILES[market]
    except KeyError:
        raise UnknownMarketError(f"no market {market!r}; there are {', '.join(_PROFILES)}") from None
