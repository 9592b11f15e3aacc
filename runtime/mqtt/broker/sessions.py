"""All sessions of the broker: resumed, taken over, ended; and the wills of clients that are lost."""

from typing import Final

from runtime.mqtt.broker.alarms import Alarms
from runtime.mqtt.broker.backlog import Backlog
from runtime.mqtt.broker.config import BrokerConfig
from runtime.mqtt.broker.counts import Counts
from runtime.mqtt.broker.ledger import KeptSession, Ledger
from runtime.mqtt.broker.router import SYSTEM_TOPICS, Router
from runtime.mqtt.broker.session import Road, Session
from runtime.mqtt.broker.wire_form import AliasForm, Mqtt311Form, WireForm
from runtime.mqtt.errors import MqttProtocolError
from runtime.mqtt.packets import MQTT_5, Connect, PropertyId, ReasonCode, Will, make_publish
from runtime.mqtt.publish import NS_PER_S, Publish
from runtime.mqtt.wire import MAX_VARINT

_LEAST_PACKET_SIZE: Final = 16
"""Every answer but SUBACK and UNSUBACK fits into this many bytes."""

NEVER_S = 0xFFFF_FFFF
"""A Session Expiry Interval that does not end (section 3.1.2.11.2)."""


class Sessions:
    """Sessions by client identifier, in the order in which they began."""

    __slots__ = (
        "_alarms",
        "_assigned",
        "_backlog",
        "_by_client",
        "_config",
        "_counts",
        "_ledger",
        "_router",
        "connected",
    )

    def __init__(
        self,
        config: BrokerConfig,
        counts: Counts,
        router: Router,
        alarms: Alarms,
        ledger: Ledger | None = None,
    ) -> None:
        self._config = config
        self._counts = counts
        self._router = router
        self._alarms = alarms
        self._backlog = Backlog(alarms)
        self._ledger = ledger
        self._by_client: dict[str, Session] = {}
        self._assigned = 0
        self.connected = 0
        """How many of them have a connection."""

    def __len__(self) -> int:
        return len(self._by_client)

    def get(self, client_id: str) -> Session | None:
        """The session of a client, None when it has none."""
        return self._by_client.get(client_id)

    @property
    def depth(self) -> int:
        """Messages held for all of them."""
        return sum(session.depth for session in self._by_client.values())

    def assign_client_id(self) -> str:
        """A client identifier that no session has [MQTT-3.1.3-6, MQTT-3.1.3-7]."""
        while True:
            self._assigned += 1
            client_id = f"assigned-{self._assigned}"
            if client_id not in self._by_client:
                return client_id

    def attach(self, connect: Connect, client_id: str, road: Road, now_ns: int) -> tuple[Session, bool]:
        """Give `road` the session of `client_id`, section 3.1.4; returns it and whether it was there before.

        A connection that has it now is told 0x8E and closed. Nothing is sent yet.
        Raises MqttProtocolError when the will cannot be accepted, 0x90, 0x82, 0x87, or 0x97 when there are
        too many sessions, and 0x95 when the client's Maximum Packet Size leaves no room for answers.
        """
        properties = connect.properties
        will = None if connect.will is None else self._will_message(connect.will)
        max_packet_size = properties.integer(PropertyId.MAXIMUM_PACKET_SIZE, MAX_VARINT + 5)
        if max_packet_size < _LEAST_PACKET_SIZE:
            raise MqttProtocolError(ReasonCode.PACKET_TOO_LARGE, "no answer fits into the client's packets")
        session = self._by_client.get(client_id)
        if session is not None and session.road is not None:
            session.road.take_over(now_ns)
            session = self._by_client.get(client_id)
        if session is not None and connect.clean_start:
            self._end(session, now_ns)
            session = None
        present = session is not None
        if session is None:
            session = self._begin(client_id)
        session.expiry.due_ns = session.will_delay.due_ns = None
        session.road = road
        self.connected += 1
        session.expiry_s = min(_expiry_s(connect), self._config.max_session_expiry_s)
        session.will = will
        session.will_delay_s = 0
        if connect.will is not None:
            session.will_delay_s = connect.will.properties.integer(PropertyId.WILL_DELAY_INTERVAL, 0)
        receive_maximum = properties.integer(PropertyId.RECEIVE_MAXIMUM, 0xFFFF)
        session.begin(
            min(receive_maximum, self._config.max_inflight), max_packet_size, _form(connect, max_packet_size)
        )
        if self._ledger is not None:
            self._ledger.attach(client_id, session.expiry_s, will, session.will_delay_s)
        return session, present

    def change_expiry(self, session: Session, expiry_s: int) -> None:
        """DISCONNECT says anew how long `session` outlives its connection (section 3.14.2.2.2)."""
        session.expiry_s = min(expiry_s, self._config.max_session_expiry_s)
        if self._ledger is not None:
            self._ledger.attach(session.client_id, session.expiry_s, session.will, session.will_delay_s)

    def detach(self, session: Session, now_ns: int) -> None:
        """The connection of `session` is gone: settle will and session, sections 3.1.2.5 and 3.1.2.11.2."""
        session.road = None
        self.connected -= 1
        session.close_road(connected=False)
        self._wait(session, now_ns)

    def lose_connections(self, now_ns: int) -> None:
        """Every connection is gone at once."""
        for session in list(self._by_client.values()):
            if session.road is not None:
                session.road.closed(now_ns)

    def restore(self, kept: list[KeptSession], now_ns: int) -> None:
        """Take up the sessions of a broker that has stopped: nobody is connected any more."""
        for each in kept:
            session = self._by_client[each.client_id] = self._make(each.client_id)
            session.expiry_s = each.expiry_s
            session.will = each.will
            session.will_delay_s = each.will_delay_s
            for subscription, identifier in each.subscriptions:
                self._router.subscribe(session, subscription, identifier)
            session.restore(each.queue, each.sent, each.incoming)
            if each.ends_ns is None and each.will_due_ns is None:
                self._wait(session, now_ns)
                continue
            if each.will_due_ns is not None:
                self._alarms.set(session.will_delay, each.will_due_ns)
            if each.ends_ns is not None:
                self._alarms.set(session.expiry, each.ends_ns)

    def _will_message(self, will: Will) -> Publish:
        """What is published for `will`: refused now if it could not be then."""
        properties = will.properties.without(PropertyId.WILL_DELAY_INTERVAL)
        message = make_publish(
            will.topic, will.payload, qos=will.qos, retain=will.retain, properties=properties
        )
        if message.topic.startswith(SYSTEM_TOPICS):
            raise MqttProtocolError(ReasonCode.NOT_AUTHORIZED, "a will for a topic of the broker's own")
        self._router.check(message)
        return message

    def _wait(self, session: Session, now_ns: int) -> None:
        """The client of `session` is away: from now on its will and its end come nearer."""
        if session.expiry_s == 0:
            self._end(session, now_ns)
            return
        ends_ns = will_due_ns = None
        if session.will is not None:
            if 0 < session.will_delay_s < session.expiry_s:
                will_due_ns = now_ns + session.will_delay_s * NS_PER_S
                self._alarms.set(session.will_delay, will_due_ns)
            elif not session.will_delay_s:
                self._publish_will(session, now_ns)
        if session.expiry_s != NEVER_S:
            ends_ns = now_ns + session.expiry_s * NS_PER_S
            self._alarms.set(session.expiry, ends_ns)
        if self._ledger is not None:
            self._ledger.detach(session.client_id, ends_ns, will_due_ns)

    def _begin(self, client_id: str) -> Session:
        if len(self._by_client) >= self._config.max_sessions:
            raise MqttProtocolError(ReasonCode.QUOTA_EXCEEDED, "no room for another session")
        session = self._by_client[client_id] = self._make(client_id)
        if self._ledger is not None:
            self._ledger.begin(client_id)
        return session

    def _make(self, client_id: str) -> Session:
        config = self._config

        def expire(now_ns: int) -> None:
            self._end(session, now_ns)

        session = Session(
            client_id,
            self._counts,
            config.max_queued,
            config.drop_policy,
            expire,
            lambda now_ns: self._publish_will(session, now_ns),
            self._backlog,
            self._ledger,
            keeps_qos_0=config.queue_qos_0,
        )
        return session

    def _end(self, session: Session, now_ns: int) -> None:
        """The session ends; a will still waiting for its delay is published now (section 3.1.3.2.2)."""
        session.expiry.retire()
        session.will_delay.retire()
        del self._by_client[session.client_id]
        self._router.forget(session, now_ns)
        if self._ledger is not None:
            self._ledger.end(session.client_id)
        self._publish_will(session, now_ns)

    def _publish_will(self, session: Session, now_ns: int) -> None:
        will, session.will = session.will, None
        if will is not None:
            self._counts.messages_in += 1
            self._router.publish(will, session, now_ns)
            if self._ledger is not None and session.client_id in self._by_client:
                self._ledger.detach(session.client_id, session.expiry.due_ns, None)


def _expiry_s(connect: Connect) -> int:
    """How long the session outlives its connection: Clean Session decides in MQTT 3.1.1."""
    if connect.level < MQTT_5:
        return 0 if connect.clean_start else NEVER_S
    return connect.properties.integer(PropertyId.SESSION_EXPIRY_INTERVAL, 0)


def _form(connect: Connect, max_packet_size: int) -> WireForm | None:
    if connect.level < MQTT_5:
        return Mqtt311Form()
    aliases = connect.properties.integer(PropertyId.TOPIC_ALIAS_MAXIMUM, 0)
    return AliasForm(aliases, max_packet_size) if aliases else None
