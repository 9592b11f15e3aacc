"""A car has a service twice when another one has given way to it: renewal goes by the later end (R-104)."""

from collections.abc import Iterator

import pytest

from contracts.acts.bmw import SubstituteService
from contracts.bench import AtBmw
from contracts.messages import EntitlementState
from tests.backend_stub.instants import in_melbourne, in_shanghai
from tests.backend_stub.renewal_shop import AuShop
from tests.backend_stub.shop import MINUTE, Shop

S = EntitlementState
ONE_FOR_THE_OTHER = AtBmw(act=SubstituteService(service="RTTI", by="CONCIERGE"))


@pytest.fixture
def au_shop() -> Iterator[AuShop]:
    """A shop in Melbourne, whose driver is logged in."""
    shop = AuShop()
    yield shop
    shop.close()


@pytest.mark.req("R-501", "R-104")
def test_a_purchase_extends_the_later_end_so_that_nothing_paid_for_overlaps(shop: Shop) -> None:
    shop.paid(("RTTI", 12))
    shop.paid("CONCIERGE")
    shop.advance(MINUTE)
    shop.command(ONE_FOR_THE_OTHER)
    shop.paid("CONCIERGE")
    assert shop.booked("CONCIERGE").booked_until == "2027-07-31"
    shop.advance_to(in_shanghai("2026-08-01 00:00"))
    assert [each.state for each in shop.entitlements("CONCIERGE")] == [S.ACTIVE, S.EXPIRED]
    assert shop.booked("CONCIERGE").state is S.ACTIVE


@pytest.mark.req("R-504", "R-104")
def test_notice_is_in_time_as_long_as_it_is_for_the_later_end(au_shop: AuShop) -> None:
    au_shop.booked_service("RTTI", 12)
    au_shop.booked_service("CONCIERGE", 3)
    au_shop.command(ONE_FOR_THE_OTHER)
    au_shop.advance_to(in_melbourne("2026-07-01 12:00"))
    assert au_shop.booked_service("CONCIERGE").booked_until == "2027-07-31"


@pytest.mark.req("R-505", "R-104")
def test_what_is_shown_is_what_the_portal_switches_and_what_is_charged(au_shop: AuShop) -> None:
    au_shop.booked_service("RTTI", 12)
    au_shop.booked_service("CONCIERGE", 3)
    au_shop.auto_renew(True, "CONCIERGE")
    au_shop.command(ONE_FOR_THE_OTHER)
    assert au_shop.booked("CONCIERGE").auto_renew is True
    au_shop.auto_renew(False, "CONCIERGE")
    assert au_shop.booked("CONCIERGE").auto_renew is False
    au_shop.auto_renew(True, "CONCIERGE")
    au_shop.advance_to(in_melbourne("2027-04-29 23:59"))
    assert ("CONCIERGE", "charged") not in au_shop.journal("renewal")
    assert au_shop.booked("CONCIERGE").booked_until == "2027-04-30"
    au_shop.advance_to(in_melbourne("2027-05-01 00:00"))
    assert au_shop.booked("CONCIERGE").booked_until == "2028-04-30"
    assert ("CONCIERGE", "charged") in au_shop.journal("renewal")
