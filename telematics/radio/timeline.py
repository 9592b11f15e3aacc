"""A radio timeline: what reception, rates, speed and position are at every instant of a drive."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from telematics.errors import TimelineError
from telematics.radio.rate_trace import RateTrace

NS_PER_S = 1_000_000_000


class RadioPoint(NamedTuple):
    """What holds from `at_ns` (since the start of the drive) until the next point.

    technology is "5G", "4G", "3G", "2G" or ""; rsrp_dbm is None where no cell is received; rates are
    what the cell would give in bits per second, None = unknown; speed and position are None when unknown.
    """

    at_ns: int
    technology: str = "4G"
    rsrp_dbm: float | None = None
    rate_down_bps: int | None = None
    rate_up_bps: int | None = None
    speed_kmh: float | None = None
    latitude: float | None = None
    longitude: float | None = None


def quantised_dbm(dbm: float | None) -> float | None:
    """`dbm` in steps of 0.01 dB, so that no last digit of a float decides anything."""
    return None if dbm is None else round(dbm, 2)


class RadioTimeline:
    """Change points in order of time, seekable; after the last one its values hold for ever.

    points must begin at 0 and rise; those that change nothing are dropped. duration_ns is the length of
    the drive, by default the last point's instant. Raises TimelineError.
    """

    __slots__ = ("_instants", "duration_ns", "points")

    def __init__(self, points: Iterable[RadioPoint], duration_ns: int | None = None) -> None:
        kept: list[RadioPoint] = []
        last_ns = -1
        for point in points:
            if point.at_ns <= last_ns or (last_ns < 0 and point.at_ns != 0):
                raise TimelineError(f"points must begin at 0 and rise; {point.at_ns} ns follows {last_ns} ns")
            last_ns = point.at_ns
            point = point._replace(rsrp_dbm=quantised_dbm(point.rsrp_dbm))
            if not kept or point[1:] != kept[-1][1:]:
                kept.append(point)
        if not kept:
            raise TimelineError("a timeline needs at least one point")
        self.points: tuple[RadioPoint, ...] = tuple(kept)
        self.duration_ns = last_ns if duration_ns is None else max(duration_ns, last_ns)
        self._instants = [point.at_ns for point in kept]

    @classmethod
    def constant(cls, rsrp_dbm: float | None, technology: str = "4G") -> "RadioTimeline":
        """The same reception for ever, speed and position unknown."""
        return cls([RadioPoint(0, technology, rsrp_dbm)])

    def at(self, t_ns: int) -> RadioPoint:
        """What holds at `t_ns`; before the start that is the first point."""
        return self.points[max(bisect_right(self._instants, t_ns) - 1, 0)]

    def next_change_after(self, t_ns: int) -> int | None:
        """The first change later than `t_ns`, or None when all holds from there on."""
        index = bisect_right(self._instants, t_ns)
        return self._instants[index] if index < len(self._instants) else None

    def excerpt(self, from_s: float = 0.0, until_s: float | None = None) -> "RadioTimeline":
        """The piece between two seconds, beginning at 0. Raises TimelineError when it is empty."""
        from_ns = round(from_s * NS_PER_S)
        until_ns = self.duration_ns if until_s is None else min(round(until_s * NS_PER_S), self.duration_ns)
        if from_ns < 0 or (until_ns <= from_ns and from_ns > 0) or until_ns < 0:
            raise TimelineError(
                f"nothing lies between second {from_s} and second {until_s}: "
                f"the drive is {self.duration_ns / NS_PER_S:g} s long"
            )
        inside = [point for point in self.points if from_ns < point.at_ns < until_ns]
        cut = [self.at(from_ns)._replace(at_ns=0)]
        cut += [point._replace(at_ns=point.at_ns - from_ns) for point in inside]
        return RadioTimeline(cut, until_ns - from_ns)

    def delayed(self, park_before_s: float) -> "RadioTimeline":
        """The same drive after standing at its first point for so long."""
        park_ns = round(park_before_s * NS_PER_S)
        if park_ns < 0:
            raise TimelineError(f"a car cannot park for {park_before_s} s")
        if park_ns == 0:
            return self
        parked = [self.points[0]._replace(speed_kmh=0.0)]
        drive = [point._replace(at_ns=point.at_ns + park_ns) for point in self.points]
        return RadioTimeline(parked + drive, self.duration_ns + park_ns)

    def with_levels(self, levels: Sequence[tuple[float, float | None]]) -> "RadioTimeline":
        """The same drive, its reception replaced by pairs (from second, RSRP in dBm).

        Before the first pair the drive's own reception holds. Raises TimelineError when they do not rise.
        """
        steps = [(round(second * NS_PER_S), dbm) for second, dbm in levels]
        if any(later[0] <= earlier[0] for earlier, later in pairwise(steps)):
            raise TimelineError("levels must rise in time")
        starts = [at_ns for at_ns, _ in steps]
        points = []
        for at_ns in sorted({*self._instants, *starts}):
            index = bisect_right(starts, at_ns) - 1
            point = self.at(at_ns)._replace(at_ns=at_ns)
            points.append(point if index < 0 else point._replace(rsrp_dbm=steps[index][1]))
        return RadioTimeline(points, max(self.duration_ns, points[-1].at_ns))

    def with_rates(self, down: RateTrace | None, up: RateTrace | None) -> "RadioTimeline":
        """The same drive with the rates of traces, which start over until the drive ends.

        A drive shorter than a trace is as long as the trace. After that the last rates hold.
        """
        traces = [trace for trace in (down, up) if trace is not None]
        duration_ns = max([self.duration_ns, *(trace.period_ns for trace in traces)])
        instants = set(self._instants)
        for trace in traces:
            instants.update(trace.changes_until(duration_ns))
        points = []
        for at_ns in sorted(instants):
            point = self.at(at_ns)._replace(at_ns=at_ns)
            if down is not None:
                point = point._replace(rate_down_bps=down.at(at_ns))
            if up is not None:
                point = point._replace(rate_up_bps=up.at(at_ns))
            points.append(point)
        return RadioTimeline(points, duration_ns)
