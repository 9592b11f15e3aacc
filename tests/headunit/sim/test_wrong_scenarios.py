"""What no scenario can mean is told with file, line and key, before anything is played."""

from pathlib import Path

import pytest

from headunit.sim.drive import read_timeline
from headunit.sim.errors import ScenarioError
from headunit.sim.scenario_file import load_scenario
from tests.headunit.sim.stories import SCENARIOS, write

FOUR_ROWS = (SCENARIOS / "drives" / "harbour_loop.csv").read_text(encoding="utf-8").splitlines()[:5]


def told(file: Path) -> str:
    with pytest.raises(ScenarioError) as caught:
        read_timeline(load_scenario(file), file)
    return str(caught.value).removeprefix(f"{file}:")


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ('[[causes]]\nkind = "tunnel"\nfrom_s = 1\nuntil_s = inf\n', "11: causes[0].until_s: "),
        ('[[faults]]\nkind = "kill"\nprogram = "car"\nat_s = 1\ndown_s = inf\n', "12: faults[0].down_s: "),
        ("[[script]]\nat_s = 1\nadvance_s = 1e300\n", "10: script[0].advance_s: "),
        ("[[script]]\nat_s = 1\nrate = 1e6\n", "10: script[0].rate: "),
        ("[[script]]\nat_s = 1\nspeed_kmh = 401\n", "10: script[0].speed_kmh: "),
        ("[[script]]\nat_s = 1\nrsrp_dbm = nan\n", "10: script[0].rsrp_dbm: "),
        ("[[script]]\nat_s = 1\nchange_prices_percent = -200\n", "10: script[0].change_prices_percent: "),
        ("[[script]]\nat_s = 1\nchoose = []\n", "10: script[0].choose: "),
        ('[[script]]\nat_s = 1\nchoose = [""]\n', "10: script[0].choose[0]: "),
        ("[radio]\nlevels = [[0, nan]]\n", "9: radio.levels[0][1]: "),
        ("[radio]\nlevels = [[0, -70], [5, -inf]]\n", "9: radio.levels[1][1]: "),
    ],
)
def test_a_figure_beyond_all_sense_is_refused(tmp_path: Path, table: str, expected: str) -> None:
    assert told(write(tmp_path, table)).startswith(expected)


def test_a_run_without_end_is_refused(tmp_path: Path) -> None:
    assert told(write(tmp_path, settle_s=float("inf"))).startswith("5: settle_s: ")


@pytest.mark.parametrize("year", ["0001", "9999"])
def test_a_start_from_which_dates_run_out_is_refused(tmp_path: Path, year: str) -> None:
    file = write(tmp_path)
    file.write_text(file.read_text(encoding="utf-8").replace("2026", year), encoding="utf-8")
    assert told(file) == f"3: start: year {int(year)} is not between 1990 and 2190"


def test_levels_that_do_not_rise_are_refused(tmp_path: Path) -> None:
    file = write(tmp_path, "[radio]\nlevels = [[5, -70], [5, -80]]\n")
    assert told(file) == "9: radio.levels: levels must rise in time"


def test_a_piece_from_beyond_the_end_of_the_drive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "drive.csv").write_text("\n".join(FOUR_ROWS), encoding="utf-8")
    file = write(tmp_path, '[drive]\nrecording = "drive.csv"\nfrom_s = 3\n')
    assert told(file).startswith("10: drive.from_s: nothing lies between second 3")


def test_a_name_that_no_file_can_have_is_refused(tmp_path: Path) -> None:
    assert told(write(tmp_path, '[drive]\nrecording = "a\\u0000b"\n')).startswith("9: drive.recording: ")


def test_a_rate_trace_longer_than_a_week_is_refused(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    trace.write_text("1\n99999999999999\n", encoding="utf-8")
    file = write(tmp_path, '[radio]\nrate_down = "trace"\n')
    with pytest.raises(ScenarioError, match=r"trace:2: millisecond: 99999999999999 lies beyond a week"):
        read_timeline(load_scenario(file), file)


def test_a_byte_order_mark_changes_nothing(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    trace.write_text("0\t1\n1\t2\n", encoding="utf-8-sig")
    file = write(tmp_path, '[radio]\nrate_down = "trace"\n')
    plain = load_scenario(file)
    file.write_text(file.read_text(encoding="utf-8"), encoding="utf-8-sig")
    assert load_scenario(file) == plain
    assert read_timeline(plain, file).at(0).rate_down_bps == 1_000_000
