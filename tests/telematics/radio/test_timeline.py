"""The radio timeline: seeking, cutting, parking, and other radio laid over a drive."""

import pytest

from telematics.errors import TimelineError
from telematics.radio.rate_trace import RateTrace
from telematics.radio.timeline import RadioPoint, RadioTimeline

S = 1_000_000_000


def drive(*levels: float | None) -> RadioTimeline:
    """One point a second, 50 km/h."""
    points = [RadioPoint(i * S, "4G", dbm, speed_kmh=50.0) for i, dbm in enumerate(levels)]
    return RadioTimeline(points, len(levels) * S)


def test_a_point_holds_until_the_next_to_the_nanosecond() -> None:
    timeline = drive(-80, -90)
    assert timeline.at(1 * S - 1).rsrp_dbm == -80
    assert timeline.at(1 * S).rsrp_dbm == -90


def test_before_the_start_the_first_point_holds_and_after_the_end_the_last() -> None:
    timeline = drive(-80, -90)
    assert timeline.at(-1).rsrp_dbm == -80
    assert timeline.at(3600 * S).rsrp_dbm == -90


def test_the_next_change_is_later_than_asked_for() -> None:
    timeline = drive(-80, -90, -90, -85)
    assert timeline.next_change_after(-1) == 0
    assert timeline.next_change_after(0) == 1 * S
    assert timeline.next_change_after(1 * S) == 3 * S  # the third second changed nothing
    assert timeline.next_change_after(3 * S) is None


def test_reception_is_kept_in_hundredths_of_a_decibel() -> None:
    assert RadioTimeline.constant(-80.00499).at(0).rsrp_dbm == -80.0
    assert RadioTimeline.constant(None).at(0).rsrp_dbm is None


def test_an_excerpt_begins_at_zero_with_what_held_then() -> None:
    piece = drive(-80, -90, -100, -70).excerpt(1.5, 3)
    assert [(point.at_ns, point.rsrp_dbm) for point in piece.points] == [(0, -90), (S // 2, -100)]
    assert piece.duration_ns == 1.5 * S


def test_an_excerpt_without_an_end_goes_on_to_the_end() -> None:
    assert drive(-80, -90, -100).excerpt(1).duration_ns == 2 * S


@pytest.mark.parametrize(("from_s", "until_s"), [(3.0, None), (2.0, 2.0), (2.0, 1.0), (-1.0, 2.0)])
def test_an_empty_excerpt_is_an_error_that_says_how_long_the_drive_is(
    from_s: float, until_s: float | None
) -> None:
    with pytest.raises(TimelineError, match="3 s long"):
        drive(-80, -90, -100).excerpt(from_s, until_s)


def test_a_car_that_parks_first_stands_in_the_first_points_radio() -> None:
    timeline = drive(-80, -90).delayed(60)
    assert timeline.at(0) == RadioPoint(0, "4G", -80, speed_kmh=0.0)
    assert timeline.at(60 * S - 1).speed_kmh == 0
    assert timeline.at(60 * S).speed_kmh == 50
    assert timeline.at(61 * S).rsrp_dbm == -90
    assert timeline.duration_ns == 62 * S


def test_not_parking_changes_nothing_and_less_than_that_is_an_error() -> None:
    timeline = drive(-80)
    assert timeline.delayed(0) is timeline
    with pytest.raises(TimelineError, match="park"):
        timeline.delayed(-1)


def test_levels_replace_reception_and_leave_the_drive() -> None:
    timeline = drive(-80, -90, -100).with_levels([(0.5, -70), (1.5, None)])
    assert [(point.at_ns, point.rsrp_dbm) for point in timeline.points] == [
        (0, -80),
        (S // 2, -70),
        (3 * S // 2, None),
    ]
    assert timeline.at(2 * S).speed_kmh == 50
    assert timeline.duration_ns == 3 * S


def test_levels_must_rise_in_time() -> None:
    with pytest.raises(TimelineError, match="rise"):
        drive(-80).with_levels([(1, -70), (1, -80)])


def test_rates_of_a_trace_start_over_until_the_drive_ends() -> None:
    trace = RateTrace([(0, 100), (S, 200)], 2 * S)
    timeline = drive(*[-80] * 5).with_rates(trace, None)
    assert [timeline.at(i * S).rate_down_bps for i in range(6)] == [100, 200, 100, 200, 100, 100]
    assert timeline.at(0).rate_up_bps is None


def test_a_drive_without_length_is_as_long_as_its_trace() -> None:
    trace = RateTrace([(0, 100), (S, 200)], 3 * S)
    timeline = RadioTimeline.constant(-80).with_rates(None, trace)
    assert timeline.duration_ns == 3 * S
    assert timeline.at(2 * S).rate_up_bps == 200


@pytest.mark.parametrize("instants", [[], [1], [0, 0], [0, 5, 4]])
def test_points_begin_at_zero_and_rise(instants: list[int]) -> None:
    with pytest.raises(TimelineError):
        RadioTimeline([RadioPoint(at_ns, "4G", -80.0 - at_ns) for at_ns in instants])
