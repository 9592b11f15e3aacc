"""What evidence may show of a person."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.redaction import mask_number, mask_token, mask_url, mask_vin, redact, redact_text

NUMBER = "13800000001"
VIN = "WBAFW31080C000001"


def test_a_number_keeps_its_first_and_last_digits() -> None:
    assert mask_number(NUMBER) == "138****0001"
    assert mask_number("+8613800000001") == "+86138****0001"
    assert mask_number("110") == "****"


def test_a_vin_keeps_its_maker_and_last_digits() -> None:
    assert mask_vin(VIN) == "WBA**********0001"
    assert mask_vin("short") == "*****"


def test_a_token_can_be_told_apart_and_not_used() -> None:
    assert mask_token("abcdefghijklmnop") == "abcd****"
    assert mask_url("http://127.0.0.1:8080/pay/abcdefghijkl?x=1") == "http://127.0.0.1:8080/pay/abcd****"
    assert mask_url("http://127.0.0.1/") == "http://127.0.0.1/"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (f"sent to {NUMBER}.", "sent to 138****0001."),
        (f"+86 {NUMBER}", "+86 138****0001"),
        (f"v1/vehicles/{VIN}/up/order", "v1/vehicles/WBA**********0001/up/order"),
        (f"{NUMBER},{NUMBER}", "138****0001,138****0001"),
        ("there is no order 12000000001", "there is no order 120****0001"),
        ("there is no order 0400000001", "there is no order 040****0001"),
        ("+61 400000001", "+61 400****001"),
    ],
)
def test_numbers_and_vins_in_a_text_are_masked(text: str, masked: str) -> None:
    assert redact_text(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "138****0001",
        "20170301001",
        "0af7651916cd43dd8448eb211c80319c",
        "ABCDEFGHJKLMNPRST",
        "1700000000123",
    ],
)
def test_dates_keys_and_words_stay(text: str) -> None:
    assert redact_text(text) == text


def test_what_lies_deeper_is_masked_too() -> None:
    assert redact("to", {"phones": [NUMBER, 1], "token": "abcdefgh"}) == {
        "phones": ["138****0001", 1],
        "token": "abcd****",
    }


@given(before=st.text(alphabet="a 1,é/", max_size=5), after=st.text(alphabet="b ,é/", max_size=5))
@settings(max_examples=100)
def test_a_number_between_blanks_never_comes_through(before: str, after: str) -> None:
    assert NUMBER not in redact_text(f"{before} {NUMBER} {after}")
