"""The link driver: one timer, deliveries in order, senders pushed back and woken in turn."""

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.link import Direction, LinkConditions
from runtime.link_driver import LinkDriver
from runtime.ports import Timer
from runtime.virtual_loop import VirtualLoop
from tests.runtime.constant_link import ConstantLink

MS = 1_000_000


class Sender:
    """Offers what it has, whenever it may; remembers what arrived and when."""

    def __init__(self, driver: LinkDriver, name: str, log: list[tuple[str, float, int]]) -> None:
        self.driver = driver
        self.name = name
        self.log = log
        self.left = 0
        self.arrived = 0
        self.flow = driver.open(self)

    def send(self, n: int) -> None:
        self.left += n
        self.writable(Direction.UP)

    def writable(self, direction: Direction) -> None:
        if self.left:
            self.left -= self.driver.offer(self.flow, direction, self.left)

    def delivered(self, direction: Direction, n: int) -> None:
        self.arrived += n
        self.log.append((self.name, self.driver._now_ns() / MS, n))


class Bench:
    def __init__(self, room: int = 1 << 30) -> None:
        self.loop = VirtualLoop(start_ns=0)
        self.link = ConstantLink(delay_ms=10.0, room=room)
        self.timers = 0
        self.driver = LinkDriver(self.link, self.loop.time_ns, self._call_at)
        self.log: list[tuple[str, float, int]] = []

    def _call_at(self, when_ns: int, callback: Callable[[], None]) -> Timer:
        self.timers += 1
        return self.loop.call_at_ns(when_ns, callback)

    def sender(self, name: str) -> Sender:
        return Sender(self.driver, name, self.log)

    def run(self, until_ms: float) -> None:
        self.loop.call_at_ns(round(until_ms * MS), self.loop.stop)
        self.loop.run_forever()


def test_deliveries_come_when_the_model_says() -> None:
    bench = Bench()
    sender = bench.sender("a")
    sender.send(100)
    bench.loop.call_at_ns(3 * MS, sender.send, 50)
    bench.run(100)
    assert bench.log == [("a", 10.0, 100), ("a", 13.0, 50)]


def test_one_timer_serves_everything_that_is_due_at_once() -> None:
    bench = Bench()
    for name in "abc":
        bench.sender(name).send(10)
    bench.run(100)
    assert [entry[0] for entry in bench.log] == ["a", "b", "c"]
    assert bench.timers == 1


def test_a_sender_that_was_pushed_back_is_told_when_there_is_room() -> None:
    bench = Bench(room=100)
    sender = bench.sender("a")
    sender.send(250)
    assert sender.left == 150
    bench.run(100)
    assert bench.log == [("a", 10.0, 100), ("a", 20.0, 100), ("a", 30.0, 50)]


def test_who_got_nothing_goes_before_who_got_a_part() -> None:
    bench = Bench(room=100)
    greedy, patient = bench.sender("greedy"), bench.sender("patient")
    greedy.send(300)
    patient.send(100)
    bench.run(100)
    assert [name for name, _, _ in bench.log] == ["greedy", "patient", "greedy", "greedy"]


def test_nothing_moves_while_the_link_is_down_and_all_of_it_when_it_is_back() -> None:
    bench = Bench(room=100)
    sender = bench.sender("a")
    down, up = LinkConditions(up=False), LinkConditions(delay_up_ms=10.0)
    bench.loop.call_at_ns(5 * MS, bench.driver.set_conditions, down)
    bench.loop.call_at_ns(60 * MS, bench.driver.set_conditions, up)
    sender.send(150)
    bench.run(100)
    assert bench.log == [("a", 60.0, 100), ("a", 70.0, 50)]
    assert bench.driver.outages == 1
    assert bench.driver.is_up


def test_what_is_due_is_delivered_before_conditions_change() -> None:
    bench = Bench()
    sender = bench.sender("a")
    bench.loop.call_at_ns(10 * MS, bench.driver.set_conditions, LinkConditions(up=False))
    sender.send(100)  # due at 10 ms as well, but its timer was asked for later
    bench.run(100)
    assert bench.log == [("a", 10.0, 100)]


def test_conditions_changed_behind_its_back_are_seen_when_told() -> None:
    bench = Bench()
    sender = bench.sender("a")
    bench.link.set_conditions(0, LinkConditions(up=False))
    bench.driver.changed()
    sender.send(100)
    bench.run(50)
    assert bench.log == []
    bench.link.set_conditions(50 * MS, LinkConditions())
    bench.driver.changed()
    assert bench.log == [("a", 50.0, 100)]


def test_a_closed_flow_hears_nothing_more() -> None:
    bench = Bench(room=100)
    sender, other = bench.sender("a"), bench.sender("b")
    sender.send(150)
    other.send(10)
    bench.driver.close(sender.flow)
    bench.driver.close(sender.flow)
    bench.run(100)
    assert bench.log == [("b", 20.0, 10)]  # the ring that was set for a found room for b


def test_a_stopped_driver_is_silent() -> None:
    bench = Bench()
    sender = bench.sender("a")
    sender.send(100)
    bench.driver.stop()
    bench.run(100)
    assert bench.log == []


@given(
    st.integers(min_value=1, max_value=200),
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 50), st.integers(1, 500)), max_size=20),
    st.lists(st.integers(0, 100), max_size=6),
)
@settings(max_examples=50, deadline=None)
def test_every_byte_arrives_once_whatever_the_road_does(
    room: int, sends: list[tuple[int, int, int]], switches: list[int]
) -> None:
    bench = Bench(room=room)
    senders = [bench.sender(str(number)) for number in range(3)]
    for who, at_ms, n in sends:
        bench.loop.call_at_ns(at_ms * MS, senders[who].send, n)
    for number, at_ms in enumerate(sorted(switches)):
        conditions = LinkConditions(up=bool(number % 2), delay_up_ms=10.0)
        bench.loop.call_at_ns(at_ms * MS, bench.driver.set_conditions, conditions)
    bench.loop.call_at_ns(101 * MS, bench.driver.set_conditions, LinkConditions(delay_up_ms=10.0))
    bench.run(1_000_000)
    for number, sender in enumerate(senders):
        assert sender.left == 0
        assert sender.arrived == sum(n for who, _, n in sends if who == number)
