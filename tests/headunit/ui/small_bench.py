"""A bench without a car: a menu behind the real channel; as a program it is the child of a view."""

import argparse
import asyncio
import sys
from pathlib import Path

from contracts.bench import AnyCommand, BenchInfo, HoldActivation, PressKnob, ScreenReport
from runtime.bench_channel import DirectChannel
from runtime.bench_server import serve_channel
from runtime.errors import CommandRefused
from runtime.report_hub import ReportHub
from tests.headunit.ui.menu import Menu


class SmallBench:
    """Applies what the hand does to its own menu, refuses to hold activations, does nothing else."""

    def __init__(self) -> None:
        self.hub = ReportHub()
        self.menu = Menu()
        self.commands: list[AnyCommand] = []

    async def carry_out(self, command: AnyCommand) -> None:
        """The handler of the channel."""
        self.commands.append(command)
        if isinstance(command, PressKnob):
            self.menu.handle(command.event)
            self.show()
        if isinstance(command, HoldActivation):
            raise CommandRefused("NOT_HERE", "this bench activates nothing")

    def show(self) -> None:
        """Publish the display."""
        self.hub.publish(ScreenReport(screen=self.menu.screen()))

    def channel(self) -> DirectChannel:
        """A client on this loop."""
        return DirectChannel(self.carry_out, self.hub)


async def serve(socket: Path) -> None:
    """Serve until standard input ends."""
    bench = SmallBench()
    bench.hub.publish(BenchInfo(vin="TEST0000000000001", market="CN", broker="127.0.0.1:1"))
    bench.show()
    server = await serve_channel(socket, bench.carry_out, bench.hub)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(0, ended.set)
    await ended.wait()
    await server.close()


def main() -> int:
    """Serve, or die at once, or become deaf."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--socket", type=Path, required=True)
    parser.add_argument("--die", default="")
    parser.add_argument("--deaf", action="store_true")
    args = parser.parse_args()
    if args.die:
        print(args.die, file=sys.stderr)
        return 4
    asyncio.run(_deaf(args.socket) if args.deaf else serve(args.socket))
    return 0


async def _deaf(socket: Path) -> None:
    bench = SmallBench()
    await serve_channel(socket, bench.carry_out, bench.hub)
    await asyncio.Event().wait()


if __name__ == "__main__":
    sys.exit(main())
