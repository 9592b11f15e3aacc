"""`headunit simulate` as a command: verdict, evidence and exit code, and what a wrong file is told."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from backend_stub.app import Backend
from headunit.sim.simulate import simulate
from runtime.journal import read_journal
from tests.headunit.sim.stories import BOOKED, SCENARIOS, TO_CHECKOUT, choose, fault, pay, write

DRIVE = (SCENARIOS / "drives" / "harbour_loop.csv").read_text(encoding="utf-8")
NEVER = '[[expect]]\nactor = "car"\nkind = "accepted"\ncount = 0\nby_s = 30\nrule = "R-204"\n'


def headunit(*words: str | Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "headunit", "simulate", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def bought(folder: Path, *expectations: str) -> Path:
    return write(folder, choose(5, *TO_CHECKOUT, "Order"), pay(15), *expectations)


def test_a_kept_promise_ends_with_0_and_evidence(tmp_path: Path) -> None:
    file, out = bought(tmp_path, BOOKED), tmp_path / "evidence" / "run"
    done = headunit(file, "--json", "--out", out)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 1
    said = json.loads(done.stdout)
    assert said["verdict"] == "pass"
    assert said["violations"] == []
    assert said["events"] == len(read_journal(out / "journal.jsonl")) > 30
    assert said["simulated_s"] == 100.0
    assert 0 < said["wall_s"] < 60
    assert len(said["digest"]) == 64
    assert json.loads((out / "summary.json").read_text(encoding="utf-8")) == said
    suite = ElementTree.parse(out / "junit.xml").getroot()
    assert (suite.tag, suite.attrib["tests"], suite.attrib["failures"]) == ("testsuite", "1", "0")
    assert [case.attrib["name"] for case in suite] == ["run"]


def test_an_unkept_promise_ends_with_1_its_story_and_the_way_to_see_it_again(tmp_path: Path) -> None:
    file, out = bought(tmp_path, BOOKED, NEVER), tmp_path / "out"
    done = headunit(file, "--seed", "11", "--out", out)
    assert (done.returncode, done.stderr) == (1, "")
    assert "FAIL" in done.stdout
    assert (
        "VIOLATED expectation [R-204]: expected car: accepted * * 0 times by 30 s; seen once" in done.stdout
    )
    assert "s  car: accepted CN-000001" in done.stdout
    assert f"replay: headunit simulate {file} --seed 11" in done.stdout
    suite = ElementTree.parse(out / "junit.xml").getroot()
    assert (suite.attrib["tests"], suite.attrib["failures"]) == ("2", "1")
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert failure.attrib["message"].startswith("R-204 expected car: accepted")
    assert failure.text is not None
    assert "car: accepted CN-000001" in failure.text
    assert f"replay: headunit simulate {file} --seed 11" in failure.text


def wrong_key(folder: Path) -> tuple[Path, str]:
    file = write(folder, choose(5, "ConnectedDrive").replace("within_s", "within"))
    return file, f"{file}:10: script[0].within: no such key"


def wrong_toml(folder: Path) -> tuple[Path, str]:
    file = write(folder, "[[script]\n")
    return file, f"{file}:8: not TOML: "


def missing_file(folder: Path) -> tuple[Path, str]:
    return folder / "nowhere.toml", f"{folder / 'nowhere.toml'}: cannot be read: No such file or directory"


def missing_recording(folder: Path) -> tuple[Path, str]:
    file = write(folder, '[drive]\nrecording = "drives/nowhere.csv"\n')
    return file, f"{file}:9: drive.recording: drives/nowhere.csv: No such file or directory"


def broken_row(folder: Path) -> tuple[Path, str]:
    lines = DRIVE.splitlines()
    cells = lines[41].split(",")
    lines[41] = ",".join([*cells[:7], "loud", *cells[8:]])
    recording = folder / "drive.csv"
    recording.write_text("\n".join(lines), encoding="utf-8")
    return write(folder, '[drive]\nrecording = "drive.csv"\n'), f"{recording}:42: RSRP: not a number: 'loud'"


def missing_row_on_the_display(folder: Path) -> tuple[Path, str]:
    file = write(folder, choose(1, "ConnectedDrive", "Massage", within_s=2))
    return (
        file,
        f"{file}:8: script[0]: choose at 1 s: not found within 2 s: 'connected_drive' shows ",
    )


def nothing_to_pay(folder: Path) -> tuple[Path, str]:
    file = write(folder, choose(1, "ConnectedDrive"), pay(3))
    return file, f"{file}:13: script[1]: pay at 3 s: UNKNOWN_ORDER: "


def no_movement(folder: Path) -> tuple[Path, str]:
    file = write(folder, '[[script]]\nat_s = 1\nknob = ["press", "turn 2"]\n')
    return file, f"{file}:10: script[0].knob: 'turn 2' is no movement of the controller (rotate, press, "


WRONG = (
    wrong_key,
    wrong_toml,
    missing_file,
    missing_recording,
    broken_row,
    missing_row_on_the_display,
    nothing_to_pay,
    no_movement,
)


@pytest.mark.parametrize("make", WRONG, ids=lambda make: make.__name__)
def test_what_cannot_be_played_ends_with_2_and_names_file_line_and_key(
    tmp_path: Path, make: Callable[[Path], tuple[Path, str]]
) -> None:
    file, told = make(tmp_path)
    done = headunit(file, "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"headunit: {told}")
    assert done.stderr.count("\n") == 1


def test_reports_of_an_earlier_run_do_not_outlive_one_that_cannot_be_played(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert headunit(bought(tmp_path), "--out", out).returncode == 0
    assert headunit(nothing_to_pay(tmp_path)[0], "--out", out).returncode == 2
    assert [each.name for each in out.iterdir()] == ["journal.jsonl"]


def test_faults_are_refused_on_the_real_rig_before_anything_is_played(tmp_path: Path) -> None:
    file = write(tmp_path, fault(900, "car"), duration_s=1000)
    done = headunit(file, "--rig", "real", "--json")
    assert (done.returncode, done.stdout) == (2, "")
    told = f"headunit: {file}:8: faults[0]: programs cannot be killed on the real rig: "
    assert done.stderr == f"{told}run this scenario with --rig virtual\n"


BREAKS_OFF = '[[faults]]\nkind = "drop_after"\nprogram = "broker"\nclient = "car"\nat_s = 0\ntimes = 1\n'
DROPPED = '[[expect]]\nactor = "car"\nkind = "session"\nstate = "down"\ncount = 1\n'


def test_our_broker_is_told_to_fail_on_the_real_rig_as_in_virtual_time(tmp_path: Path) -> None:
    file = write(tmp_path, BREAKS_OFF, DROPPED, duration_s=6, settle_s=0)
    assert headunit(file).returncode == 0
    done = headunit(file, "--rig", "real")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_foreign_broker_is_not_told_to_fail(tmp_path: Path) -> None:
    file = write(tmp_path, BREAKS_OFF, duration_s=1000)
    done = headunit(file, "--rig", "real", "--broker", "mosquitto")
    told = f"headunit: {file}:8: faults[0]: mosquitto cannot be told to fail: "
    assert (done.returncode, done.stderr) == (2, f"{told}run this scenario with --broker ours\n")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_real_run_that_is_ended_leaves_nothing_behind(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    folder = tmp_path / "tmp"
    folder.mkdir()
    terminal, stderr = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "headunit", "simulate", write(tmp_path, duration_s=400), "--rig", "real"],
        stderr=stderr,
        env={**os.environ, "TMPDIR": str(folder)},
    ) as process:
        os.close(stderr)
        said = b""
        while b"to go" not in said:
            said += os.read(terminal, 1024)
        assert list(folder.iterdir())
        process.send_signal(number)
        assert process.wait(30) == code
    os.close(terminal)
    assert list(folder.iterdir()) == []


def test_the_way_to_see_it_again_names_rig_and_broker_and_is_fit_for_a_shell(tmp_path: Path) -> None:
    file = write(tmp_path, '[[expect]]\nactor = "car"\nkind = "accepted"\n', duration_s=0.2, settle_s=0)
    folder = tmp_path / "two words"
    folder.mkdir()
    file = file.rename(folder / file.name)
    said = json.loads(headunit(file, "--rig", "real", "--json").stdout)
    assert said["replay"] == f"headunit simulate '{file}' --seed 3 --rig real --broker ours"


def test_a_missing_recording_of_the_bench_says_where_it_is_looked_for(tmp_path: Path) -> None:
    file = write(tmp_path, '[drive]\nrecording = "$BENCH_DATA/nowhere.csv"\n')
    done = headunit(file)
    assert done.returncode == 2
    assert "set BENCH_DATA to the folder of the recordings" in done.stderr


class FaintingBackend(Backend):
    """Falls over as soon as it runs."""

    async def run(self) -> None:
        raise ZeroDivisionError("fainted")


def test_a_program_that_fails_ends_the_run_with_its_own_error(tmp_path: Path) -> None:
    file = write(tmp_path, choose(1, "ConnectedDrive"))
    with pytest.raises(ZeroDivisionError, match="fainted"):
        simulate(file, make_backend=FaintingBackend)
