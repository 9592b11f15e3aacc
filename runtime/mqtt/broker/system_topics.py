"""$SYS: what the broker says of itself, in the topics that mosquitto has made customary.

Nothing is computed or sent while nobody has subscribed. A subscriber is given every value at once, as
retained messages, and from then on those that have changed, every `interval_s`.
"""

from collections.abc import Callable

from runtime.mqtt.broker.alarms import Alarm, Alarms
from runtime.mqtt.broker.router import SYSTEM_LEVEL, Router
from runtime.mqtt.publish import NS_PER_S, Publish, make_publish


class SystemTopics:
    """Publishes `figures`, which are told the time and give name and value, through `router`."""

    __slots__ = ("_alarm", "_alarms", "_figures", "_interval_ns", "_router", "_told")

    def __init__(
        self, router: Router, alarms: Alarms, interval_s: int, figures: Callable[[int], dict[str, object]]
    ) -> None:
        self._router = router
        self._alarms = alarms
        self._interval_ns = interval_s * NS_PER_S
        self._figures = figures
        self._alarm = Alarm(self._ring)
        self._told: dict[str, str] = {}
        router.watch_system = self.watch

    def watch(self, now_ns: int) -> list[Publish]:
        """Somebody has subscribed: all values of now; changes follow."""
        if self._alarm.due_ns is None and self._interval_ns:
            self._told = self._values(now_ns)
            self._alarms.set(self._alarm, now_ns + self._interval_ns)
        return [_message(name, value, retain=True) for name, value in self._values(now_ns).items()]

    def _ring(self, now_ns: int) -> None:
        if not self._router.has_system_interest:
            self._told = {}
            return
        values = self._values(now_ns)
        for name, value in values.items():
            if self._told.get(name) != value:
                self._router.publish(_message(name, value, retain=False), None, now_ns)
        self._told = values
        self._alarms.set(self._alarm, now_ns + self._interval_ns)

    def _values(self, now_ns: int) -> dict[str, str]:
        return {name: str(value) for name, value in self._figures(now_ns).items()}


def _message(name: str, value: str, *, retain: bool) -> Publish:
    return make_publish(f"{SYSTEM_LEVEL}/broker/{name}", value.encode(), retain=retain)
