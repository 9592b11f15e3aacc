"""The telematics unit: when there is data, what the modem says, and what only the bench may know."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.bench import ImpairmentKind
from contracts.link import LinkConditions, LinkState
from contracts.modem import Registration, SignalLevel, SimState
from telematics.errors import SubscriptionRefusedError
from telematics.link.model import BottleneckLink
from telematics.radio.obstructions import ImpairmentScript, ScriptedImpairment
from telematics.radio.timeline import RadioPoint, RadioTimeline
from telematics.unit import LinkChanged, StatusChanged, TelematicsUnit, UnitEvent

S = 1_000_000_000
START_NS = 5 * S
GOOD = RadioTimeline.constant(-75.0)


def make_unit(
    timeline: RadioTimeline = GOOD, *intervals: ScriptedImpairment, sim: SimState = SimState.ACTIVE
) -> TelematicsUnit:
    return TelematicsUnit(
        timeline,
        BottleneckLink(Random("link")),
        Random("unit"),
        start_ns=START_NS,
        script=ImpairmentScript(intervals),
        sim=sim,
    )


def roads(events: list[UnitEvent]) -> list[LinkState]:
    return [event.state for event in events if isinstance(event, LinkChanged)]


def run_until_still(unit: TelematicsUnit) -> list[UnitEvent]:
    events: list[UnitEvent] = []
    while (due_ns := unit.next_due()) is not None:
        events += unit.advance(due_ns)
    return events


@pytest.mark.req("R-802")
def test_with_sim_operator_and_signal_there_is_data() -> None:
    unit = make_unit()
    status = unit.status
    assert status.data
    assert (status.level, status.technology, status.rsrp_dbm) == (SignalLevel.GOOD, "4G", -75.0)
    assert status.registration is Registration.REGISTERED_HOME
    assert unit.link_state is LinkState.UP
    assert unit.causes == ()


@pytest.mark.req("R-802")
@pytest.mark.parametrize("sim", [SimState.PROVISIONED, SimState.SUSPENDED, SimState.DEACTIVATED])
def test_without_an_active_sim_there_are_bars_and_no_data(sim: SimState) -> None:
    unit = make_unit(sim=sim)
    assert not unit.status.data
    assert unit.status.level is SignalLevel.GOOD
    assert unit.status.registration is Registration.REGISTRATION_DENIED
    assert unit.link_state is LinkState.DOWN
    assert unit.causes == (f"sim_{sim.value.lower()}",)


@pytest.mark.req("R-802")
@pytest.mark.parametrize("kind", [ImpairmentKind.TUNNEL, ImpairmentKind.NO_COVERAGE, ImpairmentKind.GARAGE])
def test_without_signal_there_is_no_data(kind: ImpairmentKind) -> None:
    unit = make_unit()
    unit.impair(START_NS, kind, True)
    assert unit.status.level is SignalLevel.NONE
    assert unit.status.technology == ""
    assert unit.status.registration is Registration.SEARCHING
    assert not unit.status.data
    assert not unit.conditions.up
    assert unit.causes == (kind.value,)


@pytest.mark.req("R-802")
def test_an_operator_that_is_down_is_not_registered_and_gives_no_bars() -> None:
    unit = make_unit()
    unit.impair(START_NS, ImpairmentKind.OPERATOR_DOWN, True)
    assert unit.status.registration is Registration.NOT_REGISTERED
    assert unit.status.rsrp_dbm is None
    assert unit.status.level is SignalLevel.NONE
    assert not unit.status.data


@pytest.mark.req("R-804")
def test_peak_load_keeps_the_bars_and_slows_the_road() -> None:
    unit = make_unit()
    before = unit.conditions
    events = unit.impair(START_NS, ImpairmentKind.PEAK_LOAD, True)
    assert [type(event) for event in events] == [LinkChanged]
    assert unit.status.level is SignalLevel.GOOD
    assert unit.link_state is LinkState.SLOW
    assert unit.conditions.rate_up_bps == before.rate_up_bps // 20
    assert unit.conditions.delay_up_ms > before.delay_up_ms
    assert unit.causes == ("peak_load",)


@pytest.mark.req("R-803")
def test_a_bridge_costs_twenty_decibels() -> None:
    unit = make_unit()
    unit.impair(START_NS, ImpairmentKind.BRIDGE, True)
    assert unit.status.rsrp_dbm == -95.0
    assert unit.conditions.loss == 0.01
    unit.impair(START_NS, ImpairmentKind.BRIDGE, False)
    assert unit.status.rsrp_dbm == -75.0


def test_after_a_tunnel_data_waits_for_the_registration() -> None:
    unit = make_unit(GOOD, ScriptedImpairment(ImpairmentKind.TUNNEL, 10 * S, 40 * S))
    assert unit.next_due() == START_NS + 10 * S
    into = unit.advance(START_NS + 10 * S)
    assert roads(into) == [LinkState.DOWN]
    assert unit.next_due() == START_NS + 40 * S
    unit.advance(START_NS + 40 * S)
    assert unit.status.level is SignalLevel.GOOD
    assert not unit.status.data
    assert unit.causes == ("searching",)
    attached_ns = unit.next_due()
    assert attached_ns is not None
    assert unit.advance(attached_ns - 1) == []
    assert roads(unit.advance(attached_ns)) == [LinkState.UP]
    assert unit.status.data


def test_late_looks_tell_the_same_story_with_the_same_instants() -> None:
    tunnel = ScriptedImpairment(ImpairmentKind.TUNNEL, 10 * S, 40 * S)
    in_time = run_until_still(make_unit(GOOD, tunnel))
    late = make_unit(GOOD, tunnel).advance(START_NS + 3600 * S)
    assert in_time == late
    assert len(late) > 3


def test_the_drive_moves_signal_and_road() -> None:
    timeline = RadioTimeline(
        [RadioPoint(0, "5G", -80.0), RadioPoint(S, "4G", -104.0), RadioPoint(2 * S, "4G", -105.0)]
    )
    unit = make_unit(timeline)
    assert unit.status.technology == "5G"
    first, second = unit.advance(START_NS + S)
    assert isinstance(first, StatusChanged)
    assert (first.at_ns, first.level, first.registration) == (START_NS + S, True, False)
    assert isinstance(second, LinkChanged)
    assert (second.state, second.causes) == (LinkState.SLOW, ("region",))
    (third,) = unit.advance(START_NS + 2 * S)
    assert isinstance(third, StatusChanged)
    assert not third.level


def test_rates_of_the_drive_are_the_roads() -> None:
    unit = make_unit(RadioTimeline([RadioPoint(0, "4G", -75.0, 1000, 500)]))
    assert (unit.conditions.rate_down_bps, unit.conditions.rate_up_bps) == (1000, 500)


def test_a_held_signal_hides_the_drives_until_it_is_given_back() -> None:
    unit = make_unit(RadioTimeline([RadioPoint(0, "4G", -75.0), RadioPoint(S, "4G", -80.0)]))
    unit.set_signal(START_NS, -90.0)
    unit.advance(START_NS + S)
    assert unit.status.rsrp_dbm == -90.0
    unit.impair(START_NS + S, ImpairmentKind.BRIDGE, True)
    assert unit.status.rsrp_dbm == -110.0
    unit.impair(START_NS + S, ImpairmentKind.BRIDGE, False)
    unit.set_signal(START_NS + S, None)
    assert unit.status.rsrp_dbm == -80.0


def test_a_scripted_impairment_outlives_the_hand() -> None:
    unit = make_unit(GOOD, ScriptedImpairment(ImpairmentKind.BRIDGE, 0, 10 * S))
    unit.impair(START_NS + S, ImpairmentKind.BRIDGE, True)
    unit.impair(START_NS + 2 * S, ImpairmentKind.BRIDGE, False)
    causes = [unit.causes]
    unit.advance(START_NS + 10 * S)
    causes.append(unit.causes)
    assert causes == [("bridge",), ()]


def test_what_changes_nothing_is_no_event() -> None:
    unit = make_unit()
    assert unit.impair(START_NS, ImpairmentKind.TUNNEL, False) == []
    assert unit.set_signal(START_NS, -75.0) == []
    assert unit.set_sim(START_NS, SimState.ACTIVE) == []
    assert unit.next_due() is None


def test_a_suspended_sim_stops_traffic_and_lifting_it_attaches_anew() -> None:
    unit = make_unit()
    assert roads(unit.set_sim(START_NS, SimState.SUSPENDED)) == [LinkState.DOWN]
    unit.set_sim(START_NS + S, SimState.ACTIVE)
    assert unit.status.registration is Registration.SEARCHING
    assert roads(run_until_still(unit)) == [LinkState.UP]


def test_a_sim_move_that_is_not_listed_is_refused_and_changes_nothing() -> None:
    unit = make_unit(sim=SimState.PROVISIONED)
    before = unit.status
    with pytest.raises(SubscriptionRefusedError):
        unit.set_sim(START_NS, SimState.SUSPENDED)
    assert unit.status is before


def test_the_link_begins_in_the_drives_first_conditions() -> None:
    link = BottleneckLink(Random("link"), LinkConditions())
    TelematicsUnit(RadioTimeline.constant(None), link, Random("unit"), start_ns=START_NS)
    assert not link.conditions.up


def test_the_modem_never_says_why() -> None:
    """Ground truth stays out of the status: a tunnel and a hole in coverage look alike to the car."""
    readings = []
    for kind in (ImpairmentKind.TUNNEL, ImpairmentKind.NO_COVERAGE):
        unit = make_unit()
        unit.impair(START_NS, kind, True)
        readings.append(unit.status)
    assert readings[0] == readings[1]


ACTS = st.lists(
    st.tuples(
        st.sampled_from([*ImpairmentKind, "signal", "sim", "wait"]),
        st.booleans(),
        st.sampled_from([None, -75.0, -104.0, -120.0]),
        st.sampled_from(list(SimState)),
        st.integers(0, 200),
    ),
    max_size=25,
)


@pytest.mark.req("R-802")
@given(acts=ACTS)
@settings(max_examples=100, deadline=None)
def test_data_never_flows_without_sim_operator_and_signal(
    acts: list[tuple[str, bool, float | None, SimState, int]],
) -> None:
    timeline = RadioTimeline(
        [RadioPoint(i * 7 * S, "4G", dbm) for i, dbm in enumerate([-80, None, -90, -108])]
    )
    unit = make_unit(timeline)
    now_ns = START_NS
    for verb, active, dbm, sim, wait_s in acts:
        events: list[UnitEvent] = []
        if verb == "signal":
            events = unit.set_signal(now_ns, dbm)
        elif verb == "sim":
            try:
                events = unit.set_sim(now_ns, sim)
            except SubscriptionRefusedError:
                pass
        elif verb == "wait":
            now_ns += wait_s * S
            events = unit.advance(now_ns)
        else:
            events = unit.impair(now_ns, ImpairmentKind(verb), active)
        status = unit.status
        if status.data:
            assert status.sim is SimState.ACTIVE
            assert status.level is not SignalLevel.NONE
            assert status.registration is Registration.REGISTERED_HOME
            assert "operator_down" not in unit.causes
        else:
            assert unit.causes, "an outage has a cause"
        assert status.data == unit.conditions.up == (unit.link_state is not LinkState.DOWN)
        assert [event.at_ns for event in events] == sorted(event.at_ns for event in events)
