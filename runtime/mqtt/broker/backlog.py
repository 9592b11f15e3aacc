"""Sessions with more to send than one turn has room for: what they are owed leaves a few at a time."""

from typing import Final, Protocol

from runtime.mqtt.broker.alarms import Alarm, Alarms

AT_ONCE: Final = 100
"""Messages that a session sends in one turn."""
_PAUSE_NS: Final = 1_000_000


class Behind(Protocol):
    """A session that has not sent all it could."""

    def catch_up(self, now_ns: int, /) -> None:
        """Send some of it, and come back to the backlog with what is left."""


class Backlog:
    """Who is behind, in the order of coming; one of them goes on every millisecond."""

    __slots__ = ("_alarm", "_alarms", "_behind")

    def __init__(self, alarms: Alarms) -> None:
        self._alarms = alarms
        self._alarm = Alarm(self._go_on)
        self._behind: dict[Behind, None] = {}

    def add(self, session: Behind, now_ns: int) -> None:
        """`session` could send more; once more is the same as once."""
        if not self._behind:
            self._alarms.set(self._alarm, now_ns + _PAUSE_NS)
        self._behind[session] = None

    def _go_on(self, now_ns: int) -> None:
        session = next(iter(self._behind))
        del self._behind[session]
        if self._behind:
            self._alarms.set(self._alarm, now_ns + _PAUSE_NS)
        session.catch_up(now_ns)
