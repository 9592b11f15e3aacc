"""Let a real iDrive controller and vehicle bus work a running bench: CAN frames in, bench commands out.

The source is an interface and channel of python-can, or a recording by its file name (candump, ASC,
BLF). Start a bench first (`headunit run`), then the bridge beside it; Ctrl-C ends the bridge alone and
says what went over it.
"""

import argparse
import asyncio
import os
import signal
from pathlib import Path

from headunit.commands.configuration import Settings, state_path
from headunit.commands.errors import CommandError

EXAMPLES = """\
examples:
  headunit bridge --can socketcan:can0
  headunit bridge --can slcan:/dev/ttyACM0?bitrate=500000 --json
  headunit bridge --can drive.blf --speed 10
"""

_INTERRUPTED = 130


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `headunit bridge`."""
    parser.add_argument("--can", required=True, metavar="SOURCE", help="INTERFACE:CHANNEL, or a recording")
    parser.add_argument(
        "--socket", type=Path, metavar="PATH", help="bench channel (default: that of this user's bench)"
    )
    parser.add_argument(
        "--speed", default="1", metavar="N", help="play a recording N times as fast, or max (default 1)"
    )
    parser.add_argument("--json", action="store_true", help="say what went over the bridge as JSON")


def main(args: argparse.Namespace) -> int:
    """Bridge until the recording or the user ends it: 0 or 130."""
    socket = args.socket or state_path(Settings(), os.environ) / "bench.sock"
    return asyncio.run(_bridge(args.can, playback_speed(args.speed), socket, as_json=args.json))


def playback_speed(word: str) -> float | None:
    """How many times as fast a recording is played, None for as fast as possible. Raises CommandError."""
    if word == "max":
        return None
    try:
        return float(word)
    except ValueError:
        raise CommandError(f"--speed: {word!r} is neither a number nor max") from None


async def _bridge(can: str, speed: float | None, socket: Path, *, as_json: bool) -> int:
    from hardware.bridge import run_bridge
    from hardware.can_source import open_source
    from runtime.bench_channel import ChannelClient

    channel = await ChannelClient.connect(socket)
    interrupted = asyncio.Event()
    try:
        source = open_source(can, speed=speed)

        def interrupt() -> None:
            interrupted.set()
            source.close()

        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, interrupt)
        summary = await run_bridge(source, channel)
    finally:
        channel.close()
    print(summary.to_json() if as_json else summary.to_text())
    return _INTERRUPTED if interrupted.is_set() else 0
