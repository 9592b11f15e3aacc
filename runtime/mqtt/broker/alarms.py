"""Due times of the broker: one heap, re-armed lazily so that moving a due time later costs nothing."""

from collections.abc import Callable
from heapq import heapify, heappop, heappush, heapreplace

_SWEEP_MIN = 256
"""How many alarms are too few to be swept."""


class Alarm:
    """Something that is due at `due_ns`, or not at all (None).

    Whoever owns it may move `due_ns` to a later instant, or to None, at will: the heap finds out when
    the earlier instant comes. To set an earlier instant, or one after None, goes through `Alarms.set`.
    """

    __slots__ = ("armed_ns", "due_ns", "fire")

    def __init__(self, fire: Callable[[int], None]) -> None:
        self.fire = fire
        self.due_ns: int | None = None
        self.armed_ns: int | None = None

    def retire(self) -> None:
        """Never ring again, and let go of the owner: the heap may keep this alarm for days yet."""
        self.due_ns = None
        self.fire = _nobody


def _nobody(now_ns: int) -> None:
    """Who owned a retired alarm."""


class Alarms:
    """All alarms of one broker, rung in order of due time, ties in the order in which they were set."""

    __slots__ = ("_heap", "_sequence", "_sweep_at")

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Alarm]] = []
        self._sequence = 0
        self._sweep_at = _SWEEP_MIN

    def __len__(self) -> int:
        """How many are kept, those that were called off and not let go of yet included."""
        return len(self._heap)

    def set(self, alarm: Alarm, due_ns: int) -> None:
        """Ring `alarm` at `due_ns` instead of when it was due before."""
        alarm.due_ns = due_ns
        if alarm.armed_ns is None or due_ns < alarm.armed_ns:
            self._arm(alarm, due_ns)

    def next_due(self) -> int | None:
        """The instant to call `advance` at: never later than the next alarm, now and then earlier."""
        return self._heap[0][0] if self._heap else None

    def advance(self, now_ns: int) -> None:
        """Ring all that is due by `now_ns`."""
        heap = self._heap
        while heap and heap[0][0] <= now_ns:
            armed_ns, _, alarm = heap[0]
            due_ns = alarm.due_ns
            if alarm.armed_ns != armed_ns:
                heappop(heap)
            elif due_ns is not None and due_ns > now_ns:
                alarm.armed_ns = due_ns
                self._sequence += 1
                heapreplace(heap, (due_ns, self._sequence, alarm))
            else:
                heappop(heap)
                alarm.armed_ns = alarm.due_ns = None
                if due_ns is not None:
                    alarm.fire(now_ns)

    def _arm(self, alarm: Alarm, due_ns: int) -> None:
        alarm.armed_ns = due_ns
        self._sequence += 1
        heappush(self._heap, (due_ns, self._sequence, alarm))
        if len(self._heap) > self._sweep_at:
            self._sweep()

    def _sweep(self) -> None:
        """Let go of what will not ring: an alarm that was called off may have been set for days ahead."""
        kept = []
        for entry in self._heap:
            armed_ns, _, alarm = entry
            if alarm.armed_ns != armed_ns:
                continue
            if alarm.due_ns is None:
                alarm.armed_ns = None
            else:
                kept.append(entry)
        heapify(kept)
        self._heap[:] = kept
        self._sweep_at = 2 * len(kept) + _SWEEP_MIN
