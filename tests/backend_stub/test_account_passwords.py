"""Passwords: what they must be, failures and locks, resets, what a new one ends (R-702, R-703, D-34)."""

from collections.abc import Iterator

import pytest

from backend_stub.domain.account import AccountState
from contracts.acts import agent, portal
from contracts.acts.portal import PortalClient
from contracts.bench import SetSms
from contracts.errors import ErrorCode
from tests.backend_stub.portal_shop import ALICE, NUMBER, PASSWORD, PortalShop
from tests.backend_stub.shop import DAY, HOUR, MINUTE

WRONG = portal.Login(user=NUMBER, password="wrong word 1")
RIGHT = portal.Login(user=NUMBER, password=PASSWORD)


@pytest.fixture
def shop() -> Iterator[PortalShop]:
    """A Chinese backend whose customer has chosen a password."""
    shop = PortalShop()
    shop.activated()
    yield shop
    shop.close()


@pytest.mark.req("R-701")
@pytest.mark.parametrize("password", ["short7x", "onlyletters", "1234567890", "", "7a" * 65])
def test_a_password_has_eight_characters_a_letter_and_a_digit(shop: PortalShop, password: str) -> None:
    assert shop.refuses(portal.ChoosePassword(user=NUMBER, password=password)) is ErrorCode.BAD_PASSWORD


@pytest.mark.req("R-701")
@pytest.mark.parametrize("password", ["abcdefg1", "上海外滩的夜景七7", "7a" * 64])
def test_such_passwords_are_good(shop: PortalShop, password: str) -> None:
    shop.does(portal.ChoosePassword(user=NUMBER, password=password), portal.Logout(user=NUMBER))
    shop.log_in(NUMBER, password)


@pytest.mark.req("R-705")
def test_nothing_goes_without_a_login(shop: PortalShop) -> None:
    shop.does(portal.Logout(user=NUMBER))
    for act in (
        portal.ChoosePassword(user=NUMBER, password=PASSWORD),
        portal.Logout(user=NUMBER),
        portal.CancelOrder(user=NUMBER),
        portal.Rename(user="nobody", to="a@example.com"),
    ):
        assert shop.refuses(act) is ErrorCode.NOT_LOGGED_IN
    assert shop.refuses(portal.Login(user="nobody", password=PASSWORD)) is ErrorCode.BAD_CREDENTIALS


@pytest.mark.req("R-705")
def test_a_login_to_the_portal_lasts_twelve_hours_and_one_to_the_remote_app_longer(shop: PortalShop) -> None:
    shop.does(RIGHT, portal.Login(user=NUMBER, password=PASSWORD, client=PortalClient.REMOTE_APP))
    shop.advance(12 * HOUR - 1)
    shop.does(portal.UpdateData(user=NUMBER, name="Li"))
    shop.advance(1)
    assert shop.refuses(portal.UpdateData(user=NUMBER, name="Wei")) is ErrorCode.NOT_LOGGED_IN
    shop.advance(30 * DAY)
    assert shop.is_logged_in(NUMBER, PortalClient.REMOTE_APP)


@pytest.mark.req("R-705")
def test_four_failures_are_forgiven_by_a_login(shop: PortalShop) -> None:
    for _ in range(2):
        for _ in range(4):
            assert shop.counted(WRONG) is ErrorCode.BAD_CREDENTIALS
        shop.does(RIGHT)
    assert shop.state(NUMBER) is AccountState.ACTIVE


@pytest.mark.req("R-705")
def test_the_fifth_failure_locks_and_ends_all_sessions(shop: PortalShop) -> None:
    shop.does(portal.Login(user=NUMBER, password=PASSWORD, client=PortalClient.REMOTE_APP))
    shop.locked(NUMBER)
    assert shop.state(NUMBER) is AccountState.LOCKED
    assert not shop.is_logged_in(NUMBER)
    assert not shop.is_logged_in(NUMBER, PortalClient.REMOTE_APP)
    assert shop.refuses(RIGHT) is ErrorCode.ACCOUNT_LOCKED


@pytest.mark.req("R-705")
def test_failures_outlive_a_restart(shop: PortalShop) -> None:
    for _ in range(4):
        shop.counted(WRONG)
    shop.restart_after(MINUTE)
    shop.counted(WRONG)
    assert shop.state(NUMBER) is AccountState.LOCKED


@pytest.mark.req("R-705")
def test_a_lock_lasts_fifteen_minutes_to_the_millisecond(shop: PortalShop) -> None:
    shop.locked(NUMBER)
    shop.advance(15 * MINUTE - 1)
    assert shop.refuses(RIGHT) is ErrorCode.ACCOUNT_LOCKED
    shop.advance(1)
    shop.does(RIGHT)


@pytest.mark.req("R-705")
def test_a_lock_that_ends_while_the_backend_is_down_is_over_when_it_comes_back(shop: PortalShop) -> None:
    shop.locked(NUMBER)
    shop.restart_after(15 * MINUTE)
    shop.does(RIGHT)


@pytest.mark.req("R-705")
def test_the_care_centre_opens_a_lock(shop: PortalShop) -> None:
    assert shop.refuses(agent.Unlock(user=NUMBER)) is ErrorCode.INVALID_STATE
    shop.locked(NUMBER)
    assert shop.refuses(agent.Unlock(user=NUMBER, line="10101018")) is ErrorCode.USE_HOTLINE
    assert shop.refuses(agent.Unlock(user="nobody")) is ErrorCode.VERIFICATION_FAILED
    shop.does(agent.Unlock(user=NUMBER, line="400-800-6666"), RIGHT)
    shop.advance(15 * MINUTE)
    assert shop.state(NUMBER) is AccountState.ACTIVE


@pytest.mark.req("R-705")
def test_no_timer_opens_an_account_whose_compromise_was_reported_while_it_was_locked(
    shop: PortalShop,
) -> None:
    shop.locked(NUMBER)
    shop.does(agent.ReportCompromise(user=NUMBER))
    shop.advance(15 * MINUTE)
    assert shop.refuses(RIGHT) is ErrorCode.ACCOUNT_LOCKED


@pytest.mark.req("R-705")
def test_a_reported_compromise_locks_until_reset_or_care_centre(shop: PortalShop) -> None:
    shop.does(portal.Login(user=NUMBER, password=PASSWORD, client=PortalClient.REMOTE_APP))
    shop.does(agent.ReportCompromise(user=NUMBER))
    assert not shop.is_logged_in(NUMBER)
    assert not shop.is_logged_in(NUMBER, PortalClient.REMOTE_APP)
    shop.advance(30 * DAY)
    assert shop.refuses(RIGHT) is ErrorCode.ACCOUNT_LOCKED
    shop.does(portal.ForgetPassword(user=NUMBER), portal.ResetPassword(user=NUMBER, password="new word 9999"))
    assert shop.counted(RIGHT) is ErrorCode.BAD_CREDENTIALS
    shop.log_in(NUMBER, "new word 9999")


@pytest.mark.req("R-702")
def test_a_new_password_ends_the_remote_app_and_not_the_portal(shop: PortalShop) -> None:
    shop.does(portal.Login(user=NUMBER, password=PASSWORD, client=PortalClient.REMOTE_APP))
    shop.does(portal.ChoosePassword(user=NUMBER, password="new word 9999"))
    assert not shop.is_logged_in(NUMBER, PortalClient.REMOTE_APP)
    assert shop.is_logged_in(NUMBER)


@pytest.mark.req("R-703")
def test_a_reset_completes_from_its_message_and_ends_all_sessions(shop: PortalShop) -> None:
    shop.does(portal.Login(user=NUMBER, password=PASSWORD, client=PortalClient.REMOTE_APP))
    reset = portal.ResetPassword(user=NUMBER, password="new word 9999")
    assert shop.refuses(reset) is ErrorCode.BAD_TOKEN
    shop.does(portal.ForgetPassword(user=NUMBER), reset)
    assert not shop.is_logged_in(NUMBER)
    assert not shop.is_logged_in(NUMBER, PortalClient.REMOTE_APP)
    assert shop.refuses(reset) is ErrorCode.BAD_TOKEN
    shop.log_in(NUMBER, "new word 9999")


@pytest.mark.req("R-703")
def test_a_reset_opens_a_lock(shop: PortalShop) -> None:
    shop.locked(NUMBER)
    shop.does(portal.ForgetPassword(user=NUMBER), portal.ResetPassword(user=NUMBER, password=PASSWORD))
    shop.does(RIGHT)
    assert shop.state(NUMBER) is AccountState.ACTIVE


@pytest.mark.req("R-703")
@pytest.mark.parametrize(("after_ms", "works"), [(30 * MINUTE, True), (30 * MINUTE + 1, False)])
def test_a_reset_link_works_for_half_an_hour(shop: PortalShop, after_ms: int, works: bool) -> None:
    shop.does(portal.ForgetPassword(user=NUMBER))
    shop.advance(after_ms)
    reset = portal.ResetPassword(user=NUMBER, password="new word 9999")
    if works:
        shop.does(reset)
    else:
        assert shop.refuses(reset) is ErrorCode.BAD_TOKEN


@pytest.mark.req("R-703")
def test_a_bad_password_leaves_the_reset_link_alive(shop: PortalShop) -> None:
    shop.does(portal.ForgetPassword(user=NUMBER))
    assert shop.refuses(portal.ResetPassword(user=NUMBER, password="short")) is ErrorCode.BAD_PASSWORD
    shop.does(portal.ResetPassword(user=NUMBER, password="new word 9999"))


@pytest.mark.req("R-703")
def test_of_two_reset_links_the_newer_one_works(shop: PortalShop) -> None:
    shop.does(portal.ForgetPassword(user=NUMBER))
    first = shop.message(NUMBER, "reset").token
    shop.command(SetSms(lost=True))
    shop.does(portal.ForgetPassword(user=NUMBER))
    reset = portal.ResetPassword(user=NUMBER, password="new word 9999", token=first)
    assert shop.refuses(reset) is ErrorCode.BAD_TOKEN


@pytest.mark.req("R-703", "R-832")
def test_a_forgotten_password_tells_nobody_which_names_exist(shop: PortalShop) -> None:
    arrived = len(shop.backend.store.sms.arrived())
    shop.does(portal.ForgetPassword(user="nobody"))
    assert len(shop.backend.store.sms.arrived()) == arrived
    act = portal.ResetPassword(user="nobody", password=PASSWORD, token="x")
    assert shop.refuses(act) is ErrorCode.BAD_TOKEN


@pytest.mark.req("R-703")
def test_a_name_of_free_choice_is_reached_by_its_data() -> None:
    shop = PortalShop("AU")
    shop.registered(ALICE, linked=False)
    shop.does(portal.ForgetPassword(user=ALICE))
    assert shop.message("alice@example.com", "reset").number == "alice@example.com"
    shop.does(portal.ResetPassword(user=ALICE, password="new word 9999"))
    shop.log_in(ALICE, "new word 9999")
    assert ("reset", "delivered") in shop.journal("email")
    shop.close()
