"""The second half of the proof: `headunit broker serve` in its own process, a crowd, and a storm on it."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from pathlib import Path
from typing import Final

import msgspec

from proofs.evidence import ROOT
from proofs.hostile.crowd import Crowd
from proofs.hostile.storm import StormReport
from runtime.stopwatch import Stopwatch

CONNECTIONS_IN_ALL: Final = 100_000
ROUNDS: Final = 10
RATE_PER_S: Final = 400.0
QUIET_S: Final = 10.0
MAX_P99_RATIO: Final = 3.0
MAX_GROWTH_BYTES: Final = 16 * 1_048_576
"""What all rounds after the second may leave in the broker's process."""
_PAUSE_S: Final = 1.0
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


class Latency(msgspec.Struct, kw_only=True):
    """Round trips of the crowd in one kind of phase."""

    messages: int
    p50_ms: float
    p99_ms: float
    max_ms: float


class SiegeFigures(msgspec.Struct, kw_only=True):
    """What was seen. `pinned` says which process ran on which core; `rss_bytes` is the broker's memory after
    every round, `descriptors` its open files before the first client and after the last.

    Quiet and attacked phases take turns, so that what else the machine does falls on both.
    """

    pinned: str
    quiet: Latency
    attacked: Latency
    p99_ratio: float
    crowd_messages: int
    lost: int
    trouble: list[str]
    connections: int
    connections_per_s: int
    at_once: int
    packets: int
    packets_per_s: int
    ended_by_broker: int
    by_attack: dict[str, int]
    rss_bytes_before: int
    rss_bytes_peak: int
    rss_bytes: list[int]
    descriptors: list[int]
    broker_cpu_s: float
    elapsed_s: float

    @property
    def is_unharmed(self) -> bool:
        """Nobody of the crowd lost a message or a connection; the broker lived and let go of all files."""
        return not self.trouble and not self.lost and self.descriptors[1] <= self.descriptors[0]

    @property
    def holds(self) -> bool:
        """All that is claimed."""
        settled = self.rss_bytes[min(1, len(self.rss_bytes) - 1)]
        return (
            self.is_unharmed
            and self.connections >= CONNECTIONS_IN_ALL
            and self.p99_ratio <= MAX_P99_RATIO
            and self.rss_bytes[-1] - settled <= MAX_GROWTH_BYTES
        )


class Siege:
    """A broker in its own process, from `start` to `end`, and a crowd on it; `round` is one storm on them."""

    def __init__(self, rate_per_s: float, quiet_s: float, patience_s: float) -> None:
        self._rate_per_s = rate_per_s
        self._quiet_s = quiet_s
        self._patience_s = patience_s
        self._watch = Stopwatch()
        self._crowd = Crowd()
        self._storms: list[StormReport] = []
        self._quiet_trips_s: list[float] = []
        self._attacked_trips_s: list[float] = []
        self._rss: list[int] = []
        self._rss_peak = 0

    async def start(self) -> None:
        """Start the broker."""
        self._broker, self._port = await _start_broker()
        self._cores = sorted(os.sched_getaffinity(0))
        self._pinned = _pin(self._broker.pid, self._cores)
        self._rss_before = _rss_bytes(self._broker.pid)
        self._descriptors = _descriptors(self._broker.pid)

    async def begin(self) -> None:
        """Start the crowd."""
        await self._crowd.join(self._port)

    async def round(self, connections: int) -> None:
        """A quiet phase, then a storm of so many connections."""
        await asyncio.sleep(_PAUSE_S)
        self._crowd.take_round_trips_s()
        await asyncio.sleep(self._quiet_s)
        self._quiet_trips_s += self._crowd.take_round_trips_s()
        words = {
            "--port": self._port,
            "--connections": connections,
            "--rate": self._rate_per_s,
            "--seed": len(self._storms),
            "--patience": self._patience_s,
        }
        command = [str(word) for pair in words.items() for word in pair]
        storm = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "proofs.hostile.storm", *command, cwd=ROOT, stdout=PIPE
        )
        os.sched_setaffinity(storm.pid, self._cores[2:] or self._cores[-1:])
        told = asyncio.create_task(storm.communicate())
        while not told.done():
            self._rss_peak = max(self._rss_peak, _rss_bytes(self._broker.pid))
            await asyncio.wait((told,), timeout=0.5)
        self._attacked_trips_s += self._crowd.take_round_trips_s()
        self._storms.append(msgspec.json.decode(told.result()[0], type=StormReport))
        self._rss.append(_rss_bytes(self._broker.pid))

    async def end(self) -> SiegeFigures:
        """Everybody leaves; what was seen."""
        lost = await self._crowd.leave()
        await asyncio.sleep(_PAUSE_S)
        descriptors = _descriptors(self._broker.pid)
        cpu_s = _cpu_s(self._broker.pid)
        await self.stop()
        quiet, attacked = _latency(self._quiet_trips_s), _latency(self._attacked_trips_s)
        storms = self._storms
        storm_s = sum(storm.elapsed_s for storm in storms)
        made = sum(storm.connections for storm in storms)
        packets = sum(storm.packets for storm in storms)
        by_attack = sum((Counter(storm.by_attack) for storm in storms), Counter[str]())
        return SiegeFigures(
            pinned=self._pinned,
            quiet=quiet,
            attacked=attacked,
            p99_ratio=round(attacked.p99_ms / quiet.p99_ms, 2),
            crowd_messages=self._crowd.messages,
            lost=lost,
            trouble=self._crowd.trouble,
            connections=made,
            connections_per_s=round(made / storm_s),
            at_once=max(storm.at_once for storm in storms),
            packets=packets,
            packets_per_s=round(packets / storm_s),
            ended_by_broker=sum(storm.ended_by_broker for storm in storms),
            by_attack=dict(by_attack),
            rss_bytes_before=self._rss_before,
            rss_bytes_peak=self._rss_peak,
            rss_bytes=self._rss,
            descriptors=[self._descriptors, descriptors],
            broker_cpu_s=cpu_s,
            elapsed_s=round(self._watch.elapsed_s(), 1),
        )

    async def stop(self) -> None:
        """End the broker, if that is still to be done; one that has died or says no is trouble."""
        os.sched_setaffinity(0, self._cores)
        if self._broker.returncode is not None:
            self._crowd.trouble.append(f"the broker has ended with {self._broker.returncode}")
            return
        self._broker.send_signal(signal.SIGTERM)
        code = await self._broker.wait()
        if code:
            self._crowd.trouble.append(f"the broker ended with {code}")


async def besiege(
    connections: int = CONNECTIONS_IN_ALL,
    *,
    rounds: int = ROUNDS,
    rate_per_s: float = RATE_PER_S,
    quiet_s: float = QUIET_S,
    patience_s: float = 15.0,
) -> SiegeFigures:
    """One siege: `connections` in so many rounds, `rate_per_s` of them a second."""
    siege = Siege(rate_per_s, quiet_s, patience_s)
    await siege.start()
    try:
        await siege.begin()
        for number in range(rounds):
            await siege.round(connections // rounds)
            print(f"round {number + 1} of {rounds}", flush=True)
    except BaseException:
        await siege.stop()
        raise
    return await siege.end()


async def _start_broker() -> tuple[Process, int]:
    broker = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "headunit", "broker", "serve", "--port", "0", cwd=ROOT, stdout=PIPE
    )
    assert broker.stdout is not None
    said = (await broker.stdout.readline()).decode()
    return broker, int(said.rsplit(":", 1)[1])


def _pin(broker_pid: int, cores: list[int]) -> str:
    """Broker on one core, the crowd on the next, attackers on those that are left or beside the crowd."""
    if len(cores) < 2:
        return "one core for all"
    os.sched_setaffinity(broker_pid, cores[:1])
    os.sched_setaffinity(0, cores[1:2])
    others = ", ".join(map(str, cores[2:] or cores[1:]))
    return f"broker on core {cores[0]}, clients on core {cores[1]}, attackers (nice 10) on {others}"


def _rss_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE


def _descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def _cpu_s(pid: int) -> float:
    fields = (Path(f"/proc/{pid}") / "stat").read_text().rsplit(")", 1)[1].split()
    return round((int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), 1)


def _latency(round_trips_s: list[float]) -> Latency:
    ordered = sorted(round_trips_s)
    if not ordered:
        raise ValueError("not one message of the crowd arrived")

    def quantile_ms(share: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1_000, 3)

    return Latency(
        messages=len(ordered), p50_ms=quantile_ms(0.5), p99_ms=quantile_ms(0.99), max_ms=quantile_ms(1.0)
    )
