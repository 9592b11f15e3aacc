"""Messages from cars: taken once, answered where asked, set aside when they break their contract."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from backend_stub.adapters.tables import INBOX_DEAD
from backend_stub.app import BackendConfig
from backend_stub.domain.vehicle import VehicleRecord
from backend_stub.service.intake import reply_topic
from contracts.codec import encode
from contracts.errors import ErrorCode
from contracts.messages import (
    CancelOrder,
    Catalogue,
    Disturbance,
    OrderReply,
    Refusal,
    Snapshot,
    SubmitOrder,
    SyncRequest,
)
from contracts.topics import down_topic, up_topic
from contracts.trace import make_traceparent, trace_id_of
from tests.backend_stub.shop import NUMBER, SECOND, VIN, Shop, lines

TRACE = make_traceparent("a" * 32, "b" * 16)


def order_request(shop: Shop, key: str = "k") -> SubmitOrder:
    return SubmitOrder(key=key, sent_at_ms=shop.now, client_order_id="c", lines=lines("RTTI"), list_version=1)


def dead_letters(shop: Shop) -> list[tuple[str, str]]:
    rows = shop.backend.store.sql.rows(select(INBOX_DEAD).order_by(INBOX_DEAD.c.seq))
    return [(row.topic, row.reason) for row in rows]


@pytest.mark.req("R-204")
def test_a_message_that_is_delivered_twice_takes_effect_and_is_answered_once(shop: Shop) -> None:
    request = order_request(shop)
    assert [type(sent.message) for sent in shop.give(request)] == [OrderReply, Snapshot]
    assert shop.give(request) == []
    assert len(shop.backend.audit().orders) == 1


@pytest.mark.req("R-204")
def test_a_repetition_is_answered_again_when_the_first_answer_has_left(shop: Shop) -> None:
    request = order_request(shop)
    reply, _ = shop.give(request, correlation_data=b"k")
    for entry in shop.backend.store.outbox.pending(0, 100):
        shop.backend.store.outbox.delete(entry.seq)
    [again] = shop.give(request, correlation_data=b"k")
    assert again == reply
    assert len(shop.backend.audit().orders) == 1


def test_keys_of_two_cars_do_not_meet() -> None:
    other = "WBATEST0000000002"
    cars = tuple(VehicleRecord(vin=vin, contract_number=NUMBER) for vin in (VIN, other))
    shop = Shop(config=BackendConfig(vehicles=cars))
    shop.give(order_request(shop))
    reply, _ = shop.give(order_request(shop), vin=other)
    assert reply.packet.topic == down_topic(other, "order-reply")
    assert len(shop.backend.audit().orders) == 2
    shop.close()


@pytest.mark.req("R-204")
def test_a_repetition_is_recognised_after_a_restart(shop: Shop) -> None:
    request = order_request(shop)
    shop.give(request)
    shop.restart_after(SECOND)
    assert shop.give(request) == []


def test_answers_carry_the_correlation_data_and_go_to_the_topic_of_their_kind(shop: Shop) -> None:
    wanted = down_topic(VIN, "order-reply")
    sent = shop.give(SyncRequest(key="k", sent_at_ms=shop.now), response_topic=wanted, correlation_data=b"k")
    assert [(each.packet.topic, each.packet.correlation_data) for each in sent] == [
        (down_topic(VIN, "catalogue"), b"k"),
        (down_topic(VIN, "snapshot"), b"k"),
    ]
    reply, snapshot = shop.give(order_request(shop, "l"), response_topic=wanted, correlation_data=b"l")
    assert (reply.packet.topic, reply.packet.correlation_data) == (wanted, b"l")
    assert snapshot.packet.correlation_data == b""


@pytest.mark.parametrize(
    ("wanted", "topic"),
    [
        ("", f"v1/vehicles/{VIN}/down/order-reply"),
        (f"v1/vehicles/{VIN}/down/answers", f"v1/vehicles/{VIN}/down/answers"),
        ("v1/vehicles/WBATEST0000000002/down/answers", f"v1/vehicles/{VIN}/down/order-reply"),
        (f"v1/vehicles/{VIN}/up/answers", f"v1/vehicles/{VIN}/down/order-reply"),
        ("anything/else", f"v1/vehicles/{VIN}/down/order-reply"),
        (f"v1/vehicles/{VIN}/down/+", f"v1/vehicles/{VIN}/down/order-reply"),
        (f"v1/vehicles/{VIN}/down/#", f"v1/vehicles/{VIN}/down/order-reply"),
        (f"v1/vehicles/{VIN}/down/a+", f"v1/vehicles/{VIN}/down/order-reply"),
    ],
)
def test_an_answer_never_leaves_the_cars_own_topics(wanted: str, topic: str) -> None:
    assert reply_topic(VIN, "order-reply", wanted) == topic


def test_a_refusal_says_why_and_shows_the_order_as_it_is(shop: Shop) -> None:
    order = shop.accepted("RTTI")
    shop.pay(order.number)
    reply = shop.cancel(order.number)
    assert reply.code is ErrorCode.USE_HOTLINE
    assert reply.order is not None
    assert reply.order.number == order.number
    assert ("cancel-order", "USE_HOTLINE") in shop.journal("refusal")


@pytest.mark.parametrize(
    ("payload", "field"),
    [
        (
            b'{"schema":"submit-order","key":"k","sent_at_ms":1,"client_order_id":"c","list_version":1}',
            "lines",
        ),
        (
            b'{"schema":"submit-order","key":"k","sent_at_ms":1,"client_order_id":"c","list_version":1,'
            b'"lines":[{"service":"RTTI","months":"3"}]}',
            "lines[0].months",
        ),
        (b'{"schema":"submit-order","key":"k","sent_at_ms":-1}', "sent_at_ms"),
        (b'{"schema":"submit-order","key":"k","sent_at_ms":1,"sms_number":"1\\u0000"}', "no text"),
        (b"\xff\xfe", ""),
        (b"[]", ""),
    ],
)
def test_a_message_that_breaks_its_contract_is_refused_naming_the_field_and_kept(
    shop: Shop, payload: bytes, field: str
) -> None:
    topic = up_topic(VIN, "submit-order")
    [sent] = shop.give_bytes(topic, payload, key="k")
    assert isinstance(sent.message, Refusal)
    assert (sent.message.code, sent.message.request_key) == (ErrorCode.BAD_MESSAGE, "k")
    assert sent.message.detail.startswith(field)
    assert [kept for kept, _ in dead_letters(shop)] == [topic]
    assert shop.backend.audit().orders == ()


@pytest.mark.parametrize(
    "topic", [up_topic(VIN, "telepathy"), up_topic(VIN, "catalogue"), up_topic(VIN, "disturbance")]
)
def test_kinds_that_cars_do_not_send_are_refused(shop: Shop, topic: str) -> None:
    disturbance = Disturbance(key="k", sent_at_ms=1, cause="X", services=(), from_ms=1)
    [sent] = shop.give_bytes(topic, encode(disturbance), key="k")
    assert isinstance(sent.message, Refusal)
    assert len(dead_letters(shop)) == 1


@pytest.mark.parametrize(
    "topic", [up_topic("WBATEST0000000009", "sync"), "v1/vehicles/x", down_topic(VIN, "sync")[:-5]]
)
def test_what_comes_from_no_known_car_is_kept_and_not_answered(shop: Shop, topic: str) -> None:
    request = SyncRequest(key="k", sent_at_ms=shop.now)
    assert shop.give_bytes(topic, encode(request), key="k") == []
    assert [kept for kept, _ in dead_letters(shop)] == [topic]


def test_a_key_that_differs_from_the_packets_is_refused(shop: Shop) -> None:
    [sent] = shop.give_bytes(up_topic(VIN, "sync"), encode(SyncRequest(key="k", sent_at_ms=1)), key="other")
    assert isinstance(sent.message, Refusal)
    assert sent.message.detail.startswith("key")


@given(payload=st.binary(max_size=60), kind=st.sampled_from(("sync", "submit-order", "x", "")))
@settings(max_examples=40, deadline=None)
def test_no_bytes_whatever_stop_the_backend(payload: bytes, kind: str) -> None:
    shop = Shop()
    shop.give_bytes(up_topic(VIN, kind), payload, key="k")
    assert shop.accepted("RTTI").number == "CN-000001"
    shop.close()


def test_a_story_keeps_its_trace_from_request_to_activation(shop: Shop) -> None:
    shop.give(order_request(shop), traceparent=TRACE)
    shop.pay("CN-000001")
    shop.advance(60 * SECOND)
    story = [sent for sent in shop.sent() if sent.packet.traceparent and sent.packet.topic]
    told = [sent for sent in story if trace_id_of(sent.packet.traceparent) == "a" * 32]
    assert [type(sent.message) for sent in told] == [OrderReply, *[Snapshot] * (len(told) - 1)]
    last = told[-1].message
    assert isinstance(last, Snapshot)
    assert [view.state for view in last.entitlements if view.service == "RTTI"] == ["ACTIVE"]
    spans = [sent.packet.traceparent for sent in told]
    assert len(set(spans)) == len(spans)


def test_a_malformed_trace_begins_a_new_one(shop: Shop) -> None:
    sent = shop.give(order_request(shop), traceparent="nonsense")
    assert trace_id_of(sent[0].packet.traceparent)


def test_a_cancel_of_no_order_is_answered(shop: Shop) -> None:
    reply = shop.reply(CancelOrder(key="k", sent_at_ms=shop.now, order_number="CN-000009"))
    assert (reply.code, reply.order) == (ErrorCode.UNKNOWN_ORDER, None)


@pytest.mark.req("R-832")
def test_the_journal_holds_no_vin_number_or_token(shop: Shop) -> None:
    shop.paid("RTTI")
    shop.submit("RTTI", "RTTI")
    shop.advance(60 * SECOND)
    [token] = [order.token for order in shop.backend.store.orders.all()]
    sessions = [payment.session for payment in shop.backend.store.payments.all()]
    for entry in shop.book.entries:
        text = repr(entry)
        assert not any(secret in text for secret in (VIN, NUMBER, token, *sessions)), text


def test_a_catalogue_and_a_snapshot_answer_every_sync(shop: Shop) -> None:
    _, snapshot = shop.sync()
    request = SyncRequest(key="again", sent_at_ms=shop.now, have_revision=snapshot.revision, list_version=1)
    assert [type(sent.message) for sent in shop.give(request)] == [Catalogue, Snapshot]
