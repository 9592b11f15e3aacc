"""What may be shown of where people are reached (R-832)."""

import pytest

from backend_stub.domain.address import mask_address


@pytest.mark.req("R-832")
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("13800000001", "138****0001"),
        ("0400000001", "040****0001"),
        ("+61400000001", "614****0001"),
        ("0400 000 001", "040****0001"),
        ("(04) 0000-0001", "040****0001"),
        ("somebody@example.com", "s***@example.com"),
        ("driver", "driver"),
        ("driver 7", "driver 7"),
    ],
)
def test_a_number_is_masked_however_it_is_written(text: str, shown: str) -> None:
    assert mask_address(text) == shown
