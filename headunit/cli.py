"""The `headunit` command: finds the subcommand, imports only that one, turns errors into one clear line.

Exit codes: 0 pass, 1 fail, 2 could not run, 3 inconclusive, 130 interrupted.
"""

import argparse
import sys
import time
import traceback
from collections.abc import Sequence
from importlib import import_module
from typing import NamedTuple

COULD_NOT_RUN = 2
INTERRUPTED = 130


class _Entry(NamedTuple):
    module: str
    summary: str


COMMANDS = {
    "run": _Entry("run", "the driver's menu in this terminal, with the whole bench behind it"),
    "simulate": _Entry("simulate", "play a scenario file and check its expectations"),
    "act": _Entry("act", "do something as portal user, agent, dealer, BMW, payer or provider"),
    "bridge": _Entry("bridge", "let a real iDrive controller on CAN turn the knob of a running bench"),
    "broker serve": _Entry("broker_serve", "our broker alone: MQTT 5 and 3.1.1"),
    "car serve": _Entry("car_serve", "the car alone: session, outbox, presenter"),
    "backend serve": _Entry("backend_serve", "the backend alone: store, payments, phone pages"),
    "telematics serve": _Entry("telematics_serve", "the telematics unit alone: SIM, modem, link"),
    "bench serve": _Entry("bench_serve", "all of it without a view; `run` starts this itself"),
}

_EPILOG = """\
examples:
  headunit run                           the menu; F1 says what the keys do, F2 shows the bench
  headunit run --market AU --language en
  headunit simulate scenarios/first_order.toml --seed 7
  printf 'press\\nrotate 1\\nshow\\n' | headunit run --plain
  headunit COMMAND --help                everything about one command

exit codes:
  0 pass   1 fail   2 could not run   3 inconclusive   130 interrupted
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv` (default: the process's own); returns the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        return _dispatch(words)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except Exception as error:
        if _is_known(error):
            print(f"headunit: {error}", file=sys.stderr)
        else:
            traceback.print_exc()
        return COULD_NOT_RUN


def _dispatch(words: list[str]) -> int:
    for length in (2, 1):
        name = " ".join(words[:length])
        if len(words) >= length and name in COMMANDS:
            return _run(name, words[length:])
    group = [name for name in COMMANDS if words and name.startswith(f"{words[0]} ")]
    if group:
        _complain(f"say {' or '.join(f'`headunit {name}`' for name in group)}")
        return COULD_NOT_RUN
    return _top(words)


def _run(name: str, words: list[str]) -> int:
    module = import_module(f"headunit.commands.{COMMANDS[name].module}")
    parser = argparse.ArgumentParser(
        prog=f"headunit {name}",
        description=module.__doc__,
        epilog=getattr(module, "EXAMPLES", None),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.add_arguments(parser)
    try:
        arguments = parser.parse_args(words)
    except SystemExit as stop:
        return int(stop.code or 0)
    arguments.started_ms = time.time_ns() // 1_000_000
    code: int = module.main(arguments)
    return code


def _top(words: list[str]) -> int:
    listing = "\n".join(f"  {name:<18}{entry.summary}" for name, entry in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="headunit",
        usage="headunit COMMAND [OPTION …]",
        description="A bench for connected cars: menu, telematics unit and backend, in virtual time, "
        f"real time and on a rig.\n\ncommands:\n{listing}",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="store_true", help="say the version and leave")
    parser.add_argument("command", nargs="?", help=argparse.SUPPRESS)
    try:
        arguments, _ = parser.parse_known_args(words)
    except SystemExit as stop:
        return int(stop.code or 0)
    if arguments.version:
        print(f"headunit {_version()}")
        return 0
    if arguments.command is not None:
        _complain(f"no command {arguments.command!r}; there are {', '.join(COMMANDS)}")
        return COULD_NOT_RUN
    parser.print_help()
    return COULD_NOT_RUN


def _complain(text: str) -> None:
    print(f"headunit: {text}", file=sys.stderr)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("headunit")
    except PackageNotFoundError:
        return "from a source tree"


def _is_known(error: Exception) -> bool:
    """Whether `error` is one that a package of ours, or the system, raises to be read by people."""
    if isinstance(error, OSError):
        return True
    roots = (
        ("headunit.errors", "HeadunitError"),
        ("headunit.sim.errors", "SimulationError"),
        ("runtime.errors", "BenchRuntimeError"),
        ("contracts.errors", "ContractError"),
        ("hardware.errors", "HardwareError"),
    )
    loaded = (getattr(sys.modules.get(module), root, None) for module, root in roots)
    return isinstance(error, tuple(root for root in loaded if root is not None))
