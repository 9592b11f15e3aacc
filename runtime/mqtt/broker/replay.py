"""Retained messages on their way to a new subscriber: a few at a time, so that nobody else has to wait."""

from collections import deque

from runtime.mqtt.broker.alarms import Alarm, Alarms
from runtime.mqtt.broker.retained import RetainedMessages
from runtime.mqtt.broker.session import Session
from runtime.mqtt.publish import NS_PER_S, Publish

AT_ONCE = 100
"""Messages that are sent in one turn."""
_PAUSE_NS = 1_000_000
_PAUSE_MAX_NS = 60 * NS_PER_S
"""Between two looks at a subscriber that is away: each is twice as far from the last one."""
_DEPTH_MAX = 1_000
"""A subscriber that has as many messages waiting is given no more until it has taken some."""


class Replay:
    """What one session is still to be given; the filters of its subscriptions, one after the other.

    Each filter is looked up when its turn comes: one that matches everything takes room for its answer
    once, however often it was subscribed to. A message that was replaced or cleared meanwhile is left out:
    the new one has come as it was published.
    """

    __slots__ = ("_alarm", "_alarms", "_filters", "_found", "_pause_ns", "_retained", "_session")

    def __init__(self, session: Session, retained: RetainedMessages, alarms: Alarms) -> None:
        self._session = session
        self._retained = retained
        self._alarms = alarms
        self._alarm = Alarm(self._go_on)
        self._pause_ns = _PAUSE_NS
        self._filters: deque[tuple[str, int, int]] = deque()
        self._found: deque[tuple[Publish, int, int]] = deque()

    @property
    def is_over(self) -> bool:
        """Whether everything was given, or the session has ended."""
        return not self._filters and not self._found

    def add(self, topic_filter: str, qos: int, identifier: int, now_ns: int) -> None:
        """Give what is retained under `topic_filter`, too."""
        is_idle = self.is_over
        self._filters.append((topic_filter, qos, identifier))
        self._pause_ns = _PAUSE_NS
        if is_idle:
            self._go_on(now_ns)
        else:
            self._alarms.set(self._alarm, now_ns + _PAUSE_NS)

    def give(self, message: Publish, qos: int, identifier: int, now_ns: int) -> None:
        """One message, at once."""
        answer = message.variant(min(qos, message.qos), True)
        self._session.deliver_later(answer.subscribed_by((identifier,)) if identifier else answer, now_ns)

    def stop(self) -> None:
        """The session has ended."""
        self._filters.clear()
        self._found.clear()
        self._alarm.retire()

    def _go_on(self, now_ns: int) -> None:
        for _ in range(AT_ONCE):
            while not self._found and self._filters:
                topic_filter, qos, identifier = self._filters.popleft()
                found = self._retained.find(topic_filter, now_ns)
                self._found.extend((message, qos, identifier) for message in found)
            if not self._found:
                return
            if self._session.depth >= _DEPTH_MAX:
                break
            message, qos, identifier = self._found.popleft()
            if self._retained.has(message):
                self.give(message, qos, identifier, now_ns)
                self._pause_ns = _PAUSE_NS
        if not self.is_over:
            self._alarms.set(self._alarm, now_ns + self._pause_ns)
            longest_ns = _PAUSE_MAX_NS if self._session.road is None else NS_PER_S
            self._pause_ns = min(2 * self._pause_ns, longest_ns)
