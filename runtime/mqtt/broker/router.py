"""From a message to the sessions that want it: subscriptions, retained messages, cached routes."""

from typing import Final, NamedTuple

from runtime.mqtt.broker.counts import Counts
from runtime.mqtt.broker.session import Session
from runtime.mqtt.broker.topic_tree import TopicTree, filter_is_valid, matches, topic_name
from runtime.mqtt.publish import NS_PER_S, Publish
from runtime.mqtt.reason_codes import ReasonCode
from runtime.mqtt.subscribe_packets import SEND_NO_RETAINED, SEND_RETAINED_IF_NEW, Subscription

_MAX_ROUTES: Final = 65_536


class _Interest(NamedTuple):
    session: Session
    qos: int
    no_local: bool
    retain_as_published: bool


class _Route(NamedTuple):
    """Who gets the messages of one topic: `plain` at QoS 1 without options, `special` all others."""

    plain: tuple[Session, ...]
    special: tuple[_Interest, ...]


class Router:
    """Subscriptions of all sessions, and retained messages."""

    __slots__ = ("_counts", "_interests", "_retained", "_routes")

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._interests: TopicTree[_Interest] = TopicTree()
        self._routes: dict[bytes, _Route] = {}
        self._retained: dict[bytes, Publish] = {}

    def publish(self, message: Publish, origin: Session | None, now_ns: int) -> bool:
        """Hand `message` from `origin` to every session that wants it, once each [MQTT-3.3.4-2].

        Returns whether there is any. Raises MqttProtocolError as `topic_name` does.
        """
        route = self._routes.get(message.topic) or self._find(message.topic)
        self._counts.messages_in += 1
        at = message.expiry_at
        if at:
            message.expires_ns = now_ns + int.from_bytes(message.tail[at : at + 4], "big") * NS_PER_S
        published = message
        if message.retain:
            self._retain(message)
            message = message.variant(message.qos, False)
        for session in route.plain:
            session.deliver(message, now_ns)
        for session, qos, no_local, retain_as_published in route.special:
            if not (no_local and session is origin):
                source = published if retain_as_published else message
                session.deliver(source.variant(min(qos, source.qos), source.retain), now_ns)
        return bool(route.plain or route.special)

    def subscribe(self, session: Session, subscription: Subscription) -> ReasonCode:
        """Add or replace a subscription, section 3.8.4; `send_retained` comes after SUBACK."""
        topic_filter, qos, no_local, retain_as_published, _ = subscription
        if topic_filter.startswith("$share/"):
            return ReasonCode.SHARED_SUBSCRIPTIONS_NOT_SUPPORTED
        if not filter_is_valid(topic_filter):
            return ReasonCode.TOPIC_FILTER_INVALID
        granted = min(qos, 1)
        interest = _Interest(session, granted, no_local, retain_as_published)
        self._interests.add(topic_filter, session.client_id, interest)
        session.subscriptions[topic_filter] = subscription
        self._routes.clear()
        return ReasonCode.GRANTED_QOS_1 if granted else ReasonCode.SUCCESS

    def send_retained(self, session: Session, subscription: Subscription, is_new: bool, now_ns: int) -> None:
        """Retained messages for a subscription just made, by its Retain Handling [MQTT-3.3.1-9, -10, -11]."""
        topic_filter, qos, _, _, handling = subscription
        if handling == SEND_NO_RETAINED or (handling == SEND_RETAINED_IF_NEW and not is_new):
            return
        for message in self._find_retained(topic_filter, now_ns):
            session.deliver_later(message.variant(min(qos, message.qos), True), now_ns)

    def unsubscribe(self, session: Session, topic_filter: str) -> ReasonCode:
        """Remove a subscription, section 3.10.4."""
        if session.subscriptions.pop(topic_filter, None) is None:
            return ReasonCode.NO_SUBSCRIPTION_EXISTED
        self._interests.remove(topic_filter, session.client_id)
        self._routes.clear()
        return ReasonCode.SUCCESS

    def forget(self, session: Session) -> None:
        """The session has ended, and its subscriptions with it."""
        for topic_filter in list(session.subscriptions):
            self.unsubscribe(session, topic_filter)

    def _find(self, topic: bytes) -> _Route:
        name = topic_name(topic)
        found: dict[str, _Interest] = {}
        for interest in self._interests.match(name):
            client_id = interest.session.client_id
            other = found.get(client_id)
            found[client_id] = interest if other is None else _both(interest, other)
        interests = found.values()
        plain = tuple(each.session for each in interests if each[1:] == (1, False, False))
        special = tuple(each for each in interests if each[1:] != (1, False, False))
        if len(self._routes) >= _MAX_ROUTES:
            self._routes.clear()
        route = self._routes[topic] = _Route(plain, special)
        return route

    def _retain(self, message: Publish) -> None:
        """Keep the message for future subscribers, or forget it: no payload [MQTT-3.3.1-5, -6, -7]."""
        self._retained.pop(message.topic, None)
        if message.payload:
            self._retained[message.topic] = message

    def _find_retained(self, topic_filter: str, now_ns: int) -> list[Publish]:
        if "+" in topic_filter or "#" in topic_filter:
            found = [each for each in self._retained.values() if matches(topic_filter, each.topic_name)]
        else:
            single = self._retained.get(topic_filter.encode())
            found = [] if single is None else [single]
        alive = []
        for message in found:
            if message.expiry_at and message.expires_ns <= now_ns:
                del self._retained[message.topic]
                self._counts.expired += 1
            else:
                alive.append(message)
        return alive


def _both(one: _Interest, other: _Interest) -> _Interest:
    """Overlapping subscriptions of one session: the highest QoS, and the message itself, win."""
    return _Interest(
        one.session,
        max(one.qos, other.qos),
        one.no_local and other.no_local,
        one.retain_as_published or other.retain_as_published,
    )
