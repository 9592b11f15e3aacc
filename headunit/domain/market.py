"""Market profiles: every value of the menu that depends on the market (R-001, section 2.9)."""

from typing import Final

import msgspec

from headunit.errors import UnknownMarketError


class MarketProfile(msgspec.Struct, frozen=True):
    """What the menu must know about a market.

    tax_percent is added to list prices that exclude it (R-310), 0 = included; notice_days is how long
    before its end an active service must be renewed (R-504), None = any time (R-501).
    """

    name: str
    zone: str
    currency: str
    sms_link: bool
    tax_percent: int
    notice_days: int | None
    hotline: str
    disturbance_line: str


_PROFILES: Final = {
    "CN": MarketProfile("CN", "Asia/Shanghai", "CNY", True, 0, None, "10101018", "400-800-6666"),
    "AU": MarketProfile("AU", "Australia/Melbourne", "AUD", False, 10, 42, "133 269", "133 269"),
}


def profile_of(market: str) -> MarketProfile:
    """The profile of `market`. Raises UnknownMarketError."""
    try:
        return _PROFILES[market]
    except KeyError:
        raise UnknownMarketError(f"no market {market!r}; there are {', '.join(_PROFILES)}") from None


def with_tax_minor(profile: MarketProfile, amount_minor: int) -> int:
    """The amount of one line with tax on top, half a cent rounded up (R-310, D-17)."""
    return amount_minor + (amount_minor * profile.tax_percent + 50) // 100
