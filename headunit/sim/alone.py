"""One program alone, in real time, until it is interrupted: broker, telematics unit, backend or car."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from contracts.modem import ModemListener, ModemStatus, Registration, SignalLevel, SimState
from headunit.sim.drive import STANDING_DBM
from headunit.sim.errors import RigError
from headunit.sim.real_rig import LOOPBACK, broker_address
from headunit.sim.scenario import Vehicle
from headunit.sim.virtual_rig import paho_factory
from runtime.bench_clock import BenchClock
from runtime.disk import FileDisk
from runtime.errors import BenchRuntimeError
from runtime.executor import PoolExecutor
from runtime.ids import SystemIds
from runtime.journal import JournalBook
from runtime.ports import Runtime
from runtime.randomness import SystemRandomness
from runtime.real_network import RealNetwork
from runtime.wall_clock import wall_clock_ms


def serve_broker(args: argparse.Namespace) -> int:
    """`headunit broker serve`."""

    async def main() -> None:
        from runtime.mqtt.broker.core import Broker
        from runtime.mqtt.broker.server import BrokerServer

        server = BrokerServer(Broker(), RealNetwork())
        await server.listen(args.host, _port(args.port))
        _say(f"broker on mqtt://{args.host}:{server.port}")
        await server.serve()

    return _until_interrupted(main())


def serve_telematics(args: argparse.Namespace) -> int:
    """`headunit telematics serve`: the modelled road in front of a broker, or any TCP service."""

    async def main() -> None:
        from telematics.radio.timeline import RadioTimeline
        from telematics.serve import serve_relay

        host, port = broker_address(args.broker)
        await serve_relay(
            _runtime("telematics", Path()),
            RadioTimeline.constant(STANDING_DBM),
            upstream_host=host,
            upstream_port=port,
            port=_port(args.port),
            listening=lambda _, relay: _say(f"road from {LOOPBACK}:{relay.port} to {host}:{port}"),
        )

    return _until_interrupted(main())


def serve_backend(args: argparse.Namespace) -> int:
    """`headunit backend serve`."""

    async def main() -> None:
        from backend_stub.app import Backend, BackendConfig
        from backend_stub.domain.vehicle import VehicleRecord
        from backend_stub.web.pages import make_web
        from backend_stub.web.server import serve_web

        host, port = broker_address(args.broker)
        pages_port = _port(args.port)
        car = Vehicle()
        record = VehicleRecord(vin=car.vin, model=car.model, contract_number=car.contract_number)
        runtime = _runtime("backend", args.state)
        backend = Backend(
            runtime,
            BackendConfig(vehicles=(record,), broker_host=host, broker_port=port),
            paho_factory(runtime.network, runtime.randomness, "backend"),
        )
        pages = await serve_web(make_web(backend), LOOPBACK, pages_port)
        backend.public_url = f"http://{LOOPBACK}:{pages.port}"
        _say(f"phone on {backend.public_url}/phone")
        try:
            await backend.run()
        finally:
            await pages.close()

    return _until_interrupted(main())


def serve_car(args: argparse.Namespace) -> int:
    """`headunit car serve`: a car with a modem that always has data; the road is the broker's affair."""

    async def main() -> None:
        from headunit.services.car import Car, CarConfig

        host, port = broker_address(args.broker)
        runtime = _runtime("car", args.state)
        vin = args.vin or Vehicle().vin
        make_port = paho_factory(runtime.network, runtime.randomness, "car")
        car = Car(runtime, CarConfig(vin, host, port), SteadyModem(), make_port)
        _say(f"car connects to {host}:{port}")
        await car.run()

    return _until_interrupted(main())


class SteadyModem:
    """A modem in good cover that never changes (`contracts.modem.ModemPort`)."""

    def status(self) -> ModemStatus:
        """See ModemPort."""
        return ModemStatus(
            SimState.ACTIVE, Registration.REGISTERED_HOME, SignalLevel.GOOD, "4G", STANDING_DBM, True
        )

    def on_change(self, listener: ModemListener) -> None:
        """See ModemPort; there is never anything to tell."""


def _port(port: int) -> int:
    """A port to listen on, 0 for a free one. Raises RigError."""
    if not 0 <= port <= 65535:
        raise RigError(f"--port: {port} is not a port; there are 0 (a free one) to 65535")
    return port


def _runtime(program: str, folder: Path) -> Runtime:
    clock = BenchClock(wall_clock_ms())
    return Runtime(
        clock=clock,
        network=RealNetwork(),
        executor=PoolExecutor(),
        randomness=SystemRandomness(),
        ids=SystemIds(),
        disk=FileDisk(folder),
        journal=JournalBook(clock.now_ms, clock.transport_ns).actor(program),
    )


def _say(text: str) -> None:
    print(text, flush=True)


def _until_interrupted(main: Coroutine[Any, Any, None]) -> int:
    """Run a program; SIGINT ends it with 130, SIGTERM with 0, an error of ours with 2."""

    async def run() -> int:
        loop = asyncio.get_running_loop()
        task = loop.create_task(main)
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
    except (RigError, BenchRuntimeError, OSError) as error:
        print(f"headunit: {error}", file=sys.stderr)
        return 2
