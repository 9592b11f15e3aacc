"""Retained messages, section 3.3.1.3: the last message of each topic, for whoever subscribes later."""

from runtime.mqtt.broker.counts import Counts
from runtime.mqtt.broker.ledger import Ledger
from runtime.mqtt.broker.topic_tree import matches
from runtime.mqtt.publish import Publish

_OVERHEAD_BYTES = 500
"""What a message costs beside its bytes, about."""


class RetainedMessages:
    """By topic, in the order in which they came, in at most `max_bytes`: one for which there is no room is
    delivered and not kept, and what its topic held before is gone."""

    __slots__ = ("_by_topic", "_bytes", "_counts", "_ledger", "_max_bytes")

    def __init__(self, max_bytes: int, counts: Counts, ledger: Ledger | None) -> None:
        self._max_bytes = max_bytes
        self._counts = counts
        self._ledger = ledger
        self._by_topic: dict[bytes, Publish] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._by_topic)

    def restore(self, messages: list[Publish]) -> None:
        """Take up what a ledger has kept."""
        for message in messages:
            self._by_topic[message.topic] = message
            self._bytes += _size(message)

    def keep(self, message: Publish) -> None:
        """Keep `message` for future subscribers, or forget its topic: no payload [MQTT-3.3.1-5, -6, -7]."""
        self._drop(message.topic)
        if message.payload:
            if self._bytes + _size(message) > self._max_bytes:
                self._counts.dropped += 1
                return
            self._by_topic[message.topic] = message
            self._bytes += _size(message)
        if self._ledger is not None:
            self._ledger.retain(message)

    def find(self, topic_filter: str, now_ns: int) -> list[Publish]:
        """The messages whose topics match and whose life is not over."""
        if "+" in topic_filter or "#" in topic_filter:
            found = [each for each in self._by_topic.values() if matches(topic_filter, each.topic_name)]
        else:
            single = self._by_topic.get(topic_filter.encode())
            found = [] if single is None else [single]
        alive = []
        for message in found:
            if message.expiry_at and message.expires_ns <= now_ns:
                self._drop(message.topic)
                self._counts.expired += 1
            else:
                alive.append(message)
        return alive

    def _drop(self, topic: bytes) -> None:
        old = self._by_topic.pop(topic, None)
        if old is not None:
            self._bytes -= _size(old)


def _size(message: Publish) -> int:
    return 2 * len(message.topic) + len(message.tail) + _OVERHEAD_BYTES
