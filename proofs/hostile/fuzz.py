"""The first half of the proof: stories against the broker's core, a slice of them at a time."""

import gc
from collections import Counter
from typing import Final

import msgspec

from proofs.hostile.peer import FindingError
from proofs.hostile.story import Story
from runtime.mqtt.publish_scan import forget_layouts
from runtime.stopwatch import Stopwatch

PACKETS_IN_ALL: Final = 2_000_000
SEED: Final = 1
_WARM: Final = 20
"""Stories after which caches, free lists and interned strings are what they will be."""
_MAX_FINDINGS: Final = 10


class FuzzFigures(msgspec.Struct, kw_only=True):
    """What the stories so far have come to.

    `objects_grown` is how many more objects the interpreter tracks after the last story of a slice than
    after its twentieth, the largest of all slices: what a broker and its clients leave behind for good.
    """

    seed: int = SEED
    stories: int = 0
    packets: int = 0
    connections: int = 0
    accepted: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    reason_codes: dict[str, int] = {}
    objects_grown: int = 0
    elapsed_s: float = 0.0
    packets_per_s: int = 0
    findings: list[str] = []

    @property
    def is_done(self) -> bool:
        """Whether all packets have been sent, or enough is known."""
        return self.packets >= PACKETS_IN_ALL or len(self.findings) >= _MAX_FINDINGS

    @property
    def holds(self) -> bool:
        """No finding, and nothing left behind."""
        return not self.findings and self.objects_grown < 100


def play_stories(figures: FuzzFigures, slice_s: float, packets_in_all: int = PACKETS_IN_ALL) -> None:
    """Go on with the stories until `slice_s` are over or all packets are sent; `figures` grow."""
    watch = Stopwatch()
    codes = Counter(figures.reason_codes)
    before_s = figures.elapsed_s
    first = figures.stories
    warm = 0
    while figures.packets < packets_in_all and not figures.is_done and watch.elapsed_s() < slice_s:
        if figures.stories == first + _WARM:
            warm = _objects()
        _play(figures, codes)
        if figures.stories % 100 == 0:
            print(f"{figures.packets:,} packets, {len(figures.findings)} findings", flush=True)
    if warm:
        figures.objects_grown = max(figures.objects_grown, _objects() - warm)
    figures.reason_codes = {code: codes[code] for code in sorted(codes)}
    figures.elapsed_s = round(before_s + watch.elapsed_s(), 1)
    figures.packets_per_s = round(figures.packets / max(figures.elapsed_s, 0.1))


def _play(figures: FuzzFigures, codes: Counter[str]) -> None:
    story = Story(figures.seed, figures.stories)
    try:
        story.play()
    except FindingError as finding:
        again = f"python -m proofs.hostile --seed {figures.seed} --story {figures.stories}"
        figures.findings.append(f"{finding} ({again})")
        print(figures.findings[-1], flush=True)
    stage = story.stage
    figures.stories += 1
    figures.packets += story.packets
    figures.connections += stage.connections
    figures.accepted += stage.accepted
    figures.bytes_in += stage.bytes_in
    figures.bytes_out += stage.bytes_out
    for code, count in stage.codes.items():
        codes[f"0x{code:02X}"] += count


def _objects() -> int:
    # The layouts that PUBLISH properties are compared with are bounded, and many stories fill them.
    forget_layouts()
    gc.collect()
    return len(gc.get_objects())
