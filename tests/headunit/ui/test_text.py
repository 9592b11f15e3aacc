"""Text in cells."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headunit.ui.large_digits import large
from headunit.ui.text import PLAIN, Span, both_ends, clean, fit, fit_line, line_width, width_of, wrap

TEXTS = st.text(st.sampled_from("ab [/]é 已预订,。\x1b\n▸¥"), max_size=40)


@pytest.mark.parametrize(
    ("text", "width", "fitted"),
    [
        ("Store", 8, "Store   "),
        ("Store", 5, "Store"),
        ("Store", 4, "Sto…"),
        ("已预订", 6, "已预订"),
        ("已预订", 5, "已预…"),
        ("已预订", 4, "已 …"),
        ("Store", 0, ""),
    ],
)
def test_text_is_cut_and_padded_by_cells(text: str, width: int, fitted: str) -> None:
    assert fit(text, width) == fitted


def test_control_characters_and_overrides_never_reach_the_terminal() -> None:
    assert clean("a\x1b[31m\x07b\n\u202ec\x9b") == "a·[31m·b·c·"


def test_words_wrap_at_spaces_and_chinese_anywhere() -> None:
    assert wrap("no network here", 10) == ("no network", "here")
    assert wrap("由专人为您查找", 6) == ("由专人", "为您查", "找")
    assert wrap("unbreakable", 4) == ("unbr", "eaka", "ble")
    assert wrap("", 10) == ("",)


def test_a_number_is_not_broken_at_its_spaces_nor_a_line_begun_with_closing_punctuation() -> None:
    assert wrap("goes to 138 0000 0001 now", 15) == ("goes to", "138 0000 0001", "now")
    assert wrap("within 24 hours", 10) == ("within 24", "hours")
    assert wrap("未收到短信？请致电", 10) == ("未收到短", "信？请致电")


@settings(max_examples=80, deadline=None)
@given(TEXTS, st.integers(1, 30))
def test_a_fitted_text_has_exactly_its_width(text: str, width: int) -> None:
    assert width_of(fit(text, width)) == width
    assert line_width(fit_line((Span(text, PLAIN),), width)) == width
    assert line_width(both_ends((Span(text, PLAIN),), (Span("end", PLAIN),), width)) == width


@settings(max_examples=80, deadline=None)
@given(TEXTS, st.integers(2, 30))
def test_wrapping_keeps_every_character_and_the_width(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert all(width_of(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == clean(text).replace(" ", "")


def test_a_code_is_drawn_in_digits_three_lines_high() -> None:
    assert large("471 108", 25) == (
        "█ █ ▀▀█ ▄█    ▄█  █▀█ █▀█",
        "▀▀█  █   █     █  █ █ █▀█",
        "  ▀  ▀  ▀▀▀   ▀▀▀ ▀▀▀ ▀▀▀",
    )


@pytest.mark.parametrize(
    ("text", "width", "line"),
    [("471 108", 24, "4 7 1   1 0 8"), ("7QK", 40, "7 Q K"), ("471 108", 9, "471 108")],
)
def test_what_is_too_wide_or_no_digit_is_set_apart_or_left_as_it_is(text: str, width: int, line: str) -> None:
    assert large(text, width) == (line,)
