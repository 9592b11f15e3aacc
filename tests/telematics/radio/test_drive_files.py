"""Recorded and generated drives, and rate traces: what is read, and what a broken row is answered with."""

import os
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.modem import SignalLevel
from telematics.errors import TraceFileError
from telematics.radio.generated_drive import HARBOUR_LOOP_SEED, generate_drive
from telematics.radio.levels import level_of
from telematics.radio.rate_trace import read_rate_trace
from telematics.radio.recorded_drive import read_recorded_drive

S = 1_000_000_000
PROJECT = Path(__file__).parents[3]
HARBOUR_LOOP = PROJECT / "scenarios" / "drives" / "harbour_loop.csv"
BENCH_DATA = Path(os.environ.get("BENCH_DATA", PROJECT.parent / "shared" / "data"))

HEADER = "Timestamp,Longitude,Latitude,Speed,Operatorname,CellID,NetworkMode,RSRP\n"


def row(second: int, rsrp: str = "-90", speed: str = "50", mode: str = "LTE", where: str = "8.5,50.1") -> str:
    return f"2024.05.14_23.59.{second:02},{where},{speed},A,12,{mode},{rsrp}\n"


def test_a_row_becomes_a_point() -> None:
    point = read_recorded_drive([HEADER, row(58, mode="5G")], "drive.csv").at(0)
    assert (point.technology, point.rsrp_dbm, point.speed_kmh) == ("5G", -90, 50)
    assert (point.longitude, point.latitude) == (8.5, 50.1)
    assert point.rate_down_bps is None


def test_columns_are_found_by_name() -> None:
    lines = ["RSRP,NetworkMode,Speed,Latitude,Longitude,Timestamp\n", "-90,UMTS,3,1,2,2024.05.14_08.00.00\n"]
    assert read_recorded_drive(lines, "drive.csv").at(0).technology == "3G"


def test_a_repeated_second_takes_its_last_row() -> None:
    timeline = read_recorded_drive([HEADER, row(1), row(2, "-95"), row(2, "-99"), row(3)], "drive.csv")
    assert timeline.at(1 * S).rsrp_dbm == -99


def test_a_gap_keeps_the_values_before_it() -> None:
    timeline = read_recorded_drive([HEADER, row(1), row(5, "-99")], "drive.csv")
    assert timeline.at(4 * S - 1).rsrp_dbm == -90
    assert timeline.at(4 * S).rsrp_dbm == -99


def test_midnight_is_a_second_like_any_other() -> None:
    after = row(0, "-99").replace("14_23.59", "15_00.00")
    assert read_recorded_drive([HEADER, row(59), after], "drive.csv").at(1 * S).rsrp_dbm == -99


def test_a_dash_is_no_value() -> None:
    timeline = read_recorded_drive([HEADER, row(1, "-", speed="-", mode="-", where="-,-")], "drive.csv")
    point = timeline.at(0)
    assert point.technology == ""
    assert (point.rsrp_dbm, point.speed_kmh, point.latitude, point.longitude) == (None, None, None, None)


@pytest.mark.parametrize(
    ("broken", "key"),
    [
        (row(2, rsrp="high"), "RSRP"),
        (row(2, rsrp="-20"), "RSRP"),
        (row(2, rsrp="nan"), "RSRP"),
        (row(2, speed="-1"), "Speed"),
        (row(2, mode="6G"), "NetworkMode"),
        (row(2, where="8.5,91"), "Latitude"),
        (row(2, where="181,50"), "Longitude"),
        (row(0), "Timestamp"),
        (row(2).replace("2024.05", "2024.13"), "Timestamp"),
        (row(2).replace("2024.", ""), "Timestamp"),
        ("2024.05.14_23.59.02,8.5\n", "row"),
    ],
)
def test_a_broken_row_is_an_error_that_names_file_line_and_key(broken: str, key: str) -> None:
    with pytest.raises(TraceFileError) as caught:
        read_recorded_drive([HEADER, row(1), broken], "drive.csv")
    assert (caught.value.file, caught.value.line, caught.value.key) == ("drive.csv", 3, key)
    assert str(caught.value).startswith(f"drive.csv:3: {key}: ")


@pytest.mark.parametrize(
    ("lines", "key"),
    [
        ([], "Timestamp"),
        ([HEADER.replace("RSRP", "Signal")], "RSRP"),
        ([HEADER], "row"),
        ([HEADER, "\n"], "row"),
    ],
)
def test_a_recording_without_its_columns_or_rows_is_an_error(lines: list[str], key: str) -> None:
    with pytest.raises(TraceFileError) as caught:
        read_recorded_drive(lines, "drive.csv")
    assert caught.value.key == key


@given(st.lists(st.text(max_size=60), max_size=5))
@settings(max_examples=60, deadline=None)
def test_whatever_stands_in_a_file_there_is_a_timeline_or_an_error_that_names_it(lines: list[str]) -> None:
    errors = []
    for read in (read_recorded_drive, read_rate_trace):
        try:
            read([HEADER, *lines] if read is read_recorded_drive else lines, "any")
        except TraceFileError as error:
            errors.append((error.file, error.line >= 1))
    assert set(errors) <= {("any", True)}


def test_the_shipped_drive_is_what_its_seed_generates() -> None:
    generated = "".join(f"{line}\n" for line in generate_drive(Random(HARBOUR_LOOP_SEED)))
    assert HARBOUR_LOOP.read_bytes() == generated.encode()
    assert len(generated) < 60_000


def test_another_seed_generates_another_drive() -> None:
    assert list(generate_drive(Random("another"))) != list(generate_drive(Random(HARBOUR_LOOP_SEED)))


def test_the_shipped_drive_is_a_plausible_one() -> None:
    with HARBOUR_LOOP.open(encoding="utf-8") as lines:
        timeline = read_recorded_drive(lines, "harbour_loop.csv")
    points = [timeline.at(second * S) for second in range(600)]
    speeds = [point.speed_kmh or 0.0 for point in points]
    assert max(speeds) > 65
    assert speeds[0] == speeds[-1] == 0
    assert all(abs(after - before) <= 13 for before, after in pairwise(speeds))
    seen = {level_of(point.rsrp_dbm) for point in points}
    assert seen == set(SignalLevel)
    assert (points[0].latitude, points[0].longitude) == (points[-1].latitude, points[-1].longitude)


def test_a_mahimahi_trace_counts_slots_of_1500_bytes() -> None:
    lines = [f"{at_ms}\n" for at_ms in (1, 1, 500, 1000, 1001, 2000, 2500)]
    trace = read_rate_trace(lines, "trace.up")
    assert [trace.at(i * S) for i in (0, 1, 2)] == [4 * 12_000, 2 * 12_000, 2 * 12_000]
    assert trace.period_ns == 2500 * 1_000_000
    assert trace.at(trace.period_ns) == trace.at(0)


def test_a_second_without_a_slot_crawls_because_zero_would_be_unlimited() -> None:
    assert read_rate_trace(["1\n", "2500\n"], "trace.up").at(1 * S) == 1


def test_a_table_of_seconds_and_megabits_holds_each_rate_until_the_next() -> None:
    trace = read_rate_trace(["0.0\t0.914\n", "3.05\t0.665\n", "4.05\t0.5\n"], "norway")
    assert trace.at(round(3.04 * S)) == 914_000
    assert trace.at(round(3.05 * S)) == 665_000
    assert trace.period_ns == round(5.05 * S)


@pytest.mark.parametrize(
    ("lines", "line", "key"),
    [
        (["1\n", "x\n"], 2, "millisecond"),
        (["5\n", "4\n"], 2, "millisecond"),
        (["-5\n"], 1, "millisecond"),
        ([], 1, "millisecond"),
        (["0\n"], 1, "millisecond"),
        (["0\t1\n", "1\tx\n"], 2, "Mbit/s"),
        (["0\t1\n", "x\t1\n"], 2, "seconds"),
        (["0\t1\n", "0\t1\n"], 2, "seconds"),
        (["0\t1\n", "1\t-1\n"], 2, "Mbit/s"),
        (["0\t1\n", "1\tnan\n"], 2, "Mbit/s"),
        (["0\t1\n", "1\n"], 2, "row"),
    ],
)
def test_a_broken_rate_trace_is_an_error_that_names_file_line_and_key(
    lines: list[str], line: int, key: str
) -> None:
    with pytest.raises(TraceFileError) as caught:
        read_rate_trace(lines, "trace")
    assert (caught.value.file, caught.value.line, caught.value.key) == ("trace", line, key)


needs_recordings = pytest.mark.skipif(
    not BENCH_DATA.is_dir(), reason=f"no recordings at {BENCH_DATA}; set BENCH_DATA to their folder"
)


@pytest.mark.bench_data
@needs_recordings
def test_a_real_recording_is_read_whole() -> None:
    path = BENCH_DATA / "drives" / "cork_5g_lte_drive_2020-01-16.csv"
    with path.open(encoding="utf-8") as lines:
        timeline = read_recorded_drive(lines, path.name)
    assert timeline.duration_ns == 2089 * S
    assert timeline.at(0)[1:3] == ("5G", -104)
    assert {point.technology for point in timeline.points} == {"5G", "4G"}


@pytest.mark.bench_data
@needs_recordings
@pytest.mark.parametrize("name", ["Verizon-LTE-short.up", "Verizon-LTE-short.down"])
def test_a_real_trace_keeps_its_number_of_bytes(name: str) -> None:
    lines = (BENCH_DATA / "rates" / name).read_text(encoding="utf-8").splitlines()
    trace = read_rate_trace(lines, name)
    carried = sum(trace.at(second * S) for second in range(140)) / 8
    assert trace.period_ns == 140 * S
    assert carried == pytest.approx(len(lines) * 1500, rel=0.001)


@pytest.mark.bench_data
@needs_recordings
def test_a_real_table_of_rates_is_read_whole() -> None:
    path = BENCH_DATA / "rates" / "norway_car_2"
    trace = read_rate_trace(path.read_text(encoding="utf-8").splitlines(), path.name)
    assert trace.at(0) == 914_150
    assert trace.period_ns > 313 * S
