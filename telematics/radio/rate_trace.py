"""Recorded rates of real links: mahimahi's delivery slots and tables of `seconds<TAB>Mbit/s`.

A rate of 0 in a recording becomes 1 bit/s, because 0 means "unlimited" to the link: the segment on the
wire crawls until the next change and nothing is lost.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

from telematics.errors import TraceFileError

SLOT_BYTES = 1500
"""What one line of a mahimahi trace may deliver."""

CRAWL_BPS = 1

LONGEST_MS = 7 * 24 * 3_600_000
"""A trace that says it lasts longer than a week holds a slip of the pen."""

NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000


class RateTrace:
    """A rate that changes at given instants and starts over after `period_ns`."""

    __slots__ = ("_instants", "_rates_bps", "period_ns")

    def __init__(self, steps: Sequence[tuple[int, int]], period_ns: int) -> None:
        self._instants = [at_ns for at_ns, _ in steps]
        self._rates_bps = [max(bps, CRAWL_BPS) for _, bps in steps]
        self.period_ns = period_ns

    def at(self, t_ns: int) -> int:
        """Bits per second at `t_ns`."""
        return self._rates_bps[max(bisect_right(self._instants, t_ns % self.period_ns) - 1, 0)]

    def changes_until(self, until_ns: int) -> Iterator[int]:
        """Every instant before `until_ns` at which a step begins."""
        for start_ns in range(0, max(until_ns, 1), self.period_ns):
            for at_ns in self._instants:
                if start_ns + at_ns < max(until_ns, 1):
                    yield start_ns + at_ns


def read_mahimahi(lines: Iterable[str], file: str, *, step_ms: int = 1000) -> RateTrace:
    """The rate per step of a mahimahi trace: one integer a line, the millisecond of a slot of 1,500 bytes.

    file names the source in errors. Slots of the last step that the trace does not fill count for the part
    that it has. Raises TraceFileError.
    """
    slots: list[int] = []
    last_ms = 0
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text:
            continue
        if not text.isascii() or not text.isdigit():
            raise TraceFileError(file, number, "millisecond", f"not a whole number: {text!r}")
        at_ms = int(text)
        if at_ms < last_ms:
            raise TraceFileError(file, number, "millisecond", f"{at_ms} comes after {last_ms}")
        if at_ms > LONGEST_MS:
            raise TraceFileError(file, number, "millisecond", f"{at_ms} lies beyond a week")
        last_ms = at_ms
        # A slot at the very end of a step belongs to it: traces count from just after 0 to their length.
        step = max(at_ms - 1, 0) // step_ms
        slots.extend([0] * (step + 1 - len(slots)))
        slots[step] += 1
    if not last_ms:
        raise TraceFileError(file, 1, "millisecond", "the trace has no length")
    steps = []
    for index, count in enumerate(slots):
        length_ms = min(step_ms, last_ms - index * step_ms)
        steps.append((index * step_ms * NS_PER_MS, count * SLOT_BYTES * 8 * 1000 // length_ms))
    return RateTrace(steps, last_ms * NS_PER_MS)


def read_rate_table(lines: Iterable[str], file: str) -> RateTrace:
    """The rates of a table: `seconds<TAB>Mbit/s` a line, each holding until the next.

    The last rate holds as long as the one before it. Raises TraceFileError.
    """
    steps: list[tuple[int, int]] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        cells = line.split()
        if len(cells) != 2:
            raise TraceFileError(file, number, "row", f"two columns expected, {len(cells)} found")
        at_ns = round(_number(cells[0], file, number, "seconds") * NS_PER_S)
        bps = round(_number(cells[1], file, number, "Mbit/s") * 1_000_000)
        if steps and at_ns <= steps[-1][0]:
            raise TraceFileError(file, number, "seconds", f"{cells[0]} does not come after the row before")
        steps.append((at_ns, bps))
    if not steps:
        raise TraceFileError(file, 1, "row", "the table is empty")
    first_ns = steps[0][0]
    steps = [(at_ns - first_ns, bps) for at_ns, bps in steps]
    last_ns = steps[-1][0] - steps[-2][0] if len(steps) > 1 else NS_PER_S
    return RateTrace(steps, steps[-1][0] + last_ns)


def read_rate_trace(lines: Iterable[str], file: str) -> RateTrace:
    """A trace of either format, told apart by its first line. Raises TraceFileError."""
    rows = list(lines)
    first = next((row for row in rows if row.strip()), "")
    return read_rate_table(rows, file) if len(first.split()) > 1 else read_mahimahi(rows, file)


def _number(text: str, file: str, line: int, key: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise TraceFileError(file, line, key, f"not a number: {text!r}") from None
    if not 0 <= value < 1e9:
        raise TraceFileError(file, line, key, f"out of range: {text}")
    return value
