"""Linking a car in the Portal, and what hangs on it (R-202, R-706, D-35)."""

from collections.abc import Iterator
from datetime import date

import pytest

from backend_stub.domain.vehicle_link import LinkState
from contracts.acts import dealer, portal
from contracts.errors import ErrorCode
from contracts.messages import Line
from tests.backend_stub.portal_shop import ALICE, FIRST_REGISTRATION, OTHER_VIN, VIN, PortalShop, car
from tests.backend_stub.shop import DAY, MINUTE, NUMBER

GOOD = portal.LinkVehicle(user=ALICE, first_registration=FIRST_REGISTRATION)
BAD = portal.LinkVehicle(user=ALICE, first_registration=date(2014, 6, 3))
ORDER = portal.PlaceOrder(user=ALICE, lines=(Line("RTTI", 3),))


@pytest.fixture
def shop() -> Iterator[PortalShop]:
    """An Australian backend with two cars, and Alice, who is logged in and has linked neither."""
    shop = PortalShop("AU", car(), car(OTHER_VIN))
    shop.registered(linked=False)
    yield shop
    shop.close()


@pytest.mark.req("R-202", "R-706")
def test_the_store_opens_in_car_and_portal_with_the_link(shop: PortalShop) -> None:
    _, snapshot = shop.sync()
    assert snapshot.store_needs is ErrorCode.REGISTRATION_REQUIRED
    assert snapshot.link_code == shop.link().code
    assert shop.refused("RTTI") is ErrorCode.REGISTRATION_REQUIRED
    assert shop.refuses(ORDER) is ErrorCode.REGISTRATION_REQUIRED
    shop.does(GOOD)
    assert shop.link_state() is LinkState.LINKED
    assert (shop.snapshots()[-1].store_needs, shop.snapshots()[-1].link_code) == (None, "")
    shop.accepted("RTTI")
    shop.does(portal.PlaceOrder(user=ALICE, lines=(Line("CONCIERGE", 3),)))
    assert [order.vin for order in shop.backend.audit().orders] == [VIN, VIN]


@pytest.mark.req("R-202")
def test_where_no_account_is_asked_for_the_store_needs_nothing() -> None:
    shop = PortalShop("CN")
    assert shop.sync()[1].store_needs is None
    shop.close()


@pytest.mark.req("R-706")
def test_the_car_displays_six_digits_of_its_own(shop: PortalShop) -> None:
    codes = shop.link().code, shop.link(OTHER_VIN).code
    assert all(len(code) == 6 and code.isdigit() for code in codes)
    assert codes[0] != codes[1]
    wrong = portal.LinkVehicle(user=ALICE, code=codes[1], first_registration=FIRST_REGISTRATION)
    assert shop.counted(wrong) is ErrorCode.VERIFICATION_FAILED
    shop.does(portal.LinkVehicle(user=ALICE, code=codes[0], engine_number_ending="1234"))


@pytest.mark.req("R-706")
def test_the_code_outlives_a_restart(shop: PortalShop) -> None:
    code = shop.link().code
    shop.restart_after(MINUTE)
    assert shop.link().code == code


@pytest.mark.req("R-706")
def test_linking_wants_a_login(shop: PortalShop) -> None:
    shop.does(portal.Logout(user=ALICE))
    assert shop.refuses(GOOD) is ErrorCode.NOT_LOGGED_IN


@pytest.mark.req("R-706")
@pytest.mark.parametrize("vin", ["WBATEST0000000009", "WBATEST00000000I1", "short"])
def test_a_vin_that_nobody_has_tells_nothing(shop: PortalShop, vin: str) -> None:
    act = portal.LinkVehicle(user=ALICE, car=vin, code="123456", first_registration=FIRST_REGISTRATION)
    assert shop.refuses(act) is ErrorCode.VERIFICATION_FAILED


@pytest.mark.req("R-706")
def test_five_mismatches_close_the_car_for_a_day_to_the_millisecond(shop: PortalShop) -> None:
    for _ in range(5):
        assert shop.counted(BAD) is ErrorCode.VERIFICATION_FAILED
    assert shop.link_state() is LinkState.LOCKED
    assert shop.refuses(GOOD) is ErrorCode.INVALID_STATE
    shop.advance(DAY - 1)
    shop.log_in(ALICE)
    assert shop.refuses(GOOD) is ErrorCode.INVALID_STATE
    shop.advance(1)
    shop.does(GOOD)


@pytest.mark.req("R-706")
def test_four_mismatches_do_not_and_they_outlive_a_restart(shop: PortalShop) -> None:
    for _ in range(4):
        shop.counted(BAD)
    assert shop.link_state() is LinkState.UNLINKED
    shop.restart_after(MINUTE)
    shop.counted(BAD)
    assert shop.link_state() is LinkState.LOCKED


@pytest.mark.req("R-706")
def test_one_account_per_vin(shop: PortalShop) -> None:
    shop.does(GOOD)
    shop.registered("bob", linked=False)
    for user in ("bob", ALICE):
        act = portal.LinkVehicle(user=user, first_registration=FIRST_REGISTRATION)
        assert shop.refuses(act) is ErrorCode.ALREADY_LINKED
    other = portal.PlaceOrder(user="bob", car=VIN, lines=(Line("RTTI", 3),))
    assert shop.refuses(other) is ErrorCode.REGISTRATION_REQUIRED


@pytest.mark.req("R-706")
def test_several_vins_per_account(shop: PortalShop) -> None:
    shop.does(portal.LinkVehicle(user=ALICE, car=OTHER_VIN, first_registration=FIRST_REGISTRATION))
    shop.advance(1)
    shop.does(
        portal.LinkVehicle(user=ALICE, car=VIN, first_registration=FIRST_REGISTRATION),
        ORDER,
        portal.PlaceOrder(user=ALICE, car=VIN, lines=(Line("RTTI", 3),)),
    )
    # Without a VIN an act is about the car that was linked first.
    assert [order.vin for order in shop.backend.audit().orders] == [OTHER_VIN, VIN]


@pytest.mark.req("R-701", "R-706")
def test_a_dealer_opens_the_car_to_its_owner_whatever_was_tried_before() -> None:
    shop = PortalShop("CN", car(OTHER_VIN, contract_number="13700000007"), car(handed_over=False))
    user = "13700000007"
    shop.does(portal.ForgetPassword(user=user), portal.ResetPassword(user=user, password="word 12345"))
    shop.log_in(user, "word 12345")
    for _ in range(5):
        shop.counted(portal.LinkVehicle(user=user, car=VIN, engine_number_ending="9999"))
    assert shop.link_state() is LinkState.LOCKED
    shop.does(dealer.ActivateVehicle(car=VIN, number=NUMBER))
    assert shop.link().account_id == shop.account(NUMBER).account_id
    shop.advance(DAY)
    assert shop.link_state() is LinkState.LINKED
    shop.close()


@pytest.mark.req("R-832")
def test_neither_vin_nor_code_is_journalled(shop: PortalShop) -> None:
    code = shop.link().code
    shop.counted(BAD)
    shop.does(GOOD)
    entries = [entry for entry in shop.book.entries if entry.kind == "link"]
    assert [entry.state for entry in entries] == ["VERIFYING", "UNLINKED", "VERIFYING", "LINKED"]
    seen = repr(shop.book.entries)
    assert VIN not in seen
    assert code not in seen
