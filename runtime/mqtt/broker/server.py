"""The broker's shell: the core on an event loop and a network, virtual or real."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from runtime.errors import BrokerUnavailableError, LedgerError
from runtime.mqtt.broker.core import Broker
from runtime.mqtt.broker.stream_sink import StreamSink
from runtime.ports import Listener, Network, Stream

_log = logging.getLogger(__name__)

_NS_PER_S: Final = 1_000_000_000
_SLACK: Final = 524_288
"""What a peer that does not read can pile up beside one message of the largest size."""
_TURN_NS: Final = 500_000
"""How long one connection's packets are told to the broker before it is the turn of the others."""
_LEDGER_TURN_NS: Final = 2_000_000
"""The same with a ledger: each turn may cost a commit."""
_QUIET_TURNS: Final = 32
"""Turns that are settled at once after one that came alone."""


class BrokerServer:
    """Serves `broker` on `network`.

    A turn is what one connection has sent being told to the broker. Then it is settled: the broker's ledger
    commits, if it has one, and what was written to clients leaves. On a stock loop that is busy one
    settling serves all turns that were ready at once; with a ledger it always does.

    A turn lasts `turn_ns`: what cannot be told in it waits, unread bytes behind it, for one turn more. Of
    the connections that wait so, one has its turn beside all the others that have something to say.

    What a session holds is kept by the core, in memory or in its ledger: a new server over the same
    `Broker` finds the sessions as they were, one over a new `Broker` what the ledger has.

    When the ledger takes no changes (a full disk), clients are not told what could not be kept: their
    connections end, and what they repeat then is taken when there is room.
    """

    def __init__(self, broker: Broker, network: Network, turn_ns: int | None = None) -> None:
        self.broker = broker
        self.loop = asyncio.get_running_loop()
        self.limit = broker.config.max_packet_size + _SLACK
        self._network = network
        # The virtual loop counts nanoseconds itself; a stock loop has none to give.
        self._is_virtual = hasattr(self.loop, "time_ns")
        self._now_ns = self._clock()
        self._call_at_ns: Callable[..., asyncio.TimerHandle] = getattr(
            self.loop, "call_at_ns", self._call_at_rounded
        )
        self._listener: Listener | None = None
        self._sinks: dict[int, StreamSink] = {}
        self._half_open: dict[int, StreamSink] = {}
        self._accepted = 0
        self._dirty: list[StreamSink] = []
        self._is_settling = False
        self._settling_soon: asyncio.Handle | None = None
        self._turns = 0
        self._quiet_turns = _QUIET_TURNS
        self._is_stuck = False
        self._has_ledger = broker.ledger is not None
        self._turn_ns = (_LEDGER_TURN_NS if self._has_ledger else _TURN_NS) if turn_ns is None else turn_ns
        self._turn_ends_ns = 0
        self._waiting: deque[StreamSink] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._armed_ns: int | None = None

    @property
    def port(self) -> int:
        """The port it listens on. Raises BrokerUnavailableError before `listen`."""
        if self._listener is None:
            raise BrokerUnavailableError("the broker does not listen yet; await listen(host, port) first")
        return self._listener.port

    def unsent(self) -> list[int]:
        """Bytes that wait to be sent, per connection in the order of their accepting."""
        return [sink.unsent for sink in self._sinks.values()]

    async def listen(self, host: str, port: int = 0) -> None:
        """Accept connections; port 0 takes a free one. Raises OSError when the port is taken."""
        self._listener = await self._network.listen(host, port, self._accept)

    async def serve(self) -> None:
        """Run until cancelled, then close; one that is killed (abandoned) closes nothing."""
        try:
            await self.loop.create_future()
        except asyncio.CancelledError:
            self.close()
            raise

    def close(self) -> None:
        """Stop listening and tell every client 0x8B, Server shutting down."""
        if self._listener is not None:
            self._listener.close()
        for sink in list(self._sinks.values()):
            sink.connection.shut_down(self._now_ns())
        self._settle(self._now_ns())
        if self._settling_soon is not None:
            self._settling_soon.cancel()
            self._settling_soon = None
        if self.broker.ledger is not None:
            self._has_ledger = False
            try:
                self.broker.ledger.close()
            except LedgerError as error:
                _log.error("%s; what happened last is not kept", error)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = self._armed_ns = None

    # What sinks tell it

    def received(self, sink: StreamSink, data: bytes) -> None:
        """See `Host`."""
        now_ns = self._now_ns()
        if data and self._tell(sink, data, now_ns):
            sink.hold()
            self._wait_for_a_turn(sink)
        self._end_turn(now_ns)

    def mark(self, sink: StreamSink) -> None:
        """See `Host`."""
        self._dirty.append(sink)

    def gone(self, sink: StreamSink) -> None:
        """See `Host`."""
        del self._sinks[sink.number]
        if sink.is_half_open:
            sink.is_half_open = False
            del self._half_open[sink.number]
        now_ns = self._now_ns()
        sink.connection.closed(now_ns)
        del sink.connection  # which knows its sink: a circle would wait for the garbage collector
        self._end_turn(now_ns)

    def _accept(self, stream: Stream) -> None:
        config, counts = self.broker.config, self.broker.counts
        if len(self._sinks) >= config.max_connections:
            counts.connections_refused += 1
            stream.close()
            return
        if len(self._half_open) >= config.max_half_open:
            counts.half_open_closed += 1
            next(iter(self._half_open.values())).abort()
        self._accepted += 1
        sink = StreamSink(self, stream, self._accepted)
        self._sinks[sink.number] = self._half_open[sink.number] = sink
        sink.start(self.broker.accept(self._now_ns(), sink))
        self._arm()

    # Turns

    def _tell(self, sink: StreamSink, data: bytes, now_ns: int) -> bool:
        """Tell the broker `data`, or what was left of earlier; whether something is left now."""
        connection = sink.connection
        self._turn_ends_ns = now_ns + self._turn_ns
        has_left = connection.receive(now_ns, data, self._is_over)
        if sink.is_half_open and connection.client_id:
            sink.is_half_open = False
            del self._half_open[sink.number]
        return has_left

    def _is_over(self) -> bool:
        return self._now_ns() >= self._turn_ends_ns

    def _wait_for_a_turn(self, sink: StreamSink) -> None:
        self._waiting.append(sink)
        if len(self._waiting) == 1:
            self.loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        """One more turn for the connection that has waited longest."""
        now_ns = self._now_ns()
        sink = self._waiting[0]
        has_left = sink.number in self._sinks and self._tell(sink, b"", now_ns)
        self._waiting.popleft()
        if self._waiting:
            self.loop.call_soon(self._go_on)
        if has_left:
            self._wait_for_a_turn(sink)
        elif sink.number in self._sinks:
            sink.read_on()
        self._end_turn(now_ns)

    def _end_turn(self, now_ns: int) -> None:
        """Settle now, or once all that the loop has ready has had its turn.

        To wait costs a quiet loop one more round; a busy one it spares a system call for every message but
        the first to the same receiver. Which of both it is shows by waiting every now and then.
        """
        self._turns += 1
        if self._quiet_turns and not self._has_ledger:
            self._quiet_turns -= not self._is_virtual
            self._settle(now_ns)
        elif self._settling_soon is None:
            self._turns = 1
            self._settling_soon = self.loop.call_soon(self._settle_turns)

    def _settle_turns(self) -> None:
        self._settling_soon = None
        if self._turns == 1:
            self._quiet_turns = _QUIET_TURNS
        self._settle(self._now_ns())

    def _settle(self, now_ns: int) -> None:
        """Commit, send what the broker has written, and wake up when it is next due."""
        if self._is_settling:
            return
        if self._dirty or self._has_ledger:
            self._is_settling = True
            try:
                self._flush(now_ns)
            finally:
                self._is_settling = False
        self._arm()

    def _flush(self, now_ns: int) -> None:
        is_kept = self._commit()
        while self._dirty:
            dirty, self._dirty = self._dirty, []
            for sink in dirty:
                if is_kept:
                    sink.flush(now_ns)
                else:
                    sink.abort()
            # A sink that has room again is given messages that waited: they are written down, too.
            is_kept = self._commit()

    def _commit(self) -> bool:
        """Whether all that clients are about to be told survives us."""
        if not self._has_ledger:
            return True
        try:
            self.broker.commit()
        except LedgerError as error:
            if not self._is_stuck:
                _log.error("%s; clients are disconnected until it does", error)
            self._is_stuck = True
            return False
        self._is_stuck = False
        return True

    # Time

    def _clock(self) -> Callable[[], int]:
        """Nanoseconds of the loop's time, from where they are cheapest."""
        if type(self.loop).time is asyncio.BaseEventLoop.time:
            return time.monotonic_ns
        clock: Callable[[], int] = getattr(self.loop, "time_ns", self._rounded_ns)
        return clock

    def _rounded_ns(self) -> int:
        return round(self.loop.time() * _NS_PER_S)

    def _call_at_rounded(
        self, due_ns: int, callback: Callable[[int], None], argument: int
    ) -> asyncio.TimerHandle:
        return self.loop.call_at(due_ns / _NS_PER_S, callback, argument)

    def _arm(self) -> None:
        due_ns = self.broker.next_due()
        if due_ns is not None and (self._armed_ns is None or due_ns < self._armed_ns):
            if self._timer is not None:
                self._timer.cancel()
            self._armed_ns = due_ns
            self._timer = self._call_at_ns(due_ns, self._ring, due_ns)

    def _ring(self, due_ns: int) -> None:
        # A loop may call a hair early: the broker is told the instant that was asked for, never less.
        self._timer = self._armed_ns = None
        now_ns = max(due_ns, self._now_ns())
        self.broker.advance(now_ns)
        self._settle(now_ns)


async def serve_broker(network: Network, host: str, port: int) -> None:
    """Run a broker of default configuration until cancelled. Raises OSError when the port is taken."""
    server = BrokerServer(Broker(), network)
    await server.listen(host, port)
    await server.serve()
