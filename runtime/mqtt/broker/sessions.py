"""All sessions of the broker: resumed, taken over, ended; and the wills of clients that are lost."""

from runtime.mqtt.broker.alarms import Alarms
from runtime.mqtt.broker.config import BrokerConfig
from runtime.mqtt.broker.counts import Counts
from runtime.mqtt.broker.router import Router
from runtime.mqtt.broker.session import Road, Session
from runtime.mqtt.broker.topic_tree import topic_name
from runtime.mqtt.errors import MqttProtocolError
from runtime.mqtt.packets import Connect, PropertyId, ReasonCode, Will, make_publish
from runtime.mqtt.publish import NS_PER_S, Publish
from runtime.mqtt.wire import MAX_VARINT

NEVER_S = 0xFFFF_FFFF
"""A Session Expiry Interval that does not end (section 3.1.2.11.2)."""


class Sessions:
    """Sessions by client identifier, in the order in which they began."""

    __slots__ = ("_alarms", "_assigned", "_by_client", "_config", "_counts", "_router")

    def __init__(self, config: BrokerConfig, counts: Counts, router: Router, alarms: Alarms) -> None:
        self._config = config
        self._counts = counts
        self._router = router
        self._alarms = alarms
        self._by_client: dict[str, Session] = {}
        self._assigned = 0

    def __len__(self) -> int:
        return len(self._by_client)

    def get(self, client_id: str) -> Session | None:
        """The session of a client, None when it has none."""
        return self._by_client.get(client_id)

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
        Raises MqttProtocolError when the will cannot be accepted: 0x90, 0x9B, 0x82.
        """
        properties = connect.properties
        will = None if connect.will is None else _will_message(connect.will)
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
        asked_s = properties.integer(PropertyId.SESSION_EXPIRY_INTERVAL, 0)
        session.expiry_s = min(asked_s, self._config.max_session_expiry_s)
        session.will = will
        if connect.will is not None:
            session.will_delay_s = connect.will.properties.integer(PropertyId.WILL_DELAY_INTERVAL, 0)
        receive_maximum = properties.integer(PropertyId.RECEIVE_MAXIMUM, 0xFFFF)
        session.begin(
            min(receive_maximum, self._config.max_inflight),
            properties.integer(PropertyId.MAXIMUM_PACKET_SIZE, MAX_VARINT + 5),
        )
        return session, present

    def detach(self, session: Session, now_ns: int) -> None:
        """The connection of `session` is gone: settle will and session, sections 3.1.2.5 and 3.1.2.11.2."""
        session.road = None
        session.close_road(connected=False)
        if session.expiry_s == 0:
            self._end(session, now_ns)
            return
        if session.will is not None:
            if session.will_delay_s:
                self._alarms.set(session.will_delay, now_ns + session.will_delay_s * NS_PER_S)
            else:
                self._publish_will(session, now_ns)
        if session.expiry_s != NEVER_S:
            self._alarms.set(session.expiry, now_ns + session.expiry_s * NS_PER_S)

    def lose_connections(self, now_ns: int) -> None:
        """Every connection is gone at once."""
        for session in list(self._by_client.values()):
            if session.road is not None:
                session.road.closed(now_ns)

    def _begin(self, client_id: str) -> Session:
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
        )
        self._by_client[client_id] = session
        return session

    def _end(self, session: Session, now_ns: int) -> None:
        """The session ends; a will still waiting for its delay is published now (section 3.1.3.2.2)."""
        session.expiry.retire()
        session.will_delay.retire()
        del self._by_client[session.client_id]
        self._router.forget(session)
        self._publish_will(session, now_ns)

    def _publish_will(self, session: Session, now_ns: int) -> None:
        will, session.will = session.will, None
        if will is not None:
            self._router.publish(will, session, now_ns)


def _will_message(will: Will) -> Publish:
    if will.qos > 1:
        raise MqttProtocolError(ReasonCode.QOS_NOT_SUPPORTED, "a will above Maximum QoS 1 [MQTT-3.2.2-12]")
    topic_name(will.topic.encode())
    properties = will.properties.without(PropertyId.WILL_DELAY_INTERVAL)
    return make_publish(will.topic, will.payload, qos=will.qos, retain=will.retain, properties=properties)
