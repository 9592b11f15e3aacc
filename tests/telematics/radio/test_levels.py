"""D-38: levels, what they mean for the link, CSQ, and what obstructions take away."""

import pytest

from contracts.bench import ImpairmentKind
from contracts.link import LinkState
from contracts.modem import SignalLevel
from telematics.errors import TimelineError
from telematics.radio.levels import BASE_DBM, csq_of, dbm_of_csq, level_of, link_conditions, link_state
from telematics.radio.obstructions import ImpairmentScript, ScriptedImpairment, received_dbm


@pytest.mark.req("R-803")
@pytest.mark.parametrize(
    ("dbm", "level"),
    [
        (-70.0, SignalLevel.GOOD),
        (-85.0, SignalLevel.GOOD),
        (-85.01, SignalLevel.FAIR),
        (-100.0, SignalLevel.FAIR),
        (-100.01, SignalLevel.POOR),
        (-110.0, SignalLevel.POOR),
        (-110.01, SignalLevel.NONE),
        (None, SignalLevel.NONE),
    ],
)
def test_levels_begin_at_their_threshold(dbm: float | None, level: SignalLevel) -> None:
    assert level_of(dbm) is level


@pytest.mark.req("R-803")
@pytest.mark.parametrize(
    ("level", "loss", "round_trip_ms"),
    [(SignalLevel.GOOD, 0.0, 80), (SignalLevel.FAIR, 0.01, 200), (SignalLevel.POOR, 0.1, 800)],
)
def test_a_level_gives_loss_and_a_round_trip_that_is_halved(
    level: SignalLevel, loss: float, round_trip_ms: int
) -> None:
    conditions = link_conditions(level, "4G")
    assert conditions.up
    assert conditions.loss == loss
    assert conditions.delay_up_ms == conditions.delay_down_ms == round_trip_ms / 2


def test_without_reception_the_link_is_down() -> None:
    assert not link_conditions(SignalLevel.NONE, "4G").up


def test_a_known_rate_is_used_and_an_unknown_one_is_the_technologys() -> None:
    conditions = link_conditions(SignalLevel.GOOD, "2G", rate_down_bps=7)
    assert (conditions.rate_down_bps, conditions.rate_up_bps) == (7, 100_000)
    assert (
        link_conditions(SignalLevel.GOOD, "?").rate_up_bps
        == link_conditions(SignalLevel.GOOD, "4G").rate_up_bps
    )


def test_peak_load_leaves_a_twentieth_of_the_rate_and_adds_delay() -> None:
    free = link_conditions(SignalLevel.GOOD, "4G")
    crowded = link_conditions(SignalLevel.GOOD, "4G", peak_load=True)
    assert crowded.rate_down_bps == free.rate_down_bps // 20
    assert crowded.rate_up_bps == free.rate_up_bps // 20
    assert crowded.delay_up_ms == free.delay_up_ms + 250
    assert link_conditions(SignalLevel.GOOD, "4G", rate_up_bps=1, peak_load=True).rate_up_bps == 1


@pytest.mark.parametrize(
    ("level", "data", "peak_load", "state"),
    [
        (SignalLevel.GOOD, True, False, LinkState.UP),
        (SignalLevel.FAIR, True, False, LinkState.UP),
        (SignalLevel.POOR, True, False, LinkState.SLOW),
        (SignalLevel.GOOD, True, True, LinkState.SLOW),
        (SignalLevel.GOOD, False, False, LinkState.DOWN),
    ],
)
def test_the_road_is_up_slow_or_down(
    level: SignalLevel, data: bool, peak_load: bool, state: LinkState
) -> None:
    assert link_state(level, data=data, peak_load=peak_load) is state


@pytest.mark.parametrize(
    ("dbm", "csq"),
    [(-140.0, 0), (-113.0, 0), (-111.1, 0), (-111.0, 1), (-53.0, 30), (-51.0, 31), (-30.0, 31)],
)
def test_csq_counts_two_decibels_from_minus_113(dbm: float, csq: int) -> None:
    assert csq_of(dbm) == csq


def test_csq_99_is_unknown_and_the_rest_comes_back() -> None:
    assert csq_of(None) == 99
    assert dbm_of_csq(99) is None
    assert dbm_of_csq(32) is None
    for csq in range(32):
        assert csq_of(dbm_of_csq(csq)) == csq


@pytest.mark.req("R-803")
@pytest.mark.parametrize(
    ("kind", "left_dbm"),
    [
        (ImpairmentKind.BRIDGE, -90.0),
        (ImpairmentKind.BUILDING, -100.0),
        (ImpairmentKind.GARAGE, -115.0),
        (ImpairmentKind.TUNNEL, None),
        (ImpairmentKind.NO_COVERAGE, None),
        (ImpairmentKind.OPERATOR_DOWN, None),
        (ImpairmentKind.PEAK_LOAD, -70.0),
    ],
)
def test_each_impairment_takes_its_share_of_reception(kind: ImpairmentKind, left_dbm: float | None) -> None:
    assert received_dbm(BASE_DBM, [kind]) == left_dbm


def test_obstructions_add_up() -> None:
    assert received_dbm(-60.0, [ImpairmentKind.BRIDGE, ImpairmentKind.BUILDING]) == -110.0


def test_where_nothing_is_received_an_obstruction_takes_nothing() -> None:
    assert received_dbm(None, [ImpairmentKind.BRIDGE]) is None


@pytest.mark.req("R-804")
def test_a_scripted_impairment_holds_its_first_instant_and_not_its_last() -> None:
    script = ImpairmentScript([ScriptedImpairment(ImpairmentKind.TUNNEL, 10, 20)])
    active = [script.active_at(t_ns) for t_ns in (9, 10, 19, 20)]
    assert active == [frozenset(), {ImpairmentKind.TUNNEL}, {ImpairmentKind.TUNNEL}, frozenset()]
    assert [script.next_edge_after(t_ns) for t_ns in (0, 10, 20)] == [10, 20, None]


def test_an_impairment_cannot_end_before_it_begins() -> None:
    with pytest.raises(TimelineError, match="tunnel ends before"):
        ImpairmentScript([ScriptedImpairment(ImpairmentKind.TUNNEL, 10, 9)])
