"""The car's session with the backend: what comes in takes effect once, what goes out commits first.

Every incoming message is applied in one transaction with its key, then acknowledged. An order is sent only
online and lives for `REQUEST_LIFE_MS` (R-204). While it lives it is repeated, with its key, whenever a broker
may have lost it; at the end of its life it can no longer take effect, and a synchronisation tells whether it
did.
"""

import asyncio
from collections.abc import Callable

from contracts.codec import decode, encode, kind_of
from contracts.errors import ContractError, ErrorCode, MessageFieldError
from contracts.messages import (
    CancelOrder,
    Catalogue,
    Disturbance,
    Message,
    ModifyOrder,
    OrderReply,
    Refusal,
    Snapshot,
    SubmitOrder,
    SyncRequest,
)
from contracts.topics import down_filter, down_topic, parse_topic, up_topic
from contracts.trace import make_traceparent, trace_id_of
from headunit.services.car_store import CarStore, SentRequest
from headunit.services.errors import NotOnlineError
from headunit.services.session_listener import SessionListener
from runtime.mqtt.delivery import Delivery
from runtime.mqtt.port import IncomingMessage, MqttConfig, MqttPortFactory, OutgoingMessage
from runtime.mqtt.sqlite_outbox import SqliteInbox, SqliteOutbox, create_tables
from runtime.ports import Runtime, Timer

REQUEST_LIFE_MS = 60_000
"""How long after the driver's press a request may take effect: up to this instant, not at it (R-204)."""

SYNC_LIFE_MS = 60_000
SYNC_PATIENCE_S = 15.0
"""How long the car waits for the answer to a synchronisation before it asks again, in transport time."""

UNHEARD_PATIENCE_S = 1.0
"""A broker that has nobody to give a question to is asked again after this, then twice this, and so on."""

KEYS_KEPT_MS = 30 * 24 * 3_600_000
"""How long keys of messages are remembered: well beyond what a broker keeps for a car that is away."""


def client_id(vin: str) -> str:
    """The MQTT client identifier of a car."""
    return f"car-{vin}"


class Session:
    """One car's conversation with the backend.

    Args:
        runtime: clock, ids, journal and the car's database.
        vin: the car.
        broker: host and port as seen from the car.
        make_port: how to make the MQTT port.
        listener: who is told.
    """

    def __init__(
        self,
        runtime: Runtime,
        vin: str,
        broker: tuple[str, int],
        make_port: MqttPortFactory,
        listener: SessionListener,
    ) -> None:
        self._clock = runtime.clock
        self._ids = runtime.ids
        self._journal = runtime.journal
        self._vin = vin
        self._listener = listener
        connection = runtime.disk.connect("car")
        create_tables(connection)
        self.store = CarStore(connection)
        self._outbox = SqliteOutbox(connection)
        self._inbox = SqliteInbox(connection)
        self._delivery = Delivery(
            self._outbox,
            runtime.clock,
            self._received,
            on_change=lambda: listener.outbox_changed(self._outbox.depth()),
            on_packet=listener.packet_seen,
            on_unheard=lambda _: self._unheard(),
            on_session=self._session_changed,
            on_trouble=self._refused,
        )
        self._sync_watchdog: asyncio.TimerHandle | None = None
        self._asked = b""
        self._unheard_wait_s = UNHEARD_PATIENCE_S
        self._is_unheard = False
        self._request_end: Timer | None = None
        self._port = make_port(
            MqttConfig(*broker, client_id(vin), subscriptions=(down_filter(vin),)), self._delivery
        )
        self._delivery.use(self._port)
        self._handlers: dict[type[Message], Callable[[Message], Callable[[], None] | None]] = {
            Catalogue: self._apply_catalogue,
            Snapshot: self._apply_snapshot,
            OrderReply: self._apply_reply,
            Disturbance: self._apply_disturbance,
            Refusal: self._apply_refusal,
        }

    async def run(self) -> None:
        """Keep the session up until cancelled."""
        request = self.store.sent_request()
        if request is not None:
            self._watch_end_of(request)
        try:
            await self._port.run()
        finally:
            self._stop_waiting()
            self._forget_end()

    @property
    def is_up(self) -> bool:
        """Whether the MQTT session is up."""
        return self._port.is_connected

    @property
    def outbox_depth(self) -> int:
        """How many messages wait."""
        return self._outbox.depth()

    def radio_came_back(self) -> None:
        """The modem has data again: try to connect now."""
        self._port.reset_back_off()

    # Going out

    def request_sync(self) -> None:
        """Ask for catalogue and snapshot; asked for again at every connection anyway."""
        snapshot, catalogue = self.store.snapshot(), self.store.catalogue()
        now_ms = self._clock.now_ms()
        message = SyncRequest(
            key=self._ids.key(),
            sent_at_ms=now_ms,
            have_revision=snapshot.revision if snapshot else 0,
            list_version=catalogue.list_version if catalogue else 0,
        )
        traceparent = make_traceparent(self._ids.key(), self._ids.span())
        with self.store.transaction():
            self._add(kind_of(message), message.key, encode(message), now_ms + SYNC_LIFE_MS, traceparent)
        self._delivery.wake()
        self._stop_waiting()
        self._asked = message.key.encode()
        # Transport time: a jump of the clock is no reason to ask again, let alone once for each 15 s in it.
        loop = asyncio.get_running_loop()
        self._sync_watchdog = loop.call_later(SYNC_PATIENCE_S, self._sync_overdue)

    def _sync_overdue(self) -> None:
        """Nobody has answered: the backend was not there yet, or a broker has lost the question."""
        self._sync_watchdog = None
        self._is_unheard = False
        if self._port.is_connected:
            self._repeat_request()
            self.request_sync()

    def _unheard(self) -> None:
        """The backend has never been at this broker, or was forgotten there: ask again before long."""
        if self._is_unheard or not self._port.is_connected:
            return
        self._stop_waiting()
        self._is_unheard = True
        loop = asyncio.get_running_loop()
        self._sync_watchdog = loop.call_later(self._unheard_wait_s, self._sync_overdue)
        self._unheard_wait_s = min(self._unheard_wait_s * 2, SYNC_PATIENCE_S)

    def _stop_waiting(self) -> None:
        self._is_unheard = False
        if self._sync_watchdog is not None:
            self._sync_watchdog.cancel()
            self._sync_watchdog = None

    def send_request(
        self, make: Callable[[str, int], SubmitOrder | ModifyOrder | CancelOrder]
    ) -> SentRequest:
        """Send what `make(key, sent_at_ms)` makes, and await its answer.

        Raises NotOnlineError when there is no session (R-204).
        """
        if not self._port.is_connected:
            raise NotOnlineError("no session with the backend")
        now_ms = self._clock.now_ms()
        message = make(self._ids.key(), now_ms)
        payload = encode(message)
        request = SentRequest(
            key=message.key,
            kind=kind_of(message),
            since_ms=now_ms,
            expires_at_ms=now_ms + REQUEST_LIFE_MS,
            client_order_id=message.client_order_id if isinstance(message, SubmitOrder) else "",
            traceparent=make_traceparent(self._ids.key(), self._ids.span()),
            payload=payload,
        )
        with self.store.transaction():
            self._add(request.kind, request.key, payload, request.expires_at_ms, request.traceparent)
            self.store.keep("sent_request", request)
        self._journal.record("request", request.kind, "sent", trace=trace_id_of(request.traceparent))
        self._delivery.wake()
        self._watch_end_of(request)
        return request

    def _repeat_request(self) -> None:
        """Send the unanswered request again: a broker may have acknowledged it and lost it, or its answer.

        The key makes it take effect once; while it still waits in the outbox this changes nothing.
        """
        request = self.store.sent_request()
        if request is None or self._clock.now_ms() >= request.expires_at_ms:
            return
        with self.store.transaction():
            self._add(request.kind, request.key, request.payload, request.expires_at_ms, request.traceparent)
        self._delivery.wake()

    def _watch_end_of(self, request: SentRequest) -> None:
        self._forget_end()
        self._request_end = self._clock.call_at(request.expires_at_ms, self._request_ended)

    def _request_ended(self) -> None:
        """The request can no longer take effect: ask what became of it, now or at the next connection."""
        self._request_end = None
        if self._port.is_connected:
            self.request_sync()

    def _forget_end(self) -> None:
        if self._request_end is not None:
            self._request_end.cancel()
            self._request_end = None

    def _add(self, kind: str, key: str, payload: bytes, expires_at_ms: int, traceparent: str) -> None:
        self._outbox.add(
            OutgoingMessage(
                topic=up_topic(self._vin, kind),
                payload=payload,
                key=key,
                traceparent=traceparent,
                response_topic=down_topic(self._vin, "order-reply"),
                correlation_data=key.encode(),
            ),
            expires_at_ms,
        )

    def erase_personal_data(self, locked_until_ms: int | None) -> None:
        """Erase what is the driver's own from the car's store (R-715).

        Raises sqlite3.Error when nothing could be erased.
        """
        self.store.erase_personal_data(locked_until_ms)
        self._forget_end()
        self._journal.record("erased", "personal_data", "done")
        self._delivery.wake()

    # Coming in

    def _refused(self, reason: str, refused: bool) -> None:
        # A road that is closed is no event of its own: the attempts that find it so differ from rig to rig.
        if refused:
            self._journal.record("session", "backend", "refused", reason=reason)

    def _session_changed(self, up: bool) -> None:
        if not up:
            self._journal.record("session", "backend", "down", reason=self._delivery.trouble)
        else:
            self._journal.record("session", "backend", "up")
            self._unheard_wait_s = UNHEARD_PATIENCE_S
            self._inbox.forget(self._clock.now_ms() - KEYS_KEPT_MS)
            self._repeat_request()
            self.request_sync()
        self._listener.session_changed(up)

    def _received(self, incoming: IncomingMessage) -> None:
        """Apply in one transaction, then tell; the delivery acknowledges when this returns."""
        now_ms = self._clock.now_ms()
        tell: Callable[[], None] | None = None
        with self.store.transaction():
            try:
                kind = parse_topic(incoming.topic).kind
                message = decode(kind, incoming.payload)
                handler = self._handlers.get(type(message))
                if handler is None:
                    raise MessageFieldError("cars do not receive this kind", field="schema")
            except ContractError as error:
                self._inbox.dead_letter(incoming.topic, incoming.payload, str(error), now_ms)
                self._journal.record("dead_letter", error.field or "message", ErrorCode.BAD_MESSAGE)
            else:
                if isinstance(message, Snapshot) and incoming.correlation_data == self._asked:
                    # Only the answer: a backend that has just come up sends snapshots unasked, and may have
                    # missed the question, to which the catalogue belongs.
                    self._stop_waiting()
                    self._unheard_wait_s = UNHEARD_PATIENCE_S
                if self._inbox.first_time(message.key, now_ms):
                    self.store.keep("last_sync_ms", now_ms)
                    tell = handler(message)
        if tell is not None:
            tell()

    def _apply_catalogue(self, message: Message) -> Callable[[], None]:
        assert isinstance(message, Catalogue)
        self.store.keep("catalogue", message)
        return lambda: self._listener.catalogue_arrived(message)

    def _apply_snapshot(self, message: Message) -> Callable[[], None]:
        assert isinstance(message, Snapshot)
        known = self.store.snapshot()
        fresh = known is None or message.revision > known.revision
        if fresh:
            self.store.keep("snapshot", message)
        request = self.store.sent_request()
        settled = self._settle_by(message, request) if request is not None else None

        def tell() -> None:
            self._listener.snapshot_arrived(message, fresh)
            if settled is not None:
                settled()

        return tell

    def _settle_by(self, snapshot: Snapshot, request: SentRequest) -> Callable[[], None] | None:
        """What a snapshot says of an unanswered request.

        An order of its client id was placed, whenever the snapshot was made. That none was says a snapshot
        made at or after the end of the request's life; for a change or a cancellation it says nothing.
        """
        placed = [o for o in snapshot.orders if o.client_order_id == request.client_order_id != ""]
        if placed:
            self._settled()
            reply = OrderReply(
                key=request.key, sent_at_ms=snapshot.sent_at_ms, request_key=request.key, order=placed[0]
            )
            return lambda: self._listener.answered(request, reply)
        if snapshot.sent_at_ms < request.expires_at_ms:
            return None
        self._settled()
        return lambda: self._listener.came_to_nothing(request)

    def _settled(self) -> None:
        """Nothing is awaited any more; inside the transaction that is open."""
        self.store.keep("sent_request", None)
        self._forget_end()

    def _apply_reply(self, message: Message) -> Callable[[], None] | None:
        assert isinstance(message, OrderReply)
        request = self.store.sent_request()
        if request is None or request.key != message.request_key:
            return None
        self._settled()
        self._journal.record("reply", request.kind, message.code or "OK")
        return lambda: self._listener.answered(request, message)

    def _apply_disturbance(self, message: Message) -> Callable[[], None]:
        assert isinstance(message, Disturbance)
        return lambda: self._listener.disturbance_announced(message)

    def _apply_refusal(self, message: Message) -> Callable[[], None] | None:
        assert isinstance(message, Refusal)
        request = self.store.sent_request()
        if request is None or request.key != message.request_key:
            return None
        self._settled()
        reply = OrderReply(
            key=message.key,
            sent_at_ms=message.sent_at_ms,
            request_key=request.key,
            code=message.code,
            detail=message.detail,
        )
        self._journal.record("reply", request.kind, message.code)
        return lambda: self._listener.answered(request, reply)
