"""Where the time of a run goes, by room of the house and by library."""

import cProfile
import pstats
from collections.abc import Callable
from pathlib import Path

ROOMS = (
    "headunit/domain",
    "headunit/services",
    "headunit/sim",
    "backend_stub/domain",
    "backend_stub/service",
    "backend_stub/adapters",
    "backend_stub",
    "telematics",
    "contracts",
    "runtime/mqtt/broker",
    "runtime/mqtt",
    "runtime/virtual",
    "runtime",
)
LIBRARIES = ("sqlalchemy", "paho", "asyncio", "msgspec", "selectors")
ROOT = Path(__file__).parent.parent


def shares(run: Callable[[], object]) -> list[tuple[str, float]]:
    """Share of the CPU time of `run` by room and library, largest first."""
    profiler = cProfile.Profile()
    profiler.enable()
    run()
    profiler.disable()
    found: dict[str, float] = {}
    statistics = pstats.Stats(profiler)
    for (file, _, function), (_, _, own_s, _, _) in statistics.stats.items():  # type: ignore[attr-defined]
        room = _room(file, function)
        found[room] = found.get(room, 0.0) + own_s
    total = sum(found.values())
    return sorted(((room, own_s / total) for room, own_s in found.items()), key=lambda pair: -pair[1])


def print_shares(found: list[tuple[str, float]]) -> None:
    """One line for every room of a hundredth and more."""
    for room, share in found:
        if share >= 0.01:
            print(f"  {share:6.1%}  {room}")


def _room(file: str, function: str) -> str:
    if file == "~":
        return "SQLite and its module" if "sqlite3" in function else "built-in functions"
    path = Path(file)
    library = next((name for name in LIBRARIES if name in path.parts), "")
    if library or not path.is_relative_to(ROOT) or "site-packages" in path.parts:
        return library or "other libraries"
    inside = str(path.relative_to(ROOT))
    return next((room for room in ROOMS if inside.startswith(room)), "benchmarks")
