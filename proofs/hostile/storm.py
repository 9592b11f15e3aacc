"""`python -m proofs.hostile.storm`: the attackers, a process of their own; says at the end what they did."""

import argparse
import asyncio
import os
import resource
import sys
from collections import Counter
from typing import Final

import msgspec

from proofs.hostile.attacks import ATTACKS, Attacker, schedule
from runtime.randomness import SeededRandomness

_TICK_S: Final = 0.02
_MAX_AT_ONCE: Final = 600
_NICE: Final = 10


class StormReport(msgspec.Struct, kw_only=True):
    """What a storm was: `connections` that were made, by attack, `refused` those that were not.

    `ended_by_broker` counts attacks that the broker ended before they were over.
    """

    connections: int
    refused: int
    ended_by_broker: int
    packets: int
    at_once: int
    elapsed_s: float
    by_attack: dict[str, int]


class Storm:
    """Attacks in the order of their schedule, `rate` of them a second, as far as they may run at once."""

    def __init__(self, port: int, connections: int, rate: float, seed: int, patience_s: float) -> None:
        chance = SeededRandomness(seed).stream("storm")
        self._attacker = Attacker(port, chance, patience_s)
        self._names = schedule(connections, chance)
        self._rate = rate
        self._running: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._done: Counter[str] = Counter()
        self._refused = 0
        self._ended = 0
        self._at_once = 0

    async def run(self) -> StormReport:
        """All of it."""
        loop = asyncio.get_running_loop()
        begun_s = loop.time()
        ahead = list(reversed(self._names))
        waiting: list[str] = []
        due = 0.0
        while ahead or waiting:
            due += self._rate * _TICK_S
            while due >= 1 and (ahead or waiting) and len(self._tasks) < _MAX_AT_ONCE:
                due -= 1
                name = self._next(ahead, waiting)
                if name is None:
                    break
                self._start(name)
            due = min(due, self._rate)
            self._at_once = max(self._at_once, len(self._tasks))
            await asyncio.sleep(_TICK_S)
        while self._tasks:
            await asyncio.wait(self._tasks)
        return StormReport(
            connections=self._attacker.connections,
            refused=self._refused,
            ended_by_broker=self._ended,
            packets=self._attacker.packets,
            at_once=self._at_once,
            elapsed_s=round(loop.time() - begun_s, 1),
            by_attack=dict(sorted(self._done.items())),
        )

    def _next(self, ahead: list[str], waiting: list[str]) -> str | None:
        """The next attack that may run; those of which too many run already wait."""
        for index, name in enumerate(waiting):
            if self._running[name] < ATTACKS[name].at_once:
                return waiting.pop(index)
        while ahead and len(waiting) < 2_000:
            name = ahead.pop()
            if self._running[name] < ATTACKS[name].at_once:
                return name
            waiting.append(name)
        return None

    def _start(self, name: str) -> None:
        self._running[name] += 1
        task = asyncio.create_task(self._attack(name))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _attack(self, name: str) -> None:
        before = self._attacker.connections
        try:
            await self._attacker.attack(name)
        except OSError:
            # The broker has had enough of it, or had no room: what the attack is for.
            if self._attacker.connections == before:
                self._refused += 1
            self._ended += 1
        finally:
            self._running[name] -= 1
            self._done[name] += 1


def main() -> int:
    """Attack, and print a StormReport as JSON."""
    parser = argparse.ArgumentParser(prog="python -m proofs.hostile.storm", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--connections", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True, help="connections a second")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--patience", type=float, default=15.0, help="seconds of waiting for an end")
    args = parser.parse_args()
    # Attackers have machines of their own; here they share a core with the clients that are measured.
    os.nice(_NICE)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    report = asyncio.run(Storm(args.port, args.connections, args.rate, args.seed, args.patience).run())
    print(msgspec.json.encode(report).decode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
