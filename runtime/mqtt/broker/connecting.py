"""CONNECT and its answers (sections 3.1 and 3.2), in the words of both protocol levels."""

from typing import Final

from runtime.mqtt.broker.config import BrokerConfig
from runtime.mqtt.errors import MqttProtocolError, protocol_error
from runtime.mqtt.packets import MQTT_3_1_1, MQTT_5, Connack, Connect, Properties, PropertyId, ReasonCode
from runtime.mqtt.properties import Value
from runtime.mqtt.session_packets import RETURN_CODES
from runtime.mqtt.wire import Cursor

_OLDER: Final = (b"\0\6MQIsdp\3", b"\0\4MQTT\3")
"""MQTT 3.1, by the name it had and by the one it has now."""
_MQTT_3_1_1: Final = b"\0\4MQTT\4"

_NO_ROOM: Final = (ReasonCode.QUOTA_EXCEEDED, ReasonCode.SERVER_BUSY, ReasonCode.CONNECTION_RATE_EXCEEDED)
"""MQTT 3.1.1 calls all of them Server unavailable."""


def read_connect(packet: bytes, at: int) -> Connect:
    """The CONNECT in `packet`.

    Raises MqttProtocolError as `Connect.decode` does, 0x8C for extended authentication, which is not
    offered, 0x82 for authentication data without a method (section 3.1.2.11.10), and 0x85 for a session to
    be kept without a client identifier (3.1.1, [MQTT-3.1.3-8]).
    """
    connect = Connect.decode(Cursor(packet, at))
    if PropertyId.AUTHENTICATION_METHOD in connect.properties:
        raise MqttProtocolError(
            ReasonCode.BAD_AUTHENTICATION_METHOD, "extended authentication is not offered"
        )
    if PropertyId.AUTHENTICATION_DATA in connect.properties:
        raise protocol_error("authentication data without an authentication method")
    if connect.level < MQTT_5 and not connect.client_id and not connect.clean_start:
        raise MqttProtocolError(
            ReasonCode.CLIENT_IDENTIFIER_NOT_VALID, "no client identifier, and Clean Session is 0"
        )
    return connect


def refusal(packet: bytes, at: int, reason_code: ReasonCode) -> bytes:
    """The CONNACK against the CONNECT in `packet`, in its own level; empty when that has no word for it."""
    if packet.startswith(_OLDER, at):
        return Connack(False, ReasonCode.UNSUPPORTED_PROTOCOL_VERSION).encode(MQTT_3_1_1)
    if packet.startswith(_MQTT_3_1_1, at):
        code = ReasonCode.SERVER_UNAVAILABLE if reason_code in _NO_ROOM else reason_code
        return Connack(False, code).encode(MQTT_3_1_1) if code in RETURN_CODES else b""
    return Connack(False, reason_code).encode()


def announcement(config: BrokerConfig, connect: Connect, expiry_s: int, assigned: str) -> Properties:
    """What a client must know of this server (section 3.2.2.3): limits, and what it asked for in vain.

    Maximum QoS, subscription identifiers, shared subscriptions: absent means available.
    """
    pairs: list[tuple[PropertyId, Value]] = [
        (PropertyId.RECEIVE_MAXIMUM, config.receive_maximum),
        (PropertyId.MAXIMUM_PACKET_SIZE, config.max_packet_size),
    ]
    if config.topic_alias_maximum:
        pairs.append((PropertyId.TOPIC_ALIAS_MAXIMUM, config.topic_alias_maximum))
    if expiry_s != connect.properties.integer(PropertyId.SESSION_EXPIRY_INTERVAL, 0):
        pairs.append((PropertyId.SESSION_EXPIRY_INTERVAL, expiry_s))
    if assigned:
        pairs.append((PropertyId.ASSIGNED_CLIENT_IDENTIFIER, assigned))
    return Properties(*pairs)
