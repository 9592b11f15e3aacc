"""Reception in the four steps of D-38, and what each step means for the link.

D-38 gives loss and latency per level. Its latency is taken as the round trip, half of it each way: that is
what a ping shows. It gives no rate; where no trace does either, the technology's usual rate holds.
"""

from contracts.link import LinkConditions, LinkState
from contracts.modem import SignalLevel

BASE_DBM = -70.0
"""Reception with nothing in the way (D-38)."""

GOOD_FROM_DBM = -85.0
FAIR_FROM_DBM = -100.0
POOR_FROM_DBM = -110.0

LOSS_AND_ROUND_TRIP_MS = {
    SignalLevel.GOOD: (0.0, 80.0),
    SignalLevel.FAIR: (0.01, 200.0),
    SignalLevel.POOR: (0.10, 800.0),
}
"""Share of lost segments and latency per level (D-38); NONE has neither, the link is down."""

USUAL_RATES_BPS = {
    "5G": (100_000_000, 20_000_000),
    "4G": (13_000_000, 6_000_000),
    "3G": (2_500_000, 1_000_000),
    "2G": (200_000, 100_000),
}
"""Down and up. 4G: medians of drive tests; 2G, 3G and 5G: a value inside the published ranges
(0.1–0.4, 0.5–5 and 50–500 Mbit/s), an assumption."""

PEAK_LOAD_SHARE = 0.05
"""What a crowded cell leaves of its rate: an assumption."""

PEAK_LOAD_DELAY_MS = 250.0
"""What a crowded cell adds each way: an assumption."""

CSQ_UNKNOWN = 99


def level_of(rsrp_dbm: float | None) -> SignalLevel:
    """The level of D-38; None, no cell, is NONE."""
    if rsrp_dbm is None or rsrp_dbm < POOR_FROM_DBM:
        return SignalLevel.NONE
    if rsrp_dbm < FAIR_FROM_DBM:
        return SignalLevel.POOR
    return SignalLevel.FAIR if rsrp_dbm < GOOD_FROM_DBM else SignalLevel.GOOD


def link_conditions(
    level: SignalLevel,
    technology: str,
    *,
    rate_down_bps: int | None = None,
    rate_up_bps: int | None = None,
    peak_load: bool = False,
) -> LinkConditions:
    """What a link at `level` offers; rates that are None are the technology's usual ones."""
    if level is SignalLevel.NONE:
        return LinkConditions(up=False)
    loss, round_trip_ms = LOSS_AND_ROUND_TRIP_MS[level]
    usual_down_bps, usual_up_bps = USUAL_RATES_BPS.get(technology, USUAL_RATES_BPS["4G"])
    down_bps = usual_down_bps if rate_down_bps is None else rate_down_bps
    up_bps = usual_up_bps if rate_up_bps is None else rate_up_bps
    delay_ms = round_trip_ms / 2
    if peak_load:
        down_bps = max(round(down_bps * PEAK_LOAD_SHARE), 1)
        up_bps = max(round(up_bps * PEAK_LOAD_SHARE), 1)
        delay_ms += PEAK_LOAD_DELAY_MS
    return LinkConditions(
        rate_up_bps=up_bps, rate_down_bps=down_bps, delay_up_ms=delay_ms, delay_down_ms=delay_ms, loss=loss
    )


def link_state(level: SignalLevel, *, data: bool, peak_load: bool) -> LinkState:
    """DOWN without an IP bearer, SLOW while reception is POOR or the cell crowded, else UP."""
    if not data:
        return LinkState.DOWN
    return LinkState.SLOW if peak_load or level is SignalLevel.POOR else LinkState.UP


def csq_of(dbm: float | None) -> int:
    """`<rssi>` of +CSQ (TS 27.007 clause 8.5): 0 is -113 dBm or less, 31 is -51 or more, 99 unknown."""
    return CSQ_UNKNOWN if dbm is None else min(max(int((dbm + 113) // 2), 0), 31)


def dbm_of_csq(csq: int) -> float | None:
    """D-38: n is -113 + 2n dBm; 99, or anything that is no reading, is None."""
    return -113.0 + 2 * csq if 0 <= csq <= 31 else None
