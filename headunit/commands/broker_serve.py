"""Our broker alone: MQTT 5 and 3.1.1 on one port.

Without --state its sessions end with it. With --state they are written to DIR/broker.sqlite before anybody
is told anything: started again after any end, also SIGKILL, it still has every session, every message it
has acknowledged and every retained message.
"""

import argparse
from contextlib import nullcontext
from pathlib import Path

from headunit.commands.errors import CommandError
from headunit.commands.folder_lock import program_lock
from headunit.commands.program import program

DROPS = ("newest", "oldest")
PROFILES = ("default", "mosquitto", "emqx", "hivemq")

EXAMPLES = """\
examples:
  headunit broker serve --port 1883
  headunit broker serve --state state              sessions survive kill -9 and a power cut
  headunit broker serve --profile emqx             loses what EMQX would lose: the oldest, beyond 1,000
  headunit broker serve --max-queued 50 --drop oldest
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `headunit broker serve`."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
    parser.add_argument(
        "--port", type=int, default=1883, help="port to listen on, 0 = a free one (default 1883)"
    )
    parser.add_argument(
        "--state", type=Path, metavar="DIR", help="keep sessions in this folder, one broker at a time"
    )
    parser.add_argument(
        "--fast",
        action="store_true",
        help="with --state: survive SIGKILL only; a power cut may take what came last",
    )
    parser.add_argument(
        "--profile",
        default="default",
        choices=PROFILES,
        help="limits and full queues as these brokers have them by default (default: our own, roomy)",
    )
    parser.add_argument(
        "--max-queued",
        type=int,
        metavar="N",
        help="messages that wait for one client at most (default: the profile's)",
    )
    parser.add_argument(
        "--drop", choices=DROPS, help="which message a full queue loses (default: the profile's)"
    )
    parser.add_argument(
        "--max-packet-rate",
        type=int,
        default=0,
        metavar="HZ",
        help="packets a second that one connection may send; 0 = no limit (default)",
    )


def main(args: argparse.Namespace) -> int:
    """Serve until interrupted."""
    if args.max_packet_rate < 0:
        raise CommandError(f"--max-packet-rate: {args.max_packet_rate} is no number from 0 on")
    if args.max_queued is not None and args.max_queued < 0:
        raise CommandError(f"--max-queued: {args.max_queued} is no number from 0 on")
    with nullcontext() if args.state is None else program_lock(args.state, "broker"):
        return program("headunit.sim.alone", "serve_broker")(args)
