"""What a program may ask of its runtime. Two families stand behind each port: virtual and real.

Two clocks. *Transport* time is the event loop's: keep-alive, retransmission, back-off, link; it never
jumps. *Bench* time is UTC: it can be moved and run faster, and every due time of the specification
lives on it. Bench instants are `_ms`, transport instants `_ns`.
"""

import sqlite3
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Timer(Protocol):
    """A callback that has been asked for and can be called off."""

    def cancel(self) -> None:
        """Never call it (again)."""


class Clock(Protocol):
    """Bench time and, beside it, transport time."""

    def now_ms(self) -> int:
        """Bench time, UTC milliseconds (R-002)."""

    def transport_ns(self) -> int:
        """Transport time in nanoseconds; monotonic, no epoch."""

    async def sleep_until(self, when_ms: int) -> None:
        """Return at bench instant `when_ms` or at once if that has passed."""

    def call_at(self, when_ms: int, callback: Callable[[], None]) -> Timer:
        """Call `callback` at bench instant `when_ms`, in order of due time, ties by sequence."""

    def timeout_at(self, when_ms: int) -> AbstractAsyncContextManager[None]:
        """Raise TimeoutError inside the block at bench instant `when_ms`."""


class SettableClock(Clock, Protocol):
    """The bench's hand on its clock."""

    @property
    def rate(self) -> float:
        """How fast bench time runs, against transport time."""

    def jump(self, by_ms: int) -> None:
        """Move bench time forward; wakes its sleepers in order of their due times."""

    def set_rate(self, rate: float) -> None:
        """From now on bench time runs `rate` times as fast as transport time."""


class Stream(Protocol):
    """A connected, non-blocking byte stream as a BSD socket: what `loop.add_reader` and paho want."""

    def fileno(self) -> int:
        """Descriptor, -1 when closed."""

    def recv(self, n: int, /) -> bytes:
        """Up to `n` bytes; b"" at end of stream; BlockingIOError when there are none yet."""

    def send(self, data: Any, /) -> int:
        """Hand over bytes; returns how many were taken; BlockingIOError when the buffer is full."""

    def close(self) -> None:
        """Close orderly (FIN)."""


class Listener(Protocol):
    """A listening endpoint."""

    @property
    def port(self) -> int:
        """The port it listens on."""

    def close(self) -> None:
        """Accept no more; connections that exist live on."""


class Network(Protocol):
    """Stream connections, seen from one host."""

    async def connect(self, host: str, port: int, *, timeout_s: float) -> Stream:
        """Open a connection. Raises ConnectionError when refused, TimeoutError when nobody answers."""

    async def listen(self, host: str, port: int, accept: Callable[[Stream], None]) -> Listener:
        """Call `accept` with every connection that arrives; port 0 takes a free one."""

    def reset(self, stream: Stream) -> None:
        """Close `stream` with RST: what was not delivered yet is lost."""


class Executor(Protocol):
    """Where blocking work goes: a pool in real time, inline in virtual time."""

    @property
    def is_inline(self) -> bool:
        """Whether the work is done on the loop itself, so that it had better be light."""

    async def run(self, work: Callable[[], T]) -> T:
        """The result of `work()`."""


class Randomness(Protocol):
    """Chance that can be repeated: one stream per purpose, all from one seed."""

    def stream(self, name: str) -> Random:
        """The generator called `name`; the same seed and name give the same numbers."""


class Ids(Protocol):
    """Names nobody has used before."""

    def key(self) -> str:
        """32 hex digits: idempotency keys and trace ids."""

    def span(self) -> str:
        """16 hex digits."""

    def token(self) -> str:
        """At least 128 random bits, URL-safe: links (R-832)."""


class Disk(Protocol):
    """Databases that survive their program."""

    def connect(self, name: str) -> sqlite3.Connection:
        """The database `name`: autocommit mode, WAL, synchronous=FULL, foreign keys on."""


class Journal(Protocol):
    """One causal record of what happened, per actor; the rig merges and digests them."""

    def record(self, kind: str, key: str, state: str = "", **data: Any) -> None:
        """Write down that thing `key` of `kind` is now in `state`; `data` must be JSON.

        (kind, key, state) must be the same on every rig for the same scenario and seed; what
        differs between rigs (times, packet ids) goes into `data`.
        """


@dataclass(frozen=True, slots=True)
class Runtime:
    """Everything one program gets of the world."""

    clock: Clock
    network: Network
    executor: Executor
    randomness: Randomness
    ids: Ids
    disk: Disk
    journal: Journal
