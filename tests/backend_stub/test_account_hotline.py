"""What is done to an account by telephone: on the right line, while somebody answers (R-705, R-512, D-26)."""

from collections.abc import Iterator

import pytest

from backend_stub.domain.account import AccountState
from contracts.acts import agent
from contracts.errors import ErrorCode
from tests.backend_stub.instants import in_melbourne
from tests.backend_stub.portal_shop import ALICE, NUMBER, PortalShop, car

NOON = in_melbourne("2026-05-01 12:00")


@pytest.fixture
def au() -> Iterator[PortalShop]:
    """A shop in Australia in which Alice has an account; it is noon."""
    shop = PortalShop("AU", start_ms=NOON)
    shop.registered(linked=False)
    yield shop
    shop.close()


@pytest.mark.req("R-705", "R-512")
@pytest.mark.parametrize(
    ("time", "answered"),
    [
        ("2026-05-01 17:59:59.999", True),
        ("2026-05-01 18:00", False),
        ("2026-05-02 08:59:59.999", False),
        ("2026-05-02 09:00", True),
    ],
)
def test_in_australia_an_account_is_locked_and_opened_while_calls_are_answered(
    au: PortalShop, time: str, answered: bool
) -> None:
    acts = agent.ReportCompromise(user=ALICE), agent.Unlock(user=ALICE)
    au.advance_to(in_melbourne(time))
    if answered:
        au.does(*acts)
    else:
        assert {au.refuses(act) for act in acts} == {ErrorCode.HOTLINE_CLOSED}
    assert au.state(ALICE) is AccountState.ACTIVE


@pytest.mark.req("R-705")
def test_another_line_does_nothing_about_accounts(au: PortalShop) -> None:
    for act in (
        agent.ReportCompromise(user=ALICE, line="400-800-6666"),
        agent.Unlock(user=ALICE, line="10101018"),
    ):
        assert au.refuses(act) is ErrorCode.USE_HOTLINE
    au.does(agent.ReportCompromise(user=ALICE, line="133 BMW"), agent.Unlock(user=ALICE, line="133269"))


@pytest.mark.req("R-705", "R-712")
def test_the_care_centre_is_its_digits_however_they_are_written() -> None:
    shop = PortalShop("CN", car(), start_ms=in_melbourne("2026-05-01 03:00"))
    line = "4008006666"
    shop.does(
        agent.ReportCompromise(user=NUMBER, line=line),
        agent.Unlock(user=NUMBER, line=line),
        agent.ChangeOwner(name="Wang Fang", number="13900000002", line=line),
    )
    shop.close()
