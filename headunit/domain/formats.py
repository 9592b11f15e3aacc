"""Money, dates, clock and numbers as the driver reads them, by market and language."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import msgspec

_SYMBOLS = {"CNY": "¥", "AUD": "A$"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

SMS_NUMBER_DIGITS = 11
"""Length of a number for the payment link (R-203)."""


@lru_cache(maxsize=8)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@lru_cache(maxsize=8)
def _midnight_ms(zone: str, day: date) -> int:
    begins = datetime(day.year, day.month, day.day, tzinfo=_zone(zone))
    return round((begins - _EPOCH) / timedelta(milliseconds=1))


class Formats(msgspec.Struct, frozen=True):
    """How one market and language write values.

    zone is an IANA name; twelve_hours and date_separator say how English is written there.
    """

    language: str
    zone: str
    twelve_hours: bool = False
    date_separator: str = "."

    def local(self, instant_ms: int) -> datetime:
        """The market's wall time at an instant."""
        return (_EPOCH + timedelta(milliseconds=instant_ms)).astimezone(_zone(self.zone))

    def today(self, instant_ms: int) -> date:
        """The market's calendar date at an instant (R-002)."""
        return self.local(instant_ms).date()

    def midnight_ms(self, day: date) -> int:
        """The instant at which `day` begins; a day of 23 or 25 hours has its own (R-403)."""
        return _midnight_ms(self.zone, day)

    def _hours_of_twelve(self) -> bool:
        return self.language == "en" and self.twelve_hours

    def clock(self, instant_ms: int, *, seconds: bool = False) -> str:
        """Time of day: "14:32", "14:32:41", "2:32 pm"."""
        local = self.local(instant_ms)
        tail = f":{local.second:02}" if seconds else ""
        if self._hours_of_twelve():
            half = "am" if local.hour < 12 else "pm"
            return f"{local.hour % 12 or 12}:{local.minute:02}{tail} {half}"
        return f"{local.hour:02}:{local.minute:02}{tail}"

    def date(self, day: date) -> str:
        """A calendar date: "31.07.2026", "31/07/2026", "2026年7月31日"."""
        if self.language == "zh":
            return f"{day.year}年{day.month}月{day.day}日"
        separator = self.date_separator if self.language == "en" else "."
        return f"{day.day:02}{separator}{day.month:02}{separator}{day.year}"

    def iso_date(self, text: str) -> str:
        """A calendar date that came as an ISO string."""
        return self.date(date.fromisoformat(text))

    def moment(self, instant_ms: int, now_ms: int) -> str:
        """Date and time of day; today's date is left out."""
        day = self.today(instant_ms)
        clock = self.clock(instant_ms)
        return clock if day == self.today(now_ms) else f"{self.date(day)} {clock}"

    def exact_moment(self, instant_ms: int, now_ms: int) -> str:
        """Date and time of day to the second; today's date is left out."""
        day = self.today(instant_ms)
        clock = self.clock(instant_ms, seconds=True)
        return clock if day == self.today(now_ms) else f"{self.date(day)} {clock}"

    def money(self, amount_minor: int, currency: str) -> str:
        """An amount in minor units of two decimals: "¥ 1,000.00", "1.000,00 ¥", "¥1,000.00"."""
        symbol = _SYMBOLS.get(currency, currency)
        digits = f"{amount_minor // 100:,}.{amount_minor % 100:02}"
        if self.language == "de":
            return f"{digits.translate(_GERMAN)} {symbol}"
        return f"{symbol}{'' if self.language == 'zh' else ' '}{digits}"


_GERMAN = str.maketrans(",.", ".,")


def countdown(duration_ms: int) -> str:
    """A duration that runs down, as minutes and seconds: "4:59"; the last millisecond still shows 0:01."""
    seconds = -(-duration_ms // 1000)
    return f"{seconds // 60}:{seconds % 60:02}"


def phone_number(digits: str) -> str:
    """A Chinese mobile number in groups of 3-4-4; masked or other numbers in the same groups."""
    return " ".join(part for part in (digits[:3], digits[3:7], digits[7:]) if part)


def is_sms_number(digits: str) -> bool:
    """Whether a payment link can go there: 11 digits starting with 1 (R-203)."""
    return len(digits) == SMS_NUMBER_DIGITS and digits.isascii() and digits.isdigit() and digits[0] == "1"
