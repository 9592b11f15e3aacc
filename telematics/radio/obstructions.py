"""What stands between car and cell, by hand or by script, and what it does to reception (D-38, R-804)."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from contracts.bench import ImpairmentKind
from telematics.errors import TimelineError
from telematics.radio.timeline import quantised_dbm

ATTENUATION_DB = {
    ImpairmentKind.BRIDGE: 20.0,
    ImpairmentKind.BUILDING: 30.0,
    ImpairmentKind.GARAGE: 45.0,
}
"""Losses of D-38; different obstructions add up."""

SILENCING = frozenset({ImpairmentKind.TUNNEL, ImpairmentKind.NO_COVERAGE, ImpairmentKind.OPERATOR_DOWN})
"""Nothing is received at all. D-38 gives a tunnel 60 dB, below NONE from the base of -70 dBm; here it is
NONE whatever the cell, and an operator that is down radiates nothing."""


def received_dbm(rsrp_dbm: float | None, kinds: Collection[ImpairmentKind]) -> float | None:
    """What is left of `rsrp_dbm` behind `kinds`; None when nothing is."""
    if rsrp_dbm is None or any(kind in SILENCING for kind in kinds):
        return None
    return quantised_dbm(rsrp_dbm - sum(ATTENUATION_DB.get(kind, 0.0) for kind in kinds))


class ScriptedImpairment(NamedTuple):
    """`kind` is at work from `from_ns` until `until_ns`, since the start of the drive."""

    kind: ImpairmentKind
    from_ns: int
    until_ns: int


class ImpairmentScript:
    """Impairments with a beginning and an end. Raises TimelineError for one that ends before it begins."""

    __slots__ = ("_edges", "_intervals")

    def __init__(self, intervals: Iterable[ScriptedImpairment] = ()) -> None:
        self._intervals = tuple(intervals)
        for interval in self._intervals:
            if interval.until_ns < interval.from_ns:
                raise TimelineError(f"{interval.kind.value} ends before it begins")
        edges = {edge_ns for interval in self._intervals for edge_ns in interval[1:]}
        self._edges = sorted(edges)

    def active_at(self, t_ns: int) -> frozenset[ImpairmentKind]:
        """What is at work at `t_ns`; an interval holds its first instant and not its last."""
        return frozenset(i.kind for i in self._intervals if i.from_ns <= t_ns < i.until_ns)

    def next_edge_after(self, t_ns: int) -> int | None:
        """When something begins or ends next, later than `t_ns`."""
        return next((edge_ns for edge_ns in self._edges if edge_ns > t_ns), None)
