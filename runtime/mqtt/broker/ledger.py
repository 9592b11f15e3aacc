"""Where sessions and retained messages are written down, so that they survive the broker.

The core says what has changed as it changes; the shell calls `commit` once after each turn, before
anything that was written to a client in that turn leaves. What a client has been told is therefore kept.
"""

from typing import NamedTuple, Protocol

from runtime.mqtt.publish import Publish
from runtime.mqtt.subscribe_packets import Subscription


class OwnedPublish(Publish):
    """A message that belongs to one session alone.

    `row` is its place in the ledger, 0 without one; `group_key` the shared subscription it was drawn for.
    """

    __slots__ = ("group_key", "row")

    def __init__(self) -> None:
        self.row = 0
        self.group_key = ""


class Release:
    """What is left of a QoS 2 message once PUBREC has come: its identifier waits for PUBCOMP."""

    __slots__ = ("row",)

    def __init__(self, row: int = 0) -> None:
        self.row = row


class KeptSession(NamedTuple):
    """A session as it was written down.

    `ends_ns` is when it expires, None while it was connected; the will is due `will_due_ns`, None likewise.
    """

    client_id: str
    expiry_s: int
    ends_ns: int | None
    will: Publish | None
    will_delay_s: int
    will_due_ns: int | None
    subscriptions: list[tuple[Subscription, int]]
    queue: list[Publish]
    sent: dict[int, Publish | Release]
    incoming: list[int]


class Ledger(Protocol):
    """The port; instants are those of the broker's own clock."""

    def sessions(self) -> list[KeptSession]:
        """All sessions, in the order in which they began."""

    def retained(self) -> list[Publish]:
        """All retained messages, in the order in which they came."""

    def begin(self, client_id: str) -> None:
        """A session begins."""

    def attach(self, client_id: str, expiry_s: int, will: Publish | None, will_delay_s: int) -> None:
        """Its client is connected."""

    def detach(self, client_id: str, ends_ns: int | None, will_due_ns: int | None) -> None:
        """Its client is gone: when it ends, None for never; when its will is due, None for no will."""

    def end(self, client_id: str) -> None:
        """The session ends, and all that was kept for it."""

    def subscribe(self, client_id: str, subscription: Subscription, identifier: int) -> None:
        """A subscription was made or replaced."""

    def unsubscribe(self, client_id: str, topic_filter: str) -> None:
        """A subscription was removed."""

    def retain(self, message: Publish) -> None:
        """The retained message of its topic; one without payload clears it."""

    def keep(self, client_id: str, message: Publish) -> OwnedPublish:
        """A message waits for `client_id`."""

    def sent(self, row: int, packet_id: int, qos: int) -> None:
        """It goes out under this identifier."""

    def released(self, row: int) -> None:
        """PUBREC has come for it."""

    def done(self, row: int) -> None:
        """It need not be kept any more."""

    def incoming(self, client_id: str, packet_id: int, *, is_open: bool) -> None:
        """The client has sent a QoS 2 message under this identifier, or has let go of it."""

    def commit(self) -> None:
        """Make all that has changed since the last commit survive. Raises LedgerError when it cannot."""

    def close(self) -> None:
        """Commit, and write nothing any more."""
