"""Retained messages, section 3.3.1.3: the last message of each topic, for whoever subscribes later."""

from collections.abc import Iterator

from runtime.mqtt.broker.counts import Counts
from runtime.mqtt.broker.ledger import Ledger
from runtime.mqtt.publish import Publish, make_publish

_OVERHEAD_BYTES = 500
"""What a message costs beside its bytes, about."""


class _Node:
    """A level of topics: what is retained there, and the levels below."""

    __slots__ = ("children", "message")

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.message: Publish | None = None


class RetainedMessages:
    """By topic, in at most `max_bytes`: one for which there is no room is delivered and not kept, and what
    its topic held before is gone. Messages are found in the order in which their levels first came."""

    __slots__ = ("_bytes", "_count", "_counts", "_ledger", "_max_bytes", "_root")

    def __init__(self, max_bytes: int, counts: Counts, ledger: Ledger | None) -> None:
        self._max_bytes = max_bytes
        self._counts = counts
        self._ledger = ledger
        self._root = _Node()
        self._count = 0
        self._bytes = 0

    def __len__(self) -> int:
        return self._count

    def restore(self, messages: list[Publish]) -> None:
        """Take up what a ledger has kept."""
        for message in messages:
            self._put(message)

    def keep(self, message: Publish) -> None:
        """Keep `message` for future subscribers, or forget its topic: no payload [MQTT-3.3.1-5, -6, -7]."""
        self._drop(message.topic)
        if message.payload:
            if self._bytes + _size(message) > self._max_bytes:
                self._counts.dropped += 1
                message = make_publish(message.topic_name, retain=True)
            else:
                self._put(message)
        if self._ledger is not None:
            self._ledger.retain(message)

    def find(self, topic_filter: str, now_ns: int) -> list[Publish]:
        """The messages whose topics match and whose life is not over."""
        alive = []
        for message in list(self._match(topic_filter.split("/"))):
            if message.expiry_at and message.expires_ns <= now_ns:
                self._drop(message.topic)
                self._counts.expired += 1
            else:
                alive.append(message)
        return alive

    def has(self, message: Publish) -> bool:
        """Whether `message` is still the one of its topic."""
        node = self._root
        for level in message.topic_name.split("/"):
            child = node.children.get(level)
            if child is None:
                return False
            node = child
        return node.message is message

    def _put(self, message: Publish) -> None:
        node = self._root
        for level in message.topic_name.split("/"):
            child = node.children.get(level)
            if child is None:
                child = node.children[level] = _Node()
            node = child
        node.message = message
        self._count += 1
        self._bytes += _size(message)

    def _drop(self, topic: bytes) -> None:
        node = self._root
        path = []
        for level in topic.decode().split("/"):
            child = node.children.get(level)
            if child is None:
                return
            path.append((node, level))
            node = child
        if node.message is None:
            return
        self._count -= 1
        self._bytes -= _size(node.message)
        node.message = None
        for parent, level in reversed(path):
            child = parent.children[level]
            if child.message is not None or child.children:
                break
            del parent.children[level]

    def _match(self, levels: list[str]) -> Iterator[Publish]:
        """Section 4.7: `+` and `#` at the front do not match topics that begin with `$`."""
        ahead = [(self._root, 0)]
        while ahead:
            node, depth = ahead.pop()
            level = levels[depth] if depth < len(levels) else ""
            if level == "#":
                below = [node]
                while below:
                    each = below.pop()
                    if each.message is not None:
                        yield each.message
                    below.extend(_children(each, depth == 0 and each is node))
            elif depth == len(levels):
                if node.message is not None:
                    yield node.message
            elif level == "+":
                ahead.extend((child, depth + 1) for child in _children(node, depth == 0))
            elif level in node.children:
                ahead.append((node.children[level], depth + 1))


def _children(node: _Node, is_first: bool) -> list[_Node]:
    """The levels below `node`, last first: they go onto a stack."""
    return [child for level, child in reversed(node.children.items()) if not (is_first and level[:1] == "$")]


def _size(message: Publish) -> int:
    return 2 * len(message.topic) + len(message.tail) + _OVERHEAD_BYTES
