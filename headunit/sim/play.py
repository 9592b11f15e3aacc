"""Plays a scenario in a world: script, causes and faults in their time, then healing, then the verdict."""

import asyncio
from collections.abc import Callable

from contracts.bench import Impair, SetSignal, SetSim
from contracts.modem import SimState
from headunit.sim.bench import Bench
from headunit.sim.broker_world import ACTIONS
from headunit.sim.checkers import Evidence, check_all
from headunit.sim.drive import STANDING_DBM
from headunit.sim.errors import ScriptError
from headunit.sim.expectations import check_expectations
from headunit.sim.scenario import Cause, Fault, Scenario, Step
from headunit.sim.script import play_step
from headunit.sim.verdict import Violation
from headunit.sim.world import World
from runtime.errors import CommandRefused

NS_PER_S = 1_000_000_000
PROGRESS_STEPS = 500


class Play:
    """One run of one scenario.

    Args:
        scenario: what happens.
        world: to whom; open it first.
        progress: told (seconds so far, seconds in all), when given.
    """

    def __init__(
        self, scenario: Scenario, world: World, progress: Callable[[float, float], None] | None = None
    ) -> None:
        self._scenario = scenario
        self._world = world
        self._bench = Bench(world)
        self._progress = progress

    @property
    def duration_s(self) -> float:
        """How long the scenario lasts, without the healed time after it."""
        if self._scenario.duration_s is not None:
            return self._scenario.duration_s
        return self._world.timeline.duration_ns / NS_PER_S

    async def run(self) -> list[Violation]:
        """Play in the world, which is open, heal, settle, and say which promises were not kept.

        Raises ScriptError, CommandRefused or RigError when the scenario cannot be played as written.
        """
        journal = self._world.rig.book.actor("rig")
        journal.record("phase", "scenario", "begin")
        scenario = self._scenario
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._play_script(scenario.script))
                for cause in scenario.causes:
                    group.create_task(self._play_cause(cause))
                for fault in scenario.faults:
                    group.create_task(self._play_fault(fault))
                group.create_task(self._pass_time())
        except ExceptionGroup as failures:
            # What failed first is the reason; the rest was only called off with it.
            raise failures.exceptions[0] from None
        journal.record("phase", "scenario", "healing")
        # A script, a cause or a fault may go on beyond the drive; the healed time comes after all of them.
        healed_s = max(self.duration_s, self._world.elapsed_s)
        await self._heal()
        await self._sleep_until(healed_s + scenario.settle_s)
        journal.record("phase", "scenario", "end")
        return self._judge()

    def _judge(self) -> list[Violation]:
        world = self._world
        entries = world.rig.book.entries
        evidence = Evidence(world.backend.audit(), world.car.booked, entries, world.start_ns)
        return [*check_expectations(self._scenario.expect, entries, world.start_ns), *check_all(evidence)]

    async def _play_script(self, script: tuple[Step, ...]) -> None:
        for n, step in sorted(enumerate(script), key=lambda each: each[1].at_s):
            await self._sleep_until(step.at_s)
            try:
                await play_step(step, self._bench)
            except (ScriptError, CommandRefused) as error:
                if step.optional:
                    self._world.rig.book.actor("rig").record(
                        "step", step.verb(), "passed over", why=str(error)
                    )
                    continue
                raise ScriptError(f"{step.verb()} at {step.at_s:g} s: {error}", n) from None

    async def _play_cause(self, cause: Cause) -> None:
        await self._sleep_until(cause.from_s)
        await self._bench.handle(Impair(kind=cause.kind, active=True))
        await self._sleep_until(cause.until_s)
        await self._bench.handle(Impair(kind=cause.kind, active=False))

    async def _play_fault(self, fault: Fault) -> None:
        await self._sleep_until(fault.at_s)
        if fault.kind in ACTIONS:
            await self._world.misbehave(fault, self.duration_s)
        else:
            await self._world.strike(fault.kind, fault.program, fault.down_s)

    async def _pass_time(self) -> None:
        if self._progress is None:
            await self._sleep_until(self.duration_s)
            return
        step_s = max(1.0, self.duration_s / PROGRESS_STEPS)
        second = 0.0
        while second < self.duration_s:
            second = min(second + step_s, self.duration_s)
            await self._sleep_until(second)
            self._progress(second, self.duration_s)

    async def _heal(self) -> None:
        """The world is kind from here on: good reception, nothing in the way, no hand on the SIM.

        What BMW has suspended or a dealer has switched off stays so.
        """
        telematics = self._world.telematics
        if telematics.status().sim is SimState.SUSPENDED and self._world.sim is SimState.ACTIVE:
            await self._bench.handle(SetSim(state=SimState.ACTIVE))
        await self._bench.handle(SetSignal(rsrp_dbm=STANDING_DBM))

    async def _sleep_until(self, second: float) -> None:
        now_ns = self._world.rig.clock.transport_ns()
        await asyncio.sleep(max(0.0, (self._world.start_ns + second * NS_PER_S - now_ns) / NS_PER_S))
