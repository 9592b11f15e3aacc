"""Orders in Australia: tax on top, the card on the Portal, no message, the first day that of activation."""

from collections.abc import Iterator

import pytest

from backend_stub.domain.data_flow import DataCategory, Flow, Purpose, Recipient
from backend_stub.errors import BackendError
from contracts.acts.agent import ResendLink
from contracts.acts.bmw import ChangePriceList
from contracts.bench import AtBmw, AtHotline, HoldActivation, Pay, PaymentOutcome
from contracts.errors import ErrorCode
from contracts.messages import EntitlementState, OrderState
from tests.backend_stub.instants import in_melbourne
from tests.backend_stub.renewal_shop import AuShop
from tests.backend_stub.shop import DAY, MINUTE, SECOND, Shop

S = EntitlementState


@pytest.fixture
def au_shop() -> Iterator[AuShop]:
    shop = AuShop()
    yield shop
    shop.close()


@pytest.mark.req("R-310", "R-202")
def test_an_order_from_the_car_of_a_linked_account_carries_its_tax_line_by_line(au_shop: AuShop) -> None:
    order = au_shop.accepted("RTTI", ("PREMIUM", 12))
    assert [(line.amount_minor, line.tax_minor) for line in order.lines] == [(4950, 450), (52800, 4800)]
    assert (order.amount_minor, order.tax_minor, order.currency) == (57750, 5250, "AUD")


@pytest.mark.req("R-310")
def test_the_list_is_shown_without_tax_and_says_what_an_order_adds(au_shop: AuShop) -> None:
    catalogue, _ = au_shop.sync()
    offers = catalogue.products[0].offers
    assert [(offer.amount_minor, offer.tax_minor) for offer in offers] == [
        (4500, 450),
        (8400, 840),
        (15000, 1500),
        (38000, 3800),
    ]


@pytest.mark.req("R-310")
def test_a_list_that_is_flagged_inclusive_adds_no_tax(au_shop: AuShop) -> None:
    au_shop.command(AtBmw(act=ChangePriceList(tax_included=True)))
    catalogue, _ = au_shop.sync()
    assert (catalogue.list_version, catalogue.products[0].offers[0].tax_minor) == (2, 0)
    number = au_shop.order_in_portal("RTTI")
    assert (au_shop.view(number).amount_minor, au_shop.view(number).tax_minor) == (4500, 409)
    au_shop.restart_after(SECOND)
    au_shop.command(AtBmw(act=ChangePriceList(percent=10)))
    number = au_shop.order_in_portal("CONCIERGE")
    assert au_shop.view(number).amount_minor == 9900


@pytest.mark.req("R-310", "R-206")
def test_a_modified_order_is_taxed_anew_at_the_current_list(au_shop: AuShop) -> None:
    order = au_shop.accepted("RTTI")
    au_shop.command(AtBmw(act=ChangePriceList(percent=50)))
    reply = au_shop.modify(order, ("RTTI", 6), "CONCIERGE")
    assert reply.order is not None
    assert [(line.amount_minor, line.tax_minor) for line in reply.order.lines] == [
        (13860, 1260),
        (14850, 1350),
    ]


@pytest.mark.req("R-103")
def test_an_accepted_order_keeps_its_price_and_its_tax_when_the_list_changes(au_shop: AuShop) -> None:
    number = au_shop.order_in_portal("RTTI")
    au_shop.command(AtBmw(act=ChangePriceList(percent=100)))
    au_shop.pay_by_card(number)
    assert au_shop.order(number).kept_minor == 4950


@pytest.mark.req("R-301", "R-303")
def test_an_order_is_paid_with_the_card_and_no_message_is_sent(au_shop: AuShop) -> None:
    number = au_shop.order_in_portal("RTTI")
    au_shop.advance(MINUTE)
    assert au_shop.phone == []
    assert au_shop.journal("sms") == []
    assert au_shop.view(number).sms_number == ""
    with pytest.raises(BackendError) as refused:
        au_shop.command(Pay(order_number=number, provider="AliPay"))
    assert refused.value.code is ErrorCode.PROVIDER_UNSUPPORTED
    au_shop.pay_by_card(number)
    assert au_shop.order(number).state is OrderState.PAID
    assert au_shop.order(number).kept_minor == 4950


@pytest.mark.req("R-301", "R-308")
def test_the_hotline_has_no_link_to_send(au_shop: AuShop) -> None:
    number = au_shop.order_in_portal("RTTI")
    with pytest.raises(BackendError) as refused:
        au_shop.command(AtHotline(act=ResendLink(order=number)))
    assert refused.value.code is ErrorCode.INVALID_STATE
    assert au_shop.journal("sms") == []


@pytest.mark.req("R-301", "R-821")
def test_an_australian_order_goes_to_the_cards_processor_and_not_to_china(au_shop: AuShop) -> None:
    number = au_shop.order_in_portal("RTTI")
    assert au_shop.flows() == []
    au_shop.pay_by_card(number)
    assert au_shop.flows() == [Flow(DataCategory.ORDER, Recipient.PROVIDER_AU, Purpose.PROCESSING)]


@pytest.mark.req("R-211")
def test_an_unpaid_order_has_24_hours(au_shop: AuShop) -> None:
    number = au_shop.order_in_portal("RTTI")
    au_shop.advance(DAY)
    assert au_shop.order(number).state is OrderState.AWAITING_PAYMENT
    au_shop.advance(1)
    assert au_shop.order(number).state is OrderState.CANCELLED


@pytest.mark.req("R-309")
@pytest.mark.parametrize("outcome", [PaymentOutcome.DECLINE, PaymentOutcome.WRONG_AMOUNT])
def test_nothing_is_provided_without_approved_payment(au_shop: AuShop, outcome: PaymentOutcome) -> None:
    number = au_shop.order_in_portal("RTTI")
    assert au_shop.entitlements("RTTI") == ()
    au_shop.pay_by_card(number, outcome)
    au_shop.advance(2 * DAY)
    assert au_shop.entitlements("RTTI") == ()
    assert au_shop.order(number).kept_minor == 0


@pytest.mark.req("R-402")
def test_the_first_day_is_that_of_activation_even_when_it_is_in_time() -> None:
    shop = AuShop(in_melbourne("2026-05-31 23:59"))
    shop.command(HoldActivation(held=True))
    shop.pay_by_card(shop.order_in_portal("RTTI"))
    shop.advance_to(in_melbourne("2026-06-01 00:00") - 1)
    assert shop.booked("RTTI").state is S.PENDING
    shop.advance(1)
    shop.command(HoldActivation(held=False))
    view = shop.booked("RTTI")
    assert (view.state, view.booked_from, view.booked_until) == (S.ACTIVE, "2026-06-01", "2026-08-31")
    shop.close()


@pytest.mark.req("R-402")
@pytest.mark.parametrize(
    ("paid", "delay", "first_day"),
    [
        ("2026-05-31 23:59:59.999", 0, "2026-05-31"),
        ("2026-05-31 23:59:59.999", 1, "2026-06-01"),
        # In UTC it is still the day before.
        ("2026-06-01 09:00", SECOND, "2026-06-01"),
        # The hour that comes twice, and the one that is left out.
        ("2026-04-05 02:59:59", MINUTE, "2026-04-05"),
        ("2026-10-04 01:59:59", MINUTE, "2026-10-04"),
        ("2026-10-03 23:59:59.999", 1, "2026-10-04"),
    ],
)
def test_the_day_of_activation_is_melbournes(paid: str, delay: int, first_day: str) -> None:
    shop = AuShop(in_melbourne(paid), activation_delay_ms=delay)
    shop.pay_by_card(shop.order_in_portal("RTTI"))
    shop.advance(delay)
    assert shop.booked("RTTI").booked_from == first_day
    shop.close()


@pytest.mark.req("R-401", "R-402")
def test_an_overdue_activation_alarms_names_the_line_to_call_and_begins_its_term_late() -> None:
    shop = AuShop(in_melbourne("2026-05-01 12:00"))
    shop.command(HoldActivation(held=True))
    shop.pay_by_card(shop.order_in_portal("RTTI"))
    shop.advance(DAY)
    assert not shop.booked("RTTI").overdue
    shop.advance(1)
    assert shop.booked("RTTI").overdue
    [alarm] = [
        entry
        for entry in shop.book.entries
        if entry.kind == "entitlement" and entry.data.get("event") == "overdue"
    ]
    assert alarm.data["call"] == "133 269"
    shop.advance_to(in_melbourne("2026-05-04 08:00"))
    shop.command(HoldActivation(held=False))
    assert (shop.booked("RTTI").booked_from, shop.booked("RTTI").booked_until) == ("2026-05-04", "2026-08-03")
    shop.close()


@pytest.mark.req("R-404", "R-405")
def test_activation_needs_no_coverage_and_its_snapshot_waits_for_the_car(au_shop: AuShop) -> None:
    waiting = au_shop.backend.outbox_depth
    assert au_shop.booked_service().state is S.ACTIVE
    assert au_shop.backend.outbox_depth > waiting
    revisions = [snapshot.revision for snapshot in au_shop.snapshots()]
    assert revisions == sorted(set(revisions))


@pytest.mark.req("R-214")
def test_a_paid_order_is_changed_by_the_australian_hotline_alone(au_shop: AuShop) -> None:
    number = au_shop.order_in_portal("RTTI")
    au_shop.pay_by_card(number)
    reply = au_shop.cancel(number)
    assert reply.code is ErrorCode.USE_HOTLINE
    assert "133 269" in reply.detail


@pytest.mark.req("R-401")
def test_the_chinese_alarm_names_the_chinese_line(shop: Shop) -> None:
    shop.command(HoldActivation(held=True))
    shop.paid("RTTI")
    shop.advance(DAY + 1)
    calls = [entry.data["call"] for entry in shop.book.entries if "call" in entry.data]
    assert calls == ["400-800-6666"]
