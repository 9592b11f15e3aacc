"""What a server says to our client in CONNACK, SUBACK and DISCONNECT: its terms, and its reasons in words.

Our client publishes and subscribes at QoS 1. A server that does not take QoS 1 (Maximum QoS 0), or grants a
subscription less, could lose messages without a word: it is refused here as if it had refused us.
"""

from typing import Final, NamedTuple

from runtime.mqtt.errors import protocol_error
from runtime.mqtt.properties import Properties, PropertyId, Value
from runtime.mqtt.reason_codes import ReasonCode
from runtime.mqtt.session_packets import Connack, Disconnect
from runtime.mqtt.subscribe_packets import Suback
from runtime.mqtt.wire import MAX_VARINT, Cursor
from runtime.redaction import redact_text

_RECEIVE_MAXIMUM_DEFAULT: Final = 65_535
"""Section 3.2.2.3.3: what a server that does not say it takes."""

_PACKET_SIZE_DEFAULT: Final = MAX_VARINT + 5
"""Section 3.2.2.3.6: without a limit of the server's, that of the protocol."""

_TEXT_MAX: Final = 200
_TAKEN_OVER: Final = "another client has connected with our identifier"
_NO_QOS_1: Final = "the broker takes QoS 0 only (Maximum QoS): allow QoS 1 there"
_NOT_MQTT_5: Final = "the broker does not speak MQTT 5"
_GRANTED_QOS_0: Final = "granted at QoS 0 only, which may lose messages"
_OLD_CONNACK_BYTES: Final = 2
"""MQTT 3.1.1, section 3.2: flags and return code, no properties."""


class Terms(NamedTuple):
    """What CONNACK says: a refusal in words, or on what terms the server takes us (section 3.2.2.3).

    `reason_code` is the server's own. `keepalive_s` is None where the server leaves the choice to us.
    """

    reason_code: ReasonCode
    refusal: str
    receive_maximum: int
    max_packet_size: int
    keepalive_s: int | None
    retain_available: bool


UNKNOWN_TERMS: Final = Terms(
    ReasonCode.UNSPECIFIED_ERROR, "no CONNACK yet", _RECEIVE_MAXIMUM_DEFAULT, _PACKET_SIZE_DEFAULT, None, True
)
"""Before CONNACK."""


def read_connack(body: bytes) -> Terms:
    """The terms in the body of a CONNACK. Raises MqttProtocolError."""
    if len(body) == _OLD_CONNACK_BYTES:
        return UNKNOWN_TERMS._replace(refusal=f"{_NOT_MQTT_5} (return code {body[1]})")
    connack = Connack.decode(Cursor(body))
    code, properties = connack.reason_code, connack.properties
    refusal = ""
    if code >= ReasonCode.UNSPECIFIED_ERROR:
        refusal = explain(code, properties)
    elif code:
        raise protocol_error(f"CONNACK cannot say 0x{code:02X} (section 3.2.2.2)")
    elif properties.integer(PropertyId.MAXIMUM_QOS, 2) < 1:
        refusal = _NO_QOS_1
    keepalive_s = properties.integer(PropertyId.SERVER_KEEP_ALIVE, -1)
    return Terms(
        code,
        refusal,
        properties.integer(PropertyId.RECEIVE_MAXIMUM, _RECEIVE_MAXIMUM_DEFAULT),
        properties.integer(PropertyId.MAXIMUM_PACKET_SIZE, _PACKET_SIZE_DEFAULT),
        None if keepalive_s < 0 else keepalive_s,
        bool(properties.integer(PropertyId.RETAIN_AVAILABLE, 1)),
    )


def read_suback(body: bytes) -> str:
    """Why a SUBACK leaves us without what we asked for at QoS 1; empty when it does not.

    Raises MqttProtocolError.
    """
    suback = Suback.decode(Cursor(body))
    for code in suback.reason_codes:
        if code >= ReasonCode.UNSPECIFIED_ERROR:
            return f"subscription refused: {explain(code, suback.properties)}"
        if not code:
            return f"subscription {_GRANTED_QOS_0}"
    return ""


def read_disconnect(body: bytes) -> tuple[ReasonCode, str]:
    """Reason code of a server's DISCONNECT and the same in words. Raises MqttProtocolError."""
    disconnect = Disconnect.decode(Cursor(body))
    return disconnect.reason_code, explain(disconnect.reason_code, disconnect.properties)


def explain(code: ReasonCode, properties: Properties) -> str:
    """`code` in the words of section 2.4, with what the server adds: Reason String and Server Reference."""
    if code is ReasonCode.SUCCESS:
        text = "Closed by the broker"
    else:
        text = code.name.replace("_", " ").capitalize().replace("Qos", "QoS")
    if code is ReasonCode.SESSION_TAKEN_OVER:
        text += f": {_TAKEN_OVER}"
    for identifier, value in properties:
        if identifier is PropertyId.REASON_STRING:
            text += f": {_shown(value)}"
        elif identifier is PropertyId.SERVER_REFERENCE:
            text += f" ({_shown(value)})"
    return text


def _shown(value: Value) -> str:
    """A text from outside: one short line, no numbers or identities of persons and cars in it."""
    text = "".join(letter if letter.isprintable() else "?" for letter in str(value)[:_TEXT_MAX])
    return redact_text(text)
