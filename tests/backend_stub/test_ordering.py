"""Submitting, modifying and cancelling orders from the car."""

import msgspec
import pytest

from backend_stub.app import BackendConfig
from backend_stub.domain.checkout import check_not_locked, locked_until_ms
from backend_stub.domain.order import Channel, Order
from backend_stub.domain.vehicle import VehicleRecord
from backend_stub.errors import BackendError
from contracts.bench import ChangePrices, PaymentOutcome
from contracts.errors import ErrorCode
from contracts.messages import CancelReason, Catalogue, Line, OrderState, SubmitOrder
from tests.backend_stub.shop import DAY, MINUTE, NUMBER, SECOND, VIN, Shop, lines

OTHER = "WBATEST0000000002"


@pytest.mark.req("R-201")
def test_an_order_holds_several_services_at_frozen_prices(shop: Shop) -> None:
    order = shop.accepted(("RTTI", 3), ("CONCIERGE", 12))
    assert order.state is OrderState.AWAITING_PAYMENT
    assert [(line.service, line.months, line.amount_minor) for line in order.lines] == [
        ("RTTI", 3, 15000),
        ("CONCIERGE", 12, 100000),
    ]
    assert (order.amount_minor, order.currency) == (115000, "CNY")
    assert (order.number, order.version) == ("CN-000001", 1)


@pytest.mark.req("R-201")
def test_a_service_that_is_in_the_order_twice_refuses_it_whole_whatever_the_terms(shop: Shop) -> None:
    assert shop.refused(("RTTI", 3), "CONCIERGE", ("RTTI", 12)) is ErrorCode.DUPLICATE_SERVICE


@pytest.mark.req("R-201")
def test_an_empty_order_is_refused(shop: Shop) -> None:
    assert shop.refused() is ErrorCode.EMPTY_CART


@pytest.mark.req("R-004", "R-101")
def test_standard_services_and_odd_terms_are_refused(shop: Shop) -> None:
    assert shop.refused("EMERGENCY_CALL") is ErrorCode.NOT_ORDERABLE
    assert shop.refused("TELESERVICES") is ErrorCode.NOT_ORDERABLE
    assert shop.refused(("RTTI", 5)) is ErrorCode.BAD_TERM


@pytest.mark.req("R-102")
def test_the_backend_rechecks_what_the_car_listed() -> None:
    car = VehicleRecord(vin=VIN, contract_number=NUMBER, equipment=("telephony",))
    shop = Shop(config=BackendConfig(vehicles=(car,)))
    catalogue, _ = shop.sync()
    assert [product.service for product in catalogue.products] == ["CONCIERGE"]
    assert shop.refused("RTTI") is ErrorCode.NOT_ELIGIBLE
    shop.close()


@pytest.mark.req("R-103")
def test_an_outdated_list_is_refused_and_answered_with_the_new_one(shop: Shop) -> None:
    shop.command(ChangePrices(percent=10))
    request = SubmitOrder(
        key="k", sent_at_ms=shop.now, client_order_id="c", lines=lines("RTTI"), list_version=1
    )
    catalogue, reply = (sent.message for sent in shop.give(request))
    assert isinstance(catalogue, Catalogue)
    assert (catalogue.list_version, catalogue.products[0].offers[0].amount_minor) == (2, 16500)
    assert getattr(reply, "code", None) is ErrorCode.PRICE_CHANGED
    assert shop.refused("RTTI", list_version=3) is ErrorCode.PRICE_CHANGED
    assert shop.accepted("RTTI", list_version=2).amount_minor == 16500


@pytest.mark.req("R-103")
def test_an_accepted_order_keeps_its_price(shop: Shop) -> None:
    order = shop.accepted("RTTI")
    shop.command(ChangePrices(percent=50))
    shop.pay(order.number)
    assert shop.order(order.number).captured_minor == 15000
    assert shop.order(order.number).state is OrderState.PAID


@pytest.mark.req("R-203")
def test_the_contracts_number_is_used_unless_the_driver_replaces_it(shop: Shop) -> None:
    assert shop.accepted("RTTI").sms_number == "138****0001"
    assert shop.accepted("CONCIERGE", sms_number="15900000002").sms_number == "159****0002"


@pytest.mark.req("R-203")
@pytest.mark.parametrize(
    "number",
    [
        "",
        "1380000000",
        "138000000012",
        "23800000001",
        "+8613800000001",
        "1380000000a",
        "１３８００００００01",
    ],
)
def test_a_number_has_eleven_digits_and_starts_with_1(shop: Shop, number: str) -> None:
    assert shop.refused("RTTI", sms_number=number) is ErrorCode.BAD_NUMBER


@pytest.mark.req("R-001", "R-202")
def test_where_the_profile_asks_for_an_account_the_car_store_is_closed_without_one() -> None:
    shop = Shop(config=BackendConfig(market="AU", vehicles=(VehicleRecord(vin=VIN),)))
    catalogue, snapshot = shop.sync()
    assert (catalogue.currency, catalogue.hotline) == ("AUD", "133 269")
    assert [view.service for view in snapshot.entitlements] == ["EMERGENCY_CALL", "TELESERVICES"]
    assert shop.refused("RTTI") is ErrorCode.REGISTRATION_REQUIRED
    shop.close()


@pytest.mark.req("R-301")
def test_where_the_profile_pays_on_the_portal_no_message_is_sent() -> None:
    shop = Shop(config=BackendConfig(market="AU", vehicles=(VehicleRecord(vin=VIN),)))
    request = SubmitOrder(
        key="k", sent_at_ms=shop.now, client_order_id="c", lines=lines("RTTI"), list_version=1
    )

    async def submit_on_portal() -> None:
        car = shop.backend.store.vehicles.get(VIN)
        assert car is not None
        with shop.backend.change() as uow:
            shop.backend.orders.submit(uow, car, request, Channel.PORTAL)

    shop.run(submit_on_portal())
    shop.advance(MINUTE)
    assert shop.backend.audit().orders[0].number == "AU-000001"
    assert shop.phone == []
    shop.close()


@pytest.mark.req("R-209")
def test_the_portal_blocks_only_the_services_that_are_being_cancelled(shop: Shop) -> None:
    order = shop.accepted("RTTI")
    shop.open_session(order.number)
    shop.cancel(order.number)

    def on_portal(service: str) -> str:
        car = shop.backend.store.vehicles.get(VIN)
        assert car is not None
        request = SubmitOrder(
            key="k", sent_at_ms=shop.now, client_order_id=service, lines=lines(service), list_version=1
        )
        with shop.backend.change() as uow:
            return shop.backend.orders.submit(uow, car, request, Channel.PORTAL).number

    async def story() -> None:
        assert on_portal("CONCIERGE") == "CN-000002"
        with pytest.raises(BackendError) as refused:
            on_portal("RTTI")
        assert refused.value.code is ErrorCode.SERVICE_IN_OPEN_ORDER

    shop.run(story())


@pytest.mark.req("R-203")
def test_without_a_contract_number_one_must_be_given() -> None:
    shop = Shop(config=BackendConfig(vehicles=(VehicleRecord(vin=VIN),)))
    assert shop.refused("RTTI") is ErrorCode.BAD_NUMBER
    shop.accepted("RTTI", sms_number=NUMBER)
    shop.close()


@pytest.mark.req("R-204")
def test_a_repeated_client_id_returns_the_same_order(shop: Shop) -> None:
    first = shop.accepted("RTTI", client_order_id="once")
    again = shop.submit("CONCIERGE", client_order_id="once")
    assert again.code is None
    assert again.order == first
    assert len(shop.backend.audit().orders) == 1
    assert len(shop.phone) == 1


@pytest.mark.req("R-204")
def test_client_ids_of_two_cars_do_not_meet() -> None:
    cars = tuple(VehicleRecord(vin=vin, contract_number=NUMBER) for vin in (VIN, OTHER))
    shop = Shop(config=BackendConfig(vehicles=cars))
    request = SubmitOrder(
        key="a", sent_at_ms=shop.now, client_order_id="1", lines=lines("RTTI"), list_version=1
    )
    shop.give(request)
    shop.give(msgspec.structs.replace(request, key="b"), vin=OTHER)
    assert [order.vin for order in shop.backend.audit().orders] == [VIN, OTHER]
    shop.close()


@pytest.mark.req("R-204")
@pytest.mark.parametrize(("age_ms", "code"), [(MINUTE - 1, None), (MINUTE, ErrorCode.NO_CONNECTION)])
def test_nothing_is_placed_by_a_request_whose_life_has_ended(
    shop: Shop, age_ms: int, code: ErrorCode | None
) -> None:
    request = SubmitOrder(
        key="k", sent_at_ms=shop.now - age_ms, client_order_id="c", lines=lines("RTTI"), list_version=1
    )
    assert shop.reply(request, expiry_s=5).code is code
    assert len(shop.backend.audit().orders) == (code is None)


@pytest.mark.req("R-205")
def test_start_dates_and_instalments_are_refused(shop: Shop) -> None:
    assert shop.refused("RTTI", start_date="2026-06-01") is ErrorCode.START_DATE_UNSUPPORTED
    assert shop.refused("RTTI", instalments=3) is ErrorCode.INSTALMENT_UNSUPPORTED


@pytest.mark.req("R-206")
def test_a_modified_order_is_repriced_whole_and_keeps_deadline_and_link(shop: Shop) -> None:
    order = shop.accepted("RTTI")
    link = shop.phone[0].url
    shop.command(ChangePrices(percent=10))
    shop.advance(3 * 60 * MINUTE)
    reply = shop.modify(order, "RTTI", ("CONCIERGE", 3))
    assert reply.code is None
    assert reply.order is not None
    assert (reply.order.amount_minor, reply.order.deadline_ms) == (16500 + 33000, order.deadline_ms)
    assert reply.order.version == order.version + 1
    assert len(shop.phone) == 1
    found = shop.backend.store.orders.by_token(link.rpartition("/")[2])
    assert found is not None
    assert found.amount_minor == 49500


@pytest.mark.req("R-206")
def test_an_edit_of_an_old_version_is_refused(shop: Shop) -> None:
    order = shop.accepted("RTTI")
    assert shop.modify(order, "CONCIERGE").code is None
    stale = shop.modify(order, "PREMIUM", version=order.version)
    assert stale.code is ErrorCode.ORDER_CHANGED
    assert stale.order is not None
    assert stale.order.lines[0].service == "CONCIERGE"


@pytest.mark.req("R-206", "R-201")
def test_a_modified_order_meets_the_checks_of_a_new_one(shop: Shop) -> None:
    order = shop.accepted("RTTI")
    assert shop.modify(order).code is ErrorCode.EMPTY_CART
    assert shop.modify(order, "RTTI", "RTTI").code is ErrorCode.DUPLICATE_SERVICE
    assert shop.modify(order, ("RTTI", 4)).code is ErrorCode.BAD_TERM
    shop.accepted("CONCIERGE")
    assert shop.modify(order, "RTTI", "CONCIERGE").code is ErrorCode.SERVICE_IN_OPEN_ORDER
    assert shop.order(order.number).amount_minor == 15000


@pytest.mark.req("R-207")
def test_while_paying_and_after_failure_an_order_cannot_be_modified(shop: Shop) -> None:
    order = shop.accepted("RTTI")
    session = shop.open_session(order.number)
    assert shop.modify(order, "CONCIERGE").code is ErrorCode.PAYMENT_IN_PROGRESS
    shop.decide(session, PaymentOutcome.DECLINE)
    assert shop.modify(order, "CONCIERGE").code is ErrorCode.NOT_MODIFIABLE


@pytest.mark.req("R-208")
def test_an_unpaid_order_is_cancelled_at_once(shop: Shop) -> None:
    order = shop.accepted("RTTI")
    reply = shop.cancel(order.number)
    assert reply.code is None
    assert reply.order is not None
    assert (reply.order.state, reply.order.cancel_reason) == (OrderState.CANCELLED, CancelReason.USER)
    assert shop.snapshots()[-1].locked_until_ms is None
    shop.accepted("RTTI")


@pytest.mark.req("R-208")
def test_an_order_whose_payment_failed_is_cancelled_at_once(shop: Shop) -> None:
    order = shop.accepted("RTTI")
    shop.pay(order.number, PaymentOutcome.DECLINE)
    assert shop.order(order.number).state is OrderState.PAYMENT_FAILED
    assert shop.cancel(order.number).code is None
    assert shop.order(order.number).state is OrderState.CANCELLED


@pytest.mark.req("R-208")
def test_what_is_cancelled_cannot_be_cancelled_or_modified(shop: Shop) -> None:
    order = shop.accepted("RTTI")
    shop.cancel(order.number)
    assert shop.cancel(order.number).code is ErrorCode.INVALID_STATE
    assert shop.modify(order, "CONCIERGE").code is ErrorCode.INVALID_STATE


@pytest.mark.req("R-213")
def test_a_service_sits_in_one_open_order_only(shop: Shop) -> None:
    first = shop.accepted("RTTI")
    shop.accepted("CONCIERGE")
    assert shop.refused("RTTI") is ErrorCode.SERVICE_IN_OPEN_ORDER
    shop.pay(first.number)
    shop.accepted("RTTI")


@pytest.mark.req("R-213")
def test_an_order_is_open_while_it_is_being_paid_and_after_the_payment_failed(shop: Shop) -> None:
    order = shop.accepted("RTTI")
    session = shop.open_session(order.number)
    assert shop.refused("RTTI") is ErrorCode.SERVICE_IN_OPEN_ORDER
    shop.decide(session, PaymentOutcome.DECLINE)
    assert shop.order(order.number).state is OrderState.PAYMENT_FAILED
    assert shop.refused("RTTI") is ErrorCode.SERVICE_IN_OPEN_ORDER
    shop.cancel(order.number)
    shop.accepted("RTTI")


@pytest.mark.req("R-214")
def test_paid_orders_are_changed_by_the_hotline_alone(shop: Shop) -> None:
    order = shop.accepted("RTTI")
    shop.pay(order.number)
    modified, cancelled = shop.modify(order, "CONCIERGE"), shop.cancel(order.number)
    assert modified.code is cancelled.code is ErrorCode.USE_HOTLINE
    assert "10101018" in cancelled.detail
    assert "10101018" in modified.detail
    shop.advance(MINUTE)
    assert shop.order(order.number).state is OrderState.FULFILLED
    assert shop.cancel(order.number).code is ErrorCode.USE_HOTLINE


def test_another_cars_order_does_not_exist_for_this_one() -> None:
    cars = tuple(VehicleRecord(vin=vin, contract_number=NUMBER) for vin in (VIN, OTHER))
    shop = Shop(config=BackendConfig(vehicles=cars))
    request = SubmitOrder(
        key="a", sent_at_ms=shop.now, client_order_id="1", lines=(Line("RTTI", 3),), list_version=1
    )
    shop.give(request, vin=OTHER)
    reply = shop.cancel("CN-000001")
    assert (reply.code, reply.order) == (ErrorCode.UNKNOWN_ORDER, None)
    shop.close()


@pytest.mark.req("R-211")
def test_an_unpaid_order_times_out_a_millisecond_after_24_hours(shop: Shop) -> None:
    order = shop.accepted("RTTI")
    assert order.deadline_ms == shop.now + DAY
    shop.advance_to(order.deadline_ms)
    assert shop.order(order.number).state is OrderState.AWAITING_PAYMENT
    shop.advance(1)
    assert shop.order(order.number).state is OrderState.CANCELLED
    assert shop.view(order.number).cancel_reason is CancelReason.TIMEOUT


@pytest.mark.req("R-002", "R-211")
def test_the_24_hours_begin_with_the_acceptance_and_not_when_the_car_asked(shop: Shop) -> None:
    request = SubmitOrder(
        key="k",
        sent_at_ms=shop.now - 30 * SECOND,
        client_order_id="c",
        lines=lines("RTTI"),
        list_version=1,
    )
    order = shop.reply(request).order
    assert order is not None
    assert (order.accepted_at_ms, order.deadline_ms) == (shop.now, shop.now + DAY)


@pytest.mark.req("R-211")
def test_failed_and_paying_orders_time_out_too(shop: Shop) -> None:
    failed, paying = shop.accepted("RTTI"), shop.accepted("CONCIERGE")
    shop.pay(failed.number, PaymentOutcome.DECLINE)
    shop.advance(DAY - SECOND)
    shop.open_session(paying.number)
    shop.advance(SECOND + 1)
    for number in (failed.number, paying.number):
        assert shop.order(number).state is OrderState.CANCELLED
        assert shop.order(number).cancel_reason is CancelReason.TIMEOUT


@pytest.mark.req("R-211")
def test_the_timeout_survives_a_restart(shop: Shop) -> None:
    order = shop.accepted("RTTI")
    shop.restart_after(2 * DAY)
    assert shop.order(order.number).state is OrderState.CANCELLED
    assert shop.order(order.number).cancel_reason is CancelReason.TIMEOUT


@pytest.mark.req("R-209")
def test_the_lock_itself_ends_at_the_transmitted_instant() -> None:
    cancelling = Order(
        number="CN-000001",
        vin=VIN,
        client_order_id="c",
        lines=(),
        currency="CNY",
        sms_number=NUMBER,
        accepted_at_ms=0,
        deadline_ms=DAY,
        token="t",
        state=OrderState.CANCELLING,
        cancel_at_ms=0,
        cancel_until_ms=5 * MINUTE,
    )
    assert locked_until_ms([cancelling]) == 5 * MINUTE
    with pytest.raises(BackendError) as refused:
        check_not_locked([cancelling], 5 * MINUTE - 1)
    assert refused.value.code is ErrorCode.CANCEL_SYNC
    check_not_locked([cancelling], 5 * MINUTE)
