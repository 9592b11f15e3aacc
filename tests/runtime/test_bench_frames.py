"""Lines come out of the byte stream whole, however it is cut."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.bench import SetRate
from runtime.bench_frames import FrameSplitter, command_id, frame, read_command, read_report
from runtime.errors import ChannelError, CommandRefused

LIMIT = 6


def split(chunks: list[bytes]) -> list[bytes | None]:
    splitter = FrameSplitter(LIMIT)
    return [line for chunk in chunks for line in splitter.feed(chunk)]


@given(
    st.lists(st.binary(max_size=2 * LIMIT).map(lambda line: line.replace(b"\n", b"")), max_size=6),
    st.lists(st.integers(0, 60), max_size=8),
)
@settings(max_examples=200)
def test_lines_come_out_whole_and_long_ones_are_told_once(lines: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(line + b"\n" for line in lines)
    edges = [0, *sorted(cuts), len(stream)]
    chunks = [stream[start:end] for start, end in pairwise(edges)]
    assert split(chunks) == [line if len(line) <= LIMIT else None for line in lines]


def test_a_line_that_is_too_long_is_told_before_its_end() -> None:
    assert split([b"1234567"]) == [None]
    assert split([b"1234567", b"89", b"\nok\n"]) == [None, b"ok"]


def test_a_line_that_has_not_ended_waits() -> None:
    assert split([b"123456"]) == []


def test_a_frame_nested_too_deeply_is_refused_like_any_other() -> None:
    endless = b"[" * 200_000
    command = frame(SetRate(rate=1.0)).rstrip(b"}\n") + b',"more":' + endless
    with pytest.raises(CommandRefused, match="BAD_MESSAGE"):
        read_command(command)
    assert command_id(command) == 0
    with pytest.raises(ChannelError):
        read_report(b'{"report":"done","more":' + endless)
