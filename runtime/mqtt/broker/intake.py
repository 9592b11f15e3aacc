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
_SUBSCRIBE: Final = 8
_UNSUBSCRIBE: Final = 10


def check_long(packet: bytes, at: int, level: int, config: BrokerConfig) -> None:
    """Raise MqttProtocolError 0x97 for a packet that would take too long to read (section 4.13).

    A payload or a long topic filter is taken as it is; properties and topic filters are read one by one.
    CONNECT has its own limit.
    """
    packet_type = packet[0] >> 4
    if packet_type == _CONNECT:
        return
    size = len(packet) - at
    has_filters = packet_type in (_SUBSCRIBE, _UNSUBSCRIBE)
    if has_filters or packet_type == _PUBLISH:
        cursor = Cursor(packet, at)
        if packet_type == _PUBLISH:
            cursor.binary()
        if has_filters or packet[0] & 0x06:
            cursor.integer(2)
        size = cursor.varint() if level == MQTT_5 else 0
        if has_filters:
            _count_filters(packet, cursor.at + size, packet_type == _SUBSCRIBE, config.max_filters_at_once)
    if size > config.max_properties_size:
        raise MqttProtocolError(ReasonCode.QUOTA_EXCEEDED, f"{size} bytes of properties")


def _count_filters(packet: bytes, at: int, has_options: bool, most: int) -> None:
    for _ in range(most):
        if at >= len(packet):
            return
        at += 2 + int.from_bytes(packet[at : at + 2], "big") + has_options
    if at < len(packet):
        raise MqttProtocolError(ReasonCode.QUOTA_EXCEEDED, f"more than {most} topic filters at once")


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
