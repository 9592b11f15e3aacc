"""What is said of paying an order, by where its market has it paid: by a link, or on the Portal (R-301)."""

from typing import Final

import msgspec

from headunit.domain.market import MarketProfile
from headunit.domain.texts import mark


class PaymentTexts(msgspec.Struct, frozen=True, kw_only=True):
    """One text per moment of an order: it waits, is being paid, was not paid, is to be cancelled or changed.

    `{hotline}` is filled in when it is shown.
    """

    waiting: str
    paying: str
    failed: str
    cancelling: str
    changing: str


_BY_LINK: Final = PaymentTexts(
    waiting=mark("Pay with the link in the text message. No message? Call {hotline}."),
    paying=mark("Somebody is paying now. The link or {hotline} shows the true state."),
    failed=mark("Nothing has been charged. Pay again with the same link, or cancel."),
    cancelling=mark("The link for payment stops working at once."),
    changing=mark("The link shows the new total; the deadline stays."),
)

_ON_PORTAL: Final = PaymentTexts(
    waiting=mark("Pay on the customer portal."),
    paying=mark("Somebody is paying now. The customer portal or {hotline} shows the true state."),
    failed=mark("Nothing has been charged. Pay again on the customer portal, or cancel."),
    cancelling=mark("It can no longer be paid then."),
    changing=mark("The customer portal shows the new total; the deadline stays."),
)


def payment_texts(profile: MarketProfile) -> PaymentTexts:
    """The texts of a market."""
    return _BY_LINK if profile.sms_link else _ON_PORTAL
