"""The telematics program: lets its unit live in transport time, and tells what happens to whoever listens."""

import asyncio
from collections.abc import Callable

from contracts.bench import Impair, LinkReport, SetSignal, SetSim
from contracts.link import LinkConditions, LinkState
from contracts.modem import ModemListener, ModemStatus
from runtime.ports import Runtime
from telematics.unit import LinkChanged, StatusChanged, TelematicsUnit, UnitEvent

NS_PER_S = 1_000_000_000

LinkListener = Callable[[LinkReport], None]


class Telematics:
    """Runs one unit; implements `contracts.modem.ModemPort`.

    Args:
        runtime: transport time and the journal are used.
        unit: the unit.
        apply_conditions: puts the link into new conditions (`runtime.link_driver.LinkDriver.set_conditions`).
        car: key of the journal's entries.
    """

    def __init__(
        self,
        runtime: Runtime,
        unit: TelematicsUnit,
        apply_conditions: Callable[[LinkConditions], None],
        *,
        car: str = "car",
    ) -> None:
        self._clock = runtime.clock
        self._journal = runtime.journal
        self._unit = unit
        self._apply_conditions = apply_conditions
        self._applied = unit.conditions
        self._car = car
        self._state: LinkState | None = None
        self._modem_listeners: list[ModemListener] = []
        self._link_listeners: list[LinkListener] = []
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def run(self) -> None:
        """Let time pass for the unit until cancelled; the journal begins with what holds now."""
        self._loop = asyncio.get_running_loop()
        self._apply_conditions(self._applied)
        status = self._unit.status
        self._journal.record("signal", self._car, status.level.value)
        self._journal.record("registration", self._car, status.registration.name)
        self._record_link(self._unit.link_state, self._unit.causes)
        try:
            self._tell(self._unit.advance(self._clock.transport_ns()))
            await self._loop.create_future()
        finally:
            self._loop = None
            if self._timer is not None:
                self._timer.cancel()

    def status(self) -> ModemStatus:
        """The modem's newest reading."""
        return self._unit.status

    def on_change(self, listener: ModemListener) -> None:
        """Have `listener` called with every new reading."""
        self._modem_listeners.append(listener)

    def on_link(self, listener: LinkListener) -> None:
        """Have `listener` called with every change of the road."""
        self._link_listeners.append(listener)

    def link_report(self) -> LinkReport:
        """What holds for the road now."""
        return LinkReport(
            at_ns=self._clock.transport_ns(),
            state=self._unit.link_state,
            conditions=self._unit.conditions,
            causes=self._unit.causes,
        )

    def impair(self, command: Impair) -> None:
        """Begin or end an impairment."""
        self._tell(self._unit.impair(self._clock.transport_ns(), command.kind, command.active))

    def set_signal(self, command: SetSignal) -> None:
        """Hold reception, or give it back to the drive."""
        self._tell(self._unit.set_signal(self._clock.transport_ns(), command.rsrp_dbm))

    def set_sim(self, command: SetSim) -> None:
        """Move the SIM subscription. Raises SubscriptionRefusedError; then nothing changes."""
        self._tell(self._unit.set_sim(self._clock.transport_ns(), command.state))

    def _tell(self, events: list[UnitEvent]) -> None:
        """Pass on what happened and set the timer anew."""
        for event in events:
            if isinstance(event, LinkChanged):
                self._tell_link(event)
            else:
                self._tell_status(event)
        self._arm()

    def _tell_status(self, event: StatusChanged) -> None:
        status = event.status
        if event.level:
            self._journal.record("signal", self._car, status.level.value, rsrp_dbm=status.rsrp_dbm)
        if event.registration:
            self._journal.record("registration", self._car, status.registration.name)
        for listener in self._modem_listeners:
            listener(status)

    def _tell_link(self, event: LinkChanged) -> None:
        if event.conditions != self._applied:
            self._applied = event.conditions
            self._apply_conditions(event.conditions)
        if event.state is not self._state:
            self._record_link(event.state, event.causes)
        report = LinkReport(
            at_ns=event.at_ns, state=event.state, conditions=event.conditions, causes=event.causes
        )
        for listener in self._link_listeners:
            listener(report)

    def _record_link(self, state: LinkState, causes: tuple[str, ...]) -> None:
        self._state = state
        self._journal.record("link", self._car, state.value, causes=list(causes))

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due_ns = self._unit.next_due()
        if self._loop is not None and due_ns is not None:
            delay_s = max(due_ns - self._clock.transport_ns(), 0) / NS_PER_S
            self._timer = self._loop.call_later(delay_s, self._ring, due_ns)

    def _ring(self, due_ns: int) -> None:
        # A loop may ring a hair before the instant it was asked for: what was due then is due now.
        self._timer = None
        self._tell(self._unit.advance(max(due_ns, self._clock.transport_ns())))
