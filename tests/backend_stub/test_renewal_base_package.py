"""The free extension of the base package: in the Portal, once, for cars bought early enough."""

from datetime import date

import pytest

from backend_stub.app import BackendConfig
from backend_stub.domain.vehicle import VehicleRecord
from backend_stub.errors import BackendError
from contracts.acts.portal import ExtendBasePackage
from contracts.bench import AtPortal
from contracts.errors import ErrorCode
from contracts.messages import EntitlementState, Line, ModifyOrder
from tests.backend_stub.instants import in_shanghai
from tests.backend_stub.renewal_shop import USER, AuShop, open_portal
from tests.backend_stub.shop import DAY, MINUTE, NUMBER, SECOND, VIN, Shop

S = EntitlementState


def base_shop(start: str, *, purchased_on: date | None = date(2015, 4, 30), months: int = 12) -> Shop:
    """A shop in China whose car was bought and activated on 30 April 2015, with a year of base package."""
    car = VehicleRecord(
        vin=VIN,
        contract_number=NUMBER,
        purchased_on=purchased_on,
        first_activation=date(2015, 4, 30),
        base_package_months=months,
    )
    shop = Shop(in_shanghai(start), config=BackendConfig(vehicles=(car,)))
    open_portal(shop)
    return shop


def extend(shop: Shop) -> None:
    shop.command(AtPortal(act=ExtendBasePackage(user=USER)))


def refused(shop: Shop) -> ErrorCode:
    before = shop.backend.audit()
    with pytest.raises(BackendError) as refusal:
        extend(shop)
    assert shop.backend.audit() == before
    return refusal.value.code


@pytest.mark.req("R-506")
def test_a_running_package_is_extended_by_a_year_from_the_day_after_its_end() -> None:
    shop = base_shop("2016-01-10 12:00")
    extend(shop)
    [entitlement] = shop.entitlements("BASE")
    assert [(str(p.first_day), str(p.last_day)) for p in entitlement.periods] == [
        ("2015-04-30", "2016-04-29"),
        ("2016-04-30", "2017-04-29"),
    ]
    assert shop.booked("BASE").booked_until == "2017-04-29"
    assert shop.backend.audit().orders == ()
    assert shop.backend.audit().ledger == ()
    shop.advance_to(in_shanghai("2017-04-30 00:00") - 1)
    assert shop.booked("BASE").state is S.ACTIVE
    shop.advance(1)
    assert shop.booked("BASE").state is S.EXPIRED
    shop.close()


@pytest.mark.req("R-506")
def test_on_its_last_day_it_is_extended_without_a_gap_and_a_day_later_from_the_request() -> None:
    for at, expected in (
        ("2016-04-29 23:59:59.999", ("2015-04-30", "2017-04-29")),
        ("2016-04-30 00:00", ("2016-04-30", "2017-04-29")),
        ("2018-02-28 08:00", ("2018-02-28", "2019-02-27")),
    ):
        shop = base_shop("2016-01-10 12:00")
        shop.advance_to(in_shanghai(at))
        extend(shop)
        view = shop.booked("BASE")
        assert (view.state, view.origin) == (S.ACTIVE, "CONTRACT")
        assert (view.booked_from, view.booked_until) == expected
        shop.close()


@pytest.mark.req("R-506")
def test_a_package_that_was_extended_after_its_end_ends_again() -> None:
    shop = base_shop("2018-02-28 08:00")
    extend(shop)
    shop.advance_to(in_shanghai("2019-02-28 00:00"))
    assert shop.booked("BASE").state is S.EXPIRED
    assert refused(shop) is ErrorCode.NOT_ELIGIBLE
    shop.close()


@pytest.mark.req("R-506")
def test_a_second_time_is_refused_even_after_a_restart() -> None:
    shop = base_shop("2016-01-10 12:00")
    extend(shop)
    assert refused(shop) is ErrorCode.NOT_ELIGIBLE
    shop.restart_after(SECOND)
    assert refused(shop) is ErrorCode.NOT_ELIGIBLE
    assert ("portal.extend_base_package", "NOT_ELIGIBLE") in shop.journal("refusal")
    shop.close()


@pytest.mark.req("R-506")
@pytest.mark.parametrize("purchased_on", [date(2015, 5, 1), None])
def test_a_car_bought_from_1_may_2015_on_or_nobody_knows_when_is_not_eligible(
    purchased_on: date | None,
) -> None:
    shop = base_shop("2016-01-10 12:00", purchased_on=purchased_on)
    assert refused(shop) is ErrorCode.NOT_ELIGIBLE
    shop.close()


@pytest.mark.req("R-506")
def test_a_car_without_a_base_package_has_nothing_to_extend() -> None:
    shop = base_shop("2016-01-10 12:00", months=0)
    assert refused(shop) is ErrorCode.NOT_ELIGIBLE
    shop.close()


@pytest.mark.req("R-506")
def test_the_car_cannot_order_the_extension() -> None:
    shop = base_shop("2016-01-10 12:00")
    assert shop.refused(("BASE", 12)) is ErrorCode.PORTAL_ONLY
    assert shop.refused("RTTI", ("BASE", 12)) is ErrorCode.PORTAL_ONLY
    order = shop.accepted("RTTI")
    reply = shop.reply(
        ModifyOrder(
            key=shop.key(),
            sent_at_ms=shop.now,
            order_number=order.number,
            order_version=order.version,
            lines=(Line("BASE", 12),),
        )
    )
    assert reply.code is ErrorCode.PORTAL_ONLY
    shop.close()


@pytest.mark.req("R-506", "R-004")
def test_in_australia_there_is_neither_package_nor_extension() -> None:
    shop = AuShop()
    assert shop.entitlements("BASE") == ()
    assert shop.refused(("BASE", 12)) is ErrorCode.NOT_ORDERABLE
    assert refused(shop) is ErrorCode.NOT_ELIGIBLE
    shop.close()


@pytest.mark.req("R-506")
def test_the_end_of_the_package_blocks_no_purchase() -> None:
    shop = base_shop("2016-04-29 23:59")
    shop.advance(DAY)
    assert shop.booked("BASE").state is S.EXPIRED
    shop.paid("RTTI")
    shop.advance(MINUTE)
    assert shop.booked("RTTI").state is S.ACTIVE
    shop.close()
