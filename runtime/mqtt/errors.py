"""What the codec and the broker refuse; part of the tree in `runtime.errors`."""

from runtime.errors import BenchRuntimeError
from runtime.mqtt.reason_codes import ReasonCode


class MqttProtocolError(BenchRuntimeError):
    """The peer sent something MQTT 5 forbids; the connection cannot go on (section 4.13).

    `reason_code` is what DISCONNECT or CONNACK tells the peer.
    """

    def __init__(self, reason_code: ReasonCode, message: str) -> None:
        super().__init__(f"{message} (0x{reason_code:02X} {reason_code.name})")
        self.reason_code = reason_code


class UnsendableError(BenchRuntimeError, ValueError):
    """No PUBLISH can be made of a message, now or ever; the connection is as it was.

    `reason_code` is what a broker would have answered.
    """

    def __init__(self, reason_code: ReasonCode, message: str) -> None:
        super().__init__(f"{message} (0x{reason_code:02X} {reason_code.name})")
        self.reason_code = reason_code


def malformed(message: str) -> MqttProtocolError:
    """The bytes cannot be parsed as this packet (0x81)."""
    return MqttProtocolError(ReasonCode.MALFORMED_PACKET, message)


def protocol_error(message: str) -> MqttProtocolError:
    """The packet is well formed and not allowed here (0x82)."""
    return MqttProtocolError(ReasonCode.PROTOCOL_ERROR, message)
