"""What providers report: JSON bytes with a signature (R-831).

The signature is HMAC-SHA256 (RFC 2104, FIPS 180-4) under a key that provider and backend share, over the
instant of sending, a full stop and the body; it travels as `<instant in ms>.<64 hex digits>`.
"""

from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from hmac import compare_digest
from hmac import new as new_hmac
from typing import Annotated

import msgspec
from msgspec import Meta

from backend_stub.errors import BackendError
from contracts.errors import ErrorCode

CALLBACK_KEY = "callback"
"""Name of the key that the provider and the backend share."""

_Name = Annotated[str, Meta(max_length=128)]
_Instant = Annotated[int, Meta(ge=0, le=253_402_300_799_999)]
"""To the end of the year 9999."""
_Amount = Annotated[int, Meta(ge=0, le=2**53)]


class CallbackKind(StrEnum):
    """What a provider has to say."""

    CAPTURED = "captured"
    DECLINED = "declined"
    PAYOUT_BOUNCED = "payout bounced"


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """A provider's report; `at_ms` is the provider's instant, `refund_id` the payout's that bounced."""

    kind: CallbackKind
    at_ms: _Instant
    session: _Name = ""
    transaction_id: _Name = ""
    amount_minor: _Amount = 0
    currency: _Name = ""
    refund_id: _Amount = 0


@dataclass(frozen=True, slots=True)
class SignedCallback:
    """A report as it travels."""

    body: bytes
    signature: str


_DECODER = msgspec.json.Decoder(Callback)


def write(callback: Callback) -> bytes:
    """The body of a report."""
    return msgspec.json.encode(callback)


def read(body: bytes) -> Callback:
    """The report of a body. Raises BackendError with BAD_MESSAGE saying what is wrong with it."""
    try:
        return _DECODER.decode(body)
    except msgspec.DecodeError as error:
        raise BackendError(ErrorCode.BAD_MESSAGE, f"no report: {error}") from None
    except UnicodeDecodeError:
        raise BackendError(ErrorCode.BAD_MESSAGE, "no report: not UTF-8") from None


def sign(key: str, body: bytes, sent_at_ms: int) -> str:
    """The signature of a body that is sent at `sent_at_ms`."""
    return _signature(key, body, str(sent_at_ms))


def is_genuine(key: str, body: bytes, signature: str) -> bool:
    """Whether `signature` was made with `key` for this body; compared in constant time."""
    expected = _signature(key, body, signature.partition(".")[0])
    return compare_digest(_octets(expected), _octets(signature))


def _signature(key: str, body: bytes, sent_at: str) -> str:
    digest = new_hmac(_octets(key), _octets(sent_at) + b"." + body, sha256).hexdigest()
    return f"{sent_at}.{digest}"


def _octets(text: str) -> bytes:
    # Whoever forges a signature may send anything, lone surrogates included.
    return text.encode("utf-8", "surrogatepass")
