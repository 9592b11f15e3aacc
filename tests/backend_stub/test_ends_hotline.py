"""A customer ends a service: by telephone, under the market's rules, and nowhere else (R-511, R-512)."""

from collections.abc import Iterator
from datetime import date

import pytest

from backend_stub.app import BackendConfig
from backend_stub.domain.vehicle import VehicleRecord
from contracts.acts import portal
from contracts.acts.agent import EndEverything, EndService
from contracts.acts.bmw import SuspendServices
from contracts.errors import ErrorCode
from contracts.messages import EntitlementState, OrderState
from tests.backend_stub.ends_shop import does, refused, sim, states, with_the_car
from tests.backend_stub.instants import in_melbourne
from tests.backend_stub.renewal_shop import USER, open_portal
from tests.backend_stub.shop import DAY, MINUTE, NUMBER, SECOND, VIN, Shop

S = EntitlementState


@pytest.fixture
def au_shop() -> Iterator[Shop]:
    """A backend in Australia, on a winter's day at ten, whose car has come with RTTI."""
    shop = Shop(
        in_melbourne("2026-06-15 10:00"),
        config=BackendConfig(market="AU", vehicles=(VehicleRecord(vin=VIN),)),
    )
    with_the_car(shop, "RTTI", date(2026, 6, 1), date(2026, 8, 31))
    yield shop
    shop.close()


def active(shop: Shop, *services: str) -> str:
    """Number of an order whose services are active."""
    number = shop.paid(*services)
    shop.advance(MINUTE)
    return number


@pytest.mark.req("R-511", "R-517")
def test_a_verified_caller_ends_a_service_at_once_and_gets_nothing_back(shop: Shop) -> None:
    number = active(shop, "RTTI", "CONCIERGE")
    ledger = shop.backend.audit().ledger
    does(shop, EndService(service="RTTI", order=number, vin=VIN, number=NUMBER, line="10101018"))
    [ended] = shop.entitlements("RTTI")
    assert (ended.state, ended.ended_at_ms) == (S.TERMINATED, shop.now)
    assert shop.booked("RTTI").state is S.TERMINATED
    assert shop.booked("CONCIERGE").state is S.ACTIVE
    assert shop.order(number).state is OrderState.FULFILLED
    assert shop.backend.audit().ledger == ledger
    assert shop.journal("act") == [("agent.end_service", "done")]


@pytest.mark.req("R-511")
def test_what_is_right_need_not_be_said(shop: Shop) -> None:
    active(shop, "RTTI")
    active(shop, "CONCIERGE")
    does(shop, EndService(service="RTTI"))
    assert states(shop)["RTTI"] is S.TERMINATED


@pytest.mark.req("R-511", "R-601")
@pytest.mark.parametrize(
    "wrong",
    [
        {"order": "CN-000099"},
        {"vin": "WBATEST0000000002"},
        {"number": "13700000005"},
        {"number": ""},
    ],
    ids=str,
)
def test_whoever_is_not_verified_ends_nothing(shop: Shop, wrong: dict[str, str]) -> None:
    active(shop, "RTTI")
    assert refused(shop, EndService(service="RTTI", **wrong)) is ErrorCode.VERIFICATION_FAILED


@pytest.mark.req("R-511", "R-601")
def test_the_number_of_the_orders_message_verifies_too_but_only_for_that_order(shop: Shop) -> None:
    order = shop.accepted("RTTI", sms_number="13900000009")
    shop.pay(order.number)
    active(shop, "CONCIERGE")
    wrong = EndService(service="CONCIERGE", number="13900000009")
    assert refused(shop, wrong) is ErrorCode.VERIFICATION_FAILED
    does(shop, EndService(service="RTTI", number="13900000009"))


@pytest.mark.req("R-511")
def test_an_order_for_something_else_does_not_verify(shop: Shop) -> None:
    active(shop, "RTTI")
    other = active(shop, "CONCIERGE")
    assert refused(shop, EndService(service="RTTI", order=other)) is ErrorCode.VERIFICATION_FAILED


@pytest.mark.req("R-511")
def test_the_care_centre_ends_nothing(shop: Shop) -> None:
    active(shop, "RTTI")
    assert refused(shop, EndService(service="RTTI", line="400-800-6666")) is ErrorCode.USE_HOTLINE


@pytest.mark.req("R-004", "R-512")
@pytest.mark.parametrize("service", ["EMERGENCY_CALL", "TELESERVICES"])
@pytest.mark.parametrize("line", ["", "10101018", "400-800-6666"])
def test_standard_services_never_end_by_telephone(shop: Shop, service: str, line: str) -> None:
    assert refused(shop, EndService(service=service, line=line)) is ErrorCode.DEALER_ONLY


@pytest.mark.req("R-514")
@pytest.mark.parametrize("line", ["", "10101018", "400-800-6666"])
def test_no_hotline_switches_everything_off(shop: Shop, line: str) -> None:
    assert refused(shop, EndEverything(line=line)) is ErrorCode.DEALER_ONLY


@pytest.mark.req("R-511", "R-512")
def test_the_portal_ends_nothing(shop: Shop) -> None:
    open_portal(shop)
    active(shop, "RTTI")
    assert refused(shop, portal.EndService(user=USER, service="RTTI")) is ErrorCode.USE_HOTLINE


@pytest.mark.req("R-214", "R-511")
def test_the_car_ends_nothing(shop: Shop) -> None:
    number = active(shop, "RTTI")
    assert shop.cancel(number).code is ErrorCode.USE_HOTLINE
    assert states(shop)["RTTI"] is S.ACTIVE


@pytest.mark.req("R-401", "R-511")
def test_what_is_ended_before_its_activation_is_never_activated_nor_overdue(shop: Shop) -> None:
    number = shop.paid("RTTI")
    does(shop, EndService(service="RTTI"))
    assert states(shop)["RTTI"] is S.TERMINATED
    shop.advance(2 * DAY)
    [ended] = shop.entitlements("RTTI")
    assert (ended.state, ended.overdue) == (S.TERMINATED, False)
    assert shop.order(number).state is OrderState.FULFILLED


@pytest.mark.req("R-511", "R-516")
def test_a_suspended_service_can_be_ended(shop: Shop) -> None:
    active(shop, "RTTI")
    does(shop, SuspendServices(services=("RTTI",)))
    does(shop, EndService(service="RTTI"))
    assert states(shop)["RTTI"] is S.TERMINATED


@pytest.mark.req("R-511")
def test_nothing_ends_twice_and_nothing_that_was_never_booked(shop: Shop) -> None:
    active(shop, "RTTI")
    assert refused(shop, EndService(service="CONCIERGE")) is ErrorCode.INVALID_STATE
    does(shop, EndService(service="RTTI"))
    assert refused(shop, EndService(service="RTTI")) is ErrorCode.INVALID_STATE


@pytest.mark.req("R-402", "R-511")
def test_what_was_ended_can_be_bought_again_for_a_fresh_term(shop: Shop) -> None:
    active(shop, "RTTI")
    shop.advance(10 * DAY)
    does(shop, EndService(service="RTTI"))
    shop.advance(DAY)
    active(shop, "RTTI")
    old, new = shop.entitlements("RTTI")
    assert old.state is S.TERMINATED
    assert new.state is S.ACTIVE
    assert new.periods[0].first_day == date(2026, 5, 12)


@pytest.mark.req("R-515")
def test_ending_every_optional_service_leaves_sim_and_emergency_call_alive(shop: Shop) -> None:
    active(shop, "RTTI")
    does(shop, EndService(service="RTTI"))
    does(shop, EndService(service="BASE"))
    assert shop.snapshots()[-1].ecall_available
    assert not shop.snapshots()[-1].deactivated
    assert sim(shop) == ("ACTIVE", "ACTIVE")


@pytest.mark.req("R-511", "R-517")
def test_an_end_survives_a_restart(shop: Shop) -> None:
    active(shop, "RTTI")
    does(shop, EndService(service="RTTI"))
    ended = shop.entitlements("RTTI")
    shop.restart_after(40 * SECOND)
    assert shop.entitlements("RTTI") == ended


@pytest.mark.req("R-512")
@pytest.mark.parametrize(
    ("time", "answered"),
    [
        ("08:59:59.999", False),
        ("09:00:00", True),
        ("17:59:59.999", True),
        ("18:00:00", False),
    ],
)
@pytest.mark.parametrize("day", ["2026-06-16", "2026-10-04"])
def test_in_australia_calls_are_answered_from_nine_to_six(
    au_shop: Shop, day: str, time: str, answered: bool
) -> None:
    """4 October 2026 has 23 hours in Melbourne."""
    with_the_car(au_shop, "CONCIERGE", date(2026, 6, 1), date(2027, 5, 31))
    au_shop.advance_to(in_melbourne(f"{day} {time}"))
    if answered:
        does(au_shop, EndService(service="CONCIERGE", line="133 BMW"))
        assert states(au_shop)["CONCIERGE"] is S.TERMINATED
    else:
        assert refused(au_shop, EndService(service="CONCIERGE")) is ErrorCode.HOTLINE_CLOSED
        assert refused(au_shop, EndEverything()) is ErrorCode.HOTLINE_CLOSED


@pytest.mark.req("R-512", "R-606")
def test_in_australia_ending_costs_nothing_and_pays_nothing(au_shop: Shop) -> None:
    does(au_shop, EndService(service="RTTI"))
    assert states(au_shop)["RTTI"] is S.TERMINATED
    assert au_shop.journal("cancellation_fee") == []
    assert au_shop.backend.audit().ledger == ()


@pytest.mark.req("R-512")
def test_a_cancellation_fee_is_due_where_one_is_configured() -> None:
    shop = Shop(
        in_melbourne("2026-06-15 10:00"),
        config=BackendConfig(market="AU", vehicles=(VehicleRecord(vin=VIN),), cancellation_fee_minor=2500),
    )
    with_the_car(shop, "RTTI", date(2026, 6, 1), date(2026, 8, 31))
    does(shop, EndService(service="RTTI"))
    [fee] = [entry for entry in shop.book.entries if entry.kind == "cancellation_fee"]
    assert (fee.key, fee.state, fee.data["amount_minor"], fee.data["currency"]) == (
        "RTTI",
        "due",
        2500,
        "AUD",
    )
    shop.close()


@pytest.mark.req("R-512", "R-514")
def test_in_australia_too_standard_services_and_the_whole_are_the_dealers(au_shop: Shop) -> None:
    assert refused(au_shop, EndService(service="EMERGENCY_CALL")) is ErrorCode.DEALER_ONLY
    assert refused(au_shop, EndService(service="RTTI", line="10101018")) is ErrorCode.USE_HOTLINE
    assert refused(au_shop, EndEverything()) is ErrorCode.DEALER_ONLY
