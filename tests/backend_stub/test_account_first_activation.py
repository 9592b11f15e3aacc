"""The first activation by the dealer, the token in its message, and the first login (R-701, R-702, D-34)."""

from collections.abc import Iterator

import pytest

from backend_stub.domain.account import AccountState
from backend_stub.domain.password import digest
from backend_stub.domain.vehicle_link import LinkState
from contracts.acts import dealer, portal
from contracts.acts.portal import PortalClient
from contracts.bench import SetSms
from contracts.errors import ErrorCode
from contracts.messages import Line
from tests.backend_stub.portal_shop import NUMBER, OTHER_VIN, PASSWORD, VIN, PortalShop, car
from tests.backend_stub.shop import DAY, HOUR, MINUTE, Shop
from tests.backend_stub.test_web import Browser

ACTIVATE = dealer.ActivateVehicle(name="Li Wei", number="13912345678")
OWNER = "13912345678"


@pytest.fixture
def shop() -> Iterator[PortalShop]:
    """A Chinese backend with a car that its dealer has yet to activate."""
    shop = PortalShop()
    yield shop
    shop.close()


@pytest.mark.req("R-701")
def test_the_dealer_sends_the_number_a_link_and_a_token(shop: PortalShop) -> None:
    shop.does(ACTIVATE)
    assert shop.state(OWNER) is AccountState.TOKEN_SENT
    assert (shop.link_state(), shop.link().account_id) == (LinkState.LINKED, shop.account(OWNER).account_id)
    message = shop.message(OWNER, "activation")
    assert message.number == OWNER
    assert message.token in message.text
    assert "http://127.0.0.1:8080/portal/" in message.text
    assert "2026-05-08 10:00" in message.text
    record = shop.backend.store.vehicles.get(VIN)
    assert record is not None
    assert (record.contract_number, record.owner_name, record.is_handed_over) == (OWNER, "Li Wei", True)


@pytest.mark.req("R-701")
def test_a_car_is_activated_for_a_mobile_number_only(shop: PortalShop) -> None:
    assert shop.refuses(dealer.ActivateVehicle(number="23800000001")) is ErrorCode.BAD_NUMBER
    assert shop.state("23800000001") is AccountState.NONE


@pytest.mark.req("R-701")
def test_the_first_login_forces_a_new_password_and_every_other_call_waits(shop: PortalShop) -> None:
    shop.does(ACTIVATE, portal.Login(user=OWNER))
    assert shop.state(OWNER) is AccountState.MUST_CHANGE
    for act in (
        portal.PlaceOrder(user=OWNER, lines=(Line("RTTI", 3),)),
        portal.Rename(user=OWNER, to="li@example.com"),
        portal.UpdateData(user=OWNER, name="Li"),
        portal.Logout(user=OWNER),
        portal.MoveService(user=OWNER, service="RTTI", to_vin=OTHER_VIN),
        portal.LinkVehicle(user=OWNER),
        portal.Disconnect(user=OWNER),
        portal.CancelOrder(user=OWNER),
    ):
        assert shop.refuses(act) is ErrorCode.PASSWORD_CHANGE_REQUIRED
    shop.does(portal.ChoosePassword(user=OWNER, password=PASSWORD))
    assert shop.state(OWNER) is AccountState.ACTIVE
    shop.does(portal.PlaceOrder(user=OWNER, lines=(Line("RTTI", 3),)))


@pytest.mark.req("R-701")
def test_a_token_opens_the_portal_once(shop: PortalShop) -> None:
    shop.does(ACTIVATE, portal.Login(user=OWNER))
    assert shop.refuses(portal.Login(user=OWNER)) is ErrorCode.BAD_TOKEN
    shop.does(portal.ChoosePassword(user=OWNER, password=PASSWORD))
    token = shop.message(OWNER, "activation").token
    assert shop.refuses(portal.Login(user=OWNER, password=token)) is ErrorCode.BAD_TOKEN
    shop.log_in(OWNER)


@pytest.mark.req("R-701")
def test_a_token_works_for_seven_days_to_the_millisecond(shop: PortalShop) -> None:
    shop.does(ACTIVATE)
    shop.advance(7 * DAY)
    shop.does(portal.Login(user=OWNER))
    assert shop.state(OWNER) is AccountState.MUST_CHANGE


@pytest.mark.req("R-701")
def test_a_millisecond_later_it_is_too_old(shop: PortalShop) -> None:
    shop.does(ACTIVATE)
    shop.advance(7 * DAY + 1)
    assert shop.refuses(portal.Login(user=OWNER)) is ErrorCode.BAD_TOKEN
    assert shop.state(OWNER) is AccountState.TOKEN_SENT


@pytest.mark.req("R-701")
@pytest.mark.parametrize("password", ["", "something else 1", "x" * 22])
def test_another_word_is_no_token(shop: PortalShop, password: str) -> None:
    shop.does(ACTIVATE)
    assert shop.refuses(portal.Login(user=OWNER, password=password)) is ErrorCode.BAD_TOKEN


@pytest.mark.req("R-701")
def test_somebody_elses_token_is_none(shop: PortalShop) -> None:
    shop.close()
    two = PortalShop("CN", car(handed_over=False), car(OTHER_VIN, handed_over=False))
    two.does(ACTIVATE, dealer.ActivateVehicle(car=OTHER_VIN, number="13900000009"))
    token = two.message("13900000009", "activation").token
    assert two.refuses(portal.Login(user=OWNER, password=token)) is ErrorCode.BAD_TOKEN
    two.close()


@pytest.mark.req("R-701", "R-308")
def test_a_message_that_is_late_or_lost_is_not_on_the_phone(shop: PortalShop) -> None:
    shop.command(SetSms(delay_ms=MINUTE))
    shop.does(ACTIVATE)
    assert shop.refuses(portal.Login(user=OWNER)) is ErrorCode.BAD_TOKEN
    shop.advance(MINUTE - 1)
    assert shop.refuses(portal.Login(user=OWNER)) is ErrorCode.BAD_TOKEN
    shop.advance(1)
    shop.does(portal.Login(user=OWNER))


@pytest.mark.req("R-701", "R-703")
def test_whoever_lost_the_message_resets_the_password_that_never_was(shop: PortalShop) -> None:
    shop.command(SetSms(lost=True))
    shop.does(ACTIVATE)
    shop.advance(DAY)
    assert shop.refuses(portal.Login(user=OWNER)) is ErrorCode.BAD_TOKEN
    shop.command(SetSms())
    shop.does(portal.ForgetPassword(user=OWNER), portal.ResetPassword(user=OWNER, password=PASSWORD))
    shop.log_in(OWNER)


@pytest.mark.req("R-702")
def test_the_remote_app_takes_the_chosen_password_and_never_the_token(shop: PortalShop) -> None:
    shop.does(ACTIVATE)
    remote = PortalClient.REMOTE_APP
    assert shop.refuses(portal.Login(user=OWNER, client=remote)) is ErrorCode.BAD_CREDENTIALS
    shop.does(portal.Login(user=OWNER))
    assert shop.refuses(portal.Login(user=OWNER, client=remote)) is ErrorCode.BAD_CREDENTIALS
    shop.does(portal.ChoosePassword(user=OWNER, password=PASSWORD))
    shop.does(portal.Login(user=OWNER, password=PASSWORD, client=remote))
    assert shop.is_logged_in(OWNER, remote)
    token = shop.message(OWNER, "activation").token
    act = portal.Login(user=OWNER, password=token, client=remote)
    assert shop.counted(act) is ErrorCode.BAD_CREDENTIALS


@pytest.mark.req("R-701")
def test_a_number_with_a_password_gets_its_next_car_without_a_token(shop: PortalShop) -> None:
    shop.close()
    two = PortalShop("CN", car(handed_over=False), car(OTHER_VIN, handed_over=False))
    two.activated(OWNER)
    two.does(dealer.ActivateVehicle(car=OTHER_VIN, number=OWNER))
    assert two.state(OWNER) is AccountState.ACTIVE
    links = two.backend.store.links.of_account(two.account(OWNER).account_id)
    assert [link.vin for link in links] == [VIN, OTHER_VIN]
    assert [sms.purpose for sms in two.backend.store.sms.arrived()] == ["notice", "activation"]
    two.close()


@pytest.mark.req("R-701")
def test_of_two_tokens_the_newer_one_works(shop: PortalShop) -> None:
    shop.close()
    two = PortalShop("CN", car(handed_over=False), car(OTHER_VIN, handed_over=False))
    two.does(ACTIVATE)
    first = two.message(OWNER, "activation").token
    two.does(dealer.ActivateVehicle(car=OTHER_VIN, number=OWNER))
    assert two.refuses(portal.Login(user=OWNER, password=first)) is ErrorCode.BAD_TOKEN
    two.does(portal.Login(user=OWNER))
    two.close()


@pytest.mark.req("R-701", "R-703")
def test_a_car_handed_over_long_ago_has_an_owner_who_forgot_the_password() -> None:
    shop = PortalShop("CN", car(handed_over=True))
    assert shop.link_state() is LinkState.LINKED
    assert shop.counted(portal.Login(user=NUMBER, password=PASSWORD)) is ErrorCode.BAD_CREDENTIALS
    shop.does(portal.ForgetPassword(user=NUMBER), portal.ResetPassword(user=NUMBER, password=PASSWORD))
    shop.log_in(NUMBER)
    shop.restart_after(HOUR)
    assert len(shop.backend.store.accounts.all()) == 1
    shop.close()


@pytest.mark.req("R-202", "R-701")
def test_where_people_register_themselves_the_dealer_sends_no_token() -> None:
    shop = PortalShop("AU", car(handed_over=False))
    shop.does(dealer.ActivateVehicle(name="Alice"))
    assert shop.backend.store.accounts.all() == ()
    assert shop.link_state() is LinkState.UNLINKED
    shop.close()


@pytest.mark.req("R-832")
def test_no_token_no_password_and_no_whole_number_reaches_journal_or_database(shop: PortalShop) -> None:
    shop.activated(OWNER)
    shop.does(portal.ForgetPassword(user=OWNER), portal.ResetPassword(user=OWNER, password="another 2 words"))
    shop.log_in(OWNER, "another 2 words")
    shop.does(portal.Rename(user=OWNER, to="wei@example.com"), portal.ConfirmName(user=OWNER))
    seen = "\n".join(repr(entry) for entry in shop.book.entries)
    secrets = [sms.token for sms in shop.backend.store.sms.arrived()]
    assert len(secrets) == 3
    for secret in (*secrets, PASSWORD, "another 2 words", OWNER, "wei@example.com", VIN):
        assert secret not in seen
    for secret in secrets:
        assert len(secret) == 22  # 128 bits in base 64
    assert "139****5678" in seen
    assert "w***@example.com" in seen
    kept = shop.account("wei@example.com").password_hash
    assert kept.startswith("$argon2id$")
    assert "another" not in kept


@pytest.mark.req("R-832")
def test_the_same_seed_gives_the_same_tokens_and_hashes() -> None:
    def one() -> tuple[str, str]:
        shop = PortalShop()
        shop.activated(OWNER)
        found = shop.message(OWNER, "activation").token, shop.account(OWNER).password_hash
        shop.close()
        return found

    assert one() == one()


@pytest.mark.req("R-301")
def test_messages_of_both_kinds_share_the_phone(shop: Shop) -> None:
    assert isinstance(shop, PortalShop)
    shop.does(ACTIVATE)
    shop.accepted("RTTI")
    shop.advance(1)
    assert [sms.purpose for sms in shop.phone] == ["activation", "payment"]
    assert [sms.number for sms in shop.phone] == ["139****5678", "139****5678"]
    assert shop.journal("sms") == [
        ("activation", "sent"),
        ("activation", "delivered"),
        ("CN-000001", "sent"),
        ("CN-000001", "delivered"),
    ]


@pytest.mark.req("R-701", "R-832")
def test_a_token_that_was_used_is_dead_in_the_store_and_only_its_digest_is_kept(shop: PortalShop) -> None:
    shop.does(ACTIVATE)
    token = shop.message(OWNER, "activation").token
    tokens = shop.backend.store.tokens
    kept = tokens.get(digest(token))
    assert kept is not None
    assert not kept.is_used
    assert tokens.get(token) is None
    shop.does(portal.Login(user=OWNER))
    used = tokens.get(digest(token))
    assert used is not None
    assert used.is_used


@pytest.mark.req("R-701")
def test_the_phones_inbox_shows_the_message_without_a_payment_page(shop: PortalShop) -> None:
    shop.does(ACTIVATE)
    page = Browser(shop).get("/phone").text
    assert shop.message(OWNER, "activation").token in page
    assert "139****5678" in page
    assert OWNER not in page
    assert "/pay/" not in page
