"""Messages of the air: what is sent is what arrives, and a broken message is told its field."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.codec import decode, encode, kind_of
from contracts.errors import ContractError, ErrorCode, MessageFieldError, UnknownKindError
from contracts.messages import (
    DOWN_MESSAGES,
    UP_MESSAGES,
    CancelOrder,
    Line,
    Message,
    OrderReply,
    SubmitOrder,
    SyncRequest,
)

ORDER = SubmitOrder(
    key="k1",
    sent_at_ms=5,
    client_order_id="c1",
    lines=(Line("RTTI", 3), Line("CONCIERGE", 12)),
    list_version=2,
)


TEXT = st.characters(codec="utf-8", exclude_characters="\0")


def test_a_message_arrives_as_it_was_sent() -> None:
    assert decode(kind_of(ORDER), encode(ORDER)) == ORDER


def test_every_kind_has_a_name_of_its_own() -> None:
    kinds = [kind_of(message) for message in (*UP_MESSAGES, *DOWN_MESSAGES)]
    assert len(set(kinds)) == len(kinds)


def test_the_schema_travels_inside_the_message() -> None:
    assert msgspec.json.decode(encode(ORDER))["schema"] == "submit-order"


def test_a_field_that_only_a_newer_sender_knows_is_ignored() -> None:
    payload = encode(ORDER).replace(b'"list_version":2', b'"list_version":2,"colour":"amber"')
    assert decode("submit-order", payload) == ORDER


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        (b'"months":3', b'"months":"three"', "lines[0].months"),
        (b'"list_version":2', b'"list_version":null', "list_version"),
        (b'"key":"k1",', b"", "key"),
        (b'"key":"k1"', b'"key":""', "key"),
        (b'"sent_at_ms":5', b'"sent_at_ms":-5', "sent_at_ms"),
        (b'"schema":"submit-order"', b'"schema":"sync"', "schema"),
    ],
)
def test_a_wrong_field_is_named(old: bytes, new: bytes, field: str) -> None:
    payload = encode(ORDER)
    assert old in payload
    with pytest.raises(MessageFieldError) as caught:
        decode("submit-order", payload.replace(old, new))
    assert caught.value.field == field
    assert field in str(caught.value)


def test_nesting_without_end_is_refused_and_not_followed() -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    with pytest.raises(MessageFieldError):
        decode("sync", b'{"schema":"sync","key":"k","sent_at_ms":1,"more":' + deep + b"}")


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(UnknownKindError):
        decode("open-sesame", b"{}")


@given(st.binary(max_size=64))
def test_arbitrary_bytes_never_raise_anything_else(payload: bytes) -> None:
    for message in UP_MESSAGES:
        try:
            assert isinstance(decode(kind_of(message), payload), Message)
        except ContractError:
            pass


def test_no_text_holds_nul_but_a_backslash_before_the_word_is_a_backslash() -> None:
    with pytest.raises(MessageFieldError, match="NUL"):
        decode("cancel-order", encode(CancelOrder(key="k", sent_at_ms=1, order_number="A\0")))
    wordy = CancelOrder(key="k", sent_at_ms=1, order_number="\\u0000")
    assert decode("cancel-order", encode(wordy)) == wordy


@given(
    key=st.text(TEXT, min_size=1, max_size=64),
    revision=st.integers(0, 2**62),
)
def test_text_and_numbers_survive_the_journey(key: str, revision: int) -> None:
    message = SyncRequest(key=key, sent_at_ms=0, have_revision=revision)
    assert decode("sync", encode(message)) == message


def test_a_code_crosses_the_air_as_it_stands() -> None:
    reply = OrderReply(key="k", sent_at_ms=0, request_key="r", code=ErrorCode.PRICE_CHANGED)
    assert b'"code":"PRICE_CHANGED"' in encode(reply)
