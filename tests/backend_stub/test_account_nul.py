"""A character that PostgreSQL keeps in no text is refused before it gets there, on both databases."""

import pytest

from contracts.acts import portal
from contracts.acts.portal import PortalAct
from contracts.errors import ErrorCode
from tests.backend_stub.portal_shop import ALICE, PASSWORD, PortalShop


@pytest.mark.req("R-703", "R-704", "R-705")
@pytest.mark.parametrize(
    "act",
    [
        portal.Login(user="a\0b", password=PASSWORD),
        portal.Login(user=ALICE, password="word\0" + PASSWORD),
        portal.Register(user="carol", password=PASSWORD, name="Carol\0"),
        portal.ForgetPassword(user="\0"),
        portal.UpdateData(user=ALICE, name="\\\0"),
        portal.CancelOrder(user=ALICE, order="\0"),
    ],
)
def test_text_with_the_character_nul_is_refused(act: portal.AnyPortalAct) -> None:
    shop = PortalShop("AU")
    shop.registered()
    assert isinstance(act, PortalAct)
    assert shop.refuses(act) is ErrorCode.BAD_MESSAGE
    shop.does(portal.UpdateData(user=ALICE, name="\\u0000"))
    shop.close()
