"""One program alone, in real time, until it is interrupted: broker, telematics unit, backend or car.

What they say is for whoever started them: on standard output a line for each thing they serve, once it is
served; on standard error what they wait for.
"""

import argparse
import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from contracts.bench import BenchInfo
from contracts.modem import ModemListener, ModemStatus, Registration, SignalLevel, SimState
from headunit.sim.alone_process import (
    ServiceNotice,
    bench_channel,
    calm_collector,
    checked_port,
    journal_of,
    listening,
    make_ports,
    make_runtime,
    raise_descriptor_limit,
    run_until_interrupted,
    say,
    warn,
)
from headunit.sim.drive import STANDING_DBM
from headunit.sim.real_rig import LOOPBACK
from headunit.sim.scenario import Vehicle
from runtime.disk import FileDisk
from runtime.mqtt.broker_url import BrokerUrl, host_and_port
from runtime.real_network import RealNetwork
from runtime.report_hub import ReportHub
from runtime.wall_clock import wall_clock_ms

if TYPE_CHECKING:
    from runtime.mqtt.broker.core import Broker
    from telematics.adapters.relay import Relay
    from telematics.app import Telematics


NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000


def serve_broker(args: argparse.Namespace) -> int:
    """`headunit broker serve`."""

    async def main() -> None:
        from runtime.mqtt.broker.server import BrokerServer

        port = checked_port(args.port)
        server = BrokerServer(make_broker(args), RealNetwork())
        with listening(args.host, port):
            await server.listen(args.host, port)
        calm_collector()
        raise_descriptor_limit()
        say(f"broker on mqtt://{host_and_port(args.host, server.port)}")
        await server.serve()

    return run_until_interrupted(main)


def serve_telematics(args: argparse.Namespace) -> int:
    """`headunit telematics serve`: the modelled road in front of a broker, or any TCP service."""

    async def main() -> None:
        from headunit.sim.alone_bench import TelematicsBench
        from telematics.radio.timeline import RadioTimeline
        from telematics.serve import serve_relay

        url = BrokerUrl.parse(args.broker)
        port = checked_port(args.port)
        where = host_and_port(url.host, url.port)
        runtime = make_runtime("telematics", Path())
        made: asyncio.Future[tuple[Telematics, Relay]] = asyncio.get_running_loop().create_future()
        relaying = asyncio.create_task(
            serve_relay(
                runtime,
                RadioTimeline.constant(STANDING_DBM),
                upstream_host=url.host,
                upstream_port=url.port,
                port=port,
                listening=lambda telematics, relay: made.set_result((telematics, relay)),
                on_service=ServiceNotice(f"road: the broker at {where}", warn),
            )
        )
        try:
            await asyncio.wait((relaying, made), return_when=asyncio.FIRST_COMPLETED)
            if relaying.done():
                with listening(LOOPBACK, port):
                    relaying.result()
            telematics, relay = made.result()
            hub = ReportHub()
            bench = TelematicsBench(telematics, runtime.clock, hub)
            async with bench_channel(args.socket, bench.handle, hub):
                say(f"road from {LOOPBACK}:{relay.port} to {where}")
                if args.socket is not None:
                    say(f"bench channel at {args.socket}")
                await relaying
        finally:
            relaying.cancel()
            await asyncio.gather(relaying, return_exceptions=True)

    return run_until_interrupted(main)


def serve_backend(args: argparse.Namespace) -> int:
    """`headunit backend serve`."""

    async def main() -> None:
        from backend_stub.app import Backend, BackendConfig
        from backend_stub.web.pages import make_web
        from backend_stub.web.server import serve_web
        from headunit.sim.alone_bench import BackendBench
        from headunit.sim.world import vehicle_record

        url = BrokerUrl.parse(args.broker)
        port = checked_port(args.port)
        socket = args.socket or args.state / "backend.sock"
        car = Vehicle()
        car = msgspec.structs.replace(car, vin=args.vin or car.vin, model=args.model or car.model)
        config = BackendConfig(
            market=args.market,
            vehicles=(vehicle_record(car),),
            broker_host=url.host,
            broker_port=url.port,
            activation_delay_ms=round(args.activation_delay * 1000),
            database=args.database,
        )
        with journal_of(args.state, "backend") as journal:
            runtime = make_runtime("backend", args.state, journal)
            backend = Backend(runtime, config, make_ports(runtime, "backend", url, args.back_off_max))
            with listening(LOOPBACK, port):
                pages = await serve_web(make_web(backend), LOOPBACK, port)
            backend.public_url = f"http://{LOOPBACK}:{pages.port}"
            phone = f"{backend.public_url}/phone"
            where = host_and_port(url.host, url.port)
            hub = ReportHub()
            hub.publish(BenchInfo(vin=car.vin, market=args.market, broker=where, phone_url=phone))
            bench = BackendBench(backend, runtime.clock, hub)
            try:
                async with bench_channel(socket, bench.handle, hub):
                    say(f"phone on {phone}")
                    say(f"bench channel at {socket}")
                    await backend.run()
            finally:
                await pages.close()
                backend.store.close()

    return run_until_interrupted(main)


def serve_car(args: argparse.Namespace) -> int:
    """`headunit car serve`: a car with a modem that always has data; the road is the broker's affair."""

    async def main() -> None:
        from headunit.services.car import Car, CarConfig
        from headunit.sim.alone_bench import CarBench

        url = BrokerUrl.parse(args.broker)
        socket = args.socket or args.state / "car.sock"
        vin = args.vin or Vehicle().vin
        with journal_of(args.state, "car") as journal:
            runtime = make_runtime("car", args.state, journal)
            modem = SteadyModem()
            model = args.model or Vehicle().model
            config = CarConfig(vin, url.host, url.port, args.market, args.language, model)
            car = Car(runtime, config, modem, make_ports(runtime, "car", url, args.back_off_max))
            where = host_and_port(url.host, url.port)
            hub = ReportHub()
            hub.publish(BenchInfo(vin=vin, market=args.market, broker=where))
            bench = CarBench(car, modem, runtime.clock, hub)
            async with bench_channel(socket, bench.handle, hub):
                say(f"car connects to {where}")
                say(f"bench channel at {socket}")
                bus = asyncio.create_task(bench.run())
                try:
                    await car.run()
                finally:
                    bus.cancel()

    return run_until_interrupted(main)


def make_broker(args: argparse.Namespace) -> "Broker":
    """Our broker as the options of `headunit broker serve` want it."""
    from dataclasses import replace

    from runtime.mqtt.broker.config import PROFILES, DropPolicy
    from runtime.mqtt.broker.core import Broker
    from runtime.mqtt.broker.sqlite_ledger import SqliteLedger

    config = replace(PROFILES[args.profile], max_packet_rate_hz=args.max_packet_rate)
    if args.max_queued is not None:
        config = replace(config, max_queued=args.max_queued)
    if args.drop is not None:
        config = replace(config, drop_policy=DropPolicy(args.drop))
    now_ns = round(asyncio.get_running_loop().time() * NS_PER_S)
    if args.state is None:
        return Broker(config, now_ns=now_ns)
    connection = FileDisk(args.state).connect("broker", "NORMAL" if args.fast else "FULL")
    return Broker(config, SqliteLedger(connection, wall_clock_ms() * NS_PER_MS - now_ns), now_ns)


class SteadyModem:
    """A modem in good cover that never changes (`contracts.modem.ModemPort`)."""

    def status(self) -> ModemStatus:
        """See ModemPort."""
        return ModemStatus(
            SimState.ACTIVE, Registration.REGISTERED_HOME, SignalLevel.GOOD, "4G", STANDING_DBM, True
        )

    def on_change(self, listener: ModemListener) -> None:
        """See ModemPort; there is never anything to tell."""
