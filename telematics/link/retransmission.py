"""When TCP tries again: the retransmission timer of RFC 6298 as Linux keeps it, in nanoseconds.

The time-out is the round trip plus 200 ms (Linux' lower bound of the variance term in SRTT + 4·RTTVAR,
RFC 6298 section 2), doubles with every failed attempt (5.5) and is capped at 120 s (Linux' TCP_RTO_MAX;
2.5 allows any cap from 60 s on). A segment sent at t into an outage is therefore tried again at
t + RTO·(2^k - 1). Round trips of 0 and 200 ms give the usual starts of 0.2 s and 0.4 s.

A real stack gives a connection up after about a quarter of an hour (tcp_retries2); here it tries for
ever, because MQTT's keep-alive closes it long before.
"""

from contracts.link import LinkConditions

RTO_MARGIN_NS = 200_000_000
"""What the time-out adds to the round trip."""

RTO_MAX_NS = 120_000_000_000
"""Beyond this the time-out does not double."""


def first_rto_ns(conditions: LinkConditions) -> int:
    """Time-out of a connection that has measured the round trip of `conditions`."""
    round_trip_ms = conditions.delay_up_ms + conditions.delay_down_ms
    return min(round(round_trip_ms * 1_000_000) + RTO_MARGIN_NS, RTO_MAX_NS)


def backed_off_ns(rto_ns: int) -> int:
    """Time-out after one more failed attempt."""
    return min(rto_ns * 2, RTO_MAX_NS)
