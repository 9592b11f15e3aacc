"""The oracles of the hostile proof see what they are there for; and a small sample of its siege."""

from contextlib import suppress
from random import Random

import pytest

from proofs.hostile.attacks import ATTACKS, schedule
from proofs.hostile.client_packets import read_client_packet, read_connect
from proofs.hostile.grammar import Grammar
from proofs.hostile.mutation import mutate
from proofs.hostile.peer import FindingError, Peer
from proofs.hostile.quiet import sizes
from proofs.hostile.siege import besiege
from proofs.hostile.stage import SCENES, Act, Action, Scene, Stage
from proofs.hostile.story import Story, shortest
from proofs.hostile.wire import CONNECT, V3_1_1, V5, Frames, UnreadableError, frame, prefixed
from proofs.hostile.witness import Witness
from runtime.mqtt.broker.config import BrokerConfig

CONNACK = b"\x20\x03\0\0\0"
SUBSCRIBE = b"\x82\x09\0\1\0\0\3a/b\1"
PUBLISH = b"\x32\x06\0\1a\0\7\0"


def connected(**announced: int) -> Peer:
    """A peer whose CONNECT was accepted; `announced` are properties by identifier, as x27=4."""
    widths = {0x21: 2, 0x22: 2, 0x27: 4}
    properties = b"".join(
        bytes((number,)) + value.to_bytes(widths[number], "big")
        for number, value in ((int(name[1:], 16), value) for name, value in announced.items())
    )
    peer = Peer("car")
    head = prefixed(b"MQTT") + b"\5\2\0\0" + bytes((len(properties),)) + properties
    peer.hear(frame(0x10, head + prefixed(b"car")))
    peer.write(CONNACK)
    peer.settle()
    return peer


def finding(peer: Peer, *written: bytes) -> str:
    """The rule that `peer` finds broken by what the broker has written."""
    for data in written:
        peer.write(data)
    with pytest.raises(FindingError) as error:
        peer.settle()
    return error.value.rule


# The oracles of one connection


def test_an_answer_is_owed_and_taken() -> None:
    peer = connected()
    peer.hear(PUBLISH)
    peer.write(b"\x40\x02\0\7")
    peer.settle()


def test_a_missing_answer_is_found() -> None:
    peer = connected()
    peer.hear(PUBLISH)
    assert finding(peer) == "no answer, and still open"


def test_no_answer_is_owed_on_a_connection_that_is_closed() -> None:
    peer = connected()
    peer.hear(PUBLISH)
    peer.close()
    peer.settle()


@pytest.mark.parametrize(
    ("answer", "rule"),
    [
        (b"\x40\x02\0\x08", "an answer nobody asked for"),
        (b"\x40\x02\0\0", "unreadable for its client"),
        (CONNACK, "a second CONNACK"),
        (b"\xe0\x01\x82", "DISCONNECT without closing the connection"),
        (b"\x30\x05\0\1\xffab", "unreadable for its client"),
        (b"\x30\x07\0\1a\3\x23\0\1", "unreadable for its client"),
    ],
)
def test_what_a_broker_must_not_say_is_found(answer: bytes, rule: str) -> None:
    peer = connected()
    peer.hear(PUBLISH)
    assert finding(peer, answer) == rule


def test_writing_to_a_connection_that_is_closed_is_found() -> None:
    peer = connected()
    peer.close()
    assert finding(peer, b"\xd0\x00") == "a connection that is closed was written to"


def test_a_connection_that_stays_open_after_garbage_is_found() -> None:
    peer = connected()
    peer.hear(b"\x36\x06\0\1a\0\7\0")
    assert finding(peer) == "still open after what must end the connection"


def test_a_packet_above_the_clients_maximum_size_is_found() -> None:
    assert finding(connected(x27=8), b"\x30\x07\0\1a\0abc") == "above Maximum Packet Size"


def test_more_messages_than_the_client_takes_at_once_are_found() -> None:
    peer = connected(x21=1)
    assert finding(peer, PUBLISH, b"\x32\x06\0\1a\0\x08\0") == "above Receive Maximum"


def test_a_packet_identifier_in_use_is_found() -> None:
    assert finding(connected(), PUBLISH, PUBLISH) == "a packet identifier is in use"


def test_one_code_per_filter_is_asked_for() -> None:
    peer = connected()
    peer.hear(SUBSCRIBE)
    assert finding(peer, b"\x90\x05\0\1\0\1\1") == "not one code per filter"


def test_acknowledgements_out_of_order_are_found() -> None:
    peer = connected()
    peer.hear(PUBLISH + b"\x32\x06\0\1a\0\x08\0")
    assert finding(peer, b"\x40\x02\0\x08") == "an answer nobody asked for"


@pytest.mark.parametrize("number", [(2, 3), (1, 1)], ids=["lost", "doubled"])
def test_a_witness_finds_a_message_lost_or_doubled(number: tuple[int, int]) -> None:
    witness = Witness(V5)
    witness.hear(Grammar(Random(0)).plain_connect(b"witness-5"))
    witness.write(CONNACK)
    for packet_id, payload in enumerate(number, 1):
        body = prefixed(b"witness/5") + packet_id.to_bytes(2, "big") + b"\0" + payload.to_bytes(4, "big")
        witness.write(frame(0x32, body))
    witness.settle()
    with pytest.raises(FindingError, match="something else"):
        witness.answer(witness.hear)


# The story


def test_a_story_is_the_same_every_time() -> None:
    assert told(7, 3).log == told(7, 3).log


def told(seed: int, number: int) -> Story:
    """A short story, whether it holds or not."""
    story = Story(seed, number, 100)
    with suppress(FindingError):
        story.play()
    return story


@pytest.mark.parametrize("level", [V5, V3_1_1])
def test_what_is_kept_of_clients_that_are_gone_is_found(level: int) -> None:
    """A session that never ends, where all are supposed to."""
    stage = Stage(Scene(BrokerConfig(max_session_expiry_s=0xFFFF_FFFF)))
    connect = Grammar(Random(0), level).plain_connect(b"h0", expiry_s=0xFFFF_FFFF)
    stage.do(Action(Act.OPEN, 0))
    stage.do(Action(Act.SAY, 0, connect))
    with pytest.raises(FindingError, match=r"kept of clients that are gone.*Session"):
        stage.end()


def test_a_quiet_stage_is_quiet_again() -> None:
    stage = Stage(SCENES[0])
    stage.do(Action(Act.OPEN, 0))
    stage.do(Action(Act.SAY, 0, Grammar(Random(0)).plain_connect(b"h0", expiry_s=600)))
    stage.do(Action(Act.SAY, 0, SUBSCRIBE))
    stage.do(Action(Act.WITNESS, 1))
    stage.end()


def test_the_shortest_part_of_a_story_is_what_breaks_the_rule() -> None:
    log = [Action(Act.SAY, slot) for slot in range(100)]

    def play(part: list[Action]) -> FindingError | None:
        slots = {action.slot for action in part}
        return FindingError("both") if {17, 80} <= slots else FindingError("other")

    assert [action.slot for action in shortest(log, "both", play)] == [17, 80]


def test_what_grows_is_counted_wherever_it_is() -> None:
    def holder(kept: list[bytes]) -> object:
        return lambda: kept

    small, large = sizes(holder([b"a"])), sizes(holder([b"a", b"b", b"c"]))
    assert large["bytes"] - small["bytes"] == 2
    assert large["elements"] - small["elements"] == 2


# What is sent


@pytest.mark.parametrize("level", [V5, V3_1_1])
def test_most_of_what_the_grammar_makes_can_be_read_and_little_of_what_is_spoilt(level: int) -> None:
    chance = Random(level)
    grammar = Grammar(chance, level)
    packets = [grammar.packet() for _ in range(1_000)]
    spoilt = [mutate(chance, packet, packets[0]) for packet in packets]
    assert sum(can_be_read(level, packet) for packet in packets) > 900
    assert 100 < sum(can_be_read(level, packet) for packet in spoilt) < 600


def can_be_read(level: int, packet: bytes) -> bool:
    """Whether `packet` is one whole packet that a client may send."""
    try:
        [(whole, at)] = Frames().feed(packet)
        if packet[0] >> 4 == CONNECT:
            read_connect(packet, at)
        else:
            read_client_packet(level, packet, at)
    except (UnreadableError, ValueError):
        return False
    return whole == packet


def test_a_storm_makes_each_attack_as_often_as_its_share_and_ends_sessions_last() -> None:
    names = schedule(1_000, Random(1))
    assert {name: names.count(name) for name in ATTACKS} == {
        name: attack.share * 10 for name, attack in ATTACKS.items()
    }
    assert set(names[-100:]) == {"clear_a_session"}


async def test_a_small_siege_harms_nobody() -> None:
    figures = await besiege(100, rounds=1, rate_per_s=100, quiet_s=0.5, patience_s=0.5)
    assert figures.trouble == []
    assert figures.is_unharmed
    assert figures.connections == 100
    assert figures.quiet.messages > 0
    assert figures.attacked.messages > 0
