"""The driver's menu in this terminal, with the whole bench behind it.

Every option can also stand in the environment (HEADUNIT_MARKET=AU) or in config.toml in the
configuration folder ($XDG_CONFIG_HOME/headunit); the command line wins, then the environment.
With --headless the bench runs without a menu and prints where it can be reached. With --attach there is
only the menu, of a car that `headunit car serve` has started elsewhere.
Exit codes: 0 left by the user, 1 the bench died, 2 could not run.
"""

import argparse
import asyncio
import gc
import io
import os
import signal
import sys
from pathlib import Path
from typing import Protocol

from headunit.commands.bench_child import BenchChild
from headunit.commands.configuration import Settings, file_path, merge, state_path
from headunit.commands.database_option import VARIABLE as DATABASE_VARIABLE
from headunit.commands.errors import CommandError
from headunit.commands.state_folder import StateFolder
from headunit.ui.bench_link import BenchClient, BenchHost
from headunit.ui.handover import LocalPresenter

EXAMPLES = """\
examples:
  headunit run                              CN car, English or the locale's language
  headunit run --market AU --vin WBA00000000000001
  headunit run --scenario scenarios/first_order.toml --fresh
  printf 'press\\nrotate 1\\nshow\\n' | headunit run --plain
  headunit run --headless --broker mosquitto
  headunit run --attach ./state/car.sock    the menu of `headunit car serve`
"""


class Host(BenchHost, Protocol):
    """Where the menu's car is: a bench that ends with the menu, or one that does not."""

    async def close(self) -> None:
        """Let go of it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `headunit run`."""
    parser.add_argument(
        "--state", metavar="DIR", help="state folder, one bench at a time (default: per user)"
    )
    parser.add_argument("--fresh", action="store_true", help="forget orders, bookings and messages first")
    parser.add_argument("--market", help="market of the car: CN or AU (default CN)")
    parser.add_argument("--model", help="model of the car")
    parser.add_argument("--vin", help="VIN of the car, 17 characters")
    parser.add_argument(
        "--broker", help="ours, mosquitto or mqtt://[USER[:PASSWORD]@]HOST[:PORT] (default ours)"
    )
    parser.add_argument(
        "--database",
        metavar="URL",
        help="PostgreSQL database of the backend's store, postgresql://[USER[:PASSWORD]@]HOST[:PORT]/NAME"
        " (default: SQLite in the state folder)",
    )
    parser.add_argument("--scenario", metavar="FILE", help="scenario file to play on this bench")
    parser.add_argument("--save", metavar="FILE", help="at the end write what was done as a scenario file")
    parser.add_argument("--language", help="en, de or zh (default: the locale's, else en)")
    parser.add_argument(
        "--headless", action="store_const", const=True, help="no menu; print where the bench can be reached"
    )
    parser.add_argument(
        "--plain",
        action="store_const",
        const=True,
        help="plain lines instead of a full screen; also when piped",
    )
    parser.add_argument(
        "--attach",
        type=Path,
        metavar="SOCKET",
        help="show the menu of the car behind this bench channel; start and end nothing else",
    )


def main(args: argparse.Namespace) -> int:
    """Run the menu, plain or full, or no menu at all."""
    gc.disable()
    settings = read_settings(args)
    if args.attach is not None:
        return _run_attached(settings, args)
    if settings.scenario:
        check_scenario(Path(settings.scenario))
    if args.save:
        check_can_be_written(Path(args.save))
    with StateFolder(state_path(settings, os.environ)) as folder:
        folder.prepare(fresh=args.fresh)
        command = bench_command(settings, folder)
        if args.save:
            command += ["--save", os.path.abspath(args.save)]
        child = BenchChild(command, socket=folder.socket, log=folder.log, connect=_connect)
        if "@" in settings.broker:
            os.environ["HEADUNIT_BROKER"] = settings.broker
        os.environ[DATABASE_VARIABLE] = settings.database
        if args.fresh and settings.database:
            command += ["--fresh"]
        if settings.headless:
            gc.enable()
            from headunit.commands.headless import run_headless

            return asyncio.run(run_headless(child))
        return _show_menu(settings, args, child, folder.pictures)


def check_scenario(file: Path) -> None:
    """Raises CommandError, naming file, line and key, when the scenario cannot be played."""
    from headunit.sim.errors import ScenarioError
    from headunit.sim.scenario_file import load_scenario

    try:
        load_scenario(file)
    except ScenarioError as error:
        raise CommandError(str(error)) from None


def read_settings(args: argparse.Namespace) -> Settings:
    """Command line before environment before file. Raises CommandError, naming what is wrong where."""
    path = file_path(os.environ)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        text = ""
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path}: cannot be read: {error}") from None
    return merge(vars(args), os.environ, str(path), text)


def check_can_be_written(file: Path) -> None:
    """Look now whether `file` can be written when the bench ends: then nobody would be told.

    Raises CommandError.
    """
    if file.is_dir():
        raise CommandError(f"--save: {file} is a folder; name a file")
    if not os.access(file if file.exists() else file.parent, os.W_OK):
        raise CommandError(f"--save: {file} cannot be written; name a file in a folder of yours that exists")


def bench_command(settings: Settings, folder: StateFolder) -> list[str]:
    """The command line of the child process."""
    command = [sys.executable, "-m", "headunit", "bench", "serve"]
    command += ["--state", str(folder.data), "--socket", str(folder.socket), "--parent-fd", "0"]
    for option in ("market", "model", "vin", "broker", "scenario", "language"):
        value = getattr(settings, option)
        if option == "broker" and "@" in value:
            continue  # a password goes through the environment: everybody can read a command line
        if value:
            command += [f"--{option}", value]
    return command


def _run_attached(settings: Settings, args: argparse.Namespace) -> int:
    """The menu alone. Raises CommandError for options that are about a bench of our own."""
    from headunit.commands.attached_bench import AttachedBench

    ours = ("state", "fresh", "model", "vin", "broker", "database", "scenario", "save", "headless")
    for option in ours:
        if getattr(args, option):
            raise CommandError(f"--{option} is for a bench of its own; with --attach give it to that program")
    host = AttachedBench(args.attach, _connect)
    return _show_menu(settings, args, host, state_path(settings, os.environ) / "pictures")


def _show_menu(settings: Settings, args: argparse.Namespace, host: Host, pictures: Path) -> int:
    presenter = _presenter(settings, args.started_ms)
    if settings.plain or not sys.stdout.isatty():
        gc.enable()
        return asyncio.run(_run_plain(presenter, host))
    return _run_full_screen(presenter, host, pictures)


def _presenter(settings: Settings, started_ms: int) -> LocalPresenter:
    """The presenter of the first frame: it knows the time and that the bench is starting."""
    from headunit.domain.facts import CarFacts
    from headunit.domain.presenter import Presenter
    from headunit.domain.texts import load_translation

    presenter = Presenter(load_translation(settings.language), settings.language)
    presenter.update(CarFacts(now_ms=started_ms, market=settings.market, starting=True))
    return presenter


async def _connect(path: Path) -> BenchClient:
    from runtime.bench_channel import ChannelClient

    return await ChannelClient.connect(path)


def _run_full_screen(presenter: LocalPresenter, host: Host, pictures: Path) -> int:
    if not os.environ.get("NO_COLOR"):  # no-color.org: an empty value counts as none
        os.environ.pop("NO_COLOR", None)
    from headunit.ui.app import HeadunitApp

    if not sys.stderr.isatty():
        sys.__dict__["__stderr__"] = sys.__stdout__  # the terminal library draws there

    async def view() -> int:
        app = HeadunitApp(presenter, host, pictures=str(pictures))
        for number in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, app.exit, 0)
        try:
            return await app.run_async() or 0
        finally:
            await host.close()

    return asyncio.run(view())


async def _run_plain(presenter: LocalPresenter, host: Host) -> int:
    from headunit.commands.standard_input import lines
    from headunit.ui.plain import PlainView

    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # symbols that the locale cannot write are no reason to stop

    def write(text: str) -> None:
        print(text, flush=True)

    try:
        return await PlainView(presenter, write).run(host, lines())
    finally:
        await host.close()
