"""TCP in virtual time: what the wire and the link do, to the millisecond."""

import asyncio

import pytest

from contracts.link import LinkConditions
from runtime.errors import FenceError
from runtime.real_network import RealNetwork
from tests.runtime.constant_link import ConstantLink
from tests.runtime.test_network import fill, readable, receive
from tests.runtime.virtual_bench import MS, PORT, Bench, play

# The wire


def test_a_connect_takes_a_round_trip_and_a_byte_one_way() -> None:
    async def story() -> None:
        bench = Bench(delay_ms=25.0)
        opened, accepted = await bench.connected()
        assert bench.now_ms == 75.0  # the listener has the ACK one way later
        opened.send(b"x")
        assert await receive(accepted, 1) == b"x"
        assert bench.now_ms == 100.0

    play(story)


def test_refusal_takes_a_round_trip() -> None:
    async def story() -> None:
        bench = Bench(delay_ms=25.0)
        with pytest.raises(ConnectionRefusedError, match=r"nobody listens on backend:1883"):
            await bench.car.connect("backend", PORT, timeout_s=5.0)
        assert bench.now_ms == 50.0

    play(story)


def test_ports_are_given_out_in_order() -> None:
    async def story() -> None:
        bench = Bench()
        ports = [(await bench.backend.listen("", 0, bench.accept)).port for _ in range(3)]
        assert ports == [40_000, 40_001, 40_002]
        first = await bench.car.connect("backend", 40_000, timeout_s=1.0)
        second = await bench.car.connect("backend", 40_000, timeout_s=1.0)
        assert first.getsockname() == ("car", 49_152)
        assert second.getsockname() == ("car", 49_153)
        assert first.getpeername() == ("backend", 40_000)
        assert (await bench.accepted.get()).getpeername() == ("car", 49_152)

    play(story)


def test_the_window_bounds_what_is_under_way_and_the_buffer_what_waits() -> None:
    async def story() -> None:
        bench = Bench(delay_ms=10.0)
        opened, accepted = await bench.connected()
        assert len(await fill(opened)) == 2 * 65_536
        await asyncio.sleep(1.0)
        with pytest.raises(BlockingIOError):
            opened.send(b"x")
        assert len(accepted.recv(1000)) == 1000
        assert opened.send(b"y" * 2000) == 1000

    play(story)


def test_a_reader_is_called_again_while_bytes_are_left() -> None:
    async def story() -> None:
        bench = Bench()
        opened, accepted = await bench.connected()
        got: list[bytes] = []
        bench.loop.add_reader(accepted.fileno(), lambda: got.append(accepted.recv(2)))
        opened.send(b"abcde")
        await asyncio.sleep(1.0)
        assert got == [b"ab", b"cd", b"e"]
        assert bench.loop.remove_reader(accepted)
        assert not bench.loop.remove_reader(accepted)
        opened.send(b"f")
        await asyncio.sleep(1.0)
        assert got == [b"ab", b"cd", b"e"]

    play(story)


def test_what_a_client_library_asks_of_a_socket_is_there() -> None:
    async def story() -> None:
        opened, _ = await Bench().connected()
        opened.setblocking(False)
        opened.settimeout(5.0)
        opened.setsockopt(6, 1, 1)
        assert opened.gettimeout() == 0.0
        with pytest.raises(ValueError, match="cannot block"):
            opened.setblocking(True)

    play(story)


def test_a_real_socket_cannot_be_reset_here() -> None:
    async def story() -> None:
        bench = Bench()
        with pytest.raises(FenceError):
            bench.network.reset(object())  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            RealNetwork().reset((await bench.connected())[0])

    play(story)


def test_descriptors_are_numbered_per_loop() -> None:
    numbers: list[int] = []

    async def story() -> None:
        opened, accepted = await Bench().connected()
        numbers.extend((opened.fileno(), accepted.fileno()))
        opened.close()
        with pytest.raises(ValueError, match="closed"):
            asyncio.get_running_loop().add_reader(opened, print)

    play(story)
    play(story)
    assert numbers == [1_000_000, 1_000_001] * 2


# The link


@pytest.mark.parametrize(
    ("up_again_ms", "connected_ms"),
    [(999, 1020), (1000, 3020), (1001, 3020), (2999, 3020), (6999, 7020), (8000, 15_020), (40_000, 63_020)],
)
def test_syns_are_sent_at_0_1_3_7_15_31_and_63_s(up_again_ms: float, connected_ms: float) -> None:
    async def story() -> None:
        bench = Bench(ConstantLink())
        await bench.listen()
        bench.driver.set_conditions(LinkConditions(up=False))
        # The attempt was asked for first: at the very millisecond the SYN still finds the link down.
        connecting = asyncio.create_task(bench.car.connect("backend", PORT, timeout_s=300.0))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        up = LinkConditions(delay_up_ms=10.0, delay_down_ms=10.0)
        bench.loop.call_at_ns(bench.start_ns + round(up_again_ms * MS), bench.driver.set_conditions, up)
        await connecting
        assert bench.now_ms == connected_ms

    play(story)


def test_connecting_is_given_up_after_127_s() -> None:
    async def story() -> None:
        bench = Bench(ConstantLink())
        await bench.listen()
        bench.coverage(0)
        with pytest.raises(TimeoutError, match="no answer from backend:1883"):
            await bench.car.connect("backend", PORT, timeout_s=1000.0)
        assert bench.now_ms == 127_000.0

    play(story)


def test_the_caller_waits_no_longer_than_it_said() -> None:
    async def story() -> None:
        bench = Bench(ConstantLink())
        await bench.listen()
        bench.coverage(0)
        with pytest.raises(TimeoutError):
            await bench.car.connect("backend", PORT, timeout_s=5.0)
        assert bench.now_ms == 5000.0

    play(story)


@pytest.mark.parametrize("down_ms", [5.0, 15.0])
def test_a_syn_or_its_answer_that_is_under_way_when_the_link_goes_down_is_lost(down_ms: float) -> None:
    async def story() -> None:
        bench = Bench(ConstantLink())
        await bench.listen()
        bench.coverage(down_ms, 100.0)
        await bench.car.connect("backend", PORT, timeout_s=5.0)
        assert bench.now_ms == 1020.0
        await asyncio.sleep(10.0)
        assert bench.accepted.qsize() == 1

    play(story)


def test_a_cancelled_connect_leaves_nothing_behind() -> None:
    async def story() -> None:
        bench = Bench(ConstantLink())
        await bench.listen()
        connecting = asyncio.create_task(bench.car.connect("backend", PORT, timeout_s=5.0))
        await asyncio.sleep(0.015)
        connecting.cancel()
        await asyncio.sleep(10.0)
        assert bench.accepted.empty()

    play(story)


def test_an_outage_stalls_a_connection_and_loses_nothing() -> None:
    async def story() -> None:
        bench = Bench(ConstantLink())
        opened, accepted = await bench.connected()
        bench.coverage(100.0, 60_000.0)
        await asyncio.sleep(1.0)
        opened.send(b"into the tunnel")
        opened.close()
        assert await receive(accepted, 100) == b"into the tunnel"
        assert bench.now_ms == 60_000.0

    play(story)


def test_a_narrow_link_pushes_back_and_takes_turns() -> None:
    async def story() -> None:
        bench = Bench(ConstantLink(room=100))
        first, first_end = await bench.connected()
        second = await bench.car.connect("backend", PORT, timeout_s=5.0)
        second_end = await bench.accepted.get()
        start_ms = bench.now_ms
        first.send(b"1" * 500)
        second.send(b"2" * 500)
        await asyncio.gather(receive(first_end, 500), receive(second_end, 500))
        assert bench.now_ms - start_ms == 100.0  # ten times 100 bytes in 10 ms each: no turn is lost
        first.send(b"1" * 5000)
        second.send(b"2" * 5000)
        await asyncio.sleep(0.2)
        assert first_end.incoming.readable == second_end.incoming.readable == 1000

    play(story)


def test_a_reset_throws_away_what_is_under_way() -> None:
    async def story() -> None:
        bench = Bench(ConstantLink())
        opened, accepted = await bench.connected()
        opened.send(b"never arrives")
        bench.car.reset(opened)
        await readable(accepted)
        with pytest.raises(ConnectionResetError):
            accepted.recv(100)

    play(story)
