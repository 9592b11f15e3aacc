"""The telematics unit put together: radio, SIM and registration decide what the modem says and the link does.

Pure: whoever runs it says what time it is. Ground truth, the causes of an outage, is kept apart from the
modem's status: the simulated car can see the one and never the other.
"""

from dataclasses import dataclass, replace
from typing import TypeAlias

from contracts.bench import ImpairmentKind
from contracts.link import LinkConditions, LinkModel, LinkState
from contracts.modem import ModemStatus, Registration, SignalLevel, SimState
from telematics.modem.registration import RegistrationMachine
from telematics.radio.levels import level_of, link_conditions, link_state
from telematics.radio.obstructions import ImpairmentScript, received_dbm
from telematics.radio.timeline import RadioPoint, RadioTimeline, quantised_dbm
from telematics.randomness import RandomStream
from telematics.uicc.subscription import moved


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """The modem has a new reading; `level` and `registration` say whether those two changed with it."""

    at_ns: int
    status: ModemStatus
    level: bool
    registration: bool


@dataclass(frozen=True, slots=True)
class LinkChanged:
    """The road has new conditions, a new state or new causes."""

    at_ns: int
    state: LinkState
    conditions: LinkConditions
    causes: tuple[str, ...]


UnitEvent: TypeAlias = StatusChanged | LinkChanged


class TelematicsUnit:
    """One car's telematics unit. All times are transport nanoseconds.

    Args:
        timeline: what is received along the way; its 0 is `start_ns`.
        link: is put into the first conditions here, before anything drives it; later ones are events,
            because whoever drives the link must re-arm.
        random_stream: draws the length of searches.
        start_ns: when the drive begins.
        script: impairments that begin and end by themselves, counted from `start_ns`.
        sim: state of the SIM subscription at the start.
        roaming: whether the network is not the SIM's own.
    """

    def __init__(
        self,
        timeline: RadioTimeline,
        link: LinkModel,
        random_stream: RandomStream,
        *,
        start_ns: int,
        script: ImpairmentScript | None = None,
        sim: SimState = SimState.ACTIVE,
        roaming: bool = False,
    ) -> None:
        self._timeline = timeline
        self._script = script or ImpairmentScript()
        self._start_ns = start_ns
        self._now_ns = start_ns
        self._by_hand: dict[ImpairmentKind, None] = {}
        self._held_dbm: float | None = None
        self._sim = sim
        self._look()
        self._registration = RegistrationMachine(
            random_stream,
            cell=self._level is not SignalLevel.NONE,
            operator_up=self._operator_up,
            sim_valid=sim is SimState.ACTIVE,
            roaming=roaming,
        )
        self._status, self._road = self._readings()
        link.set_conditions(start_ns, self.conditions)

    @property
    def status(self) -> ModemStatus:
        """The modem's newest reading: all that the car may know."""
        return self._status

    @property
    def link_state(self) -> LinkState:
        """What the road can do for data now."""
        return self._road.state

    @property
    def conditions(self) -> LinkConditions:
        """What the link must be put into."""
        return self._road.conditions

    @property
    def causes(self) -> tuple[str, ...]:
        """Ground truth (R-804): impairments in the order of `ImpairmentKind`, then "region" where the cells
        alone leave no more than POOR, "sim_…" while the SIM is not active, "searching" while the modem
        looks for its network."""
        return self._road.causes

    @property
    def point(self) -> RadioPoint:
        """Where in the drive the car is, with its speed and position."""
        return self._point

    def next_due(self) -> int | None:
        """When `advance` will have something to do next, or None when all holds for ever."""
        since_ns = self._now_ns - self._start_ns
        due = [
            at_ns + self._start_ns
            for at_ns in (self._timeline.next_change_after(since_ns), self._script.next_edge_after(since_ns))
            if at_ns is not None
        ]
        attached_ns = self._registration.next_due()
        return min([*due, attached_ns] if attached_ns is not None else due, default=None)

    def advance(self, now_ns: int) -> list[UnitEvent]:
        """Let everything happen that is due by `now_ns`, in order of time."""
        events: list[UnitEvent] = []
        while (due_ns := self.next_due()) is not None and due_ns <= now_ns:
            self._now_ns = due_ns
            events += self._settle()
        self._now_ns = max(now_ns, self._now_ns)
        return events

    def impair(self, now_ns: int, kind: ImpairmentKind, active: bool) -> list[UnitEvent]:
        """Begin or end an impairment by hand; one that the script has at work stays until its end."""
        events = self.advance(now_ns)
        if active:
            self._by_hand[kind] = None
        else:
            self._by_hand.pop(kind, None)
        return events + self._settle()

    def set_signal(self, now_ns: int, rsrp_dbm: float | None) -> list[UnitEvent]:
        """Hold reception at `rsrp_dbm`, before obstructions; None gives it back to the drive."""
        events = self.advance(now_ns)
        self._held_dbm = quantised_dbm(rsrp_dbm)
        return events + self._settle()

    def set_sim(self, now_ns: int, state: SimState) -> list[UnitEvent]:
        """Move the SIM subscription. Raises SubscriptionRefusedError; then nothing changes."""
        moved(self._sim, state)
        events = self.advance(now_ns)
        self._sim = state
        return events + self._settle()

    def _look(self) -> None:
        """Take in what reaches the antenna now."""
        since_ns = self._now_ns - self._start_ns
        scripted = self._script.active_at(since_ns)
        self._point = self._timeline.at(since_ns)
        self._impairments = [kind for kind in ImpairmentKind if kind in self._by_hand or kind in scripted]
        self._free_dbm = self._point.rsrp_dbm if self._held_dbm is None else self._held_dbm
        self._rsrp_dbm = received_dbm(self._free_dbm, self._impairments)
        self._level = level_of(self._rsrp_dbm)
        self._operator_up = ImpairmentKind.OPERATOR_DOWN not in self._impairments

    def _settle(self) -> list[UnitEvent]:
        """What changes when the antenna's view, the SIM or the passing of time is taken into account."""
        self._look()
        self._registration.advance(self._now_ns)
        self._registration.observe(
            self._now_ns,
            cell=self._level is not SignalLevel.NONE,
            operator_up=self._operator_up,
            sim_valid=self._sim is SimState.ACTIVE,
        )
        before, road_before = self._status, self._road
        self._status, self._road = self._readings()
        events: list[UnitEvent] = []
        if self._status != before:
            events.append(
                StatusChanged(
                    self._now_ns,
                    self._status,
                    level=self._status.level is not before.level,
                    registration=self._status.registration is not before.registration,
                )
            )
        if replace(road_before, at_ns=self._now_ns) != self._road:
            events.append(self._road)
        return events

    def _readings(self) -> tuple[ModemStatus, LinkChanged]:
        """The modem's reading and the road's, as of now."""
        registered = self._registration.is_registered
        data = (
            registered
            and self._sim is SimState.ACTIVE
            and self._operator_up
            and self._level is not SignalLevel.NONE
        )
        received = self._level is not SignalLevel.NONE
        technology = (self._point.technology or "4G") if received else ""
        status = ModemStatus(
            sim=self._sim,
            registration=self._registration.state,
            level=self._level,
            technology=technology,
            rsrp_dbm=self._rsrp_dbm,
            data=data,
        )
        peak_load = ImpairmentKind.PEAK_LOAD in self._impairments
        conditions = link_conditions(
            self._level if data else SignalLevel.NONE,
            technology,
            rate_down_bps=self._point.rate_down_bps,
            rate_up_bps=self._point.rate_up_bps,
            peak_load=peak_load,
        )
        state = link_state(self._level, data=data, peak_load=peak_load)
        return status, LinkChanged(self._now_ns, state, conditions, self._causes())

    def _causes(self) -> tuple[str, ...]:
        causes = [kind.value for kind in self._impairments]
        if level_of(self._free_dbm) in (SignalLevel.NONE, SignalLevel.POOR):
            causes.append("region")
        if self._sim is not SimState.ACTIVE:
            causes.append(f"sim_{self._sim.value.lower()}")
        if self._level is not SignalLevel.NONE and self._registration.state is Registration.SEARCHING:
            causes.append("searching")
        return tuple(causes)
