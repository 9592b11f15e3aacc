"""Reports of providers as bytes: what is genuine, what is not, what can be read (R-831)."""

import hashlib
import hmac
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend_stub.domain.callback import Callback, CallbackKind, is_genuine, read, sign, write
from backend_stub.errors import BackendError
from contracts.errors import ErrorCode

KEY = "the key that both sides know"
REPORT = Callback(
    kind=CallbackKind.CAPTURED,
    at_ms=1_777_600_000_123,
    session="a session",
    transaction_id="a transaction",
    amount_minor=15000,
    currency="CNY",
)
BODY = write(REPORT)
SIGNATURE = sign(KEY, BODY, 1_777_600_001_000)


@pytest.mark.req("R-831")
def test_the_signature_is_hmac_sha256_over_instant_and_body() -> None:
    digest = hmac.new(KEY.encode(), b"1777600001000." + BODY, hashlib.sha256).hexdigest()
    assert f"1777600001000.{digest}" == SIGNATURE
    assert is_genuine(KEY, BODY, SIGNATURE)
    assert read(BODY) == REPORT


@pytest.mark.req("R-831")
def test_no_bit_of_the_body_can_be_turned() -> None:
    for at in range(8 * len(BODY)):
        turned = bytearray(BODY)
        turned[at // 8] ^= 1 << at % 8
        assert not is_genuine(KEY, bytes(turned), SIGNATURE), at


@pytest.mark.req("R-831")
def test_no_bit_of_the_signature_can_be_turned() -> None:
    for at in range(8 * len(SIGNATURE)):
        turned = bytearray(SIGNATURE.encode())
        turned[at // 8] ^= 1 << at % 8
        assert not is_genuine(KEY, BODY, turned.decode("latin-1")), at


@pytest.mark.req("R-831")
@pytest.mark.parametrize(
    "signature",
    [
        "",
        ".",
        "1777600001000",
        SIGNATURE[:-1],
        SIGNATURE + "0",
        SIGNATURE.upper(),
        " " + SIGNATURE,
        "\ud800",
        "é.",
    ],
)
def test_what_only_looks_like_a_signature_is_none(signature: str) -> None:
    assert not is_genuine(KEY, BODY, signature)


@pytest.mark.req("R-831")
def test_another_key_makes_another_signature() -> None:
    assert not is_genuine(KEY + "?", BODY, SIGNATURE)
    assert not is_genuine("", BODY, SIGNATURE)


@pytest.mark.req("R-831")
@settings(max_examples=200, deadline=None)
@given(body=st.binary(max_size=300), signature=st.text(max_size=90))
def test_nothing_that_anybody_sends_is_genuine(body: bytes, signature: str) -> None:
    assert not is_genuine(KEY, body, signature)


@pytest.mark.req("R-831")
@settings(max_examples=200, deadline=None)
@given(body=st.one_of(st.binary(max_size=300), st.text(max_size=100).map(str.encode)))
def test_a_body_is_read_or_refused(body: bytes) -> None:
    # Anything else than these two would come through.
    with suppress(BackendError):
        read(body)


@pytest.mark.req("R-831")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"kind": "captured"}',
        b'{"kind": "stolen", "at_ms": 1}',
        b'{"kind": "captured", "at_ms": -1}',
        b'{"kind": "captured", "at_ms": 1, "amount_minor": -5}',
        b'{"kind": "captured", "at_ms": 1, "amount_minor": 1.5}',
        b'{"kind": "captured", "at_ms": 1, "amount_minor": "15000"}',
        b'{"kind": "captured", "at_ms": 999999999999999999}',
        b'\xff{"kind": "captured", "at_ms": 1}',
        b'{"kind": "captured", "at_ms": 1, "session": "\xff"}',
        b"[" * 100_000,
    ],
    ids=range(14),
)
def test_a_body_that_says_nothing_sensible_is_refused(body: bytes) -> None:
    with pytest.raises(BackendError) as refused:
        read(body)
    assert refused.value.code is ErrorCode.BAD_MESSAGE
