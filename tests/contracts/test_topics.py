"""Topics of one vehicle, and the trace that follows one order."""

import pytest

from contracts.errors import ContractError
from contracts.topics import Way, down_filter, down_topic, parse_topic, up_topic
from contracts.trace import make_traceparent, trace_id_of


def test_a_topic_can_be_taken_apart() -> None:
    assert parse_topic(up_topic("VIN1", "sync")) == ("VIN1", Way.UP, "sync")
    assert parse_topic(down_topic("VIN1", "snapshot")) == ("VIN1", Way.DOWN, "snapshot")
    assert down_filter("VIN1") == "v1/vehicles/VIN1/down/+"


@pytest.mark.parametrize("topic", ["", "v1/vehicles/x/up", "v2/vehicles/x/up/y", "v1/vehicles/x/side/y"])
def test_a_foreign_topic_is_refused(topic: str) -> None:
    with pytest.raises(ContractError) as caught:
        parse_topic(topic)
    assert caught.value.field == "topic"


def test_all_messages_of_one_story_share_a_trace_id() -> None:
    assert trace_id_of(make_traceparent("ab" * 16, "cd" * 8)) == "ab" * 16


@pytest.mark.parametrize(
    "value", ["", "00-zz-cd-01", f"00-{'0' * 32}-{'1' * 16}-01", f"00-{'1' * 32}-{'0' * 16}-01"]
)
def test_a_malformed_traceparent_is_refused(value: str) -> None:
    with pytest.raises(ContractError):
        trace_id_of(value)
