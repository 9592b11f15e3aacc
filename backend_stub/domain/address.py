"""Where people are reached: mobile numbers and e-mail addresses, and how they may be shown (R-704, R-832)."""

import re

from backend_stub.domain.order import mask_number

MAX_LENGTH = 254
"""The longest e-mail address (RFC 5321, section 4.5.3.1.3, less the angle brackets)."""

_PUNCTUATION = re.compile(r"[ ().+/-]")
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")


def is_email(text: str) -> bool:
    """Whether this can be an e-mail address."""
    return len(text) <= MAX_LENGTH and _EMAIL.fullmatch(text) is not None


def mask_address(text: str) -> str:
    """A number, an address or a name that may be shown or logged: 138****0001, a***@example.com."""
    if "@" in text:
        person, _, domain = text.rpartition("@")
        return f"{person[:1]}***@{domain}"
    digits = _PUNCTUATION.sub("", text)
    return mask_number(digits) if digits.isdigit() else text


def mask_vin(vin: str) -> str:
    """A VIN that may be logged: its last six characters."""
    return f"…{vin[-6:]}"
