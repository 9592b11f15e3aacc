"""From a message to the sessions that want it: subscriptions, shared subscriptions, cached routes."""

from collections.abc import Callable
from typing import Final, NamedTuple

from runtime.mqtt.broker.alarms import Alarms
from runtime.mqtt.broker.config import BrokerConfig
from runtime.mqtt.broker.counts import Counts
from runtime.mqtt.broker.ledger import Ledger, OwnedPublish
from runtime.mqtt.broker.replay import Replay
from runtime.mqtt.broker.retained import RetainedMessages
from runtime.mqtt.broker.session import Session
from runtime.mqtt.broker.shared_group import SharedGroup
from runtime.mqtt.broker.topic_tree import TopicTree, filter_is_valid, matches, shared_filter, topic_name
from runtime.mqtt.errors import MqttProtocolError
from runtime.mqtt.publish import NS_PER_S, Publish
from runtime.mqtt.reason_codes import ReasonCode
from runtime.mqtt.subscribe_packets import SEND_NO_RETAINED, SEND_RETAINED_IF_NEW, Subscription

_MAX_ROUTES: Final = 65_536
_MAX_ROUTED_TOPIC: Final = 512
"""Longer topics are looked up anew each time: the cache must not be a place to fill our memory."""

SYSTEM_LEVEL: Final = "$SYS"
SYSTEM_TOPICS: Final = f"{SYSTEM_LEVEL}/".encode()
"""What only the broker itself may publish."""


class _Interest(NamedTuple):
    session: Session
    qos: int
    no_local: bool
    retain_as_published: bool
    identifiers: tuple[int, ...]


class _Route(NamedTuple):
    """Who gets the messages of one topic: `plain` at QoS 1 without options, `special` all others."""

    plain: tuple[Session, ...]
    special: tuple[_Interest, ...]
    groups: tuple[SharedGroup, ...]


class Router:
    """Subscriptions of all sessions. `watch_system` is told of an interest in $SYS and gives its messages."""

    __slots__ = (
        "_alarms",
        "_config",
        "_counts",
        "_groups",
        "_interests",
        "_ledger",
        "_replays",
        "_routes",
        "retained",
        "subscriptions",
        "watch_system",
    )

    def __init__(self, config: BrokerConfig, counts: Counts, alarms: Alarms, ledger: Ledger | None) -> None:
        self._config = config
        self._alarms = alarms
        self._replays: dict[Session, Replay] = {}
        self._counts = counts
        self._ledger = ledger
        self._interests: TopicTree[_Interest | SharedGroup] = TopicTree()
        self._groups: dict[str, SharedGroup] = {}
        self._routes: dict[bytes, _Route] = {}
        self.retained = RetainedMessages(config.max_retained_bytes, counts, ledger)
        self.subscriptions = 0
        """How many there are."""
        self.watch_system: Callable[[int], list[Publish]] = _no_messages

    @property
    def has_system_interest(self) -> bool:
        """Whether somebody has subscribed to something in $SYS."""
        return self._interests.has_below(SYSTEM_LEVEL)

    def publish(self, message: Publish, origin: Session | None, now_ns: int) -> bool:
        """Hand `message` from `origin` to every session that wants it, once each [MQTT-3.3.4-2].

        Returns whether there is any. Raises MqttProtocolError as `topic_name` does, and 0x90 for a topic
        of too many levels.
        """
        route = self._routes.get(message.topic) or self._find(message.topic)
        at = message.expiry_at
        if at:
            message.expires_ns = now_ns + int.from_bytes(message.tail[at : at + 4], "big") * NS_PER_S
        published = message
        if message.retain:
            self.retained.keep(message)
            message = message.variant(message.qos, False)
        plain, special, groups = route
        if plain:
            ordinary = message if message.qos < 2 else message.variant(1, message.retain)
            for session in plain:
                session.deliver(ordinary, now_ns)
        for session, qos, no_local, retain_as_published, identifiers in special:
            if not (no_local and session is origin):
                source = published if retain_as_published else message
                special_message = source.variant(min(qos, source.qos), source.retain)
                if identifiers:
                    special_message = special_message.subscribed_by(identifiers)
                session.deliver(special_message, now_ns)
        for group in groups:
            group.deliver(published, now_ns)
        return bool(plain or special or groups)

    def check(self, message: Publish) -> None:
        """Raise what `publish` would, and do nothing else."""
        if message.topic not in self._routes:
            self._find(message.topic)

    def subscribe(self, session: Session, subscription: Subscription, identifier: int = 0) -> ReasonCode:
        """Add or replace a subscription, section 3.8.4; `send_retained` comes after SUBACK.

        Raises MqttProtocolError 0x82 for No Local on a shared subscription [MQTT-3.8.3-4].
        """
        topic_filter, qos, no_local, retain_as_published, _ = subscription
        shared = shared_filter(topic_filter)
        wanted = topic_filter if shared is None else shared[1]
        if (
            wanted.count("/") >= self._config.max_topic_levels
            or not filter_is_valid(wanted)
            or (shared is None and topic_filter.startswith("$share/"))
        ):
            return ReasonCode.TOPIC_FILTER_INVALID
        is_new = topic_filter not in session.subscriptions
        if is_new and len(session.subscriptions) >= self._config.max_subscriptions:
            self._counts.refused += 1
            return ReasonCode.QUOTA_EXCEEDED
        identifiers = (identifier,) if identifier else ()
        if shared is None:
            interest = _Interest(session, qos, no_local, retain_as_published, identifiers)
            self._interests.add(wanted, _owner(session), interest)
        elif no_local:
            raise MqttProtocolError(ReasonCode.PROTOCOL_ERROR, "No Local on a shared subscription")
        else:
            group = self._groups.get(topic_filter)
            if group is None:
                group = self._groups[topic_filter] = SharedGroup(topic_filter)
                self._interests.add(wanted, topic_filter, group)
            group.join(session, qos, retain_as_published, identifiers)
        self.subscriptions += is_new
        session.subscriptions[topic_filter] = subscription
        self._routes.clear()
        if self._ledger is not None:
            self._ledger.subscribe(session.client_id, subscription, identifier)
        return ReasonCode(qos)

    def send_retained(
        self, session: Session, subscription: Subscription, identifier: int, is_new: bool, now_ns: int
    ) -> None:
        """Retained messages for a subscription just made, by its Retain Handling [MQTT-3.3.1-9, -10, -11].

        None for a shared one (section 4.8.2).
        """
        topic_filter, qos, _, _, handling = subscription
        found = []
        shared = shared_filter(topic_filter)
        wanted = topic_filter if shared is None else shared[1]
        if wanted.startswith(SYSTEM_LEVEL):
            found = [each for each in self.watch_system(now_ns) if matches(wanted, each.topic_name)]
        if handling == SEND_NO_RETAINED or (handling == SEND_RETAINED_IF_NEW and not is_new):
            return
        if shared is not None or not (found or len(self.retained)):
            return
        replay = self._replays.get(session)
        if replay is None or replay.is_over:
            self._replays = {each: old for each, old in self._replays.items() if not old.is_over}
            replay = self._replays[session] = Replay(session, self.retained, self._alarms)
        for message in found:
            replay.give(message, qos, identifier, now_ns)
        replay.add(topic_filter, qos, identifier, now_ns)

    def unsubscribe(self, session: Session, topic_filter: str) -> ReasonCode:
        """Remove a subscription, section 3.10.4."""
        if session.subscriptions.pop(topic_filter, None) is None:
            return ReasonCode.NO_SUBSCRIPTION_EXISTED
        group = self._groups.get(topic_filter)
        if group is None:
            self._interests.remove(topic_filter, _owner(session))
        else:
            group.leave(session)
            if group.is_empty:
                del self._groups[topic_filter]
                shared = shared_filter(topic_filter)
                self._interests.remove(shared[1] if shared else topic_filter, topic_filter)
        self.subscriptions -= 1
        self._routes.clear()
        if self._ledger is not None:
            self._ledger.unsubscribe(session.client_id, topic_filter)
        return ReasonCode.SUCCESS

    def forget(self, session: Session, now_ns: int) -> None:
        """The session has ended, and its subscriptions with it; others get what they shared with it."""
        replay = self._replays.pop(session, None)
        if replay is not None:
            replay.stop()
        left = session.unfinished_shared()
        for topic_filter in list(session.subscriptions):
            self.unsubscribe(session, topic_filter)
        for message in left:
            self._share_again(message, now_ns)

    def _share_again(self, message: OwnedPublish, now_ns: int) -> None:
        group = self._groups.get(message.group_key)
        if group is not None and not (message.expiry_at and message.expires_ns <= now_ns):
            group.deliver(message.unsubscribed(), now_ns, has_waited=True)

    def _find(self, topic: bytes) -> _Route:
        name = topic_name(topic)
        if name.count("/") >= self._config.max_topic_levels:
            raise MqttProtocolError(ReasonCode.TOPIC_NAME_INVALID, "a topic name of too many levels")
        found: dict[str, _Interest] = {}
        groups = []
        for interest in self._interests.match(name):
            if isinstance(interest, SharedGroup):
                groups.append(interest)
                continue
            client_id = interest.session.client_id
            other = found.get(client_id)
            found[client_id] = interest if other is None else _both(interest, other)
        interests = found.values()
        plain = tuple(each.session for each in interests if _is_plain(each))
        special = tuple(each for each in interests if not _is_plain(each))
        route = _Route(plain, special, tuple(groups))
        if len(topic) <= _MAX_ROUTED_TOPIC:
            if len(self._routes) >= _MAX_ROUTES:
                self._routes.clear()
            self._routes[topic] = route
        return route


def _no_messages(now_ns: int) -> list[Publish]:
    return []


def _owner(session: Session) -> str:
    """The key of a session in the tree; no client identifier can look like that of a shared group."""
    return f"={session.client_id}"


def _is_plain(interest: _Interest) -> bool:
    return interest[1:] == (1, False, False, ())


def _both(one: _Interest, other: _Interest) -> _Interest:
    """Overlapping subscriptions of one session: the highest QoS, and the message itself, win."""
    return _Interest(
        one.session,
        max(one.qos, other.qos),
        one.no_local and other.no_local,
        one.retain_as_published or other.retain_as_published,
        one.identifiers + other.identifiers,
    )
