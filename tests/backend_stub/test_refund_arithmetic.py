"""What comes back of a line, to the fen (R-602, R-603, R-606, D-30)."""

from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend_stub.domain import calendar
from backend_stub.domain.entitlement import Period
from backend_stub.domain.order import OrderLine
from backend_stub.domain.refund import provider_end_minor, refundable_minor, total_days, used_days

CAPTURED = date(2015, 5, 1)
LINE = OrderLine("RTTI", 3, 15000, 2000)
N = 13000


def term(first_day: date = CAPTURED, months: int = 3) -> Period:
    return Period(
        order_number="CN-000001",
        months=months,
        captured_at_ms=0,
        first_day=first_day,
        last_day=calendar.end(first_day, months),
        fresh=True,
    )


def asked_on(
    day: date, *, line: OrderLine = LINE, period: Period | None = None, used_through: date | None = None
) -> int:
    return refundable_minor(
        line,
        period or term(),
        captured_on=CAPTURED,
        requested_on=day,
        used_through=used_through or day,
        is_undelivered=False,
    )


@pytest.mark.req("R-602")
def test_both_ends_of_a_term_are_days_of_it() -> None:
    assert total_days(term()) == 92
    assert total_days(term(date(2016, 2, 29), 12)) == 366
    assert [used_days(term(), day) for day in (date(2015, 4, 30), CAPTURED, date(2015, 7, 31))] == [0, 1, 92]
    assert used_days(term(), date(2015, 8, 1)) == 92


@pytest.mark.req("R-602")
@pytest.mark.parametrize(
    ("day", "minor"),
    [
        (date(2015, 5, 1), N),
        (date(2015, 5, 8), N),  # the seventh day after
        (date(2015, 5, 9), N - N * 9 // 92),  # nine days used: 11729 of 13000
        (date(2015, 6, 15), N - N * 46 // 92),  # the middle, exactly half
        (date(2015, 7, 30), N - N * 91 // 92),
        (date(2015, 7, 31), 0),  # the last day is used
        (date(2015, 12, 24), 0),
    ],
)
def test_all_but_the_fee_for_seven_days_then_pro_rata(day: date, minor: int) -> None:
    assert asked_on(day) == minor
    assert asked_on(date(2015, 5, 9)) == 11729


@pytest.mark.req("R-602")
def test_the_charge_is_floored_in_favour_of_the_customer() -> None:
    odd = OrderLine("RTTI", 3, 102, 2)
    # 100 fen for 92 days: nine days are 9.78 fen, of which nine are charged.
    assert asked_on(date(2015, 5, 9), line=odd) == 91


@pytest.mark.req("R-602")
def test_a_line_that_never_came_gives_all_of_it_back() -> None:
    late = refundable_minor(
        LINE,
        term(),
        captured_on=CAPTURED,
        requested_on=date(2015, 5, 20),
        used_through=date(2015, 5, 20),
        is_undelivered=True,
    )
    assert late == 15000


@pytest.mark.req("R-603")
def test_an_extension_that_has_not_begun_is_unused() -> None:
    later = term(date(2015, 8, 1))
    assert asked_on(date(2015, 7, 31), period=later) == N
    assert asked_on(date(2015, 8, 1), period=later) == N - N // 92


@pytest.mark.req("R-602", "R-511")
def test_what_was_ended_before_is_used_to_that_day() -> None:
    assert asked_on(date(2015, 7, 31), used_through=date(2015, 6, 15)) == 6500


@pytest.mark.req("R-606", "R-513")
@pytest.mark.parametrize(
    ("last_day", "minor"),
    [
        (date(2015, 5, 1), 15000 - 15000 // 92),
        (date(2015, 6, 15), 7500),
        (date(2015, 7, 31), 0),
        (date(2015, 4, 1), 15000),
    ],
)
def test_who_ends_a_service_gives_back_what_is_left_of_the_whole_price(last_day: date, minor: int) -> None:
    assert provider_end_minor(LINE, term(), last_day) == minor


def model(total: int, fee: int, first: date, last: date, captured: date, asked: date) -> int:
    """R-602 once more, in fractions and sets of days."""
    days = [first + timedelta(days=k) for k in range((last - first).days + 1)]
    if asked - captured <= timedelta(days=7):
        return total - fee
    share = Fraction(len([day for day in days if day <= asked]), len(days))
    charge = (total - fee) * share
    return total - fee - charge.numerator // charge.denominator


AMOUNTS = st.integers(0, 500_000)
MONTHS = st.sampled_from((3, 6, 12, 36))
DAYS = st.dates(date(2015, 1, 1), date(2032, 12, 31))


@pytest.mark.req("R-602", "R-603")
@settings(max_examples=150, deadline=None)
@given(
    net=AMOUNTS,
    fee=st.integers(0, 5000),
    captured=DAYS,
    wait=st.integers(0, 1500),
    months=MONTHS,
    asked=st.integers(0, 3000),
)
def test_it_is_what_the_document_says_and_stays_within_bounds(
    net: int, fee: int, captured: date, wait: int, months: int, asked: int
) -> None:
    line = OrderLine("RTTI", months, net + fee, fee)
    period = term(captured + timedelta(days=wait), months)
    day = captured + timedelta(days=asked)

    def worth(on: date) -> int:
        return refundable_minor(
            line, period, captured_on=captured, requested_on=on, used_through=on, is_undelivered=False
        )

    refund = worth(day)
    assert refund == model(net + fee, fee, period.first_day, period.last_day, captured, day)
    assert 0 <= refund <= net
    assert refund >= worth(day + timedelta(days=1)) >= 0
    assert refund <= provider_end_minor(line, period, day) + (net if asked <= 7 else 0)


@pytest.mark.req("R-513", "R-606")
@settings(max_examples=60, deadline=None)
@given(total=AMOUNTS, first=DAYS, months=MONTHS, through=st.integers(-40, 1300))
def test_pro_rata_of_the_whole_is_the_fraction_that_is_left(
    total: int, first: date, months: int, through: int
) -> None:
    period = term(first, months)
    used = Fraction(min(max(through + 1, 0), total_days(period)), total_days(period))
    charge = total * used
    minor = provider_end_minor(OrderLine("RTTI", months, total, 0), period, first + timedelta(days=through))
    assert minor == total - charge.numerator // charge.denominator
