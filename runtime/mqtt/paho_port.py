"""The MQTT port on paho-mqtt 2.2, driven by hand from whichever asyncio loop runs: stock or virtual.

paho's threads, select, sleeps and reconnect wait are not used. A half-open connection is noticed when
nothing has moved for one keep-alive after PINGREQ (MQTT 5, section 3.1.2.10; see `paho_client`).

A session that cannot keep its promise is none: where the broker refuses a subscription, or grants it at
QoS 0, the connection ends (0x83), the reason is told, and attempts go on with a growing back-off. So they do
when the broker refuses the connection, takes no QoS 1, or sends what it may not.

When another client takes the session over (0x8E) the back-off is not reset, however long the session has
lasted: two programs with one client identifier come to rest instead of fighting at full speed.

A publish that was not acknowledged before the connection broke is forgotten here; whoever publishes keeps
it (an outbox) and publishes it again. It then travels under a new packet identifier with the same
idempotency key, so that the receiver recognises it.
"""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from random import Random

from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from runtime.errors import NotConnectedError
from runtime.mqtt.back_off import BackOff
from runtime.mqtt.errors import UnsendableError
from runtime.mqtt.paho_client import HandDrivenClient, use_transport_time
from runtime.mqtt.port import IncomingMessage, MqttConfig, MqttEvents, OutgoingMessage
from runtime.mqtt.publish_properties import PackedProperties, PublishProperties, pack_sendable
from runtime.mqtt.reason_codes import ReasonCode
from runtime.ports import Network, Stream
from runtime.redaction import redact_text

_log = logging.getLogger(__name__)

_OPTIONS = SubscribeOptions(qos=1, retainHandling=SubscribeOptions.RETAIN_SEND_IF_NEW_SUB)
"""Repeating a subscription does not bring the retained messages again (section 3.8.3.1)."""

_KEEPALIVE_SLACK_S = 0.001
"""A millisecond after the due time no rounding of floats can make the client wait for another turn."""


def _why(error: OSError, config: MqttConfig) -> str:
    """Why a connect failed, in the same words on every network."""
    if isinstance(error, ConnectionRefusedError):
        return f"nobody listens on {config.host}:{config.port}"
    if isinstance(error, TimeoutError):
        return f"no answer from {config.host}:{config.port}"
    if isinstance(error, ConnectionResetError):
        return f"reset by {config.host}:{config.port}"
    return error.strerror or str(error)


class PahoPort:
    """One MQTT 5 session over `network`; `randomness_stream` draws the back-off.

    `run` keeps the session up. Events are told from the event loop, never from inside `publish`. What a
    program's handler raises goes to the loop's exception handler; the connection lives on, and the
    message stays unacknowledged.
    """

    def __init__(
        self, config: MqttConfig, events: MqttEvents, network: Network, randomness_stream: Random
    ) -> None:
        use_transport_time()
        self._config = config
        self._events = events
        self._network = network
        self._back_off = BackOff(config.back_off_min_s, config.back_off_max_s, randomness_stream)
        self._client = HandDrivenClient(
            config,
            on_connected=self._on_connected,
            on_subscribed=self._on_subscribed,
            on_received=self._on_received,
            on_puback=self._on_puback,
            on_closed=self._on_closed,
            watch_writable=self._watch_writable,
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stream: Stream | None = None
        self._closed: asyncio.Future[None] | None = None
        self._nap: asyncio.Future[None] | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._keepalive_timer: asyncio.TimerHandle | None = None
        self._connection = 0
        self._up_since_s = 0.0
        self._unacknowledged: set[int] = set()
        self._is_up = False
        self._was_up = False
        self._is_subscribed = False
        self._is_stopping = False
        self._retry_at_once = False
        self._reason = ""
        self._failure = ""
        self._name = redact_text(config.client_id)

    @property
    def is_connected(self) -> bool:
        """Whether a CONNACK was received on the present connection."""
        return self._is_up

    def publish(self, message: OutgoingMessage) -> int:
        """Publish at QoS 1; returns the packet identifier.

        Raises NotConnectedError, and UnsendableError for a topic that is none, a header that is too long,
        a packet above the server's Maximum Packet Size [MQTT-3.2.2-15], or a message to be retained by a
        server that retains none [MQTT-3.2.2-14].
        """
        if not self._is_up:
            raise NotConnectedError("no MQTT connection: keep the message in the outbox")
        terms = self._client.terms
        if message.retain and not terms.retain_available:
            raise UnsendableError(ReasonCode.RETAIN_NOT_SUPPORTED, "the broker retains no messages")
        packed = pack_sendable(message, terms.max_packet_size)
        info = self._client.publish(
            message.topic,
            message.payload,
            1,
            message.retain,
            PackedProperties(packed),  # type: ignore[arg-type]  # paho calls pack() alone
        )
        if not self._is_up or info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise NotConnectedError("the MQTT connection broke while publishing")
        return info.mid

    async def run(self) -> None:
        """Keep the session up until `stop` or cancellation."""
        self._loop = asyncio.get_running_loop()
        self._is_stopping = False
        while not self._is_stopping:
            stream = await self._connect()
            if stream is not None:
                await self._serve(stream)
            if not self._is_stopping:
                await self._wait()

    def stop(self) -> None:
        """Disconnect and end `run`."""
        self._is_stopping = True
        self._reason = "stopped"
        self._client.disconnect()
        if self._connecting is not None:
            self._connecting.cancel()
        self._wake()
        if self._loop is not None:
            # A DISCONNECT that a full buffer or a running handler holds back gets one turn, not more.
            self._loop.call_soon(self._client.hang_up)

    def reset_back_off(self) -> None:
        """The radio is back: try now; an attempt begun in the dark only waits for a retransmission."""
        self._back_off.reset()
        if self._connecting is not None:
            if not self._retry_at_once:
                self._retry_at_once = True
                self._connecting.cancel()
        elif self._stream is not None and not self._is_up:
            self._retry_at_once = True
            self._reason = "radio came back"
            self._client.hang_up()
        self._wake()

    async def _connect(self) -> Stream | None:
        config = self._config
        self._connecting = task = asyncio.current_task()
        try:
            return await self._network.connect(config.host, config.port, timeout_s=config.connect_timeout_s)
        except OSError as error:
            self._failed(f"No connection: {_why(error, config)}")
            return None
        except asyncio.CancelledError:
            ours = self._is_stopping or self._retry_at_once
            if task is None or not ours or (task.uncancel() and not self._is_stopping):
                raise
            return None
        finally:
            self._connecting = None

    async def _serve(self, stream: Stream) -> None:
        loop = asyncio.get_running_loop()
        self._closed = closed = loop.create_future()
        self._stream = stream
        self._connection += 1
        self._unacknowledged.clear()
        self._reason = ""
        self._retry_at_once = False
        loop.add_reader(stream, self._readable)
        self._client.open(stream)
        patience = loop.call_later(self._config.connect_timeout_s, self._give_up_connect)
        try:
            await closed
        except asyncio.CancelledError:
            self._reason = "stopped"
            self._client.hang_up()
            self._after_close()
            raise
        finally:
            patience.cancel()
        self._after_close()

    def _give_up_connect(self) -> None:
        """A server that accepts and then says nothing is given up like one that does not accept."""
        if not self._is_up:
            self._client.hang_up(f"No answer to CONNECT within {self._config.connect_timeout_s:g} s")

    def _after_close(self) -> None:
        client = self._client
        if self._keepalive_timer is not None:
            self._keepalive_timer.cancel()
        reason = self._reason or client.ending or "Connection lost"
        if self._was_up:
            self._was_up = False
            if client.ending_code is not ReasonCode.SESSION_TAKEN_OVER:
                self._back_off.session_lasted(self._now_s() - self._up_since_s)
            self._tell(partial(self._events.disconnected, reason))
        elif not self._reason:
            self._failed(reason, client.is_refused)

    def _failed(self, reason: str, refused: bool = False) -> None:
        """An attempt came to nothing: say so unless that was said before."""
        if reason != self._failure:
            self._failure = reason
            _log.info("%s: no session: %s", self._name, reason)
            self._tell(partial(self._events.connect_failed, reason, refused))

    async def _wait(self) -> None:
        if self._retry_at_once:
            self._retry_at_once = False
            return
        loop = asyncio.get_running_loop()
        self._nap = nap = loop.create_future()
        alarm = loop.call_later(self._back_off.next_s(), self._wake)
        try:
            await nap
        finally:
            alarm.cancel()
            self._nap = None

    def _wake(self) -> None:
        nap = self._nap
        if nap is not None and not nap.done():
            nap.set_result(None)

    def _readable(self) -> None:
        try:
            self._client.read()
        except Exception as error:
            # What stays unread is unreadable: only a new connection gets past it.
            self._report(error)
            self._client.hang_up("Internal error")

    def _watch_writable(self, begin: bool) -> None:
        loop, stream = self._loop, self._stream
        if loop is None or stream is None:
            return
        if begin:
            loop.add_writer(stream, self._client.writable)
        else:
            loop.remove_writer(stream)

    def _on_closed(self) -> None:
        """The client is about to close its stream."""
        self._is_up = False
        if self._loop is not None and self._stream is not None:
            self._loop.remove_reader(self._stream)
        self._stream = None
        if self._closed is not None and not self._closed.done():
            self._closed.set_result(None)

    def _now_s(self) -> float:
        return 0.0 if self._loop is None else self._loop.time()

    def _arm(self, due_s: float | None) -> None:
        if self._loop is not None and due_s is not None:
            self._keepalive_timer = self._loop.call_at(due_s + _KEEPALIVE_SLACK_S, self._check_keepalive)

    def _check_keepalive(self) -> None:
        self._arm(self._client.keep_alive())

    def _on_connected(self, session_present: bool) -> None:
        client = self._client
        # A session that is there may still lack our subscriptions: a road that broke right after CONNACK
        # lost the SUBSCRIBE, and what this process has not seen acknowledged a former one may not have had.
        self._is_subscribed = self._is_subscribed and session_present
        if self._config.subscriptions and not self._is_subscribed:
            client.subscribe([(topic, _OPTIONS) for topic in self._config.subscriptions])
        self._arm(client.keepalive_due_s())
        self._is_up = self._was_up = True
        self._failure = ""
        self._up_since_s = self._now_s()
        self._tell(partial(self._events.connected, session_present, client.terms.receive_maximum))

    def _on_subscribed(self, refusal: str) -> None:
        self._is_subscribed = not refusal
        if refusal:
            _log.info("%s: %s", self._name, refusal)
            self._client.break_off(ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR, refusal)

    def _on_puback(self, packet_id: int, reason_code: int) -> None:
        try:
            self._events.acknowledged(packet_id, reason_code)
        except Exception as error:
            self._report(error)

    def _on_received(
        self, topic: str, payload: bytes, properties: PublishProperties, first_byte: int, packet_id: int
    ) -> None:
        if packet_id:
            self._unacknowledged.add(packet_id)
        key, traceparent, expiry_s, response_topic, correlation_data = properties
        message = IncomingMessage(
            topic,
            payload,
            key,
            traceparent,
            expiry_s,
            response_topic,
            correlation_data,
            bool(first_byte & 0x08),
            bool(first_byte & 0x01),
            partial(self._acknowledge, self._connection, packet_id),
        )
        try:
            self._events.received(message)
        except Exception as error:
            self._report(error)

    def _acknowledge(self, connection: int, packet_id: int) -> None:
        # A PUBACK belongs to the connection its PUBLISH came on: the broker sends the message again on a
        # new one, maybe under another identifier.
        if connection == self._connection and packet_id in self._unacknowledged and self._is_up:
            self._unacknowledged.discard(packet_id)
            self._client.ack(packet_id, 1)

    def _tell(self, event: Callable[[], None]) -> None:
        try:
            event()
        except Exception as error:
            self._report(error)

    def _report(self, error: Exception) -> None:
        if self._loop is None:
            raise error
        self._loop.call_exception_handler(
            {"message": f"{self._name}: an MQTT event handler failed", "exception": error}
        )
