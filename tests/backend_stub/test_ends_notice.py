"""BMW announces an end six weeks before, and it comes at its midnight (R-513, D-27, D-33)."""

from collections.abc import Iterator
from datetime import date

import pytest

from backend_stub.app import BackendConfig
from backend_stub.domain.entitlement import Entitlement
from backend_stub.domain.vehicle import VehicleRecord
from backend_stub.service.unit_of_work import UnitOfWork
from contracts.acts.bmw import AnnounceAppEnd, AnnounceEnd, SuspendServices
from contracts.bench import HoldActivation
from contracts.errors import ErrorCode
from contracts.messages import EntitlementState
from contracts.modem import SimState
from tests.backend_stub.ends_shop import does, refused, sim, states, with_the_car
from tests.backend_stub.instants import in_melbourne, in_shanghai
from tests.backend_stub.shop import DAY, MINUTE, VIN, Shop

S = EntitlementState
LAST_DAY = date(2026, 6, 12)
"""Forty-two days after 1 May 2026, the day on which the shop opens."""
MIDNIGHT = in_shanghai("2026-06-13 00:00")


@pytest.fixture
def au_shop() -> Iterator[Shop]:
    """A backend in Australia, six weeks before clocks go forward, whose car has come with RTTI."""
    shop = Shop(
        in_melbourne("2026-08-23 10:00"),
        config=BackendConfig(market="AU", vehicles=(VehicleRecord(vin=VIN),)),
    )
    with_the_car(shop, "RTTI", date(2026, 6, 1), date(2027, 5, 31))
    yield shop
    shop.close()


def ends_told(shop: Shop) -> list[tuple[str, date, bool]]:
    """What whoever pays back is told from now on."""
    heard: list[tuple[str, date, bool]] = []

    def hear(uow: UnitOfWork, entitlement: Entitlement, last_day: date, refund: bool) -> None:
        assert entitlement.state is S.TERMINATED
        heard.append((entitlement.service, last_day, refund))

    shop.backend.notices.on_provider_end(hear)
    return heard


@pytest.mark.req("R-513", "R-517")
def test_an_announced_end_comes_with_the_millisecond_of_midnight(shop: Shop) -> None:
    shop.paid("RTTI")
    shop.advance(MINUTE)
    heard = ends_told(shop)
    does(shop, AnnounceEnd(service="RTTI", last_day=LAST_DAY, refund=True))
    shop.advance_to(MIDNIGHT - 1)
    assert states(shop)["RTTI"] is S.ACTIVE
    assert heard == []
    shop.advance(1)
    assert states(shop)["RTTI"] is S.TERMINATED
    assert shop.entitlements("RTTI")[0].ended_at_ms == MIDNIGHT
    assert shop.booked("RTTI").state is S.TERMINATED
    assert heard == [("RTTI", LAST_DAY, True)]


@pytest.mark.req("R-513")
def test_in_melbourne_it_comes_with_the_midnight_of_the_wall(au_shop: Shop) -> None:
    does(au_shop, AnnounceEnd(service="RTTI", last_day=date(2026, 10, 4)))
    au_shop.advance_to(in_melbourne("2026-10-04 23:59:59.999"))
    assert states(au_shop)["RTTI"] is S.ACTIVE
    au_shop.advance(1)
    assert states(au_shop)["RTTI"] is S.TERMINATED


@pytest.mark.req("R-513")
def test_a_day_less_than_six_weeks_is_too_short(shop: Shop) -> None:
    short = date(2026, 6, 11)
    shop.paid("RTTI")
    assert refused(shop, AnnounceEnd(service="RTTI", last_day=short)) is ErrorCode.NOTICE_TOO_SHORT
    assert refused(shop, AnnounceAppEnd(last_day=short)) is ErrorCode.NOTICE_TOO_SHORT
    shop.advance_to(in_shanghai("2026-05-01 23:59:59.999"))
    does(shop, AnnounceAppEnd(last_day=LAST_DAY))
    does(shop, AnnounceEnd(service="RTTI", last_day=LAST_DAY))
    shop.advance(1)
    assert refused(shop, AnnounceEnd(service="RTTI", last_day=LAST_DAY)) is ErrorCode.NOTICE_TOO_SHORT


@pytest.mark.req("R-513")
def test_the_car_shows_the_notice_until_the_end(shop: Shop) -> None:
    shop.paid("RTTI")
    shop.advance(MINUTE)
    does(shop, AnnounceEnd(service="RTTI", last_day=LAST_DAY))
    assert shop.booked("RTTI").ends_by_notice == "2026-06-12"
    assert shop.booked("RTTI").booked_until == "2026-07-31"
    assert shop.booked("BASE").ends_by_notice == ""
    assert shop.journal("notice") == [("RTTI", "announced")]
    shop.advance_to(MIDNIGHT)
    assert shop.booked("RTTI").ends_by_notice == ""


@pytest.mark.req("R-513")
def test_a_later_notice_replaces_an_earlier_one(shop: Shop) -> None:
    does(shop, AnnounceEnd(service="BASE", last_day=LAST_DAY))
    does(shop, AnnounceEnd(service="BASE", last_day=date(2026, 7, 1)))
    shop.advance_to(MIDNIGHT)
    assert states(shop)["BASE"] is S.ACTIVE
    assert shop.booked("BASE").ends_by_notice == "2026-07-01"
    shop.advance_to(in_shanghai("2026-07-02 00:00"))
    assert states(shop)["BASE"] is S.TERMINATED


@pytest.mark.req("R-513")
def test_a_notice_survives_a_restart_and_the_end_is_as_of_its_midnight(shop: Shop) -> None:
    heard = ends_told(shop)
    does(shop, AnnounceEnd(service="BASE", last_day=LAST_DAY))
    shop.advance(DAY)
    shop.restart_after(60 * DAY)
    assert states(shop)["BASE"] is S.TERMINATED
    assert shop.entitlements("BASE")[0].ended_at_ms == MIDNIGHT
    assert heard == []


@pytest.mark.req("R-403", "R-513")
def test_a_service_whose_own_last_day_it_is_expires(shop: Shop) -> None:
    with_the_car(shop, "RTTI", date(2026, 5, 1), LAST_DAY)
    heard = ends_told(shop)
    does(shop, AnnounceEnd(service="RTTI", last_day=LAST_DAY, refund=True))
    shop.advance_to(MIDNIGHT)
    assert states(shop)["RTTI"] is S.EXPIRED
    assert heard == []


@pytest.mark.req("R-513", "R-516")
def test_what_is_suspended_or_waits_for_activation_ends_too(shop: Shop) -> None:
    shop.command(HoldActivation(held=True))
    shop.paid("RTTI")
    does(shop, SuspendServices(services=("BASE",)))
    does(shop, AnnounceEnd(service="BASE", last_day=LAST_DAY))
    does(shop, AnnounceEnd(service="RTTI", last_day=LAST_DAY))
    shop.advance_to(MIDNIGHT)
    assert states(shop)["BASE"] is states(shop)["RTTI"] is S.TERMINATED


@pytest.mark.req("R-513", "R-515")
def test_the_emergency_call_can_end_by_notice_and_the_last_end_takes_the_sim(shop: Shop) -> None:
    for service in ("EMERGENCY_CALL", "TELESERVICES", "BASE"):
        does(shop, AnnounceEnd(service=service, last_day=LAST_DAY))
    shop.advance_to(MIDNIGHT)
    assert set(states(shop).values()) == {S.TERMINATED}
    assert not shop.snapshots()[-1].ecall_available
    assert sim(shop)[0] is SimState.DEACTIVATED


@pytest.mark.req("R-513")
def test_no_notice_is_given_of_what_the_car_does_not_have(shop: Shop) -> None:
    assert refused(shop, AnnounceEnd(service="RTTI", last_day=LAST_DAY)) is ErrorCode.INVALID_STATE


@pytest.mark.req("R-513")
def test_the_end_of_the_app_is_announced_and_comes(shop: Shop) -> None:
    does(shop, AnnounceAppEnd(last_day=LAST_DAY))
    shop.advance_to(MIDNIGHT - 1)
    assert shop.journal("notice") == [("APP", "announced")]
    shop.advance(1)
    assert shop.journal("notice") == [("APP", "announced"), ("APP", "in effect")]
