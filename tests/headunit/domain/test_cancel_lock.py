"""The cancellation lock, to the millisecond by server time (R-209)."""

import msgspec
import pytest

from contracts.messages import OrderState
from headunit.domain.cancel_lock import is_locked, locked_until_ms
from tests.headunit.domain.car import NOW, RTTI_NAME, STORE, TUNNEL, Driver, facts, offline, order, snapshot

pytestmark = pytest.mark.req("R-209")

UNTIL = NOW + 300_000
CANCELLING = snapshot(locked_until_ms=UNTIL)


@pytest.mark.parametrize(("at_ms", "locked"), [(UNTIL - 1, True), (UNTIL, False), (UNTIL + 1, False)])
def test_an_online_car_unlocks_itself_at_the_deadline(at_ms: int, locked: bool) -> None:
    assert is_locked(facts(at_ms, snapshot=CANCELLING), UNTIL) is locked


@pytest.mark.parametrize(("at_ms", "locked"), [(UNTIL - 1 - 7_000, True), (UNTIL - 7_000, False)])
def test_the_server_clock_decides(at_ms: int, locked: bool) -> None:
    assert is_locked(facts(at_ms, snapshot=CANCELLING, server_skew_ms=7_000), UNTIL) is locked


@pytest.mark.parametrize("at_ms", [UNTIL, UNTIL + 1, UNTIL + 3_600_000])
def test_a_car_offline_at_the_deadline_stays_locked(at_ms: int) -> None:
    assert is_locked(offline(at_ms, since_ms=UNTIL - 1), UNTIL)


def test_a_car_in_a_tunnel_is_offline_though_its_session_does_not_know_yet() -> None:
    assert is_locked(facts(UNTIL, modem=TUNNEL, offline_since_ms=UNTIL - 1), UNTIL)


def test_a_car_back_online_stays_locked_until_it_has_synchronised() -> None:
    back = facts(UNTIL + 10_000, online_since_ms=UNTIL + 9_000)
    assert is_locked(back, UNTIL)
    assert not is_locked(msgspec.structs.replace(back, last_sync_ms=UNTIL + 9_500), UNTIL)


def test_a_car_that_unlocked_itself_stays_unlocked_when_the_network_goes() -> None:
    assert not is_locked(offline(UNTIL + 5_000, since_ms=UNTIL), UNTIL)


@pytest.mark.parametrize(("since_ms", "locked"), [(UNTIL - 7_001, True), (UNTIL - 7_000, False)])
def test_whether_the_car_was_online_at_the_deadline_is_told_by_the_server_clock(
    since_ms: int, locked: bool
) -> None:
    assert is_locked(offline(UNTIL, since_ms=since_ms, server_skew_ms=7_000), UNTIL) is locked


def test_a_cancelling_order_locks_before_the_snapshot_says_so() -> None:
    cancelling = order(OrderState.CANCELLING, cancel_until_ms=UNTIL)
    assert locked_until_ms(facts(), (cancelling,)) == UNTIL
    assert locked_until_ms(facts(), ()) is None


def test_selection_is_refused_with_the_remaining_time_until_the_deadline() -> None:
    driver = Driver(facts(snapshot=CANCELLING)).chooses(*STORE, RTTI_NAME, "3 months")
    assert driver.code == "CANCEL_SYNC"
    assert "5:00" in driver.told()
    driver.learns(now_ms=UNTIL - 1, motion=facts(UNTIL - 1).motion).chooses("3 months")
    assert driver.basket() == ()
    driver.learns(now_ms=UNTIL).chooses("3 months")
    assert len(driver.basket()) == 1


def test_the_picture_says_when_it_changes_by_itself() -> None:
    driver = Driver(facts(snapshot=CANCELLING)).chooses(*STORE)
    driver.learns(now_ms=UNTIL - 500)
    assert driver.presenter.next_change_ms() is not None
    assert (driver.presenter.next_change_ms() or 0) <= UNTIL
    driver.learns(now_ms=UNTIL)
    assert driver.told() == ""
