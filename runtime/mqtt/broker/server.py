"""The broker's shell: the core on an event loop and a network, virtual or real."""

import asyncio
import logging
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


class BrokerServer:
    """Serves `broker` on `network`.

    What a session holds is kept by the core, in memory or in its ledger: a new server over the same
    `Broker` finds the sessions as they were, one over a new `Broker` what the ledger has.

    When the ledger takes no changes (a full disk), clients are not told what could not be kept: their
    connections end, and what they repeat then is taken when there is room.
    """

    def __init__(self, broker: Broker, network: Network) -> None:
        self.broker = broker
        self._network = network
        self._loop = asyncio.get_running_loop()
        # The virtual loop counts nanoseconds itself; a stock loop has none to give.
        self._now_ns: Callable[[], int] = getattr(self._loop, "time_ns", self._rounded_ns)
        self._call_at_ns: Callable[..., asyncio.TimerHandle] = getattr(
            self._loop, "call_at_ns", self._call_at_rounded
        )
        self._listener: Listener | None = None
        self._sinks: dict[int, StreamSink] = {}
        self._accepted = 0
        self._dirty: list[StreamSink] = []
        self._is_settling = False
        self._is_stuck = False
        self._has_ledger = broker.ledger is not None
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
        """Run until cancelled, then close."""
        try:
            await self._loop.create_future()
        finally:
            self.close()

    def close(self) -> None:
        """Stop listening and tell every client 0x8B, Server shutting down."""
        if self._listener is not None:
            self._listener.close()
        for sink in list(self._sinks.values()):
            sink.connection.shut_down(self._now_ns())
        self._settle(self._now_ns())
        if self.broker.ledger is not None:
            try:
                self.broker.ledger.close()
            except LedgerError as error:
                _log.error("%s; what happened last is not kept", error)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = self._armed_ns = None

    def _rounded_ns(self) -> int:
        return round(self._loop.time() * _NS_PER_S)

    def _call_at_rounded(
        self, due_ns: int, callback: Callable[[int], None], argument: int
    ) -> asyncio.TimerHandle:
        return self._loop.call_at(due_ns / _NS_PER_S, callback, argument)

    def _accept(self, stream: Stream) -> None:
        limit = self.broker.config.max_packet_size + _SLACK
        self._accepted += 1
        number = self._accepted

        def gone(sink: StreamSink) -> None:
            del self._sinks[number]
            sink.connection.closed(self._now_ns())
            self._settle(self._now_ns())

        sink = StreamSink(self._loop, stream, limit, self._received, self._mark, gone)
        self._sinks[number] = sink
        sink.start(self.broker.accept(self._now_ns(), sink))
        self._settle(self._now_ns())

    def _mark(self, sink: StreamSink) -> None:
        self._dirty.append(sink)

    def _received(self, sink: StreamSink, data: bytes) -> None:
        now_ns = self._now_ns()
        if data:
            sink.connection.receive(now_ns, data)
        self._settle(now_ns)

    def _settle(self, now_ns: int) -> None:
        """Send what the broker has written, and wake up when it is next due."""
        if self._is_settling:
            return
        if self._dirty or self._has_ledger:
            self._is_settling = True
            try:
                self._flush(now_ns)
            finally:
                self._is_settling = False
        due_ns = self.broker.next_due()
        if due_ns is not None and (self._armed_ns is None or due_ns < self._armed_ns):
            if self._timer is not None:
                self._timer.cancel()
            self._armed_ns = due_ns
            self._timer = self._call_at_ns(due_ns, self._ring, due_ns)

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
