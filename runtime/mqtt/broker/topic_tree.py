"""Topic names and filters, section 4.7, and the tree that finds the filters a topic matches."""

from collections.abc import Iterator
from typing import Generic, TypeVar

from runtime.mqtt.errors import MqttProtocolError
from runtime.mqtt.reason_codes import ReasonCode
from runtime.mqtt.wire import decode_text

V = TypeVar("V")


def topic_name(raw: bytes) -> str:
    """The topic name in `raw`.

    Raises MqttProtocolError: 0x82 when empty and no topic alias says which one is meant (section 3.3.2.1),
    0x81 for ill-formed UTF-8, 0x90 for a wildcard [MQTT-3.3.2-2].
    """
    name = decode_text(raw)
    if not name:
        raise MqttProtocolError(ReasonCode.PROTOCOL_ERROR, "an empty topic name without a topic alias")
    if "+" in name or "#" in name:
        raise MqttProtocolError(ReasonCode.TOPIC_NAME_INVALID, "a topic name holds no wildcard")
    return name


def filter_is_valid(topic_filter: str) -> bool:
    """Whether wildcards stand where they may [MQTT-4.7.1-1, -2] and it is not empty [MQTT-4.7.3-1]."""
    levels = topic_filter.split("/")
    if any(level != "+" and "+" in level for level in levels) or not topic_filter:
        return False
    return "#" not in topic_filter or ("#" not in "".join(levels[:-1]) and levels[-1] == "#")


def shared_filter(topic_filter: str) -> tuple[str, str] | None:
    """Share name and filter of a `$share/NAME/FILTER`, None for another filter or one that is no such thing.

    [MQTT-4.8.2-1, -2]
    """
    prefix, _, rest = topic_filter.partition("/")
    name, slash, wanted = rest.partition("/")
    if prefix != "$share" or not slash or not name or "+" in name or "#" in name or not wanted:
        return None
    return name, wanted


def matches(topic_filter: str, topic: str) -> bool:
    """Whether `topic` matches `topic_filter`, sections 4.7.1 and 4.7.2."""
    if topic.startswith("$") and topic_filter[0] in "+#":
        return False
    wanted, levels = topic_filter.split("/"), topic.split("/")
    for index, level in enumerate(wanted):
        if level == "#":
            return True
        if index == len(levels) or level not in ("+", levels[index]):
            return False
    return len(wanted) == len(levels)


class _Node(Generic[V]):
    __slots__ = ("children", "values")

    def __init__(self) -> None:
        self.children: dict[str, _Node[V]] = {}
        self.values: dict[str, V] = {}


class TopicTree(Generic[V]):
    """Values kept under topic filter and owner. Only ordered containers: matches come in a fixed order."""

    __slots__ = ("_root",)

    def __init__(self) -> None:
        self._root: _Node[V] = _Node()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is kept."""
        return not self._root.children

    def has_below(self, level: str) -> bool:
        """Whether some filter begins with `level`."""
        return level in self._root.children

    def add(self, topic_filter: str, owner: str, value: V) -> bool:
        """Keep `value`; True when `owner` had none under this filter before."""
        node = self._root
        for level in topic_filter.split("/"):
            child = node.children.get(level)
            if child is None:
                child = node.children[level] = _Node()
            node = child
        is_new = owner not in node.values
        node.values[owner] = value
        return is_new

    def remove(self, topic_filter: str, owner: str) -> bool:
        """Forget what `owner` has under this filter; False when it had nothing there."""
        node = self._root
        path = []
        for level in topic_filter.split("/"):
            child = node.children.get(level)
            if child is None:
                return False
            path.append((node, level))
            node = child
        if node.values.pop(owner, None) is None:
            return False
        for parent, level in reversed(path):
            child = parent.children[level]
            if child.values or child.children:
                break
            del parent.children[level]
        return True

    def match(self, topic: str) -> Iterator[V]:
        """The values under all filters that `topic` matches."""
        levels = topic.split("/")
        # No recursion: a topic may have 65,536 levels, which no stack would hold.
        ahead = [(self._root, 0)]
        wildcards = not topic.startswith("$")
        while ahead:
            node, depth = ahead.pop()
            children = node.children
            if wildcards and "#" in children:
                yield from children["#"].values.values()
            if depth == len(levels):
                yield from node.values.values()
                continue
            child = children.get("+") if wildcards else None
            if child is not None:
                ahead.append((child, depth + 1))
            child = children.get(levels[depth])
            if child is not None:
                ahead.append((child, depth + 1))
            wildcards = True
