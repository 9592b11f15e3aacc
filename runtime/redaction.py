"""What evidence may show of a phone number, a VIN, a token or a link.

Callers mask what they know to be personal; the journal runs `redact` over its data as a safety net.
"""

import re
from typing import Any

_NUMBER = re.compile(r"(?<![0-9A-Za-z])((?:\+?86[- ]?)?1\d\d)\d{4}(\d{4})(?![0-9A-Za-z])")
_AU_NUMBER = re.compile(r"(?<![0-9A-Za-z])(04\d|\+?61[- ]?4\d\d)\d{3}(\d{3,4})(?![0-9A-Za-z])")
_VIN = re.compile(
    r"(?<![0-9A-Za-z])(?=[A-Z]*\d)([A-HJ-NPR-Z0-9]{3})[A-HJ-NPR-Z0-9]{10}([A-HJ-NPR-Z0-9]{4})(?![0-9A-Za-z])"
)
_SUSPICIOUS = re.compile(r"[0-9A-Z]{9}")
"""Part of every number and every VIN; most texts have nothing like it, and are told so quickly."""


def mask_number(number: str) -> str:
    """A phone number with its middle hidden: "13800000001" becomes "138****0001"."""
    if len(number) < 8:
        return "****"
    return f"{number[:-8]}****{number[-4:]}"


def mask_vin(vin: str) -> str:
    """A VIN (ISO 3779) with everything between maker and serial number's end hidden."""
    if len(vin) < 8:
        return "*" * len(vin)
    return f"{vin[:3]}{'*' * (len(vin) - 7)}{vin[-4:]}"


def mask_token(token: str) -> str:
    """Enough of a token to tell two apart, not enough to use it."""
    return f"{token[:4]}****"


def mask_url(url: str) -> str:
    """A link without its last path segment and query: that is where a token would be (R-832)."""
    base, slash, last = url.partition("?")[0].rpartition("/")
    return f"{base}{slash}{mask_token(last)}" if last else url


def redact_text(text: str) -> str:
    """`text` with every full mobile number and every VIN in it masked."""
    if _SUSPICIOUS.search(text) is None:
        return text
    text = _NUMBER.sub(r"\1****\2", text)
    text = _AU_NUMBER.sub(r"\1****\2", text)
    return _VIN.sub(r"\1**********\2", text)


def redact(key: str, value: Any) -> Any:
    """The JSON value of field `key` as evidence may keep it; anything but text is returned as it is."""
    if type(value) is str:
        if key == "token":
            return mask_token(value)
        if key == "url":
            return mask_url(value)
        return redact_text(value)
    if type(value) is dict:
        return {name: redact(name, inner) for name, inner in value.items()}
    if type(value) is list or type(value) is tuple:
        return [redact(key, inner) for inner in value]
    return value
