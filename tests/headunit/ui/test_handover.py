"""Hand-over from the first frame to the bench."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.controller import BACK, MENU, PRESS, ControllerEvent, rotate
from headunit.ui.handover import HandOver, Phase
from tests.headunit.ui.menu import Menu
from tests.headunit.ui.pictures import STORE

EVENTS = st.sampled_from([rotate(1), rotate(-1), rotate(3), PRESS, BACK, MENU])


def test_keys_work_at_once_and_nothing_is_sent_before_there_is_a_bench() -> None:
    hand_over = HandOver(Menu())
    assert hand_over.moved(rotate(1)) == ()
    assert hand_over.screen.focus == STORE.focus + 1
    assert hand_over.phase is Phase.LOCAL


def test_the_first_screen_of_the_bench_calls_for_the_recorded_events_in_order() -> None:
    hand_over = HandOver(Menu())
    for event in (rotate(1), PRESS, BACK):
        hand_over.moved(event)
    assert hand_over.reported(Menu().screen()) == (rotate(1), PRESS, BACK)
    assert hand_over.reported(Menu().screen()) == ()


def test_until_the_bench_has_applied_them_all_the_driver_sees_the_local_picture() -> None:
    hand_over, bench = HandOver(Menu()), Menu()
    hand_over.moved(rotate(1))
    hand_over.moved(rotate(1))
    to_send = hand_over.reported(bench.screen())
    seen = hand_over.screen
    bench.handle(to_send[0])
    hand_over.reported(bench.screen())
    assert hand_over.screen is seen
    bench.handle(to_send[1])
    hand_over.reported(bench.screen())
    assert hand_over.phase is Phase.BENCH
    assert hand_over.screen is bench.screen()
    assert hand_over.screen == seen


def test_a_key_during_catching_up_is_applied_here_and_sent_once() -> None:
    hand_over, bench = HandOver(Menu()), Menu()
    hand_over.moved(rotate(1))
    sent = [*hand_over.reported(bench.screen()), *hand_over.moved(rotate(2))]
    assert sent == [rotate(1), rotate(2)]
    assert hand_over.screen.focus == STORE.focus + 3
    bench.handle(sent[0])
    hand_over.reported(bench.screen())
    assert hand_over.phase is Phase.CATCHING_UP


def test_without_a_key_the_bench_is_drawn_from_its_first_screen_on() -> None:
    hand_over, bench = HandOver(Menu()), Menu()
    assert hand_over.reported(bench.screen()) == ()
    assert hand_over.screen is bench.screen()
    assert hand_over.moved(PRESS) == (PRESS,)


def test_a_bench_that_others_have_moved_before_still_gets_every_event() -> None:
    hand_over, bench = HandOver(Menu()), Menu(msgspec.structs.replace(STORE, events=40))
    hand_over.moved(PRESS)
    assert hand_over.reported(bench.screen()) == (PRESS,)
    assert hand_over.screen.events == 1
    bench.handle(PRESS)
    hand_over.reported(bench.screen())
    assert hand_over.screen is bench.screen()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(EVENTS, max_size=6),
    st.lists(st.one_of(EVENTS, st.sampled_from(["apply", "report"])), max_size=20),
)
def test_whatever_the_order_no_event_is_lost_or_applied_twice(
    early: list[ControllerEvent], later: list[ControllerEvent | str]
) -> None:
    hand_over, bench = HandOver(Menu()), Menu()
    done: list[ControllerEvent] = []
    under_way: list[ControllerEvent] = []
    for event in early:
        done.append(event)
        under_way += hand_over.moved(event)
    for step in ["report", *later, *["apply"] * 40, "report"]:
        if isinstance(step, ControllerEvent):
            done.append(step)
            under_way += hand_over.moved(step)
        elif step == "report":
            under_way += hand_over.reported(bench.screen())
        elif under_way:
            bench.handle(under_way.pop(0))
    assert bench.applied == done
    assert hand_over.phase is Phase.BENCH
    assert hand_over.screen is bench.screen()
