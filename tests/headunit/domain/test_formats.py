"""Money, dates and clock by market and language; zones by the market (R-002)."""

from datetime import date

import pytest

from headunit.domain.formats import Formats, countdown, is_sms_number, phone_number
from tests.headunit.domain.car import NOW

CN_EN = Formats("en", "Asia/Shanghai")
CN_DE = Formats("de", "Asia/Shanghai")
CN_ZH = Formats("zh", "Asia/Shanghai")
AU_EN = Formats("en", "Australia/Melbourne", twelve_hours=True, date_separator="/")


@pytest.mark.parametrize(
    ("formats", "text"),
    [(CN_EN, "¥ 1,000.00"), (CN_DE, "1.000,00 ¥"), (CN_ZH, "¥1,000.00")],
)
def test_money_by_language(formats: Formats, text: str) -> None:
    assert formats.money(100000, "CNY") == text


def test_a_currency_without_a_symbol_keeps_its_code() -> None:
    assert AU_EN.money(4505, "AUD") == "A$ 45.05"
    assert AU_EN.money(4505, "NZD") == "NZD 45.05"


@pytest.mark.parametrize(
    ("formats", "text"),
    [(CN_EN, "31.07.2026"), (CN_DE, "31.07.2026"), (CN_ZH, "2026年7月31日"), (AU_EN, "31/07/2026")],
)
def test_dates_by_market_and_language(formats: Formats, text: str) -> None:
    assert formats.date(date(2026, 7, 31)) == text


def test_clock_of_24_or_12_hours() -> None:
    assert CN_EN.clock(NOW) == "14:32"
    assert CN_EN.clock(NOW, seconds=True) == "14:32:00"
    assert AU_EN.clock(NOW) == "4:32 pm"
    assert AU_EN.clock(NOW + 8 * 3_600_000) == "12:32 am"


@pytest.mark.req("R-002")
def test_daylight_saving_time_moves_the_local_date() -> None:
    new_year_utc = 1_767_183_000_000
    assert AU_EN.today(new_year_utc) == date(2025, 12, 31)
    assert AU_EN.today(new_year_utc + 1_800_000) == date(2025, 12, 31)
    assert AU_EN.today(new_year_utc + 3_600_000) == date(2026, 1, 1)


@pytest.mark.parametrize(
    ("left_ms", "text"), [(300_000, "5:00"), (299_001, "5:00"), (299_000, "4:59"), (1, "0:01"), (0, "0:00")]
)
def test_a_countdown_ends_at_zero_only(left_ms: int, text: str) -> None:
    assert countdown(left_ms) == text


@pytest.mark.req("R-203")
@pytest.mark.parametrize(
    ("digits", "valid"),
    [
        ("13800000001", True),
        ("1380000000", False),
        ("138000000011", False),
        ("23800000001", False),
        ("1380000000x", False),
        ("１３８００００００１", False),
        ("", False),
    ],
)
def test_a_number_has_11_digits_starting_with_1(digits: str, valid: bool) -> None:
    assert is_sms_number(digits) is valid


def test_numbers_are_grouped() -> None:
    assert phone_number("13800000001") == "138 0000 0001"
    assert phone_number("138****0001") == "138 **** 0001"
    assert phone_number("13") == "13"
