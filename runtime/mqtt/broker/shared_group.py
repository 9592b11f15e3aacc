"""Shared subscriptions, section 4.8.2: each message goes to one session of a group."""

from typing import NamedTuple

from runtime.mqtt.broker.ledger import OwnedPublish
from runtime.mqtt.broker.session import Session
from runtime.mqtt.publish import Publish


class _Member(NamedTuple):
    session: Session
    qos: int
    retain_as_published: bool
    identifiers: tuple[int, ...]


class SharedGroup:
    """The sessions that share one `$share/NAME/FILTER`, taken in turn.

    A session that can send at once goes before one that is connected, and that before one that is away:
    a message does not wait for a car in a garage while another one listens.
    """

    __slots__ = ("_members", "_next", "key")

    def __init__(self, key: str) -> None:
        self.key = key
        self._members: list[_Member] = []
        self._next = 0

    @property
    def is_empty(self) -> bool:
        """Whether nobody is left."""
        return not self._members

    def join(
        self, session: Session, qos: int, retain_as_published: bool, identifiers: tuple[int, ...]
    ) -> None:
        """`session` takes part, or takes part differently."""
        self.leave(session)
        self._members.append(_Member(session, qos, retain_as_published, identifiers))

    def leave(self, session: Session) -> None:
        """`session` takes no part any more."""
        for index, member in enumerate(self._members):
            if member.session is session:
                del self._members[index]
                self._next -= index < self._next
                return

    def deliver(self, message: Publish, now_ns: int, *, has_waited: bool = False) -> None:
        """Give `message` to the member whose turn it is; one that `has_waited` has less of its life left."""
        member = self._choose()
        if member is None:
            return
        session, qos, retain_as_published, identifiers = member
        if identifiers:
            message = message.subscribed_by(identifiers)
        retain = message.retain and retain_as_published
        owned = message.copy_to(OwnedPublish(), min(qos, message.qos), retain)
        owned.group_key = self.key
        if has_waited:
            session.deliver_later(owned, now_ns)
        else:
            session.deliver(owned, now_ns)

    def _choose(self) -> _Member | None:
        members = self._members
        best = None
        best_rank = 3
        size = len(members)
        for step in range(size):
            index = (self._next + step) % size
            session = members[index].session
            rank = 0 if session.is_free else 1 if session.road is not None else 2
            if rank < best_rank:
                best, best_rank = index, rank
                if not rank:
                    break
        if best is None:
            return None
        self._next = (best + 1) % size
        return members[best]
