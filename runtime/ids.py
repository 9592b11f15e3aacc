"""Names nobody has used before: idempotency keys, trace and span ids, link tokens."""

from base64 import urlsafe_b64encode
from random import Random, SystemRandom

_TOKEN_BYTES = 16
"""128 bits, what R-832 asks of a link."""


class SeededIds:
    """Ids drawn from one stream: the same stream gives the same ids in the same order."""

    __slots__ = ("_bits",)

    def __init__(self, stream: Random) -> None:
        self._bits = stream.getrandbits

    def key(self) -> str:
        """32 hex digits, never all zeros (a W3C trace id may not be)."""
        return f"{self._bits(128) or 1:032x}"

    def span(self) -> str:
        """16 hex digits, never all zeros (W3C Trace Context, section 3.2.2.4)."""
        return f"{self._bits(64) or 1:016x}"

    def token(self) -> str:
        """128 random bits in the URL-safe alphabet of RFC 4648, section 5, without padding."""
        raw = self._bits(8 * _TOKEN_BYTES).to_bytes(_TOKEN_BYTES, "big")
        return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


class SystemIds(SeededIds):
    """Ids from the operating system's generator, which nobody can foretell."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(SystemRandom())
