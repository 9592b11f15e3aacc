"""The broker's due times: in order, once, and however often they are moved."""

import weakref
from functools import partial

from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.mqtt.broker.alarms import Alarm, Alarms


def noted(rung: list[str], name: str, now_ns: int) -> None:
    """Write down who has rung."""
    rung.append(name)


def timed(rung: list[tuple[int, int]], number: int, now_ns: int) -> None:
    """Write down who has rung, and when."""
    rung.append((now_ns, number))


def test_alarms_ring_in_order_of_due_time_and_ties_in_the_order_of_setting() -> None:
    alarms, rung = Alarms(), list[str]()
    for name, due_ns in (("late", 20), ("first", 10), ("second", 10)):
        alarms.set(Alarm(partial(noted, rung, name)), due_ns)
    alarms.advance(9)
    assert rung == []
    alarms.advance(20)
    assert rung == ["first", "second", "late"]
    assert alarms.next_due() is None


def test_an_alarm_moved_later_or_off_does_not_ring_at_its_first_instant() -> None:
    alarms, rung = Alarms(), list[int]()
    alarm = Alarm(rung.append)
    alarms.set(alarm, 10)
    alarm.due_ns = 30
    alarms.advance(10)
    assert (rung, alarms.next_due()) == ([], 30)
    alarm.due_ns = None
    alarms.advance(30)
    assert (rung, alarms.next_due()) == ([], None)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["set", "later", "off"]), st.integers(0, 9))))
def test_every_alarm_rings_once_at_its_last_due_time(steps: list[tuple[int, str, int]]) -> None:
    """Against a model that looks at every instant."""
    alarms = Alarms()
    rung: list[tuple[int, int]] = []
    owners = [Alarm(partial(timed, rung, number)) for number in range(3)]
    model: dict[int, int] = {}
    expected: list[tuple[int, int]] = []
    now_ns = 0

    def advance() -> None:
        due = sorted((at, n) for n, at in model.items() if at <= now_ns)
        for _, n in due:
            del model[n]
        expected.extend((now_ns, n) for _, n in due)
        while (next_ns := alarms.next_due()) is not None and next_ns <= now_ns:
            alarms.advance(now_ns)

    for number, action, delta in steps:
        alarm = owners[number]
        if action == "set":
            alarms.set(alarm, now_ns + delta)
            model[number] = now_ns + delta
        elif action == "later" and alarm.due_ns is not None:
            alarm.due_ns += delta
            model[number] += delta
        elif action == "off":
            alarm.due_ns = None
            model.pop(number, None)
        now_ns += 1
        advance()
    for _ in range(1_000):
        now_ns += 1
        advance()
    assert sorted(rung) == sorted(expected)


def test_a_retired_alarm_does_not_ring_and_keeps_nobody() -> None:
    class Owner:
        def ring(self, now_ns: int) -> None:
            raise AssertionError("retired")

    alarms, owner = Alarms(), Owner()
    alarm = Alarm(owner.ring)
    alarms.set(alarm, 10)
    alarm.retire()
    kept = weakref.ref(owner)
    del owner
    assert kept() is None
    alarms.advance(10)
    assert alarms.next_due() is None


def test_alarms_that_were_called_off_do_not_pile_up() -> None:
    """A client that comes and goes leaves an expiry of a week behind, each time."""
    alarms = Alarms()
    for now in range(100_000):
        alarm = Alarm(list[int]().append)
        alarms.set(alarm, now + 1_000_000)
        alarm.retire()
    assert len(alarms) < 1_000


def test_an_alarm_that_was_swept_while_off_can_be_set_again() -> None:
    alarms, rung = Alarms(), list[int]()
    alarm = Alarm(rung.append)
    alarms.set(alarm, 500_000)
    alarm.due_ns = None
    for now in range(1_000):
        other = Alarm(list[int]().append)
        alarms.set(other, now + 1_000_000)
        other.retire()
    alarms.set(alarm, 600_000)
    alarms.advance(600_000)
    assert rung == [600_000]
