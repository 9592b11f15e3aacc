"""GST: per line, half up, on top of a list that leaves it out."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend_stub.domain.catalogue import FIRST_LISTS
from backend_stub.domain.checkout import priced
from backend_stub.domain.market import AU, CN
from backend_stub.domain.tax import added_minor, contained_minor, taxed
from contracts.messages import Line

amounts = st.integers(0, 10**9)


@pytest.mark.req("R-310")
@pytest.mark.parametrize(
    ("list_minor", "tax_minor"),
    [(0, 0), (4, 0), (5, 1), (14, 1), (15, 2), (4500, 450), (4504, 450), (4505, 451), (48000, 4800)],
)
def test_ten_percent_are_added_and_half_a_cent_is_rounded_up(list_minor: int, tax_minor: int) -> None:
    assert added_minor(list_minor, 10) == tax_minor
    assert taxed(list_minor, 10, included=False) == (list_minor + tax_minor, tax_minor)


@pytest.mark.req("R-310")
def test_a_list_that_is_flagged_inclusive_adds_nothing_and_says_what_is_inside() -> None:
    assert taxed(11000, 10, included=True) == (11000, 1000)
    assert taxed(4500, 10, included=True) == (4500, 409)


@pytest.mark.req("R-310")
def test_where_the_market_adds_no_tax_a_line_costs_what_the_list_says() -> None:
    [line] = priced((Line("RTTI", 3),), FIRST_LISTS["CN"], CN)
    assert (line.amount_minor, line.fee_minor, line.tax_minor) == (15000, 2000, 0)


@pytest.mark.req("R-310")
def test_tax_is_rounded_line_by_line_and_not_on_the_sum() -> None:
    lines = priced((Line("RTTI", 6), Line("PREMIUM", 3)), FIRST_LISTS["AU"].changed(-89), AU)
    assert [(line.amount_minor, line.tax_minor) for line in lines] == [(924 + 92, 92), (1584 + 158, 158)]
    assert added_minor(924 + 1584, 10) == 92 + 158 + 1


@pytest.mark.req("R-310")
@given(amounts)
@settings(max_examples=50)
def test_the_tax_found_inside_a_total_is_the_tax_that_made_it(list_minor: int) -> None:
    total = taxed(list_minor, 10, included=False)
    assert contained_minor(total.amount_minor, 10) == total.tax_minor


@pytest.mark.req("R-310")
@given(amounts, st.integers(0, 30))
@settings(max_examples=50)
def test_tax_is_within_half_a_minor_unit_of_its_share(list_minor: int, percent: int) -> None:
    off_by = added_minor(list_minor, percent) * 100 - list_minor * percent
    assert -50 < off_by <= 50
