"""Programs served alone: one of a kind on a folder, taken addresses, brokers that are away, channels."""

import asyncio
import subprocess
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from contracts.bench import AdvanceClock, Impair, ImpairmentKind, LinkReport, Pay, SetVehicle, Subscribe
from contracts.link import LinkState
from headunit.cli import main
from headunit.commands.errors import BenchInUseError, CommandError
from headunit.commands.folder_lock import program_lock
from headunit.sim.alone_process import ServiceNotice
from headunit.sim.broker_notice import BrokerNotice
from runtime.bench_channel import ChannelClient
from runtime.errors import CommandRefused
from runtime.mqtt.port import IncomingMessage
from tests.headunit.served_apart import Served
from tests.headunit.test_cli_processes import apart
from tests.headunit.ui.running import quiet_environment

NOWHERE = "mqtt://127.0.0.1:1"
"""A port on which nobody listens (tcpmux, RFC 1078)."""


@asynccontextmanager
async def served(*words: str) -> AsyncIterator[Served]:
    """A program of its own; SIGTERM ends it with 0."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "headunit", *words),
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        env=quiet_environment(),
    )
    program = Served(process)
    try:
        async with asyncio.timeout(30):
            yield program
            if process.returncode is None:
                process.terminate()
                assert await program.end() == 0
    finally:
        if process.returncode is None:
            process.kill()
        await program.end()


async def run_to_its_end(*words: str) -> subprocess.CompletedProcess[str]:
    """A program that is not to go on; one that does is killed after a while."""
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "headunit", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
        env=quiet_environment(),
    )


# One of a kind on one folder


@pytest.mark.parametrize("program", ["car", "backend"])
async def test_a_second_one_on_a_folder_is_refused_until_the_first_is_dead_however_it_died(
    program: str, tmp_path: Path
) -> None:
    words = (program, "serve", "--broker", NOWHERE, "--state", str(tmp_path))
    async with served(*words) as first:
        await first.until("bench channel at")
        second = await run_to_its_end(*words)
        assert (second.returncode, second.stdout) == (2, "")
        assert second.stderr == (
            f"headunit: {tmp_path}: in use by the {program} of process {first.process.pid}; "
            "quit that one, or give this one its own folder with --state DIR\n"
        )
        first.process.kill()
        assert await first.end() == -9
        async with served(*words) as third:
            await third.until("bench channel at")


def test_car_and_backend_share_a_folder(tmp_path: Path) -> None:
    with program_lock(tmp_path, "car"), program_lock(tmp_path, "backend"):
        pass


async def test_a_whole_bench_counts_as_both(tmp_path: Path) -> None:
    for program in ("car", "backend"):
        with program_lock(tmp_path, program):
            done = await run_to_its_end(
                "bench", "serve", "--state", str(tmp_path), "--socket", str(tmp_path / "s")
            )
        assert done.returncode == 2
        assert f"in use by the {program}" in done.stderr


def test_a_folder_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CommandError, match=r"--state: .*/file cannot be used: File exists; name a folder"):
        program_lock(tmp_path / "file", "car").__enter__()


def test_the_lock_names_its_holder(tmp_path: Path) -> None:
    with program_lock(tmp_path, "car"):
        with pytest.raises(BenchInUseError, match="in use by the car of process"):
            program_lock(tmp_path, "car").__enter__()


# Addresses and URLs


async def test_a_port_that_is_taken_is_one_clear_line_and_exit_code_2(tmp_path: Path) -> None:
    async with served("broker", "serve", "--port", "0") as broker:
        port = (await broker.until("broker on")).rpartition(":")[2]
        for words in (
            ("broker", "serve"),
            ("telematics", "serve", "--broker", NOWHERE),
            ("backend", "serve", "--broker", NOWHERE, "--state", str(tmp_path)),
        ):
            done = await run_to_its_end(*words, "--port", port)
            assert (done.returncode, done.stdout) == (2, "")
            assert done.stderr == (
                f"headunit: cannot listen on 127.0.0.1:{port}: another program listens there; "
                "end it, or choose another with --port (0 = a free one)\n"
            )


@pytest.mark.parametrize("program", ["car", "backend", "telematics"])
@pytest.mark.parametrize(
    ("url", "said"),
    [
        (
            "mqtts://bench:geheim@h",
            "headunit: 'mqtts://***@h' is no broker to connect to: TLS is not supported",
        ),
        ("mqtt://bench:geheim@h:x", "headunit: 'mqtt://***@h:x' is no broker: a port is a number"),
        ("mosquitto", "headunit: 'mosquitto' is no broker: write mqtt://"),
    ],
)
def test_a_url_that_is_no_broker_is_refused_without_its_password(
    program: str, url: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = [] if program == "telematics" else ["--state", str(tmp_path)]
    assert main([program, "serve", "--broker", url, *state]) == 2
    error = capsys.readouterr().err
    assert error.startswith(said)
    assert "geheim" not in error


def test_a_vin_that_is_none_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for program in ("car", "backend"):
        words = [program, "serve", "--broker", NOWHERE, "--state", str(tmp_path), "--vin", "x/#"]
        assert main(words) == 2
        assert capsys.readouterr().err.startswith("headunit: --vin: a VIN has 17 capital letters")


# A broker that is away


class Deaf:
    """`MqttEvents` that counts what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def connected(self, session_present: bool, receive_maximum: int) -> None:
        """See MqttEvents."""
        self.told.append("connected")

    def disconnected(self, reason: str) -> None:
        """See MqttEvents."""
        self.told.append("disconnected")

    def connect_failed(self, reason: str, refused: bool) -> None:
        """See MqttEvents."""
        self.told.append("connect_failed")

    def acknowledged(self, packet_id: int, reason_code: int) -> None:
        """See MqttEvents."""
        self.told.append("acknowledged")

    def received(self, message: IncomingMessage) -> None:
        """See MqttEvents."""
        self.told.append("received")


def test_an_outage_is_said_once_and_its_end_too_and_everything_is_passed_on() -> None:
    said: list[str] = []
    events = Deaf()
    notice = BrokerNotice(events, "car", "h:1", said.append)
    for reason in ("refused", "timed out", "refused"):
        notice.connect_failed(reason, False)
    notice.connected(False, 20)
    notice.disconnected("reset")
    notice.connect_failed("refused", False)
    notice.connected(True, 20)
    assert said == [
        "car: no connection to the broker at h:1 (refused); trying again until there is one",
        "car: connected to the broker at h:1",
        "car: connection to the broker at h:1 is gone (reset); trying again until there is one",
        "car: connected to the broker at h:1",
    ]
    assert events.told == [
        *["connect_failed"] * 3,
        "connected",
        "disconnected",
        "connect_failed",
        "connected",
    ]


def test_what_the_broker_itself_refuses_is_said_even_within_an_outage_each_reason_once() -> None:
    said: list[str] = []
    notice = BrokerNotice(Deaf(), "car", "h:1", said.append)
    notice.connect_failed("nobody listens", False)
    for reason in ("Not authorized", "Not authorized", "Server busy"):
        notice.connect_failed(reason, True)
    assert said[1:] == [
        "car: the broker at h:1 refuses the connection: Not authorized",
        "car: the broker at h:1 refuses the connection: Server busy",
    ]


def test_the_road_says_once_that_nobody_answers_behind_it_and_once_that_somebody_does() -> None:
    said: list[str] = []
    notice = ServiceNotice("the broker", said.append)
    for error in (None, ConnectionRefusedError(111, "x"), ConnectionRefusedError(111, "x"), None, None):
        notice(error)
    assert said == [
        "the broker does not answer (Connection refused); cars are turned away until it does",
        "the broker answers again",
    ]


async def test_a_program_says_on_standard_error_that_its_broker_is_away(tmp_path: Path) -> None:
    async with served("car", "serve", "--broker", NOWHERE, "--state", str(tmp_path)) as car:
        assert "127.0.0.1:1" in await car.until("car: no connection to the broker")


# The bench channel of each, and the menu that attaches to it


async def test_each_channel_takes_its_own_commands_and_says_whose_the_others_are(tmp_path: Path) -> None:
    async with apart(tmp_path) as programs:
        await programs.start("car")
        await programs.start("backend")
        for program, others in (("car", Pay()), ("backend", SetVehicle(speed_kmh=1.0))):
            await programs.lives[program].until("bench channel at")
            client = await ChannelClient.connect(tmp_path / f"{program}.sock")
            with pytest.raises(CommandRefused, match=r"is for the (car|backend)"):
                await client.request(others)
            with pytest.raises(CommandRefused, match="keep the machine's time"):
                await client.request(AdvanceClock(by_ms=1))
            client.close()
        client = await ChannelClient.connect(tmp_path / "backend.sock")
        with pytest.raises(CommandRefused, match="UNKNOWN_ORDER"):
            await client.request(Pay())
        client.close()


async def test_the_road_is_cut_and_mended_over_its_channel(tmp_path: Path) -> None:
    socket = tmp_path / "t.sock"
    words = ("--broker", NOWHERE, "--port", "0", "--socket", str(socket))
    async with served("telematics", "serve", *words) as road:
        await road.until("bench channel at")
        client = await ChannelClient.connect(socket)
        await client.request(Subscribe(reports=("link",)))
        reports = client.reports()
        for active in (True, False):
            await client.request(Impair(kind=ImpairmentKind.NO_COVERAGE, active=active))
            async for report in reports:
                if isinstance(report, LinkReport) and (report.state is LinkState.DOWN) is active:
                    break
        client.close()


async def test_a_menu_attaches_to_a_car_and_leaves_it_running(tmp_path: Path) -> None:
    async with apart(tmp_path) as programs:
        car = await programs.start("car")
        await car.until("bench channel at")
        for words, place in (("press\n", "ConnectedDrive"), ("menu\n", "Main menu")):
            menu = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "headunit", "run", "--plain", "--language", "en"),
                *("--attach", str(tmp_path / "car.sock")),
                stdin=PIPE,
                stdout=PIPE,
                env=quiet_environment(),
            )
            said, _ = await menu.communicate(words.encode())
            assert menu.returncode == 0
            assert f"| {place} |" in said.decode().split("\n\n")[-2].splitlines()[0]
        assert car.process.returncode is None


def test_without_a_car_there_the_menu_says_how_to_start_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "headunit", "run", "--plain", "--attach", str(tmp_path / "none")],
        stdin=PIPE,
        capture_output=False,
        stdout=PIPE,
        text=True,
        check=False,
        env=quiet_environment(),
    )
    assert done.returncode == 1
    assert f"No car answers at {tmp_path / 'none'}; `headunit car serve` says" in done.stdout


def test_options_of_a_bench_of_ones_own_do_not_go_with_attaching(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--attach", "x", "--market", "CN", "--broker", "mosquitto"]) == 2
    assert capsys.readouterr().err.startswith("headunit: --broker is for a bench of its own; with --attach")
