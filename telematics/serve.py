"""The telematics unit as a program of its own: a relay on the modelled road, in real time."""

import asyncio
from collections.abc import Callable

from runtime.ports import Runtime
from telematics.adapters.relay import Relay, ServiceListener, drive_link
from telematics.app import Telematics
from telematics.link.model import BottleneckLink
from telematics.radio.obstructions import ImpairmentScript
from telematics.radio.timeline import RadioTimeline
from telematics.unit import TelematicsUnit


async def serve_relay(
    runtime: Runtime,
    timeline: RadioTimeline,
    *,
    upstream_host: str,
    upstream_port: int,
    host: str = "127.0.0.1",
    port: int = 0,
    script: ImpairmentScript | None = None,
    listening: Callable[[Telematics, Relay], None] | None = None,
    on_service: ServiceListener | None = None,
) -> None:
    """Relay `host`:`port` to the service over the road of `timeline`, until cancelled.

    The drive begins now. `listening` is called once clients are accepted, with the program, which takes
    the bench's commands, and the relay, which knows its port; `on_service` hears how each attempt to reach
    the service has ended. Raises OSError when the address is taken.
    """
    link = BottleneckLink(runtime.randomness.stream("link"))
    unit = TelematicsUnit(
        timeline,
        link,
        runtime.randomness.stream("modem"),
        start_ns=runtime.clock.transport_ns(),
        script=script,
    )
    driver = drive_link(link, asyncio.get_running_loop())
    telematics = Telematics(runtime, unit, driver.set_conditions)
    relay = Relay(driver, upstream_host, upstream_port, on_service)
    try:
        await relay.listen(host, port)
        if listening is not None:
            listening(telematics, relay)
        await telematics.run()
    finally:
        relay.close()
        driver.stop()
