"""Topic names and filters against the examples of section 4.7, and the tree against plain matching."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.mqtt.broker.topic_tree import TopicTree, filter_is_valid, matches, topic_name
from runtime.mqtt.errors import MqttProtocolError
from runtime.mqtt.reason_codes import ReasonCode

levels = st.sampled_from(["", "a", "b", "$x"])
topics = st.lists(levels, min_size=1, max_size=4).map("/".join).filter(bool)
filters = st.builds(
    lambda parts, tail: "/".join([*parts, *tail]),
    st.lists(levels | st.just("+"), max_size=3),
    st.sampled_from([["#"], ["a"], ["+"], ["b"]]),
)


@pytest.mark.parametrize(
    ("topic_filter", "topic", "expected"),
    [
        ("sport/tennis/player1/#", "sport/tennis/player1", True),
        ("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", True),
        ("#", "anything/at/all", True),
        ("sport/tennis/+", "sport/tennis/player1", True),
        ("sport/tennis/+", "sport/tennis/player1/ranking", False),
        ("sport/+", "sport", False),
        ("sport/+", "sport/", True),
        ("+/+", "/finance", True),
        ("/+", "/finance", True),
        ("+", "/finance", False),
        ("#", "$SYS/uptime", False),
        ("+/monitor/Clients", "$SYS/monitor/Clients", False),
        ("$SYS/#", "$SYS/uptime", True),
        ("$SYS/monitor/+", "$SYS/monitor/Clients", True),
        ("ACCOUNTS", "Accounts", False),
    ],
)
def test_the_examples_of_the_standard(topic_filter: str, topic: str, expected: bool) -> None:
    """Sections 4.7.1.2, 4.7.1.3, 4.7.2 and 4.7.3."""
    assert matches(topic_filter, topic) is expected
    tree: TopicTree[str] = TopicTree()
    tree.add(topic_filter, "car", "car")
    assert bool(list(tree.match(topic))) is expected


@pytest.mark.parametrize("topic_filter", ["a", "/", "+", "#", "a/#", "+/a/#", "a//b", "$SYS/#", "/#"])
def test_filters_that_are_valid(topic_filter: str) -> None:
    assert filter_is_valid(topic_filter)


@pytest.mark.parametrize("topic_filter", ["", "a#", "a/#/b", "#/a", "##", "a+", "+a/b", "a/+b", "#+", "/##"])
def test_filters_that_are_not(topic_filter: str) -> None:
    """[MQTT-4.7.1-1, MQTT-4.7.1-2, MQTT-4.7.3-1]"""
    assert not filter_is_valid(topic_filter)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", ReasonCode.PROTOCOL_ERROR),
        (b"a/+", ReasonCode.TOPIC_NAME_INVALID),
        (b"a#", ReasonCode.TOPIC_NAME_INVALID),
        (b"a\0", ReasonCode.MALFORMED_PACKET),
        (b"\xed\xa0\x80", ReasonCode.MALFORMED_PACKET),
    ],
)
def test_topic_names_that_are_none(raw: bytes, code: ReasonCode) -> None:
    with pytest.raises(MqttProtocolError) as caught:
        topic_name(raw)
    assert caught.value.reason_code == code


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(filters, st.sampled_from("xyz")), max_size=12), st.data())
def test_the_tree_finds_what_plain_matching_finds(
    entries: list[tuple[str, str]], data: st.DataObject
) -> None:
    tree: TopicTree[tuple[str, str]] = TopicTree()
    kept: dict[tuple[str, str], None] = {}
    for entry in entries:
        assert tree.add(*entry, entry) == (entry not in kept)
        kept[entry] = None
    for entry in data.draw(st.lists(st.sampled_from(entries), max_size=6)) if entries else []:
        assert tree.remove(*entry) == (entry in kept)
        kept.pop(entry, None)
    topic = data.draw(topics)
    assert sorted(tree.match(topic)) == sorted(entry for entry in kept if matches(entry[0], topic))


def test_an_emptied_tree_holds_nothing() -> None:
    tree: TopicTree[int] = TopicTree()
    for topic_filter in ("a/b/c", "a/+", "a/b/#"):
        tree.add(topic_filter, "car", 1)
    for topic_filter in ("a/b/c", "a/+", "a/b/#"):
        assert tree.remove(topic_filter, "car")
        assert not tree.remove(topic_filter, "car")
    assert tree.is_empty


@pytest.mark.parametrize("topic_filter", ["/" * 65_535, "+" + "/+" * 32_767, "/" * 60_000 + "#"])
def test_a_topic_may_have_as_many_levels_as_it_has_room_for(topic_filter: str) -> None:
    """Section 4.7.3 bounds a topic by its 65,535 bytes alone."""
    tree: TopicTree[str] = TopicTree()
    tree.add(topic_filter, "car", "car")
    assert list(tree.match("/" * topic_filter.count("/"))) == ["car"]
    assert tree.remove(topic_filter, "car")
    assert tree.is_empty
