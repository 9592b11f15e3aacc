"""Whoever wants to know what becomes of the backend's MQTT session, and its ups and downs in the journal."""

from collections.abc import Callable

from runtime.ports import Journal

PacketListener = Callable[[str, str, str, int], None]
"""Called with way, kind, key and size of a message that passes."""


class SessionWatch:
    """Hears what the MQTT session does, journals it and passes it on."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._on_packet: list[PacketListener] = []
        self._on_change: list[Callable[[], None]] = []
        self._on_session: list[Callable[[bool], None]] = []

    def on_packet(self, listener: PacketListener) -> None:
        """Have `listener` called with every message that passes."""
        self._on_packet.append(listener)

    def on_change(self, listener: Callable[[], None]) -> None:
        """Have `listener` called when the outbox may have another depth."""
        self._on_change.append(listener)

    def on_session(self, listener: Callable[[bool], None]) -> None:
        """Have `listener` called when the session comes up or goes down."""
        self._on_session.append(listener)

    def outbox_changed(self) -> None:
        """The outbox may have another depth."""
        for listener in self._on_change:
            listener()

    def packet_passed(self, way: str, kind: str, key: str, size: int) -> None:
        """A message has passed."""
        for listener in self._on_packet:
            listener(way, kind, key, size)

    def refused(self, reason: str, refused: bool) -> None:
        """The broker cannot be reached, or has refused the session.

        A road that is closed is no event of its own: the attempts that find it so differ from rig to rig.
        """
        if refused:
            self._journal.record("session", "backend", "refused", reason=reason)

    def session_changed(self, is_up: bool, trouble: str) -> None:
        """The session is up, or down because of `trouble`."""
        if is_up:
            self._journal.record("session", "backend", "up")
        else:
            self._journal.record("session", "backend", "down", reason=trouble)
        for listener in self._on_session:
            listener(is_up)
