"""One causal record of what happened: JSON lines with one digest, merged over processes."""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, TextIO

import msgspec

from runtime.errors import JournalError
from runtime.redaction import redact


class JournalEntry(msgspec.Struct, frozen=True):
    """One line: at transport instant `t_ns`, bench instant `at_ms`, thing `key` of `kind` was in `state`."""

    t_ns: int
    at_ms: int
    actor: str
    seq: int
    kind: str
    key: str
    state: str
    data: dict[str, Any]


JournalListener = Callable[[JournalEntry], None]

_ENCODER = msgspec.json.Encoder(order="deterministic")
_DECODER = msgspec.json.Decoder(JournalEntry)


class JournalBook:
    """The journal of one process (or one universe): every actor writes into it, in order.

    `now_ms` gives bench time, `transport_ns` transport time. `sink` receives every line; with `keep`
    the entries stay in memory.
    """

    __slots__ = (
        "_actors",
        "_digest",
        "_entries",
        "_is_closed",
        "_keep",
        "_listeners",
        "_now_ms",
        "_seq",
        "_sink",
        "_transport_ns",
    )

    def __init__(
        self,
        now_ms: Callable[[], int],
        transport_ns: Callable[[], int],
        sink: TextIO | None = None,
        keep: bool = False,
    ) -> None:
        self._now_ms = now_ms
        self._transport_ns = transport_ns
        self._sink = sink
        self._keep = keep
        self._entries: list[JournalEntry] = []
        self._listeners: list[JournalListener] = []
        self._actors: dict[str, ActorJournal] = {}
        self._digest = sha256()
        self._seq = 0
        self._is_closed = False

    def actor(self, name: str) -> "ActorJournal":
        """The journal in which `name` writes."""
        journal = self._actors.get(name)
        if journal is None:
            journal = self._actors[name] = ActorJournal(self, name)
        return journal

    def write(self, actor: str, kind: str, key: str, state: str, data: dict[str, Any]) -> None:
        """Add one entry of `actor`.

        Raises JournalError when `data` is not JSON; nothing is written then.
        """
        if self._is_closed:
            return
        if data:
            data = {name: redact(name, value) for name, value in data.items()}
        entry = JournalEntry(
            self._transport_ns(), self._now_ms(), actor, self._seq + 1, kind, key, state, data
        )
        try:
            line = _ENCODER.encode(entry) + b"\n"
        except (TypeError, ValueError) as error:
            raise JournalError(
                f"{actor} recorded {kind} {key!r} with data that is not JSON: {error}"
            ) from None
        self._seq += 1
        self._digest.update(line)
        if self._sink is not None:
            self._sink.write(line.decode())
        if self._keep:
            self._entries.append(entry)
        for listener in self._listeners:
            listener(entry)

    def close(self) -> None:
        """The story is over: what is written from now on, while programs are taken down, is no part of it."""
        self._is_closed = True

    def digest(self) -> str:
        """SHA-256 over all lines so far, in hex."""
        return self._digest.hexdigest()

    @property
    def events(self) -> int:
        """How many entries were written."""
        return self._seq

    @property
    def entries(self) -> Sequence[JournalEntry]:
        """The entries so far; empty unless they are kept."""
        return self._entries

    def subscribe(self, listener: JournalListener) -> None:
        """Have `listener` called with every entry from now on; it must not write itself."""
        self._listeners.append(listener)


class ActorJournal:
    """The `runtime.ports.Journal` of one actor."""

    __slots__ = ("_actor", "_write")

    def __init__(self, book: JournalBook, actor: str) -> None:
        self._write = book.write
        self._actor = actor

    def record(self, kind: str, key: str, state: str = "", **data: Any) -> None:
        """Write down that thing `key` of `kind` is now in `state`; `data` must be JSON."""
        self._write(self._actor, kind, key, state, data)


def read_journal(path: Path) -> list[JournalEntry]:
    """The entries of one journal file.

    A last line without its newline is what a killed process left behind and is passed over.
    Raises JournalError, naming file and line, for any other line that is no entry.
    """
    entries = []
    lines = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines, start=1):
        if number == len(lines):
            break
        try:
            entries.append(_DECODER.decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise JournalError(f"{path}, line {number}: no journal entry: {error}") from None
    return entries


def merge_journals(paths: Iterable[Path]) -> list[JournalEntry]:
    """One timeline from the journals of several processes on one host: by time, actor and sequence."""
    entries = [entry for path in paths for entry in read_journal(path)]
    entries.sort(key=lambda entry: (entry.t_ns, entry.actor, entry.seq))
    return entries


def actor_sequences(entries: Iterable[JournalEntry]) -> dict[str, list[tuple[str, str, str]]]:
    """What each actor went through, without times: what two rigs must agree on."""
    sequences: dict[str, list[tuple[str, str, str]]] = {}
    for entry in entries:
        sequences.setdefault(entry.actor, []).append((entry.kind, entry.key, entry.state))
    return sequences
