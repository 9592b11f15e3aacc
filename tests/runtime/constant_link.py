"""The smallest honest link model: a constant delay, an optional bound, and outages that hold everything."""

from collections import deque

from contracts.link import Delivered, Direction, LinkConditions


class ConstantLink:
    """A `LinkModel` with `delay_ms` one way and at most `room` bytes under way per direction.

    With `merge`, what arrives together is told as one delivery.
    """

    def __init__(self, *, delay_ms: float = 10.0, room: int = 1 << 30, merge: bool = False) -> None:
        self._merge = merge
        self._conditions = LinkConditions(delay_up_ms=delay_ms, delay_down_ms=delay_ms)
        self._room = room
        self._flows = 0
        self._under_way: tuple[deque[tuple[int, int, int]], deque[tuple[int, int, int]]] = (deque(), deque())

    @property
    def conditions(self) -> LinkConditions:
        return self._conditions

    def open_flow(self, now_ns: int) -> int:
        self._flows += 1
        return self._flows

    def close_flow(self, flow: int) -> None:
        for queue in self._under_way:
            kept = [entry for entry in queue if entry[1] != flow]
            queue.clear()
            queue.extend(kept)

    def enqueue(self, flow: int, direction: Direction, now_ns: int, n: int) -> int:
        queue = self._under_way[direction]
        taken = min(n, self._room - sum(entry[2] for entry in queue))
        if taken > 0:
            delay_ms = self._conditions.delay_down_ms if direction else self._conditions.delay_up_ms
            queue.append((now_ns + round(delay_ms * 1e6), flow, taken))
        return max(taken, 0)

    def next_due(self) -> int | None:
        if not self._conditions.up:
            return None
        return min((queue[0][0] for queue in self._under_way if queue), default=None)

    def advance(self, now_ns: int) -> list[Delivered]:
        events: list[tuple[int, Delivered]] = []
        for direction in Direction if self._conditions.up else ():
            queue = self._under_way[direction]
            while queue and queue[0][0] <= now_ns:
                due_ns, flow, n = queue.popleft()
                events.append((due_ns, Delivered(flow, direction, n)))
        events.sort(key=lambda event: event[0])
        deliveries: list[Delivered] = []
        for _, (flow, direction, n) in events:
            if self._merge and deliveries and deliveries[-1][:2] == (flow, direction):
                n += deliveries.pop().n
            deliveries.append(Delivered(flow, direction, n))
        return deliveries

    def set_conditions(self, now_ns: int, conditions: LinkConditions) -> None:
        self._conditions = conditions
