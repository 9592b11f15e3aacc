"""Our broker on real sockets against mosquitto: CPU per message, round trip, memory, many sessions.

Each broker runs in its own process, the clients in this one; all figures are ratios of one run, rounds
of both in turn. "ratio" is the median of the ratios of neighbouring rounds, then the smallest and largest.

Judged are CPU under pipelined load and the round trip at low load; the other rows stand beside them.

    python -m benchmarks.broker [--quick] [--rows cpu|trip|sessions]
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median, quantiles
from time import perf_counter
from typing import Final

from benchmarks.broker_process import BrokerProcess, Ours, Theirs, raise_descriptor_limit
from benchmarks.mqtt_client import Message, full_header, pack_message
from benchmarks.mqtt_load import Crowd
from runtime.errors import BrokerUnavailableError

CPU_RATIO_MAX: Final = 1.2
ROUND_TRIP_RATIO_MAX: Final = 1.5
SESSIONS: Final = 2_000
KEEP_ALIVE_S: Final = 60
_PAYLOAD: Final = b"x" * 200
_DAY_S: Final = 86_400
LOW_LOAD_PAUSE_S: Final = 0.002


@dataclass(frozen=True)
class Size:
    """How much is measured; `--quick` takes less of it. `restarts` are rounds of the rows about sessions."""

    rounds: int
    messages: int
    fleet_s: float
    steps: int
    restarts: int
    idle_s: float


FULL: Final = Size(rounds=5, messages=16_000, fleet_s=2.5, steps=300, restarts=3, idle_s=4.0)
QUICK: Final = Size(rounds=3, messages=5_000, fleet_s=1.5, steps=150, restarts=1, idle_s=2.0)


class Table:
    """Prints rows as they come and remembers whether a target was missed."""

    def __init__(self) -> None:
        self.missed = False
        print(f"{'':52} {'ours':>10} {'mosquitto':>10}  {'':6} {'ratio':>6} {'min - max':>13} {'target':>7}")

    def row(
        self, name: str, unit: str, ours: Sequence[float], theirs: Sequence[float], most: float | None = None
    ) -> None:
        """One figure of both brokers, round for round; `most` is the largest ratio that is good."""
        ratios = [mine / other for mine, other in zip(ours, theirs, strict=True)]
        ratio = median(ratios)
        spread = f"{min(ratios):.2f} - {max(ratios):.2f}" if len(ratios) > 1 else ""
        target = "" if most is None else f"{most:.1f}"
        verdict = "  missed" if most is not None and ratio > most else ""
        self.missed = self.missed or bool(verdict)
        print(
            f"{name:52} {median(ours):10,.1f} {median(theirs):10,.1f}  {unit:6} {ratio:6.2f} {spread:>13} "
            f"{target:>7}{verdict}",
            flush=True,
        )


class Scene:
    """Clients of one broker: `cars` that send and the `backend` that gets everything."""

    def __init__(self, broker: BrokerProcess, crowd: Crowd, cars: int) -> None:
        self.broker = broker
        self.crowd = crowd
        names = [f"car-{car}" for car in range(cars)]
        self.cars = crowd.connect(names, [""] * cars)
        [self.backend] = crowd.connect(["backend"], ["v1/vehicles/+/up/#"])

    def cpu_us(self, load: Callable[["Scene"], int]) -> float:
        """CPU microseconds of the broker per message of `load`, which returns how many there were."""
        begun_s = self.broker.cpu_s()
        count = load(self)
        return (self.broker.cpu_s() - begun_s) / count * 1e6


def messages(cars: int, with_header: bool) -> list[Message]:
    """The message of each car."""
    packed = []
    for car in range(cars):
        header = full_header(f"v1/vehicles/{car:017}/down/status") if with_header else b""
        packed.append(pack_message(f"v1/vehicles/{car:017}/up/status", _PAYLOAD, header))
    return packed


def scenes(stack: ExitStack, brokers: Sequence[BrokerProcess], cars: int) -> list[Scene]:
    """The same clients at every broker."""
    return [Scene(broker, stack.enter_context(Crowd(broker.port)), cars) for broker in brokers]


def cpu_rows(table: Table, brokers: Sequence[BrokerProcess], size: Size) -> None:
    """(a) CPU per message: pipelined, which the target is judged on, and the two loads beside it."""
    for title, cars, window, most in (
        ("CPU, 1 sender, 20 in flight", 1, 20, CPU_RATIO_MAX),
        ("CPU, 50 cars, 1 in flight each", 50, 1, None),
        ("CPU, 1,000 cars, 1 message/s each", 1_000, 0, None),
    ):
        with ExitStack() as stack:
            both = scenes(stack, brokers, cars)
            for header in (False, True):
                load = _load(messages(cars, header), window, size)
                ours, theirs = _in_turn(both, load, size.rounds)
                table.row(f"{title}, {'full' if header else 'no'} header", "us/msg", ours, theirs, most)


def _load(packets: list[Message], window: int, size: Size) -> Callable[[Scene], int]:
    def pipelined(scene: Scene) -> int:
        scene.crowd.pipeline(scene.cars, scene.backend, packets, size.messages, window)
        return size.messages

    def offered(scene: Scene) -> int:
        return scene.crowd.offer(scene.cars, scene.backend, packets, size.fleet_s)

    return pipelined if window else offered


def _in_turn(both: Sequence[Scene], load: Callable[[Scene], int], rounds: int) -> list[list[float]]:
    taken: list[list[float]] = [[] for _ in both]
    for round_number in range(rounds + 1):
        for scene, figures in zip(both, taken, strict=True):
            figure = scene.cpu_us(load)
            if round_number:  # the first one only warms up
                figures.append(figure)
    return taken


def round_trip_rows(table: Table, brokers: Sequence[BrokerProcess], size: Size) -> None:
    """(b) One message at a time, from send to arrival: at low load, which is judged, and in lock-step."""
    for title, pause_s, steps, most in (
        (f"one every {LOW_LOAD_PAUSE_S * 1e3:.0f} ms", LOW_LOAD_PAUSE_S, size.steps, ROUND_TRIP_RATIO_MAX),
        ("lock-step", 0.0, 4 * size.steps, None),
    ):
        with ExitStack() as stack:
            both = scenes(stack, brokers, 1)
            for header in (False, True):
                [packet] = messages(1, header)
                taken: list[list[tuple[float, float, float]]] = [[] for _ in both]
                for _ in range(size.rounds):
                    for scene, figures in zip(both, taken, strict=True):
                        figures.append(_round_trip_us(scene, packet, steps, pause_s))
                name = f"{title}, {'full' if header else 'no'} header"
                for kind, (what, unit) in enumerate(_ROUND_TRIP):
                    ours, theirs = ([each[kind] for each in figures] for figures in taken)
                    table.row(f"{what}, {name}", unit, ours, theirs, None if kind else most)


_ROUND_TRIP: Final = (("round trip p50", "us"), ("round trip p99", "us"), ("CPU", "us/msg"))


def _round_trip_us(scene: Scene, packet: Message, steps: int, pause_s: float) -> tuple[float, float, float]:
    """The figures of `_ROUND_TRIP`: median, 99th percentile, and CPU time of the broker per message."""
    begun_s = scene.broker.cpu_s()
    taken_s = scene.crowd.lock_step(scene.cars[0], scene.backend, packet, steps, pause_s)
    used_s = scene.broker.cpu_s() - begun_s
    return median(taken_s) * 1e6, quantiles(taken_s, n=100)[98] * 1e6, used_s / steps * 1e6


def session_rows(table: Table, start: Sequence[Callable[[], BrokerProcess]], size: Size) -> None:
    """(c) and (d): what many sessions cost, each in a broker that has seen nothing else."""
    taken: list[list[list[float]]] = [[] for _ in start]
    for _ in range(size.restarts):
        for begin, rounds in zip(start, taken, strict=True):
            with begin() as broker, Crowd(broker.port) as crowd:
                figures = _connected(broker, crowd, size)
            with begin() as broker, Crowd(broker.port) as crowd:
                figures.append(_absent(broker, crowd))
            rounds.append(figures)
    for kind, (name, unit) in enumerate(_FIGURES):
        ours, theirs = ([figures[kind] for figures in rounds] for rounds in taken)
        table.row(f"{SESSIONS:,} sessions: {name}", unit, ours, theirs)


_FIGURES: Final = (
    ("time to connect all at once", "ms"),
    ("CPU to connect one", "us"),
    ("memory of one that is connected", "KiB"),
    (f"CPU while idle, keep-alive {KEEP_ALIVE_S} s", "ms/s"),
    ("CPU for a message to each", "us/msg"),
    ("memory of one that is away", "KiB"),
)


def _names() -> tuple[list[str], list[str]]:
    numbers = range(SESSIONS)
    return [f"car-{n}" for n in numbers], [f"v1/vehicles/{n:017}/down/#" for n in numbers]


def _absent(broker: BrokerProcess, crowd: Crowd) -> float:
    """KiB of one session whose client is gone; they come one after the other, so that no buffers are left."""
    names, filters = _names()
    before = broker.resident_bytes()
    for name, topic_filter in zip(names, filters, strict=True):
        crowd.disconnect(crowd.connect([name], [topic_filter], expiry_s=_DAY_S))
    return (broker.resident_bytes() - before) / SESSIONS / 1024


def _connected(broker: BrokerProcess, crowd: Crowd, size: Size) -> list[float]:
    """All of `_FIGURES` but the last."""
    names, filters = _names()
    [backend] = crowd.connect(["backend"], [""])
    before, used_s, begun = broker.resident_bytes(), broker.cpu_s(), perf_counter()
    cars = crowd.connect(names, filters, keep_alive_s=KEEP_ALIVE_S)
    took_s, connect_s = perf_counter() - begun, broker.cpu_s() - used_s
    memory = (broker.resident_bytes() - before) / SESSIONS / 1024
    used_s = broker.cpu_s()
    crowd.idle(cars, size.idle_s, KEEP_ALIVE_S)
    idle_s = (broker.cpu_s() - used_s) / size.idle_s
    used_s = broker.cpu_s()
    crowd.scatter(backend, cars, [_to_car(n) for n in range(SESSIONS)])
    each_s = (broker.cpu_s() - used_s) / SESSIONS
    return [took_s * 1e3, connect_s / SESSIONS * 1e6, memory, idle_s * 1e3, each_s * 1e6]


def _to_car(number: int) -> Message:
    return pack_message(f"v1/vehicles/{number:017}/down/status", _PAYLOAD, b"")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; exit code 1 when a target was missed."""
    parser = argparse.ArgumentParser(
        prog="benchmarks.broker", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds: not for a verdict")
    parser.add_argument("--rows", choices=("cpu", "trip", "sessions"), action="append", help="these alone")
    options = parser.parse_args(arguments)
    size = QUICK if options.quick else FULL
    wanted = options.rows or ("cpu", "trip", "sessions")
    raise_descriptor_limit()
    table = Table()
    try:
        with Theirs() as theirs, Ours() as ours:
            if "cpu" in wanted:
                cpu_rows(table, (ours, theirs), size)
            if "trip" in wanted:
                round_trip_rows(table, (ours, theirs), size)
        if "sessions" in wanted:
            session_rows(table, (Ours, Theirs), size)
    except BrokerUnavailableError as error:
        print(f"there is nothing to compare with: {error}")
        return 1
    return int(table.missed)


if __name__ == "__main__":
    sys.exit(main())
