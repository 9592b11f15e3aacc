"""What every program that is served alone has: its runtime, addresses, channel, notices and ending."""

import asyncio
import errno
import gc
import os
import resource
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final, TextIO

from backend_stub.errors import StoreError
from headunit.sim.broker_notice import with_back_off, with_login, with_notices
from headunit.sim.errors import RigError
from headunit.sim.virtual_rig import paho_factory
from runtime.bench_clock import BenchClock
from runtime.bench_server import BenchHandler, serve_channel
from runtime.disk import FileDisk
from runtime.errors import BenchRuntimeError
from runtime.executor import PoolExecutor
from runtime.ids import SystemIds
from runtime.journal import JournalBook
from runtime.mqtt.broker_url import BrokerUrl, host_and_port
from runtime.mqtt.port import MqttPortFactory
from runtime.ports import Runtime
from runtime.randomness import SystemRandomness
from runtime.real_network import RealNetwork
from runtime.report_hub import ReportHub
from runtime.wall_clock import wall_clock_ms

_ADDRESS_TROUBLE: Final = {
    errno.EADDRINUSE: "another program listens there; end it, or choose another with --port (0 = a free one)",
    errno.EACCES: "that port is for the system's own; choose another with --port (0 = a free one)",
    errno.EADDRNOTAVAIL: "this computer has no such address; give one of its own",
}


def checked_port(port: int) -> int:
    """A port to listen on, 0 for a free one. Raises RigError."""
    if not 0 <= port <= 65535:
        raise RigError(f"--port: {port} is not a port; there are 0 (a free one) to 65535")
    return port


@contextmanager
def listening(host: str, port: int) -> Iterator[None]:
    """Listening in this block may fail: RigError says at which address, why, and what to do."""
    try:
        yield
    except OSError as error:
        why = _ADDRESS_TROUBLE.get(error.errno or 0, error.strerror or str(error))
        raise RigError(f"cannot listen on {host_and_port(host, port)}: {why}") from None


@asynccontextmanager
async def bench_channel(socket: Path | None, handler: BenchHandler, hub: ReportHub) -> AsyncIterator[None]:
    """The bench channel at `socket` while the block runs, if there is to be one."""
    if socket is None:
        yield
        return
    server = await serve_channel(socket, handler, hub)
    try:
        yield
    finally:
        await server.close()


def journal_of(folder: Path, program: str) -> TextIO:
    """The program's journal; each of its lines is written at once and whole."""

    def private(path: str, flags: int) -> int:
        return os.open(path, flags, 0o600)

    file = folder / f"{program}.journal.jsonl"
    return open(file, "a", encoding="utf-8", buffering=1, opener=private)


def make_runtime(program: str, folder: Path, journal: TextIO | None = None) -> Runtime:
    """Real time, real sockets, the system's chance, databases in `folder`."""
    clock = BenchClock(wall_clock_ms())
    return Runtime(
        clock=clock,
        network=RealNetwork(),
        executor=PoolExecutor(),
        randomness=SystemRandomness(),
        ids=SystemIds(),
        disk=FileDisk(folder),
        journal=JournalBook(clock.now_ms, clock.transport_ns, journal).actor(program),
    )


def make_ports(runtime: Runtime, program: str, url: BrokerUrl, back_off_max_s: float) -> MqttPortFactory:
    """MQTT ports for `program` that log in at `url` and tell of their connection."""
    factory = paho_factory(runtime.network, runtime.randomness, program)
    return with_notices(with_back_off(with_login(factory, url), back_off_max_s), program, warn)


class ServiceNotice:
    """Says through `say_line` when `service` does not answer any more, and when it does again; each once."""

    def __init__(self, service: str, say_line: Callable[[str], None]) -> None:
        self._service = service
        self._say_line = say_line
        self._is_away = False

    def __call__(self, error: OSError | None) -> None:
        """An attempt to reach the service has ended: well, or with `error`."""
        if error is not None and not self._is_away:
            code = error.errno or 0  # negative: a name that does not resolve
            why = os.strerror(code) if code > 0 else error.strerror or str(error)
            self._say_line(f"{self._service} does not answer ({why}); cars are turned away until it does")
        elif error is None and self._is_away:
            self._say_line(f"{self._service} answers again")
        self._is_away = error is not None


def calm_collector() -> None:
    """For a program that only serves now: what it has loaded is not searched for garbage ever again.

    What comes is searched a thousand objects at a time: a millisecond. Larger steps would be no cheaper in
    all, and whoever is served would wait for them.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(1_000, 1_000, 50)


def raise_descriptor_limit() -> None:
    """Allow as many connections as the system allows this program to allow itself."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def say(text: str) -> None:
    """Tell whoever started the program what it serves."""
    print(text, flush=True)


def warn(text: str) -> None:
    """Tell whoever started the program what it waits for."""
    print(text, file=sys.stderr, flush=True)


def run_until_interrupted(main: Callable[[], Coroutine[Any, Any, None]]) -> int:
    """Run a program; SIGINT ends it with 130, SIGTERM with 0, an error of ours with 2."""

    async def run() -> int:
        loop = asyncio.get_running_loop()
        task = loop.create_task(main())
        code = 0

        def end(number: int) -> None:
            nonlocal code
            code = 130 if number == signal.SIGINT else 0
            task.cancel()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, end, number)
        try:
            await task
        except asyncio.CancelledError:
            return code
        return 0

    try:
        return asyncio.run(run())
    except (RigError, BenchRuntimeError, StoreError, OSError) as error:
        warn(f"headunit: {error}")
        return 2
