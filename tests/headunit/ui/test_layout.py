"""Where things stand on the display."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.screen import PanelLine, Row, ScreenSnapshot, StatusBar, Tone
from headunit.ui.layout import compose
from headunit.ui.text import Line, line_width
from tests.headunit.ui.pictures import BOOKED, CHECKOUT_OFFLINE, CHINESE, LONG, MAIN_MENU, MARKUP, STORE


def text_of(line: Line) -> str:
    return "".join(span.text for span in line)


def lines_of(screen: ScreenSnapshot, width: int = 100, height: int = 30) -> list[str]:
    return [text_of(line) for line in compose(screen, width, height).lines]


@pytest.mark.parametrize("screen", [MAIN_MENU, STORE, CHECKOUT_OFFLINE, BOOKED, CHINESE, MARKUP, LONG])
@pytest.mark.parametrize("size", [(100, 30), (80, 24), (200, 60), (40, 10), (20, 5), (1, 1)])
def test_every_line_fills_the_display_exactly(screen: ScreenSnapshot, size: tuple[int, int]) -> None:
    lines = compose(screen, *size).lines
    assert len(lines) == size[1] or size[1] < 4
    assert all(line_width(line) == size[0] for line in lines)


def test_the_focus_has_a_marker_and_an_arc_not_only_a_colour() -> None:
    lines = lines_of(STORE)
    focused = next(y for y, line in enumerate(lines) if "◀" in line)
    assert lines[focused].startswith("  │ Concierge Service")
    assert lines[focused - 1].startswith("  ╭")
    assert lines[focused + 1].startswith("  ╰")


def test_the_panel_stands_right_of_the_list() -> None:
    assert any("│  3 months" in line and line.rstrip().endswith("¥ 300.00") for line in lines_of(STORE))


def test_the_path_is_full_at_100_columns_and_gives_way_from_outside_below() -> None:
    assert "ConnectedDrive ▸ ConnectedDrive Store" in lines_of(STORE)[0]
    narrow = lines_of(STORE, 60)[0]
    assert "… ▸" in narrow or "ConnectedDrive Store" in narrow
    assert "⇅ online" in narrow


@pytest.mark.req("R-515")
def test_a_dead_emergency_call_is_said_on_every_screen() -> None:
    for screen in (MAIN_MENU, STORE, CHECKOUT_OFFLINE, LONG):
        status = msgspec.structs.replace(screen.status, warning="Emergency Call unavailable")
        assert "⚠ Emergency Call unavailable" in lines_of(msgspec.structs.replace(screen, status=status))[1]


@pytest.mark.req("R-811")
def test_a_moving_car_shows_the_lock() -> None:
    assert "⊘" in lines_of(BOOKED)[0]
    assert "⊘" not in lines_of(STORE)[0]


def test_a_long_list_keeps_the_focus_on_its_line_while_it_scrolls() -> None:
    places = set()
    for focus in range(18, 23):
        lines = lines_of(msgspec.structs.replace(LONG, focus=focus))
        places.add(next(y for y, line in enumerate(lines) if "◀" in line))
    assert len(places) == 1


def test_a_long_list_says_where_it_goes_on() -> None:
    lines = lines_of(LONG)
    assert any("▴" in line for line in lines)
    assert any("▾" in line for line in lines)
    assert not any("▴" in line for line in lines_of(msgspec.structs.replace(LONG, focus=0)))


def test_a_line_knows_which_row_it_shows() -> None:
    picture = compose(STORE, 100, 30)
    for y, index in picture.rows.items():
        assert STORE.rows[index].label in text_of(picture.lines[y])
    assert sorted(picture.rows.values()) == list(range(len(STORE.rows)))


def test_a_line_that_is_no_choice_is_read_to_its_end() -> None:
    notice = Row("Products appear with the first synchronisation", selectable=False)
    lines = lines_of(msgspec.structs.replace(STORE, rows=(notice, *STORE.rows)))
    assert "Products appear with the first" in lines[4]
    assert "synchronisation " in lines[5]


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(0, 30),
    focus=st.integers(-1, 29),
    panel=st.integers(0, 30),
    width=st.integers(1, 160),
    height=st.integers(1, 50),
)
def test_no_size_and_no_list_breaks_the_frame(
    rows: int, focus: int, panel: int, width: int, height: int
) -> None:
    screen = ScreenSnapshot(
        screen="x",
        path=("a", "b"),
        status=StatusBar("14:32", "CN", "4G", 4, "⇅ online", Tone.PLAIN),
        rows=tuple(Row(f"已预订 {number}", "value") for number in range(rows)),
        focus=min(focus, rows - 1),
        panel=tuple(PanelLine("text " * number, "value") for number in range(panel)),
    )
    picture = compose(screen, width, height)
    assert len(picture.lines) <= height
    assert all(line_width(line) == width for line in picture.lines)
    if 0 <= screen.focus and height >= 7:
        assert screen.focus in picture.rows.values()


LONGEST = Row("Real Time Traffic Information · 36 months", "¥ 1,280.00")
"""As long as a row of a real basket can be in English."""


def row_of(width: int) -> str:
    """How LONGEST, in focus, is drawn on a display of `width` columns."""
    screen = msgspec.structs.replace(STORE, rows=(LONGEST,), focus=0)
    (row,) = (line for line in lines_of(screen, width) if "◀" in line)
    return row


@pytest.mark.parametrize("width", [100, 150])
def test_the_list_is_as_wide_as_its_rows_need(width: int) -> None:
    assert LONGEST.label in row_of(width)
    assert f"{LONGEST.value} ◀  │" in row_of(width)
    assert row_of(width).index("◀") <= 0.62 * width


def test_where_there_is_no_room_the_name_is_cut_and_neither_term_nor_price() -> None:
    assert "Real Time Traffic … · 36 months ¥ 1,280.00 ◀" in row_of(80)


def test_the_rule_stands_still_while_the_knob_turns() -> None:
    screens = (msgspec.structs.replace(BOOKED, focus=focus) for focus in range(len(BOOKED.rows)))
    assert len({compose(screen, 100, 30).list_width for screen in screens}) == 1


PARAGRAPH_AND_TABLE = (
    PanelLine("A sentence about a service."),
    PanelLine("3 months", "¥ 150.00"),
    PanelLine("6 months", "¥ 280.00"),
    PanelLine("plus GST of 10 %", tone=Tone.MUTED),
    PanelLine("Booked until 21.02.2027"),
)


def panel_of(height: int) -> list[str]:
    """How PARAGRAPH_AND_TABLE is drawn on a display of `height` lines."""
    screen = msgspec.structs.replace(STORE, panel=PARAGRAPH_AND_TABLE)
    panels = [line.partition(" │  ")[2] for line in lines_of(screen, 100, height)]
    return [panel.split("  ")[0] for panel in panels[3:-3]]


def test_a_paragraph_and_a_table_stand_apart_and_small_print_does_not() -> None:
    sentence, *rest = (panel for panel in panel_of(12))
    assert sentence == "A sentence about a service."
    assert rest[:5] == ["", "3 months", "6 months", "plus GST of 10 %", "Booked until 21.02.2027"]


def test_on_a_low_display_nothing_of_the_panel_is_dropped_for_a_blank_line() -> None:
    assert panel_of(10)[:4] == ["A sentence about a service.", "3 months", "6 months", "plus GST of 10 %"]


def test_help_is_named_in_the_last_line_whatever_else_gives_way() -> None:
    screen = msgspec.structs.replace(STORE, freshness="nicht aktuell seit 05:38:10")
    assert [line for width in (100, 80, 60, 44) if "F1 ?" not in (line := lines_of(screen, width)[-1])] == []


def test_a_label_that_does_not_fit_beside_its_value_stays_whole_over_it() -> None:
    state = PanelLine("Link went to", "at the latest tomorrow")
    screen = msgspec.structs.replace(STORE, rows=(LONGEST,), focus=0, panel=(state,))
    panels = [line.partition(" │  ")[2].strip() for line in lines_of(screen, 80)]
    place = panels.index("Link went to")
    assert panels[place + 1] == "at the latest tomorrow"


@pytest.mark.parametrize("width", [100, 80, 60])
def test_nothing_of_a_notice_is_cut_for_its_code(width: int) -> None:
    assert CHECKOUT_OFFLINE.banner is not None
    lines = [line for line in lines_of(CHECKOUT_OFFLINE, width) if "▌" in line]
    said = " ".join(line.replace("NO_CONNECTION", "").strip(" ▌") for line in lines)
    assert said == CHECKOUT_OFFLINE.banner.text
    assert "NO_CONNECTION" in lines[-1]
