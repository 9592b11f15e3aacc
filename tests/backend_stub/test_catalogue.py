"""Markets, products, prices, and who may buy what."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend_stub.domain.catalogue import (
    FIRST_LISTS,
    PRODUCTS,
    STANDARD_NAMES,
    TERMS_MONTHS,
    ServiceKind,
    check_orderable,
    eligible,
    service_name,
    working_features,
)
from backend_stub.domain.market import AU, CN, PROFILES, FirstDay, Renewal, StoreLogin, profile_of
from backend_stub.domain.money import Money, scale_minor
from backend_stub.domain.vehicle import VehicleRecord
from backend_stub.errors import BackendError
from contracts.errors import ErrorCode
from tests.backend_stub.shop import VIN, Shop

CAR = VehicleRecord(vin=VIN)


def refusal(service: str, months: int, car: VehicleRecord = CAR) -> ErrorCode:
    with pytest.raises(BackendError) as refused:
        check_orderable(service, months, car)
    return refused.value.code


@pytest.mark.req("R-001")
def test_markets_differ_in_their_profiles_alone() -> None:
    assert profile_of("CN") is CN
    assert (CN.currency, CN.zone, CN.first_day, CN.renewal, CN.store_login) == (
        "CNY",
        "Asia/Shanghai",
        FirstDay.CAPTURE,
        Renewal.PURCHASE_ANY_TIME,
        StoreLogin.NONE,
    )
    assert (AU.currency, AU.zone, AU.first_day, AU.renewal, AU.store_login) == (
        "AUD",
        "Australia/Melbourne",
        FirstDay.ACTIVATION,
        Renewal.NOTICE,
        StoreLogin.PORTAL_ACCOUNT,
    )
    assert (AU.tax_percent, AU.tax_included, AU.notice_days) == (10, False, 42)


@pytest.mark.req("R-001")
def test_an_unknown_market_is_named_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="no market 'XX'; there are: CN, AU"):
        profile_of("XX")


@pytest.mark.req("R-003")
def test_bmw_i_vehicles_have_their_own_name() -> None:
    assert VehicleRecord(vin=VIN, model="i3").display_name == "BMW i ConnectedDrive"
    assert CAR.display_name == "BMW ConnectedDrive"


@pytest.mark.req("R-004")
@pytest.mark.parametrize("service", [*STANDARD_NAMES, "BASE", "MASSAGE"])
def test_what_is_not_in_the_catalogue_cannot_be_ordered(service: str) -> None:
    assert refusal(service, 3) is ErrorCode.NOT_ORDERABLE


@pytest.mark.req("R-101")
@pytest.mark.parametrize("months", [0, 1, 4, 24, -3])
def test_other_terms_than_3_6_12_and_36_months_are_refused(months: int) -> None:
    assert refusal("RTTI", months) is ErrorCode.BAD_TERM


@pytest.mark.req("R-101")
def test_every_product_can_be_had_for_every_term_in_every_market() -> None:
    assert [product.code for product in PRODUCTS] == ["RTTI", "CONCIERGE", "PREMIUM"]
    assert all(product.kind is ServiceKind.SERVICE for product in PRODUCTS)
    for market in PROFILES:
        assert list(FIRST_LISTS[market].prices) == [
            (product.code, months) for product in PRODUCTS for months in TERMS_MONTHS
        ]


@pytest.mark.req("R-102")
def test_only_products_that_match_the_equipment_are_listed_and_rechecked() -> None:
    plain = VehicleRecord(vin=VIN, equipment=("telephony",))
    assert [product.code for product in eligible(plain)] == ["CONCIERGE"]
    assert refusal("RTTI", 3, plain) is ErrorCode.NOT_ELIGIBLE
    assert refusal("PREMIUM", 3, plain) is ErrorCode.NOT_ELIGIBLE
    check_orderable("CONCIERGE", 3, plain)


@pytest.mark.req("R-102", "R-103")
def test_the_car_is_told_products_prices_and_whom_to_call(shop: Shop) -> None:
    catalogue, _ = shop.sync()
    assert [product.service for product in catalogue.products] == ["RTTI", "CONCIERGE", "PREMIUM"]
    assert [offer.amount_minor for offer in catalogue.products[0].offers] == [15000, 28000, 50000, 128000]
    assert catalogue.products[2].includes == ("RTTI", "CONCIERGE", "REMOTE")
    assert (catalogue.market, catalogue.currency, catalogue.list_version) == ("CN", "CNY", 1)
    assert "400-800-6666" in catalogue.support
    assert (catalogue.hotline, catalogue.disturbance_line) == ("10101018", "400-800-6666")


@pytest.mark.req("R-103")
def test_a_new_list_has_the_next_version_and_leaves_the_old_one_alone() -> None:
    before = FIRST_LISTS["CN"]
    after = before.changed(10)
    assert (before.version, after.version) == (1, 2)
    assert after.prices["RTTI", 3].amount_minor == 16500
    assert after.prices["RTTI", 3].fee_minor == 2200
    assert before.prices["RTTI", 3].amount_minor == 15000


@pytest.mark.req("R-105")
def test_a_feature_works_if_any_active_service_contains_it() -> None:
    assert working_features(["PREMIUM"]) >= {"PREMIUM", "RTTI", "CONCIERGE", "REMOTE"}
    assert working_features([]) == set()
    assert working_features(["RTTI", "TELESERVICES"]) == {"RTTI", "TELESERVICES"}


def test_services_have_names_for_people() -> None:
    assert service_name("RTTI") == "Real Time Traffic Information"
    assert service_name("EMERGENCY_CALL") == "Intelligent Emergency Call"
    assert service_name("BASE") == "ConnectedDrive Base Package"
    assert service_name("NEW") == "NEW"


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [(15000, "CNY", "¥150.00"), (123456789, "AUD", "A$1,234,567.89"), (-5, "EUR", "-EUR 0.05")],
)
def test_money_reads_as_people_write_it(minor: int, currency: str, text: str) -> None:
    assert str(Money(minor, currency)) == text


@given(st.integers(0, 10**9), st.integers(-90, 900))
def test_prices_are_rounded_half_up_to_whole_minor_units(minor: int, percent: int) -> None:
    off_by = scale_minor(minor, percent) * 100 - minor * (100 + percent)
    assert -50 < off_by <= 50
