"""What the broker has done so far, for benches and reports."""


class Counts:
    """Plain counters, read at any time.

    `messages_in` PUBLISH taken from clients and wills, `messages_out` PUBLISH written to clients,
    `redelivered` those of them with DUP, `acknowledged` PUBACK and PUBCOMP that clients sent for them,
    `dropped` messages lost to a full queue or a client's Maximum Packet Size, or not retained for want of
    room, `expired` messages whose Message Expiry Interval passed before their delivery began, `refused`
    packets that a limit or the standard forbade, `connections_refused` connections beyond
    `max_connections`, `half_open_closed` connections closed before their CONNECT for the sake of new ones.
    """

    __slots__ = (
        "acknowledged",
        "connections_refused",
        "dropped",
        "expired",
        "half_open_closed",
        "messages_in",
        "messages_out",
        "redelivered",
        "refused",
    )

    def __init__(self) -> None:
        self.messages_in = 0
        self.messages_out = 0
        self.redelivered = 0
        self.acknowledged = 0
        self.dropped = 0
        self.expired = 0
        self.refused = 0
        self.connections_refused = 0
        self.half_open_closed = 0

    def __repr__(self) -> str:
        return f"Counts({', '.join(f'{name}={getattr(self, name)}' for name in self.__slots__)})"
