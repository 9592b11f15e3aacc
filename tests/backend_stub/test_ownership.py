"""A car changes hands, in both markets; services stay with the car (R-711 to R-714, D-36)."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from backend_stub.app import BackendConfig
from backend_stub.domain.account import AccountState
from backend_stub.domain.entitlement import RenewalChoice
from backend_stub.domain.vehicle_link import LinkState
from contracts.acts import agent, portal
from contracts.acts.portal import PortalClient
from contracts.bench import PaymentOutcome
from contracts.errors import ErrorCode
from contracts.messages import CancelReason, EntitlementState, Line, OrderState
from tests.backend_stub.portal_shop import (
    ALICE,
    FIRST_REGISTRATION,
    NUMBER,
    OTHER_VIN,
    PASSWORD,
    VIN,
    PortalShop,
    car,
)
from tests.backend_stub.shop import DAY, MINUTE

BUYER = "13712345678"
CHANGE = agent.ChangeOwner(name="Wang Fang", number=BUYER)
GIVE_AWAY = portal.Disconnect(user=ALICE, personal_data_deleted=True, buyer_informed=True)


class Owner(NamedTuple):
    """Whom a car's record names."""

    name: str
    number: str


def owner(shop: PortalShop, vin: str = VIN) -> Owner:
    record = shop.backend.store.vehicles.get(vin)
    assert record is not None
    return Owner(record.owner_name, record.contract_number)


@pytest.fixture
def shop() -> Iterator[PortalShop]:
    """A Chinese backend whose customer Li Wei is logged in to Portal and Remote App."""
    shop = PortalShop()
    shop.activated()
    shop.does(portal.Login(user=NUMBER, password=PASSWORD, client=PortalClient.REMOTE_APP))
    yield shop
    shop.close()


@pytest.fixture
def au() -> Iterator[PortalShop]:
    """An Australian backend; Alice has linked the car and is logged in to the Remote App, too."""
    shop = PortalShop("AU")
    shop.registered()
    shop.does(portal.Login(user=ALICE, password=PASSWORD, client=PortalClient.REMOTE_APP))
    yield shop
    shop.close()


@pytest.mark.req("R-711")
def test_a_service_stays_with_its_car(shop: PortalShop) -> None:
    act = portal.MoveService(user=NUMBER, service="RTTI", to_vin=OTHER_VIN)
    assert shop.refuses(act) is ErrorCode.NOT_TRANSFERABLE
    shop.does(portal.Logout(user=NUMBER))
    assert shop.refuses(act) is ErrorCode.NOT_LOGGED_IN


@pytest.mark.req("R-712")
def test_services_keep_their_dates_and_the_new_number_gets_a_fresh_token(shop: PortalShop) -> None:
    shop.paid("RTTI")
    shop.advance(MINUTE)
    before = shop.booked("RTTI")
    shop.advance(10 * DAY)
    shop.does(CHANGE)
    assert shop.booked("RTTI") == before
    assert owner(shop) == ("Wang Fang", BUYER)
    assert shop.snapshots()[-1].contract_number == BUYER
    assert shop.state(BUYER) is AccountState.TOKEN_SENT
    assert shop.link().account_id == shop.account(BUYER).account_id
    shop.does(portal.Login(user=BUYER), portal.ChoosePassword(user=BUYER, password=PASSWORD))
    shop.does(portal.PlaceOrder(user=BUYER, lines=(Line("CONCIERGE", 3),)))
    assert shop.accepted("PREMIUM").sms_number == "137****5678"


@pytest.mark.req("R-712")
def test_the_owner_changes_by_the_right_line_only(shop: PortalShop) -> None:
    for line in ("10101018", "133 269"):
        act = agent.ChangeOwner(name="Wang Fang", number=BUYER, line=line)
        assert shop.refuses(act) is ErrorCode.USE_HOTLINE
    bad = agent.ChangeOwner(name="Wang Fang", number="123")
    assert shop.refuses(bad) is ErrorCode.BAD_NUMBER
    shop.does(agent.ChangeOwner(name="Wang Fang", number=BUYER, line="400-800-6666"))


@pytest.mark.req("R-712")
def test_a_car_that_was_never_handed_over_has_no_owner_to_change() -> None:
    shop = PortalShop()
    assert shop.refuses(CHANGE) is ErrorCode.INVALID_STATE
    shop.close()


@pytest.mark.req("R-712", "R-713")
def test_each_market_has_its_own_way(shop: PortalShop, au: PortalShop) -> None:
    assert au.refuses(agent.ChangeOwner(name="Bob", number="0400000001")) is ErrorCode.PORTAL_ONLY
    here = portal.Disconnect(user=NUMBER, personal_data_deleted=True, buyer_informed=True)
    assert shop.refuses(here) is ErrorCode.USE_HOTLINE


@pytest.mark.req("R-714")
def test_the_sellers_access_ends_and_a_new_login_finds_no_car(shop: PortalShop) -> None:
    shop.does(CHANGE)
    assert not shop.is_logged_in(NUMBER)
    assert not shop.is_logged_in(NUMBER, PortalClient.REMOTE_APP)
    shop.log_in(NUMBER)
    act = portal.PlaceOrder(user=NUMBER, lines=(Line("RTTI", 3),))
    assert shop.refuses(act) is ErrorCode.REGISTRATION_REQUIRED


@pytest.mark.req("R-714")
@pytest.mark.parametrize("state", ["waiting", "paying", "failed", "cancelling"])
def test_open_orders_end_and_a_later_capture_is_returned_in_full(shop: PortalShop, state: str) -> None:
    order = shop.accepted("RTTI")
    session = shop.open_session(order.number) if state != "waiting" else ""
    if state == "failed":
        shop.decide(session, PaymentOutcome.DECLINE)
    if state == "cancelling":
        shop.cancel(order.number)
    shop.does(CHANGE)
    ended = shop.order(order.number)
    assert (ended.state, ended.cancel_reason) == (OrderState.CANCELLED, CancelReason.OWNER)
    assert shop.snapshots()[-1].locked_until_ms is None
    if state in ("paying", "cancelling"):
        shop.decide(session, PaymentOutcome.APPROVE)
        late = shop.order(order.number)
        assert late.state is OrderState.CANCELLED
        assert late.captured_minor == late.returned_minor == order.amount_minor
        assert not shop.entitlements("RTTI")
    shop.advance(2 * DAY)
    assert shop.order(order.number) == shop.order(order.number)
    assert shop.order(order.number).cancel_reason is CancelReason.OWNER


@pytest.mark.req("R-714")
def test_paid_orders_and_what_they_bought_stay(shop: PortalShop) -> None:
    number = shop.paid("RTTI")
    shop.does(CHANGE)
    assert shop.order(number).state is OrderState.PAID
    shop.advance(MINUTE)
    assert shop.order(number).state is OrderState.FULFILLED
    assert shop.booked("RTTI").state is EntitlementState.ACTIVE


@pytest.mark.req("R-714")
def test_the_old_number_does_not_come_back_when_the_backend_starts_again(shop: PortalShop) -> None:
    shop.does(CHANGE)
    shop.restart_after(MINUTE)
    assert owner(shop) == ("Wang Fang", BUYER)
    assert shop.link().account_id == shop.account(BUYER).account_id
    # What the configuration itself changes is taken over, and nothing else.
    shop.config = BackendConfig(vehicles=(car(handed_over=False, model="320Li M"),))
    shop.restart_after(MINUTE)
    record = shop.backend.store.vehicles.get(VIN)
    assert record is not None
    assert (record.model, record.contract_number, record.is_handed_over) == ("320Li M", BUYER, True)


@pytest.mark.req("R-712")
def test_the_account_follows_the_person(shop: PortalShop) -> None:
    shop.close()
    two = PortalShop("CN", car(), car(OTHER_VIN))
    account = two.account(NUMBER).account_id
    two.does(CHANGE)
    links = two.backend.store.links.of_account(account)
    assert [link.vin for link in links] == [OTHER_VIN]
    assert (owner(two).number, owner(two, OTHER_VIN).number) == (BUYER, NUMBER)
    two.close()


@pytest.mark.req("R-712")
def test_a_buyer_with_an_account_gets_the_car_into_it(shop: PortalShop) -> None:
    shop.close()
    two = PortalShop("CN", car(), car(OTHER_VIN, contract_number=BUYER))
    two.does(CHANGE)
    assert two.state(BUYER) is AccountState.ACTIVE
    assert len(two.backend.store.links.of_account(two.account(BUYER).account_id)) == 2
    assert [sms.purpose for sms in two.backend.store.sms.arrived()] == ["notice"]
    two.close()


@pytest.mark.req("R-713")
@pytest.mark.parametrize(("deleted", "informed"), [(False, False), (True, False), (False, True)])
def test_the_whole_checklist_is_wanted(au: PortalShop, deleted: bool, informed: bool) -> None:
    act = portal.Disconnect(user=ALICE, personal_data_deleted=deleted, buyer_informed=informed)
    assert au.refuses(act) is ErrorCode.CONFIRMATION_REQUIRED


@pytest.mark.req("R-713", "R-714")
def test_the_seller_disconnects_and_the_buyer_links(au: PortalShop) -> None:
    number = au.paid_by_card("RTTI")
    au.advance(MINUTE)
    before = au.booked("RTTI")
    au.does(portal.SetAutoRenew(user=ALICE, service="RTTI", on=True))
    au.accepted("CONCIERGE")
    au.does(GIVE_AWAY)
    assert au.link_state() is LinkState.UNLINKED
    assert not au.is_logged_in(ALICE)
    assert not au.is_logged_in(ALICE, PortalClient.REMOTE_APP)
    snapshot = au.snapshots()[-1]
    assert snapshot.store_needs is ErrorCode.REGISTRATION_REQUIRED
    assert len(snapshot.link_code) == 6
    assert au.order("AU-000002").cancel_reason is CancelReason.OWNER
    assert owner(au) == ("", "")
    # No refund, no auto-renew; what is booked goes on.
    assert au.order(number).returned_minor == 0
    entitlements = au.backend.store.entitlements.of_vehicle(VIN)
    assert all(each.renewal is RenewalChoice.NONE for each in entitlements)
    view = au.booked("RTTI")
    assert (view.booked_from, view.booked_until) == (before.booked_from, before.booked_until)
    assert view.auto_renew is False
    assert au.refused("CONCIERGE") is ErrorCode.REGISTRATION_REQUIRED
    au.registered("bob")
    assert au.snapshots()[-1].store_needs is None
    au.accepted("CONCIERGE")


@pytest.mark.req("R-713")
def test_a_code_that_was_seen_before_the_sale_is_worth_nothing_after_it() -> None:
    shop = PortalShop("AU")
    old = shop.link().code
    shop.registered()
    shop.does(GIVE_AWAY)
    assert shop.link().code not in ("", old)
    shop.log_in(ALICE)
    again = portal.LinkVehicle(user=ALICE, code=old, first_registration=FIRST_REGISTRATION)
    assert shop.counted(again) is ErrorCode.VERIFICATION_FAILED
    shop.close()


@pytest.mark.req("R-714")
def test_an_auto_renewal_that_was_chosen_charges_nobody_after_the_sale(au: PortalShop) -> None:
    au.paid_by_card("RTTI")
    au.advance(MINUTE)
    au.does(portal.SetAutoRenew(user=ALICE, service="RTTI", on=True), GIVE_AWAY)
    au.advance(120 * DAY)
    assert len(au.backend.audit().orders) == 1
    assert au.booked("RTTI").state is EntitlementState.EXPIRED
