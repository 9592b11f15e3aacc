"""What the presenter is told by the car's services: one immutable record of everything the car knows now.

Instants are bench-time milliseconds by the car's clock unless a name says otherwise; `server_skew_ms`
added to one gives the backend's time (R-002).
"""

from enum import StrEnum

import msgspec

from contracts.messages import Catalogue, Disturbance, Snapshot
from contracts.modem import ModemStatus


class RequestKind(StrEnum):
    """What the car has asked the backend and not heard about yet."""

    PLACE = "place"
    CHANGE = "change"
    CANCEL = "cancel"


class PendingRequest(msgspec.Struct, frozen=True):
    """A request whose answer is awaited; `key` is its message key, `since_ms` when the driver asked."""

    kind: RequestKind
    key: str
    since_ms: int


class Motion(msgspec.Struct, frozen=True):
    """The newest speed reading (R-811); `motion_lock.observed` makes the next one from a bus reading.

    speed_kmh is None when the speed is not known; read_at_ms says when the reading was taken;
    standing_since_ms since when every reading has been zero without a break, None while moving.
    """

    speed_kmh: float | None = None
    read_at_ms: int | None = None
    standing_since_ms: int | None = None


UNKNOWN_MOTION = Motion()


class CarFacts(msgspec.Struct, frozen=True):
    """Everything the presenter is told.

    model is what the car is called, "" = not known. zone is an IANA name, "" = the market's own. session says
    whether the MQTT session with the backend is up; online_since_ms and offline_since_ms say when the car
    last came online and went offline, by session and modem together; last_sync_ms is when the newest
    catalogue or snapshot arrived. starting: the bench process is not up yet.
    """

    now_ms: int
    market: str = "CN"
    model: str = ""
    zone: str = ""
    modem: ModemStatus | None = None
    session: bool = False
    online_since_ms: int | None = None
    offline_since_ms: int | None = None
    last_sync_ms: int | None = None
    catalogue: Catalogue | None = None
    snapshot: Snapshot | None = None
    server_skew_ms: int = 0
    motion: Motion = UNKNOWN_MOTION
    disturbance: Disturbance | None = None
    request: PendingRequest | None = None
    starting: bool = False

    @property
    def server_now_ms(self) -> int:
        """Now by the backend's clock, which decides (R-002)."""
        return self.now_ms + self.server_skew_ms
