"""The outbox port: messages committed with the state change that caused them, sent when there is a road."""

from typing import NamedTuple, Protocol

from runtime.mqtt.port import OutgoingMessage


class OutboxEntry(NamedTuple):
    """One message that waits, `seq` rising in commit order; expired at bench instant `expires_at_ms`."""

    seq: int
    message: OutgoingMessage
    expires_at_ms: int | None


class Outbox(Protocol):
    """A durable queue inside the program's own database."""

    def add(self, message: OutgoingMessage, expires_at_ms: int | None = None) -> int:
        """Append, inside the transaction that is open; returns `seq`. A key already there adds nothing."""

    def pending(self, after_seq: int, limit: int) -> list[OutboxEntry]:
        """Committed entries with seq > `after_seq`, in order."""

    def delete(self, seq: int) -> None:
        """The receiver's broker has it (PUBACK below 0x80), or it has expired."""

    def dead_letter(self, seq: int, reason_code: int) -> None:
        """The broker refuses it for good (PUBACK 0x80 or above): keep it aside."""

    def depth(self) -> int:
        """How many entries wait."""


class Inbox(Protocol):
    """Keys of messages that have taken effect."""

    def first_time(self, key: str, at_ms: int) -> bool:
        """Remember `key`, inside the transaction that is open; False when it was there already."""

    def dead_letter(self, topic: str, payload: bytes, reason: str, at_ms: int) -> None:
        """Keep a message that does not keep its contract."""
