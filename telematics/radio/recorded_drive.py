"""G-NetTrack Pro recordings (CSV, one row a second) as radio timelines.

A second that is repeated takes the values of its last row; a gap keeps the values before it; `-` is
"no value". The bit-rate columns are not read: they say what the phone happened to transfer, not what
the cell would have given; rates come from rate traces or from the technology.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

from telematics.errors import TraceFileError
from telematics.radio.timeline import NS_PER_S, RadioPoint, RadioTimeline

TECHNOLOGIES = {
    "5G": "5G",
    "NR": "5G",
    "LTE": "4G",
    "LTE+": "4G",
    "HSPA+": "3G",
    "HSPA": "3G",
    "HSDPA": "3G",
    "HSUPA": "3G",
    "UMTS": "3G",
    "EDGE": "2G",
    "GPRS": "2G",
    "GSM": "2G",
    "-": "",
}
"""`NetworkMode` as a status bar shows it."""

NEEDED = ("Timestamp", "Longitude", "Latitude", "Speed", "NetworkMode", "RSRP")
NO_VALUE = "-"


class _Row:
    """One row and where it stands, for errors that name both."""

    __slots__ = ("cells", "columns", "file", "line")

    def __init__(self, cells: list[str], columns: dict[str, int], file: str, line: int) -> None:
        self.cells = cells
        self.columns = columns
        self.file = file
        self.line = line

    def error(self, key: str, detail: str) -> TraceFileError:
        return TraceFileError(self.file, self.line, key, detail)

    def text(self, key: str) -> str:
        return self.cells[self.columns[key]].strip()

    def number(self, key: str, low: float, high: float) -> float | None:
        text = self.text(key)
        if text == NO_VALUE:
            return None
        try:
            value = float(text)
        except ValueError:
            raise self.error(key, f"not a number: {text!r}") from None
        if not low <= value <= high:
            raise self.error(key, f"{text} is not between {low:g} and {high:g}")
        return value

    def second(self) -> datetime:
        """YYYY.MM.DD_HH.MM.SS of the phone, read as UTC: only differences are used."""
        text = self.text("Timestamp")
        parts = text.replace("_", ".").split(".")
        if len(parts) == 6 and all(part.isascii() and part.isdigit() for part in parts):
            try:
                year, month, day, hour, minute, second = map(int, parts)
                return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
            except ValueError:
                pass
        raise self.error("Timestamp", f"not YYYY.MM.DD_HH.MM.SS: {text!r}")


def read_recorded_drive(lines: Iterable[str], file: str) -> RadioTimeline:
    """The timeline of a recording; `file` names it in errors. Raises TraceFileError."""
    numbered = enumerate(lines, 1)
    _, header = next(numbered, (1, ""))
    names = [name.strip() for name in header.lstrip("\ufeff").split(",")]
    columns = {name: index for index, name in enumerate(names)}
    for key in NEEDED:
        if key not in columns:
            raise TraceFileError(file, 1, key, "the header has no such column")
    points: list[RadioPoint] = []
    start: datetime | None = None
    for line, text in numbered:
        if not text.strip():
            continue
        cells = text.split(",")
        row = _Row(cells, columns, file, line)
        if len(cells) != len(names):
            raise row.error("row", f"{len(names)} columns expected, {len(cells)} found")
        moment = row.second()
        start = start or moment
        at_ns = int((moment - start).total_seconds()) * NS_PER_S
        point = _point(row, at_ns)
        if points and at_ns < points[-1].at_ns:
            raise row.error("Timestamp", f"{row.text('Timestamp')} is earlier than the row before")
        if points and at_ns == points[-1].at_ns:
            points[-1] = point
        else:
            points.append(point)
    if not points:
        raise TraceFileError(file, 2, "row", "the recording is empty")
    return RadioTimeline(points)


def _point(row: _Row, at_ns: int) -> RadioPoint:
    mode = row.text("NetworkMode")
    if mode not in TECHNOLOGIES:
        raise row.error("NetworkMode", f"unknown: {mode!r}; known are {', '.join(TECHNOLOGIES)}")
    return RadioPoint(
        at_ns,
        technology=TECHNOLOGIES[mode],
        rsrp_dbm=row.number("RSRP", -160, -30),
        speed_kmh=row.number("Speed", 0, 400),
        latitude=row.number("Latitude", -90, 90),
        longitude=row.number("Longitude", -180, 180),
    )
