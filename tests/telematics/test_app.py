"""The telematics program: its life in transport time, what it tells, and what it writes down."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from contracts.bench import Impair, ImpairmentKind, LinkReport, SetSignal, SetSim
from contracts.link import LinkConditions, LinkState
from contracts.modem import ModemPort, ModemStatus, Registration, SignalLevel, SimState
from runtime.bench_clock import BenchClock
from runtime.executor import InlineExecutor
from runtime.ids import SeededIds
from runtime.journal import JournalBook
from runtime.ports import Runtime
from runtime.randomness import SeededRandomness
from runtime.virtual_disk import VirtualDisk
from runtime.virtual_loop import VirtualLoop
from runtime.virtual_network import VirtualNetwork
from telematics.adapters.relay import Relay
from telematics.app import Telematics
from telematics.errors import SubscriptionRefusedError
from telematics.link.model import BottleneckLink
from telematics.radio.obstructions import ImpairmentScript, ScriptedImpairment
from telematics.radio.timeline import RadioPoint, RadioTimeline
from telematics.serve import serve_relay
from telematics.unit import TelematicsUnit

S = 1_000_000_000


def make_runtime(
    loop: asyncio.AbstractEventLoop, network: VirtualNetwork, book: JournalBook, clock: BenchClock
) -> Runtime:
    randomness = SeededRandomness(1)
    return Runtime(
        clock=clock,
        network=network.host("car"),
        executor=InlineExecutor(),
        randomness=randomness,
        ids=SeededIds(randomness.stream("ids")),
        disk=VirtualDisk(),
        journal=book.actor("telematics"),
    )


class Bench:
    """One telematics program in virtual time, and everything it says."""

    def __init__(self, timeline: RadioTimeline, *intervals: ScriptedImpairment) -> None:
        self.loop = VirtualLoop()
        self.clock = BenchClock(0, loop=self.loop)
        self.book = JournalBook(self.clock.now_ms, self.clock.transport_ns, keep=True)
        runtime = make_runtime(self.loop, VirtualNetwork(self.loop), self.book, self.clock)
        self.start_ns = self.clock.transport_ns()
        self.link = BottleneckLink(runtime.randomness.stream("link"))
        self.applied: list[tuple[int, LinkConditions]] = []
        unit = TelematicsUnit(
            timeline,
            self.link,
            runtime.randomness.stream("modem"),
            start_ns=self.start_ns,
            script=ImpairmentScript(intervals),
        )
        self.telematics = Telematics(runtime, unit, self._apply)
        self.statuses: list[ModemStatus] = []
        self.roads: list[LinkReport] = []
        modem: ModemPort = self.telematics
        modem.on_change(self.statuses.append)
        self.telematics.on_link(self.roads.append)

    def _apply(self, conditions: LinkConditions) -> None:
        self.applied.append((self.clock.transport_ns() - self.start_ns, conditions))

    def live(self, story: Coroutine[Any, Any, None]) -> None:
        """Run the program while `story` happens."""

        async def both() -> None:
            program = asyncio.ensure_future(self.telematics.run())
            await asyncio.sleep(0)
            await story
            program.cancel()
            await asyncio.gather(program, return_exceptions=True)

        self.loop.run_until_complete(both())

    def written(self, kind: str) -> list[tuple[int, str]]:
        return [(e.t_ns - self.start_ns, e.state) for e in self.book.entries if e.kind == kind]


def test_the_link_is_put_into_new_conditions_at_the_instant_they_begin() -> None:
    bench = Bench(RadioTimeline([RadioPoint(0, "4G", -75.0), RadioPoint(3 * S, "4G", -105.0)]))
    bench.live(asyncio.sleep(10))
    assert [(at_ns, conditions.loss) for at_ns, conditions in bench.applied] == [(0, 0.0), (3 * S, 0.1)]
    assert [report.state for report in bench.roads] == [LinkState.SLOW]


@pytest.mark.req("R-804")
def test_an_outage_is_written_down_with_its_cause_and_once() -> None:
    bench = Bench(RadioTimeline.constant(-75.0), ScriptedImpairment(ImpairmentKind.TUNNEL, 10 * S, 40 * S))
    bench.live(asyncio.sleep(120))
    assert bench.written("signal") == [(0, "GOOD"), (10 * S, "NONE"), (40 * S, "GOOD")]
    registrations = bench.written("registration")
    assert [state for _, state in registrations] == ["REGISTERED_HOME", "SEARCHING", "REGISTERED_HOME"]
    assert registrations[1][0] == 10 * S
    assert registrations[2][0] > 40 * S
    links = [entry for entry in bench.book.entries if entry.kind == "link"]
    assert [(entry.key, entry.state, entry.data) for entry in links] == [
        ("car", "UP", {"causes": []}),
        ("car", "DOWN", {"causes": ["tunnel"]}),
        ("car", "UP", {"causes": []}),
    ]


def test_commands_take_effect_at_once_and_set_the_timer_anew() -> None:
    bench = Bench(RadioTimeline.constant(-75.0))
    telematics = bench.telematics

    async def story() -> None:
        telematics.impair(Impair(kind=ImpairmentKind.NO_COVERAGE, active=True))
        assert telematics.status().level is SignalLevel.NONE
        assert telematics.link_report().causes == ("no_coverage",)
        await asyncio.sleep(30)
        telematics.impair(Impair(kind=ImpairmentKind.NO_COVERAGE, active=False))
        assert telematics.status().registration is Registration.SEARCHING
        await asyncio.sleep(60)
        assert telematics.status().data
        telematics.set_signal(SetSignal(rsrp_dbm=-95.0))
        assert telematics.status().level is SignalLevel.FAIR
        telematics.set_sim(SetSim(state=SimState.SUSPENDED))
        assert telematics.link_report().state is LinkState.DOWN
        with pytest.raises(SubscriptionRefusedError):
            telematics.set_sim(SetSim(state=SimState.PROVISIONED))

    bench.live(story())
    assert [status.data for status in bench.statuses] == [False, False, True, True, False]
    assert [road.state for road in bench.roads][-1] is LinkState.DOWN


def test_a_jump_of_bench_time_moves_no_radio() -> None:
    bench = Bench(RadioTimeline([RadioPoint(0, "4G", -75.0), RadioPoint(3 * S, "4G", -105.0)]))

    async def story() -> None:
        bench.clock.jump(3_600_000)
        await asyncio.sleep(2.999)
        assert bench.telematics.status().level is SignalLevel.GOOD
        await asyncio.sleep(0.001)

    bench.live(story())
    assert bench.telematics.status().level is SignalLevel.POOR


def test_the_same_seed_writes_the_same_journal() -> None:
    tunnel = ScriptedImpairment(ImpairmentKind.TUNNEL, 10 * S, 40 * S)
    digests = []
    for _ in range(2):
        bench = Bench(RadioTimeline.constant(-75.0), tunnel)
        bench.live(asyncio.sleep(100))
        digests.append(bench.book.digest())
    assert digests[0] == digests[1]


async def test_served_in_real_time_the_relay_feels_the_units_road() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readexactly(4))
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    loop = asyncio.get_running_loop()
    clock = BenchClock(0, loop=loop)
    book = JournalBook(clock.now_ms, clock.transport_ns, keep=True)
    serving: asyncio.Future[tuple[Telematics, Relay]] = loop.create_future()
    program = asyncio.ensure_future(
        serve_relay(
            make_runtime(loop, VirtualNetwork(VirtualLoop()), book, clock),
            RadioTimeline.constant(-75.0),
            upstream_host="127.0.0.1",
            upstream_port=server.sockets[0].getsockname()[1],
            listening=lambda telematics, relay: serving.set_result((telematics, relay)),
        )
    )
    async with asyncio.timeout(10):
        telematics, relay = await serving
        began = loop.time()
        reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
        writer.write(b"ping")
        assert await reader.readexactly(4) == b"ping"
        assert loop.time() - began >= 0.160  # two round trips of GOOD
        telematics.impair(Impair(kind=ImpairmentKind.TUNNEL, active=True))
        assert telematics.link_report().state is LinkState.DOWN
        writer.close()
        program.cancel()
        await asyncio.gather(program, return_exceptions=True)
    server.close()
    assert relay.port == 0
