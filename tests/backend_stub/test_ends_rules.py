"""When a hotline answers, when a notice is in time, until when a service is delivered: to the millisecond."""

from datetime import date

import pytest

from backend_stub.domain.delivery import delivered_features, is_delivered
from backend_stub.domain.entitlement import Entitlement, Origin, Period
from backend_stub.domain.hotline_hours import check_answered, is_answered, is_line
from backend_stub.domain.market import AU, CN, MarketProfile
from backend_stub.domain.notice import check_notice, earliest_last_day, takes_effect_ms
from backend_stub.domain.order import Order, OrderLine
from backend_stub.domain.verification import verified_order
from backend_stub.errors import BackendError
from contracts.errors import ErrorCode
from contracts.messages import EntitlementState
from tests.backend_stub.instants import MELBOURNE, SHANGHAI, at, in_melbourne, in_shanghai

ORDER = Order(
    number="CN-000007",
    vin="WBATEST0000000001",
    client_order_id="c",
    lines=(OrderLine("RTTI", 3, 15000, 2000),),
    currency="CNY",
    sms_number="13900000009",
    accepted_at_ms=0,
    deadline_ms=1,
    token="t",
)
REGISTERED = "13800000001"


@pytest.mark.req("R-512")
@pytest.mark.parametrize("day", ["2026-06-15", "2026-04-05", "2026-10-04", "2026-12-25"])
@pytest.mark.parametrize(
    ("time", "answered"),
    [
        ("00:00:00", False),
        ("08:59:59.999", False),
        ("09:00:00", True),
        ("13:00:00", True),
        ("17:59:59.999", True),
        ("18:00:00", False),
        ("23:59:59.999", False),
    ],
)
def test_the_australian_hotline_answers_from_nine_until_just_before_six(
    day: str, time: str, answered: bool
) -> None:
    """The second and third day are those on which clocks change in Melbourne: the wall decides."""
    instant = in_melbourne(f"{day} {time}")
    assert is_answered(AU.hotline_hours, AU.zone, instant) is answered


@pytest.mark.req("R-512")
def test_on_the_days_of_clock_change_the_lines_open_an_hour_later_or_earlier_after_midnight() -> None:
    for day, hours in (("2026-04-05", 10), ("2026-10-04", 8), ("2026-06-15", 9)):
        opens = in_melbourne(f"{day} 00:00") + hours * 3_600_000
        assert not is_answered(AU.hotline_hours, AU.zone, opens - 1)
        assert is_answered(AU.hotline_hours, AU.zone, opens)


@pytest.mark.req("R-512")
def test_a_closed_line_says_when_it_opens() -> None:
    with pytest.raises(BackendError) as refused:
        check_answered(AU.hotline_hours, AU.zone, in_melbourne("2026-06-15 08:59:59.999"))
    assert refused.value.code is ErrorCode.HOTLINE_CLOSED
    assert "09:00" in refused.value.detail
    check_answered(AU.hotline_hours, AU.zone, in_melbourne("2026-06-15 09:00"))


@pytest.mark.req("R-511", "R-512")
@pytest.mark.parametrize("time", ["00:00", "03:33", "23:59:59.999"])
def test_chinese_lines_are_always_open(time: str) -> None:
    assert is_answered(CN.hotline_hours, CN.zone, in_shanghai(f"2026-06-15 {time}"))


@pytest.mark.req("R-511", "R-512")
@pytest.mark.parametrize(
    ("called", "hotline", "same"),
    [
        ("", "10101018", True),
        ("10101018", "10101018", True),
        ("1010 1018", "10101018", True),
        ("400-800-6666", "10101018", False),
        ("133 269", "133 269", True),
        ("133BMW", "133 269", True),
        ("133 bmw", "133 269", True),
        ("133 270", "133 269", False),
        ("nobody", "133 269", False),
    ],
)
def test_a_line_is_its_digits(called: str, hotline: str, same: bool) -> None:
    assert is_line(called, hotline) is same


@pytest.mark.req("R-513")
@pytest.mark.parametrize("profile", [CN, AU], ids=lambda profile: profile.market)
@pytest.mark.parametrize(
    ("today", "last_day"),
    [
        (date(2026, 5, 1), date(2026, 6, 12)),
        (date(2026, 3, 1), date(2026, 4, 12)),
        (date(2026, 9, 1), date(2026, 10, 13)),
        (date(2026, 12, 1), date(2027, 1, 12)),
        (date(2028, 1, 20), date(2028, 3, 2)),
    ],
    ids=str,
)
def test_forty_two_calendar_days_are_notice_enough_and_one_less_is_not(
    profile: MarketProfile, today: date, last_day: date
) -> None:
    """Over the days on which clocks change in Melbourne, over a year's end, and over a leap day, too."""
    assert (last_day - today).days == 42
    latest = at(f"{today} 23:59:59.999", profile.zone)
    check_notice(last_day, at(f"{today} 00:00", profile.zone), profile.zone)
    check_notice(last_day, latest, profile.zone)
    assert earliest_last_day(latest, profile.zone) == last_day
    with pytest.raises(BackendError) as refused:
        check_notice(last_day, latest + 1, profile.zone)
    assert refused.value.code is ErrorCode.NOTICE_TOO_SHORT


@pytest.mark.req("R-513")
def test_an_announced_end_comes_at_local_midnight_after_its_day() -> None:
    assert takes_effect_ms(date(2026, 4, 5), MELBOURNE) == in_melbourne("2026-04-06 00:00")
    assert takes_effect_ms(date(2026, 10, 3), MELBOURNE) == in_melbourne("2026-10-04 00:00")
    assert takes_effect_ms(date(2026, 6, 12), SHANGHAI) == in_shanghai("2026-06-13 00:00")


def service(
    first_day: date, last_day: date, state: EntitlementState = EntitlementState.ACTIVE
) -> Entitlement:
    period = Period(
        order_number="X-000001",
        months=3,
        captured_at_ms=0,
        first_day=first_day,
        last_day=last_day,
        fresh=True,
    )
    return Entitlement(
        entitlement_id=1, vin="V", service="PREMIUM", origin=Origin.STORE, state=state, periods=(period,)
    )


@pytest.mark.req("R-403", "R-517")
@pytest.mark.parametrize(
    ("zone", "first_day", "last_day"),
    [
        (SHANGHAI, date(2026, 5, 1), date(2026, 7, 31)),
        (MELBOURNE, date(2026, 1, 6), date(2026, 4, 5)),
        (MELBOURNE, date(2026, 4, 5), date(2026, 7, 4)),
        (MELBOURNE, date(2026, 7, 5), date(2026, 10, 4)),
        (MELBOURNE, date(2026, 10, 4), date(2027, 1, 3)),
    ],
    ids=str,
)
def test_delivery_begins_and_stops_with_the_millisecond_of_local_midnight(
    zone: str, first_day: date, last_day: date
) -> None:
    held = service(first_day, last_day)
    begins = at(f"{first_day} 00:00", zone)
    ends = at(f"{last_day} 23:59:59.999", zone) + 1
    assert not is_delivered(held, begins - 1, zone)
    assert is_delivered(held, begins, zone)
    assert is_delivered(held, ends - 1, zone)
    assert not is_delivered(held, ends, zone)


@pytest.mark.req("R-517")
@pytest.mark.parametrize("state", [each for each in EntitlementState if each is not EntitlementState.ACTIVE])
def test_only_what_is_active_is_delivered(state: EntitlementState) -> None:
    held = service(date(2026, 5, 1), date(2026, 7, 31), state)
    assert not is_delivered(held, in_shanghai("2026-06-01 12:00"), SHANGHAI)


@pytest.mark.req("R-517")
def test_a_standard_service_is_delivered_until_it_is_ended() -> None:
    standard = Entitlement(
        entitlement_id=1,
        vin="V",
        service="TELESERVICES",
        origin=Origin.STANDARD,
        state=EntitlementState.ACTIVE,
    )
    assert is_delivered(standard, 0, SHANGHAI)
    assert is_delivered(standard, in_shanghai("2099-01-01 00:00"), SHANGHAI)


@pytest.mark.req("R-105", "R-517")
def test_the_features_of_a_package_stop_with_it() -> None:
    held = (service(date(2026, 5, 1), date(2026, 7, 31)),)
    midnight = in_shanghai("2026-08-01 00:00")
    assert delivered_features(held, midnight - 1, SHANGHAI) == {"PREMIUM", "RTTI", "CONCIERGE", "REMOTE"}
    assert delivered_features(held, midnight, SHANGHAI) == set()


@pytest.mark.req("R-511", "R-601")
@pytest.mark.parametrize("number", [None, ORDER.sms_number, REGISTERED])
@pytest.mark.parametrize("vin", [None, ORDER.vin])
def test_a_caller_who_says_what_is_right_is_verified(number: str | None, vin: str | None) -> None:
    assert verified_order(ORDER, registered_number=REGISTERED, vin=vin, number=number) is ORDER


@pytest.mark.req("R-511", "R-601")
def test_who_fails_verification_is_never_told_why() -> None:
    attempts = (
        (None, None, None),
        (ORDER, "WBATEST0000000002", None),
        (ORDER, "", None),
        (ORDER, None, "13700000005"),
        (ORDER, None, ""),
        (ORDER, "WBATEST0000000002", "13700000005"),
    )
    answers = set()
    for order, vin, number in attempts:
        with pytest.raises(BackendError) as refused:
            verified_order(order, registered_number=REGISTERED, vin=vin, number=number)
        assert refused.value.code is ErrorCode.VERIFICATION_FAILED
        answers.add(refused.value.detail)
    assert len(answers) == 1
