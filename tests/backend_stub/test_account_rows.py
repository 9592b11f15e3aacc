"""Accounts, tokens, sessions and links in the store: guards, case, and what is forgotten."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from backend_stub.domain.account import Account, AccountState
from backend_stub.domain.vehicle_link import LinkEvent, LinkState, step
from backend_stub.errors import ConcurrentChangeError
from backend_stub.service.ports.accounts import AccountToken, PortalSession, TokenPurpose
from backend_stub.service.ports.messages import Sms
from contracts.acts.portal import PortalClient
from tests.backend_stub.portal_shop import NUMBER, VIN, PortalShop
from tests.backend_stub.shop import Shop

pytestmark = pytest.mark.req("R-706", "R-832")


@pytest.fixture
def shop() -> Iterator[Shop]:
    """A backend whose car nobody has linked."""
    shop = PortalShop()
    yield shop
    shop.close()


def account(username: str = "alice") -> Account:
    return Account(account_id=0, username=username, state=AccountState.ACTIVE, email="a@example.com")


def test_an_account_comes_back_as_it_was_kept(shop: Shop) -> None:
    rows = shop.backend.store.accounts
    kept = rows.add(replace(account("Ålice"), locked_until_ms=7, pending_username="b", failures=3))
    assert kept.account_id > 0
    assert rows.get(kept.account_id) == kept
    assert rows.called("åLICE") == kept
    assert rows.called("alice") is None
    assert rows.get(kept.account_id + 1) is None
    assert rows.all() == (kept,)


def test_an_account_that_somebody_else_has_changed_is_left_alone(shop: Shop) -> None:
    rows = shop.backend.store.accounts
    kept = rows.add(account())
    rows.change(kept, replace(kept, failures=1, version=2))
    with pytest.raises(ConcurrentChangeError):
        rows.change(kept, replace(kept, failures=4, version=2))
    found = rows.get(kept.account_id)
    assert found is not None
    assert found.failures == 1


def test_a_link_that_somebody_else_has_changed_is_left_alone(shop: Shop) -> None:
    rows = shop.backend.store.links
    link = rows.get(VIN)
    assert link is not None
    rows.change(link, step(link, LinkEvent.SUBMIT))
    with pytest.raises(ConcurrentChangeError):
        rows.change(link, step(link, LinkEvent.ACTIVATED))
    found = rows.get(VIN)
    assert found is not None
    assert found.state is LinkState.VERIFYING


def test_a_token_is_used_once(shop: Shop) -> None:
    rows = shop.backend.store.tokens
    for n, purpose in enumerate(TokenPurpose):
        rows.add(AccountToken(digest=f"d{n}", account_id=1, purpose=purpose, expires_at_ms=5))
    assert rows.use("d0")
    assert not rows.use("d0")
    assert not rows.use("unknown")
    rows.kill(1, TokenPurpose.RESET)
    rows.kill(2, TokenPurpose.RENAME)
    used = [found.is_used for n in range(3) if (found := rows.get(f"d{n}")) is not None]
    assert used == [True, True, False]


def test_a_session_is_open_until_its_end_and_swept_from_then_on(shop: Shop) -> None:
    rows = shop.backend.store.sessions
    portal, remote = PortalClient.PORTAL, PortalClient.REMOTE_APP
    rows.add(PortalSession(digest="a", account_id=1, client=portal, ends_at_ms=100))
    rows.add(PortalSession(digest="b", account_id=1, client=remote, ends_at_ms=None))
    assert rows.is_open(1, portal, 99)
    assert not rows.is_open(1, portal, 100)
    assert rows.is_open(1, remote, 10**15)
    assert not rows.is_open(2, portal, 0)
    rows.sweep(99)
    assert rows.get("a") is not None
    rows.sweep(100)
    assert rows.get("a") is None
    found = rows.get("b")
    assert found is not None
    assert (found.client, found.ends_at_ms) == (remote, None)
    assert rows.end(1, portal) == 0
    assert rows.end(1) == 1


def test_the_newest_message_is_the_one_that_has_arrived_last(shop: Shop) -> None:
    rows = shop.backend.store.sms
    first, second, third = (
        rows.add(Sms(number=NUMBER, text="", url=f"http://x/{n}", purpose="reset")) for n in range(3)
    )
    assert rows.newest(NUMBER, "reset") is None
    rows.arrive(second.sms_id, 10)
    rows.arrive(first.sms_id, 20)
    newest = rows.newest(NUMBER, "reset")
    assert newest is not None
    assert newest.token == "0"
    rows.arrive(third.sms_id, 20)
    newest = rows.newest(NUMBER, "reset")
    assert newest is not None
    assert newest.token == "2"
    assert rows.newest(NUMBER, "rename") is None
    assert rows.newest("13900000002", "reset") is None
