"""What is not simply read and passed on: long packets, messages for $SYS or while the broker has faults."""

from typing import Final

from runtime.mqtt.broker.config import BrokerConfig
from runtime.mqtt.broker.counts import Counts
from runtime.mqtt.broker.faults import BrokerFaults, FaultAction
from runtime.mqtt.broker.router import SYSTEM_TOPICS, Router
from runtime.mqtt.broker.session import Session
from runtime.mqtt.errors import MqttProtocolError
from runtime.mqtt.publish import Publish
from runtime.mqtt.reason_codes import ReasonCode
from runtime.mqtt.wire import MQTT_5, Cursor

_CONNECT: Final = 1
_PUBLISH: Final = 3


def check_long(packet: bytes, at: int, level: int, config: BrokerConfig) -> None:
    """Raise MqttProtocolError 0x97 for a packet that would take too long to read (section 4.13).

    Of PUBLISH its properties count: a payload is not looked at. CONNECT has its own limit.
    """
    size = len(packet)
    if size <= config.max_control_size or packet[0] >> 4 == _CONNECT:
        return
    if packet[0] >> 4 == _PUBLISH:
        cursor = Cursor(packet, at)
        cursor.binary()
        cursor.integer(2 if packet[0] & 0x06 else 0)
        size = cursor.varint() if level == MQTT_5 else 0
    if size > config.max_control_size:
        raise MqttProtocolError(ReasonCode.QUOTA_EXCEEDED, f"{size} bytes of what must be read one by one")


def take_specially(
    faults: BrokerFaults,
    router: Router,
    counts: Counts,
    message: Publish,
    session: Session | None,
    now_ns: int,
) -> int | None:
    """Pass `message` of `session` on, or not; returns the reason code it is answered with.

    None is no answer: the connection breaks. Raises MqttProtocolError as `Router.publish` does.
    """
    router.check(message)
    if message.topic.startswith(SYSTEM_TOPICS):
        counts.refused += 1
        return ReasonCode.NOT_AUTHORIZED

    def pass_on(held: Publish, at_ns: int) -> bool:
        counts.messages_in += 1
        return router.publish(held, session, at_ns)

    client_id = "" if session is None else session.client_id
    fault = faults.on_publish(client_id, message.topic.decode(errors="replace"))
    action = None if fault is None else fault.action
    if fault is not None and action is FaultAction.REFUSE_MESSAGE:
        return fault.reason_code
    if fault is not None and action is FaultAction.DELAY:
        faults.hold(message, fault.delay_s, now_ns, pass_on)
        return 0
    if action is FaultAction.DROP_BEFORE:
        return None
    if action is FaultAction.DUPLICATE:
        pass_on(message, now_ns)
    matched = pass_on(message, now_ns)
    if action is FaultAction.DROP_AFTER:
        if message.qos == 2 and session is not None:
            session.receive(message.packet_id)
        return None
    return 0 if matched else ReasonCode.NO_MATCHING_SUBSCRIBERS
