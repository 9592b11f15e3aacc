"""What every broker of this project does with topic names and filters (section 4.7)."""

from runtime.mqtt.packets import ReasonCode, Suback, Subscribe, Subscription, make_publish
from tests.runtime.mqtt.broker_places import Visit, checked, checked_in_both
from tests.runtime.mqtt.raw_client import RawClient

INVALID_FILTERS = ("a/#/b", "a/b#", "a/b+", "+a/b", "##")


async def heard(visit: Visit, topic_filter: str, *topics: str) -> list[str]:
    """Which of `topics` a subscriber of `topic_filter` gets, in order."""
    client = await visit.join("car")
    await client.subscribe(Subscription(topic_filter, 0), Subscription("the/end", 0))
    client.send(*(make_publish(topic) for topic in (*topics, "the/end")))
    found: list[str] = []
    while (message := await client.message()).topic_name != "the/end":
        found.append(message.topic_name)
    return found


@checked_in_both
async def test_plus_matches_one_level(visit: Visit) -> None:
    """[MQTT-4.7.1-2, MQTT-3.3.2-3] [MQTT3-4.7.1-3, MQTT3-3.3.2-3]"""
    topics = ("a/c", "a/b/c/d", "a/b/c", "a//c", "a/bb/c")
    assert await heard(visit, "a/+/c", *topics) == ["a/b/c", "a//c", "a/bb/c"]


@checked_in_both
async def test_plus_stands_for_an_empty_level_too(visit: Visit) -> None:
    """Section 4.7.1.3."""
    assert await heard(visit, "+/+", "finance", "/finance", "finance/", "a/b/c") == ["/finance", "finance/"]


@checked_in_both
async def test_hash_matches_all_levels_below_and_the_parent(visit: Visit) -> None:
    """Section 4.7.1.2. [MQTT-4.7.1-1] [MQTT3-4.7.1-2]"""
    assert await heard(visit, "a/#", "a", "ab", "a/b", "a/b/c", "b/a") == ["a", "a/b", "a/b/c"]


@checked_in_both
async def test_wildcards_go_together(visit: Visit) -> None:
    """Section 4.7.1.3."""
    topics = ("a/b", "x/tennis", "x/tennis/y", "x/tennis/y/z", "tennis", "x/y/tennis")
    assert await heard(visit, "+/tennis/#", *topics) == ["x/tennis", "x/tennis/y", "x/tennis/y/z"]


@checked_in_both
async def test_leading_wildcards_do_not_match_dollar_topics(visit: Visit) -> None:
    """[MQTT-4.7.2-1] [MQTT3-4.7.2-1]"""
    assert await heard(visit, "#", "$bench/x", "bench/x") == ["bench/x"]
    assert await heard(visit, "+/x", "$bench/x", "bench/x") == ["bench/x"]


@checked_in_both
async def test_a_filter_that_begins_with_dollar_matches_dollar_topics(visit: Visit) -> None:
    """Section 4.7.2."""
    assert await heard(visit, "$bench/+", "$bench/x", "bench/x", "$bench/x/y") == ["$bench/x"]


@checked_in_both
async def test_topics_are_case_sensitive_and_unicode(visit: Visit) -> None:
    """[MQTT-4.7.3-4, MQTT-1.5.4-1] [MQTT3-4.7.3-4]: nothing is normalised, composed or not."""
    topics = ("straße/ä", "straße/Ä", "straße/A\u0308", "STRASSE/Ä")
    assert await heard(visit, "straße/Ä", *topics) == ["straße/Ä"]


@checked_in_both
async def test_leading_and_trailing_slashes_make_different_topics(visit: Visit) -> None:
    """Section 4.7.3."""
    assert await heard(visit, "/a", "a", "/a", "/a/", "a/") == ["/a"]


@checked_in_both
async def test_spaces_are_characters_like_others(visit: Visit) -> None:
    """Section 4.7.3."""
    assert await heard(visit, "Accounts payable", "Accounts payable", "Accounts") == ["Accounts payable"]


@checked
async def test_a_topic_may_have_65_535_bytes(visit: Visit) -> None:
    """[MQTT-4.7.3-3] [MQTT3-4.7.3-3]"""
    client = await visit.join("car")
    topic = "x" * 65_535
    await client.send_all(Subscribe(1, (Subscription(topic, 0),)).encode())
    await client.expect(Suback)
    await client.send_all(make_publish(topic, b"long").encode())
    assert (await client.message()).payload == b"long"


@checked_in_both
async def test_a_wildcard_in_a_topic_name_is_refused(visit: Visit) -> None:
    """[MQTT-3.3.2-2, MQTT-4.7.0-1] [MQTT3-3.3.2-2, MQTT3-4.7.1-1]"""
    watcher = await visit.join("watcher")
    await watcher.subscribe(Subscription("#", 0))
    for topic in ("a/+", "#", "a/b#"):
        client = await visit.join("car")
        client.send(make_publish(topic, b"", qos=1, packet_id=1))
        await client.expect_end(ReasonCode.TOPIC_NAME_INVALID)
    await watcher.expect_nothing()


@checked_in_both
async def test_an_empty_topic_name_is_refused(visit: Visit) -> None:
    """[MQTT-4.7.3-1], section 3.3.2.1. [MQTT3-4.7.3-1]"""
    client = await visit.join("car")
    client.send(make_publish("", b"", qos=1, packet_id=1))
    await client.expect_end(ReasonCode.PROTOCOL_ERROR)


async def refused_filter(client: RawClient, topic_filter: str) -> None:
    """Either the SUBACK refuses the filter, or the connection ends; it is not granted."""
    client.send(Subscribe(1, (Subscription(topic_filter),)))
    if not await client.is_at_end() and isinstance(answer := await client.packet(), Suback):
        assert answer.reason_codes[0] >= ReasonCode.UNSPECIFIED_ERROR, f"{topic_filter} was granted"


@checked_in_both
async def test_a_filter_with_a_misplaced_wildcard_is_not_granted(visit: Visit) -> None:
    """[MQTT-4.7.1-1, MQTT-4.7.1-2] [MQTT3-4.7.1-2, MQTT3-4.7.1-3]"""
    for topic_filter in INVALID_FILTERS:
        await refused_filter(await visit.join("car"), topic_filter)


@checked_in_both
async def test_an_empty_filter_is_not_granted(visit: Visit) -> None:
    """[MQTT-4.7.3-1] [MQTT3-4.7.3-1]"""
    await refused_filter(await visit.join("car"), "")


# What the broker says of itself


@checked_in_both
async def test_sys_topics_tell_of_the_broker_to_those_who_ask(visit: Visit) -> None:
    """Section 4.7.2: at once, retained; and never to `#`."""
    everything = await visit.join("everything")
    await everything.subscribe(Subscription("#", 0))
    client = await visit.join("car")
    await client.subscribe(Subscription("$SYS/broker/version", 0))
    message = await client.message()
    assert message.topic_name == "$SYS/broker/version"
    assert message.retain
    assert message.payload
    await everything.expect_nothing()


@checked_in_both
async def test_a_client_cannot_speak_for_the_broker(visit: Visit) -> None:
    """Section 4.7.2: clients should not use $SYS; what one publishes there reaches nobody."""
    client, other = await visit.join("car"), await visit.join("other")
    await client.subscribe(Subscription("$SYS/broker/forged", 0))
    await other.publish("$SYS/broker/forged", b"x", retain=True)
    await client.expect_nothing()
    await client.subscribe(Subscription("$SYS/broker/forged", 0))
    await client.expect_nothing()
