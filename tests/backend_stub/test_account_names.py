"""Names and data: registering, another name, data that is missing (R-202, R-704, R-705)."""

from collections.abc import Iterator

import pytest

from backend_stub.domain.account import AccountState
from backend_stub.errors import BackendError
from contracts.acts import dealer, portal
from contracts.bench import SetSms
from contracts.errors import ErrorCode
from contracts.messages import Line
from tests.backend_stub.portal_shop import ALICE, NUMBER, OTHER_VIN, PASSWORD, PortalShop, car
from tests.backend_stub.shop import MINUTE

MAIL = "wei@example.com"


@pytest.fixture
def shop() -> Iterator[PortalShop]:
    """A Chinese backend whose customer has chosen a password."""
    shop = PortalShop()
    shop.activated()
    yield shop
    shop.close()


@pytest.fixture
def au() -> Iterator[PortalShop]:
    """An Australian backend, where nobody has registered yet."""
    shop = PortalShop("AU")
    yield shop
    shop.close()


@pytest.mark.req("R-704")
@pytest.mark.parametrize("to", [MAIL, "13700000007"])
def test_another_name_holds_from_its_confirmation_on(shop: PortalShop, to: str) -> None:
    shop.does(portal.Rename(user=NUMBER, to=to))
    assert shop.state(NUMBER) is AccountState.RENAMING
    assert shop.message(to, "rename").number == to
    shop.does(portal.Logout(user=NUMBER))
    shop.log_in(NUMBER)
    assert shop.refuses(portal.Login(user=to, password=PASSWORD)) is ErrorCode.BAD_CREDENTIALS
    shop.does(portal.ConfirmName(user=NUMBER))
    assert shop.state(to) is AccountState.ACTIVE
    assert shop.refuses(portal.Login(user=NUMBER, password=PASSWORD)) is ErrorCode.BAD_CREDENTIALS
    shop.log_in(to)
    shop.does(portal.PlaceOrder(user=to, lines=(Line("RTTI", 3),)))


@pytest.mark.req("R-704")
@pytest.mark.parametrize("to", ["", "a free name", "23800000001", "a@b", "@example.com", "a b@example.com"])
def test_another_name_is_a_number_or_an_address(shop: PortalShop, to: str) -> None:
    assert shop.refuses(portal.Rename(user=NUMBER, to=to)) is ErrorCode.BAD_NUMBER


@pytest.mark.req("R-704")
def test_a_taken_name_is_refused_whatever_its_case(au: PortalShop) -> None:
    au.does(portal.Register(user=MAIL, password=PASSWORD))
    au.registered(ALICE, linked=False)
    assert au.refuses(portal.Rename(user=ALICE, to="WEI@example.com")) is ErrorCode.NAME_TAKEN
    assert au.refuses(portal.Register(user="Alice", password=PASSWORD)) is ErrorCode.NAME_TAKEN


@pytest.mark.req("R-704")
def test_of_two_who_want_a_name_the_first_to_confirm_gets_it(au: PortalShop) -> None:
    au.registered(ALICE, linked=False)
    au.registered("bob", linked=False)
    au.does(portal.Rename(user=ALICE, to=MAIL))
    first = au.message(MAIL, "rename").token
    au.does(portal.Rename(user="bob", to=MAIL), portal.ConfirmName(user="bob"))
    assert au.refuses(portal.ConfirmName(user=ALICE, token=first)) is ErrorCode.NAME_TAKEN
    assert au.state(ALICE) is AccountState.RENAMING
    au.does(portal.Rename(user=ALICE, to="alice@example.com"), portal.ConfirmName(user=ALICE))


@pytest.mark.req("R-704")
def test_a_confirmation_works_once_and_for_half_an_hour(shop: PortalShop) -> None:
    shop.does(portal.Rename(user=NUMBER, to=MAIL))
    shop.advance(30 * MINUTE + 1)
    assert shop.refuses(portal.ConfirmName(user=NUMBER)) is ErrorCode.BAD_TOKEN
    shop.does(portal.Rename(user=NUMBER, to=MAIL))
    shop.advance(30 * MINUTE)
    shop.does(portal.ConfirmName(user=NUMBER))
    assert shop.refuses(portal.ConfirmName(user=MAIL)) is ErrorCode.BAD_TOKEN
    assert shop.refuses(portal.ConfirmName(user=NUMBER)) is ErrorCode.BAD_TOKEN


@pytest.mark.req("R-703", "R-704", "R-705")
def test_a_name_that_somebody_else_has_asked_for_is_forgotten_with_the_password(shop: PortalShop) -> None:
    """Whoever knew the old password would own the account by the new name's own "forgotten password"."""
    shop.does(portal.Rename(user=NUMBER, to="thief@example.com"))
    token = shop.message("thief@example.com", "rename").token
    shop.does(portal.ForgetPassword(user=NUMBER), portal.ResetPassword(user=NUMBER, password="another2words"))
    assert shop.refuses(portal.ConfirmName(user=NUMBER, token=token)) is ErrorCode.BAD_TOKEN
    assert shop.state(NUMBER) is AccountState.ACTIVE


@pytest.mark.req("R-704", "R-832")
@pytest.mark.parametrize("user", [NUMBER, "13700000008"])
def test_a_confirmation_that_was_never_sent_tells_nobody_which_names_exist(
    shop: PortalShop, user: str
) -> None:
    with pytest.raises(BackendError) as refusal:
        shop.does(portal.ConfirmName(user=user, token="x" * 22))
    assert refusal.value.detail == "the token is wrong, used or too old"


@pytest.mark.req("R-704")
def test_a_lost_message_leaves_the_old_name(shop: PortalShop) -> None:
    shop.command(SetSms(lost=True))
    shop.does(portal.Rename(user=NUMBER, to=MAIL))
    assert shop.refuses(portal.ConfirmName(user=NUMBER)) is ErrorCode.BAD_TOKEN
    shop.log_in(NUMBER)
    assert ("rename", "lost") in shop.journal("email")


@pytest.mark.req("R-702", "R-704")
def test_the_token_of_one_thing_is_none_for_another(shop: PortalShop) -> None:
    shop.does(portal.Rename(user=NUMBER, to=MAIL))
    token = shop.message(MAIL, "rename").token
    reset = portal.ResetPassword(user=NUMBER, password="new word 9999", token=token)
    assert shop.refuses(reset) is ErrorCode.BAD_TOKEN
    shop.does(portal.ForgetPassword(user=NUMBER))
    token = shop.message(NUMBER, "reset").token
    assert shop.refuses(portal.ConfirmName(user=NUMBER, token=token)) is ErrorCode.BAD_TOKEN


@pytest.mark.req("R-202", "R-701")
def test_people_register_where_the_profile_says_so(shop: PortalShop, au: PortalShop) -> None:
    register = portal.Register(user=ALICE, password=PASSWORD)
    assert shop.refuses(register) is ErrorCode.INVALID_STATE
    au.does(register)
    assert au.state(ALICE) is AccountState.ACTIVE
    au.log_in(ALICE)


@pytest.mark.req("R-202")
@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"user": ""}, ErrorCode.BAD_MESSAGE),
        ({"user": "x" * 255}, ErrorCode.BAD_MESSAGE),
        ({"user": "two\nlines"}, ErrorCode.BAD_MESSAGE),
        ({"password": "short1"}, ErrorCode.BAD_PASSWORD),
        ({"number": "13800000001"}, ErrorCode.BAD_NUMBER),
        ({"email": "nowhere"}, ErrorCode.BAD_MESSAGE),
    ],
)
def test_what_cannot_be_registered(au: PortalShop, fields: dict[str, str], code: ErrorCode) -> None:
    good = {"user": ALICE, "password": PASSWORD}
    assert au.refuses(portal.Register(**{**good, **fields})) is code


@pytest.mark.req("R-705")
def test_data_that_is_missing_closes_the_store_in_portal_and_car_until_it_comes(au: PortalShop) -> None:
    au.registered(ALICE)
    au.does(portal.UpdateData(user=ALICE, email=""))
    order = portal.PlaceOrder(user=ALICE, lines=(Line("RTTI", 3),))
    assert au.refuses(order) is ErrorCode.DATA_MISSING
    assert au.snapshots()[-1].store_needs is ErrorCode.DATA_MISSING
    assert au.refused("RTTI") is ErrorCode.DATA_MISSING
    au.does(portal.UpdateData(user=ALICE, number="0400000001"))
    assert au.snapshots()[-1].store_needs is None
    au.does(order)


@pytest.mark.req("R-705")
def test_in_china_the_number_is_what_must_be_known(shop: PortalShop) -> None:
    order = portal.PlaceOrder(user=NUMBER, lines=(Line("RTTI", 3),))
    shop.does(portal.UpdateData(user=NUMBER, number="", name=""))
    assert shop.refuses(order) is ErrorCode.DATA_MISSING
    shop.does(portal.UpdateData(user=NUMBER, number="13700000007"))
    shop.does(order)


@pytest.mark.req("R-705")
def test_changed_data_must_be_sound(shop: PortalShop) -> None:
    assert shop.refuses(portal.UpdateData(user=NUMBER, number="1")) is ErrorCode.BAD_NUMBER
    assert shop.refuses(portal.UpdateData(user=NUMBER, email="a@b")) is ErrorCode.BAD_MESSAGE


@pytest.mark.req("R-701", "R-704")
def test_a_number_that_somebody_merely_wrote_down_gets_nobody_a_car() -> None:
    shop = PortalShop("CN", car(handed_over=False), car(OTHER_VIN, handed_over=False))
    shop.activated()
    shop.does(portal.UpdateData(user=NUMBER, number="13700000007"))
    shop.does(dealer.ActivateVehicle(car=OTHER_VIN, number="13700000007"))
    assert shop.state("13700000007") is AccountState.TOKEN_SENT
    assert shop.link(OTHER_VIN).account_id != shop.account(NUMBER).account_id
    shop.close()
