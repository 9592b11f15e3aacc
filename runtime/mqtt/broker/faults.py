"""Faults a broker can be told to have, for simulations: what it does wrong, to whom, how often."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from runtime.mqtt.broker.alarms import Alarm, Alarms
from runtime.mqtt.broker.topic_tree import matches
from runtime.mqtt.publish import NS_PER_S, Publish
from runtime.mqtt.reason_codes import ReasonCode


class FaultAction(StrEnum):
    """What goes wrong."""

    DELAY = "delay"
    """A message is acknowledged at once and handed on `delay_s` later."""
    DUPLICATE = "duplicate"
    """A message is handed on twice."""
    DROP_BEFORE = "drop_before"
    """The connection breaks when a message comes, which is not taken."""
    DROP_AFTER = "drop_after"
    """The message is taken, then the connection breaks without an acknowledgement."""
    REFUSE_MESSAGE = "refuse_message"
    """A message is refused with `reason_code`; in MQTT 3.1.1 it vanishes."""
    REFUSE_CONNECTION = "refuse_connection"
    """CONNECT is refused with `reason_code`."""


@dataclass(frozen=True, slots=True)
class BrokerFault:
    """One fault: `action` on what comes from `client_id` (empty: from anybody) in `topic_filter`.

    `times` is how often it happens before it is over; 0 for as long as it is there. `reason_code` must be
    one that the refused packet's answer may carry; 0x97 goes with all of them.
    """

    action: FaultAction
    client_id: str = ""
    topic_filter: str = "#"
    delay_s: float = 0.0
    reason_code: ReasonCode = ReasonCode.QUOTA_EXCEEDED
    times: int = 0


class BrokerFaults:
    """The faults a broker has at the moment; the first that fits is taken."""

    __slots__ = ("_alarms", "_left", "is_active")

    def __init__(self, alarms: Alarms) -> None:
        self._alarms = alarms
        self._left: dict[BrokerFault, int] = {}
        self.is_active = False
        """Whether there are any: the one thing a healthy broker looks at."""

    def add(self, fault: BrokerFault) -> None:
        """From now on the broker has `fault`."""
        self._left[fault] = fault.times
        self.is_active = True

    def remove(self, fault: BrokerFault) -> None:
        """It has it no more; removing twice is harmless."""
        self._left.pop(fault, None)
        self.is_active = bool(self._left)

    def go_on_from(self, former: "BrokerFaults") -> None:
        """Have what the broker of a former life had, as often as that had it left."""
        self._left = dict(former._left)
        self.is_active = bool(self._left)

    def on_connect(self, client_id: str) -> ReasonCode | None:
        """With what to refuse the CONNECT of `client_id`, None to let it in."""
        for fault in self._left:
            if fault.action is FaultAction.REFUSE_CONNECTION and fault.client_id in ("", client_id):
                self._happens(fault)
                return fault.reason_code
        return None

    def on_publish(self, client_id: str, topic: str) -> BrokerFault | None:
        """What happens to a message, None for nothing special."""
        for fault in self._left:
            if (
                fault.action is not FaultAction.REFUSE_CONNECTION
                and fault.client_id in ("", client_id)
                and matches(fault.topic_filter, topic)
            ):
                self._happens(fault)
                return fault
        return None

    def hold(
        self, message: Publish, delay_s: float, now_ns: int, then: Callable[[Publish, int], object]
    ) -> None:
        """Do `then` with `message` in `delay_s` seconds."""

        def fire(due_ns: int) -> None:
            then(message, due_ns)

        self._alarms.set(Alarm(fire), now_ns + round(delay_s * NS_PER_S))

    def _happens(self, fault: BrokerFault) -> None:
        left = self._left[fault]
        if left == 1:
            self.remove(fault)
        elif left:
            self._left[fault] = left - 1
