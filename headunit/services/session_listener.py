"""What the session tells the car."""

from typing import Protocol

from contracts.messages import Catalogue, Disturbance, OrderReply, Snapshot
from headunit.services.car_store import SentRequest


class SessionListener(Protocol):
    """What the car is told. Called after the transaction that caused it has committed."""

    def session_changed(self, up: bool) -> None:
        """The MQTT session has come up or gone down."""

    def catalogue_arrived(self, catalogue: Catalogue) -> None:
        """A catalogue has arrived."""

    def snapshot_arrived(self, snapshot: Snapshot, fresh: bool) -> None:
        """A snapshot has arrived; not `fresh` when an equal or newer revision was known (R-406)."""

    def answered(self, request: SentRequest, reply: OrderReply) -> None:
        """The request on its way has its answer."""

    def came_to_nothing(self, request: SentRequest) -> None:
        """No answer will come: an order was not placed; of a change or a cancellation nobody knows."""

    def disturbance_announced(self, disturbance: Disturbance) -> None:
        """The backend has announced an outage or its end (R-805)."""

    def outbox_changed(self, depth: int) -> None:
        """The number of messages that wait has changed."""

    def packet_seen(self, way: str, kind: str, key: str, size: int) -> None:
        """An application message went out or came in."""
