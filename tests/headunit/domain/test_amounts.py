"""Small arithmetic that money and numbers hang on."""

import pytest

from contracts.messages import Line
from headunit.domain.basket import priced, tax_minor, total_minor
from headunit.domain.number_speller import typed_on
from tests.headunit.domain.australia import CATALOGUE as WITH_TAX
from tests.headunit.domain.car import CATALOGUE

LINES = (Line("RTTI", 3), Line("CONCIERGE", 12))


@pytest.mark.req("R-310")
def test_the_total_is_the_lines_and_the_tax_that_the_list_leaves_out() -> None:
    prices = priced((*LINES, Line("NOT_LISTED", 3)), WITH_TAX)
    assert [price.gross_minor for price in prices] == [4950, 33_000, None]
    assert (tax_minor(prices), total_minor(prices)) == (450 + 3_000, 4950 + 33_000)


@pytest.mark.req("R-310")
def test_where_the_list_includes_the_tax_nothing_is_added() -> None:
    prices = priced(LINES, CATALOGUE)
    assert (tax_minor(prices), total_minor(prices)) == (0, 15_000 + 100_000)


@pytest.mark.req("R-203")
def test_the_eleventh_digit_is_the_last() -> None:
    assert typed_on("1234567890", "1") == "12345678901"
    assert typed_on("12345678901", "2") == "12345678901"
