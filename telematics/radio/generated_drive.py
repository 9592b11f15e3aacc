"""A drive that nobody drove: a seeded recording in G-NetTrack's format, so that the product needs no other.

A car leaves a harbour, crosses the city, follows an arterial road, climbs through a valley with weak
cover, loses it behind a ridge and comes back. Speed obeys an acceleration; reception is a mean per leg
with correlated shadowing (Gudmundson 1991: correlation exp(-distance / 100 m), between the 50 m of
towns and the 120 m of open country in 3GPP TR 38.901).
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import cos, exp, hypot, radians
from typing import NamedTuple

from telematics.randomness import RandomStream

HEADER = (
    "Timestamp,Longitude,Latitude,Speed,Operatorname,CellID,NetworkMode,RSRP,RSRQ,SNR,CQI,RSSI,DL_bitrate,"
    "UL_bitrate,State,PINGAVG,PINGMIN,PINGMAX,PINGSTDEV,PINGLOSS,CELLHEX,NODEHEX,LACHEX,RAWCELLID,NRxRSRP,NRxRSRQ"
)


class Leg(NamedTuple):
    """A part of the way: `mean_dbm` is None where no cell is received; lights stop the car every so often."""

    length_s: int
    speed_kmh: float
    mode: str
    mean_dbm: float | None
    sigma_db: float
    lights_every_s: int = 0


HARBOUR_LOOP = (
    Leg(30, 0, "5G", -78, 1.5),
    Leg(100, 38, "5G", -83, 5, lights_every_s=40),
    Leg(70, 45, "LTE", -89, 6, lights_every_s=45),
    Leg(105, 72, "LTE", -92, 5),
    Leg(60, 60, "LTE", -101, 3.5),
    Leg(30, 55, "LTE", -107, 2),
    Leg(25, 55, "-", None, 0),
    Leg(35, 58, "LTE", -105, 2.5),
    Leg(65, 65, "LTE", -95, 4),
    Leg(60, 36, "5G", -86, 5, lights_every_s=35),
    Leg(20, 0, "5G", -79, 1.5),
)
"""Ten minutes."""

HARBOUR_LOOP_SEED = "harbour loop"
"""Of the stream that drew `scenarios/drives/harbour_loop.csv`."""

START = datetime(2024, 5, 14, 8, 0, 0, tzinfo=UTC)
ORIGIN = (31.24, 121.49)
ROUTE_M = (
    (0, 0),
    (600, 250),
    (1400, 200),
    (2600, 1500),
    (3300, 2900),
    (2500, 3900),
    (900, 3400),
    (-300, 1500),
)
"""Corners of the loop, in metres east and north; it is scaled to the distance driven."""

ACCELERATION_KMH_PER_S = 6.0
DECORRELATION_M = 100.0
LIGHT_STOP_S = 9
M_PER_DEGREE = 111_320.0


def generate_drive(random_stream: RandomStream, legs: tuple[Leg, ...] = HARBOUR_LOOP) -> Iterator[str]:
    """The lines of a recording, header first, without line ends; the same stream gives the same lines."""
    yield HEADER
    seconds = [leg for leg in legs for _ in range(leg.length_s)]
    speeds_kmh = list(_speeds(seconds, random_stream))
    distance_m = sum(speeds_kmh) / 3.6
    driven_m = 0.0
    shadow = random_stream.gauss(0, 1)
    for second, (leg, speed_kmh) in enumerate(zip(seconds, speeds_kmh, strict=True)):
        step_m = speed_kmh / 3.6
        driven_m += step_m
        correlation = exp(-step_m / DECORRELATION_M)
        shadow = correlation * shadow + (1 - correlation**2) ** 0.5 * random_stream.gauss(0, 1)
        east_m, north_m = _position(driven_m / distance_m if distance_m else 0.0, distance_m)
        latitude = ORIGIN[0] + north_m / M_PER_DEGREE
        longitude = ORIGIN[1] + east_m / (M_PER_DEGREE * cos(radians(ORIGIN[0])))
        moment = (START + timedelta(seconds=second)).strftime("%Y.%m.%d_%H.%M.%S")
        yield f"{moment},{longitude:.5f},{latitude:.5f},{speed_kmh:.0f},A,{_radio(leg, shadow, second)}"


def _speeds(seconds: list[Leg], random_stream: RandomStream) -> Iterator[float]:
    """Speed at each second: towards the leg's own, standing at some of its lights."""
    speed_kmh, standing_s, since_light_s = 0.0, 0, 0
    for leg in seconds:
        target_kmh = leg.speed_kmh * random_stream.uniform(0.97, 1.03)
        since_light_s += 1
        if leg.lights_every_s and since_light_s >= leg.lights_every_s:
            since_light_s = 0
            standing_s = LIGHT_STOP_S if random_stream.random() < 0.7 else 0
        if standing_s:
            standing_s -= 1
            target_kmh = 0.0
        change_kmh = max(-2 * ACCELERATION_KMH_PER_S, min(ACCELERATION_KMH_PER_S, target_kmh - speed_kmh))
        speed_kmh = max(speed_kmh + change_kmh, 0.0)
        yield speed_kmh


def _position(share: float, distance_m: float) -> tuple[float, float]:
    """Metres east and north after `share` of the loop, which is `distance_m` long."""
    corners = [*ROUTE_M, ROUTE_M[0]]
    sides = [hypot(x1 - x0, y1 - y0) for (x0, y0), (x1, y1) in pairwise(corners)]
    scale = distance_m / sum(sides)
    left = min(share, 1.0) * sum(sides)
    for ((x0, y0), (x1, y1)), side in zip(pairwise(corners), sides, strict=True):
        if left <= side:
            part = left / side
            return (x0 + part * (x1 - x0)) * scale, (y0 + part * (y1 - y0)) * scale
        left -= side
    return corners[-1][0] * scale, corners[-1][1] * scale


def _radio(leg: Leg, shadow: float, second: int) -> str:
    """The columns from CellID on; RSRQ, SNR, CQI and RSSI follow RSRP loosely."""
    if leg.mean_dbm is None:
        return "-,-,-,-,-,-,-,-,-,I" + ",-" * 11
    rsrp_dbm = min(max(round(leg.mean_dbm + leg.sigma_db * shadow), -109), -60)
    snr_db = max(min((rsrp_dbm + 112) // 2, 25), 0)
    rsrq_db = -8 - max(0, (-85 - rsrp_dbm) // 5)
    cqi = max(1, min(15, snr_db // 2 + 3))
    cell = 11 + second // 60
    return f"{cell},{leg.mode},{rsrp_dbm},{rsrq_db},{snr_db},{cqi},{rsrp_dbm + 25},-,-,I" + ",-" * 11
