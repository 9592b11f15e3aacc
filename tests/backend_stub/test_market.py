"""Market profiles: the table of section 2.9 row by row, and code that never asks a market's name."""

import ast
import re
from pathlib import Path

import pytest

from backend_stub.domain.catalogue import FIRST_LISTS
from backend_stub.domain.data_flow import Recipient
from backend_stub.domain.market import (
    AU,
    CN,
    PROFILES,
    FirstDay,
    MarketProfile,
    Renewal,
    StoreLogin,
    TermsChange,
    profile_of,
)

ROOT = Path(__file__).parents[2]
PACKAGES = ("backend_stub", "contracts", "headunit", "runtime", "telematics", "hardware")


@pytest.mark.req("R-001")
def test_a_profile_is_found_by_its_name_alone() -> None:
    assert profile_of("CN") is CN
    assert profile_of("AU") is AU
    assert list(PROFILES) == ["CN", "AU"]


@pytest.mark.req("R-001")
def test_an_unknown_market_is_named_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="no market 'XX'; there are: CN, AU"):
        profile_of("XX")


def both(name: str) -> tuple[object, object]:
    """A value in China and in Australia."""
    return getattr(CN, name), getattr(AU, name)


@pytest.mark.req("R-001")
def test_store_login_is_none_or_a_registered_account() -> None:
    assert both("store_login") == (StoreLogin.NONE, StoreLogin.PORTAL_ACCOUNT)


@pytest.mark.req("R-001")
def test_currency_zone_and_tax() -> None:
    assert both("currency") == ("CNY", "AUD")
    assert both("zone") == ("Asia/Shanghai", "Australia/Melbourne")
    assert both("tax_included") == (True, False)
    assert both("tax_percent") == (0, 10)
    for name, profile in PROFILES.items():
        assert FIRST_LISTS[name].tax_included is profile.tax_included


@pytest.mark.req("R-001")
def test_payment_goes_over_unicoms_page_or_the_card_within_24_hours() -> None:
    assert both("providers") == (("AliPay", "Tenpay"), ("Card",))
    assert both("payment_by_link") == (True, False)
    assert both("store_partner") == (Recipient.CHINA_UNICOM, None)
    assert both("message_sender") == (Recipient.CHINA_UNICOM, Recipient.PROVIDER_AU)
    assert both("payment_processor") == (None, Recipient.PROVIDER_AU)
    assert both("payment_window_ms") == (86_400_000, 86_400_000)


@pytest.mark.req("R-001")
def test_the_first_day_is_that_of_capture_or_of_activation() -> None:
    assert both("first_day") == (FirstDay.CAPTURE, FirstDay.ACTIVATION)


@pytest.mark.req("R-001")
def test_renewal_is_a_purchase_at_any_time_or_needs_42_days_of_notice() -> None:
    assert both("renewal") == (Renewal.PURCHASE_ANY_TIME, Renewal.NOTICE)
    assert both("notice_days") == (0, 42)


@pytest.mark.req("R-001")
def test_the_customer_ends_a_service_by_telephone() -> None:
    assert both("hotline") == ("10101018", "133 269")
    assert both("ends_service_refunds") == (True, False)


@pytest.mark.req("R-001")
def test_dealers_deactivate_everything_and_owners_change_by_line_or_portal() -> None:
    assert both("full_deactivation_by") == ("dealer", "dealer")
    assert both("owner_change_by") == ("400-800-6666", "Portal")


@pytest.mark.req("R-001")
def test_names_lines_and_invoices() -> None:
    assert both("disturbance_line") == ("400-800-6666", "133 269")
    assert both("invoice") == ("Tele-service Service Fee", "GST tax invoice")
    for profile in (CN, AU):
        assert profile.username
        assert profile.disturbance_line in profile.support


@pytest.mark.req("R-001", "R-822")
def test_data_abroad_is_refused_or_goes_to_listed_countries() -> None:
    assert both("data_abroad") == ((), ("AU", "DK", "FR", "DE", "PH"))

    def abroad(profile: MarketProfile) -> set[str]:
        recipients = {row.recipient for row in profile.allowances}
        providers = {each.value[-2:].upper() for each in recipients if each.value.startswith("provider_")}
        return providers | ({"DE"} if Recipient.BMW_GERMANY in recipients else set())

    for profile in PROFILES.values():
        assert abroad(profile) == set(profile.data_abroad)


@pytest.mark.req("R-001", "R-833")
def test_changed_terms_are_offered_or_stand_on_the_portal() -> None:
    assert both("terms_change") == (TermsChange.OFFERED_BEFORE_EFFECT, TermsChange.UNANNOUNCED)


def markets_asked_for(source: str) -> list[int]:
    """Lines of Python on which something is compared or matched with the name of a market."""
    names = tuple(PROFILES)

    def is_name(node: ast.AST) -> bool:
        return any(isinstance(each, ast.Constant) and each.value in names for each in ast.walk(node))

    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare) and any(map(is_name, (node.left, *node.comparators))):
            found.append(node.lineno)
        if isinstance(node, ast.MatchValue) and is_name(node):
            found.append(node.lineno)
    return found


@pytest.mark.req("R-001")
@pytest.mark.parametrize(
    "question",
    ['if profile.market == "CN": pass', 'x = market in ("AU",)', 'match market:\n case "AU": pass'],
)
def test_a_question_for_the_market_would_be_found(question: str) -> None:
    assert markets_asked_for(question)
    assert not markets_asked_for('AU = MarketProfile(market="AU"); market: str = "CN"')


@pytest.mark.req("R-001")
@pytest.mark.parametrize("package", PACKAGES)
def test_no_code_asks_for_a_markets_name(package: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in sorted((ROOT / package).rglob("*.py"))
        for line in markets_asked_for(path.read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.req("R-001")
def test_every_value_of_a_profile_is_asked_for_somewhere_or_tested_here() -> None:
    code = "".join(
        path.read_text(encoding="utf-8")
        for path in sorted((ROOT / "backend_stub").rglob("*.py"))
        if path.name != "market.py"
    )
    mine = Path(__file__).read_text(encoding="utf-8")
    fields = MarketProfile.__dataclass_fields__
    unused = [
        name
        for name in fields
        if not re.search(rf"profile\.{name}\b", code) and f'both("{name}")' not in mine and name not in mine
    ]
    assert unused == []
