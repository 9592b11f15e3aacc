"""What a broker allows and how it behaves when a queue is full; profiles of brokers in the field."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from runtime.mqtt.wire import MAX_VARINT


class DropPolicy(Enum):
    """Which message a full session queue loses."""

    NEWEST = "newest"
    """The one that arrives is not queued: mosquitto, HiveMQ."""
    OLDEST = "oldest"
    """The one that has waited longest makes room: EMQX."""


@dataclass(frozen=True, slots=True)
class BrokerConfig:
    """Limits of the broker; the ones that clients must know are announced in CONNACK (section 3.2.2.3).

    `receive_maximum` is what we accept from a client unacknowledged, `max_inflight` what we send it at
    most, however large its own Receive Maximum. `max_queued` bounds the messages a session holds beside
    those in flight, for an absent and for a slow client alike; for an absent one those of QoS 0 wait only
    with `queue_qos_0` (section 4.1 leaves the choice), and only in memory. `max_session_expiry_s` caps
    what a client asks for; 0xFFFFFFFF lets a session live for ever. `connect_timeout_s` is the reasonable
    time of section 3.1 for CONNECT to arrive, in a packet of at most `max_connect_size` bytes.

    Against hostile clients: a connection beyond `max_connections` is closed at once, and one beyond
    `max_half_open` costs the oldest of those that have not come to their CONNECT. `max_packet_rate_hz` is
    what one connection may send in the long run, a second's worth at once (0x96; 0 sets no limit).
    `max_properties_size` and `max_filters_at_once` bound what must be read one by one in a packet after
    CONNECT (0x97).
    `max_sessions`, `max_subscriptions` of one session, `max_topic_levels` of a name or filter and
    `max_retained_bytes` bound what they can make us keep.

    `sys_interval_s` is how often subscribers of $SYS are told what has changed.
    """

    receive_maximum: int = 1_000
    max_inflight: int = 65_535
    max_packet_size: int = 1_048_576
    max_queued: int = 100_000
    drop_policy: DropPolicy = DropPolicy.NEWEST
    queue_qos_0: bool = False
    max_session_expiry_s: int = 0xFFFF_FFFF
    connect_timeout_s: int = 10
    max_connect_size: int = 65_536
    topic_alias_maximum: int = 10
    max_connections: int = 65_536
    max_half_open: int = 4_096
    max_packet_rate_hz: int = 0
    max_properties_size: int = 16_384
    max_filters_at_once: int = 1_000
    max_sessions: int = 100_000
    max_subscriptions: int = 1_000
    max_topic_levels: int = 64
    max_retained_bytes: int = 268_435_456
    sys_interval_s: int = 10


PROFILES: Final = {
    "default": BrokerConfig(),
    "mosquitto": BrokerConfig(
        receive_maximum=20,
        max_inflight=20,
        max_queued=1_000,
        max_packet_size=MAX_VARINT,
        max_topic_levels=200,
    ),
    "emqx": BrokerConfig(
        max_inflight=32,
        max_queued=1_000,
        drop_policy=DropPolicy.OLDEST,
        queue_qos_0=True,
        topic_alias_maximum=0xFFFF,
        max_topic_levels=128,
    ),
    "hivemq": BrokerConfig(
        receive_maximum=10, max_queued=1_000, max_packet_size=MAX_VARINT, topic_alias_maximum=5
    ),
}
"""Brokers in the field, as their makers configure them by default: what a fleet would lose behind each.

mosquitto 2.0 (mosquitto.conf(5), and compared with the broker itself): `max_queued_messages`,
`max_inflight_messages`, no limit of packets. EMQX 5 (`mqtt.*` of its configuration): `max_inflight`,
`max_mqueue_len`, `mqueue_store_qos0`, `max_packet_size` of 1 MB, `max_topic_alias`, `max_topic_levels`;
that its sessions of MQTT 3.1.1 end after two hours is not imitated. HiveMQ 4 (`<mqtt>` of its configuration):
`queued-messages` with the strategy `discard`, `receive-maximum`, `packets`, `topic-alias`.
"""
