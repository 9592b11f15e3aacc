"""Small arithmetic that money and numbers hang on."""

import pytest

from headunit.domain.market import profile_of, with_tax_minor
from headunit.domain.number_speller import typed_on


@pytest.mark.req("R-310")
@pytest.mark.parametrize(
    ("net", "gross"), [(0, 0), (4, 4), (5, 6), (14, 15), (15, 17), (4500, 4950), (8405, 9246)]
)
def test_tax_on_top_rounds_half_a_cent_up(net: int, gross: int) -> None:
    assert with_tax_minor(profile_of("AU"), net) == gross
    assert with_tax_minor(profile_of("CN"), net) == net


@pytest.mark.req("R-203")
def test_the_eleventh_digit_is_the_last() -> None:
    assert typed_on("1234567890", "1") == "12345678901"
    assert typed_on("12345678901", "2") == "12345678901"
