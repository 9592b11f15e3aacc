"""Text messages, and answers that are given twice alike."""

from dataclasses import dataclass
from typing import Protocol

from runtime.mqtt.port import OutgoingMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class Sms:
    """A message on its way: to a phone, or to the e-mail address `number`; the link ends with its token.

    `purpose` is what it is for, `order_number` the order it is about, if any; `arrived_at_ms` is None
    while it is under way or when it is lost.
    """

    sms_id: int = 0
    order_number: str = ""
    number: str
    text: str
    url: str
    sent_at_ms: int = 0
    lost: bool = False
    arrived_at_ms: int | None = None
    purpose: str = "payment"

    @property
    def token(self) -> str:
        """The secret at the end of the link."""
        return self.url.rpartition("/")[2]


class SmsRows(Protocol):
    """Text messages in the store."""

    def add(self, sms: Sms) -> Sms:
        """Keep a message; returns it with its id."""

    def arrive(self, sms_id: int, at_ms: int) -> Sms | None:
        """The message has reached the phone."""

    def arrived(self) -> tuple[Sms, ...]:
        """What the phone has received, newest first."""

    def newest(self, number: str, purpose: str) -> Sms | None:
        """The newest message for a purpose that has arrived at a number or address."""


class AnswerRows(Protocol):
    """Answers to requests: whoever repeats a request gets the same answer, under the same key."""

    def keep(self, request: str, answer: OutgoingMessage) -> None:
        """Remember the answer to a request."""

    def get(self, request: str) -> OutgoingMessage | None:
        """The answer to a request, None when it has none."""
