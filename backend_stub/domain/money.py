"""Amounts in integer minor units of an ISO 4217 currency (D-03)."""

from dataclasses import dataclass

_SYMBOLS = {"CNY": "¥", "AUD": "A$"}
_MINOR_PER_MAJOR = 100


@dataclass(frozen=True, slots=True)
class Money:
    """An amount: `minor` fen or cents of `currency`."""

    minor: int
    currency: str

    def __str__(self) -> str:
        major, minor = divmod(abs(self.minor), _MINOR_PER_MAJOR)
        sign = "-" if self.minor < 0 else ""
        return f"{sign}{_SYMBOLS.get(self.currency, self.currency + ' ')}{major:,}.{minor:02d}"


def scale_minor(minor: int, percent: int) -> int:
    """`minor` changed by `percent`, rounded half up to a whole minor unit."""
    return (minor * (100 + percent) * 2 + 100) // 200
