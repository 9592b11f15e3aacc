"""Frames of the bench channel: one JSON document a line (msgspec), at most 1 MiB."""

from collections.abc import Iterator

import msgspec

from contracts.bench import AnyCommand, AnyReport
from contracts.errors import ErrorCode
from runtime.errors import ChannelError, CommandRefused

MAX_FRAME_BYTES = 1 << 20
"""Longest frame, without its newline."""

_ENCODER = msgspec.json.Encoder()
_COMMANDS: msgspec.json.Decoder[AnyCommand] = msgspec.json.Decoder(AnyCommand)
_REPORTS: msgspec.json.Decoder[AnyReport] = msgspec.json.Decoder(AnyReport)

_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding raises, RecursionError where nesting has no end (RFC 8259, section 9)."""


class _Numbered(msgspec.Struct):
    """What is read of a command that cannot be read: whom to answer."""

    id: int = 0


_NUMBERED = msgspec.json.Decoder(_Numbered)


def frame(document: AnyCommand | AnyReport) -> bytes:
    """A command or report as bytes. Raises ChannelError when it is too long."""
    encoded = _ENCODER.encode(document)
    if len(encoded) > MAX_FRAME_BYTES:
        raise ChannelError(f"a frame of {len(encoded)} bytes; at most {MAX_FRAME_BYTES} go through")
    return encoded + b"\n"


def read_command(line: bytes) -> AnyCommand:
    """The command in a frame. Raises CommandRefused, naming the field, for what is none."""
    try:
        return _COMMANDS.decode(line)
    except _UNREADABLE as error:
        raise CommandRefused(ErrorCode.BAD_MESSAGE, str(error)) from None


def read_report(line: bytes) -> AnyReport:
    """The report in a frame. Raises ChannelError for what is none."""
    try:
        return _REPORTS.decode(line)
    except _UNREADABLE as error:
        raise ChannelError(f"the bench sent what is no report: {error}") from None


def command_id(line: bytes) -> int:
    """The id in a frame that is no command; 0 when there is none."""
    try:
        return _NUMBERED.decode(line).id
    except _UNREADABLE:
        return 0


def checked(command: AnyCommand) -> AnyCommand:
    """`command` as it would arrive over a socket. Raises CommandRefused for what would be refused there."""
    return read_command(_ENCODER.encode(command))


class FrameSplitter:
    """Cuts a byte stream into lines; a line that is too long is passed over to its end."""

    __slots__ = ("_begun", "_limit", "_skipping")

    def __init__(self, limit: int = MAX_FRAME_BYTES) -> None:
        self._limit = limit
        self._begun = bytearray()
        self._skipping = False

    def feed(self, data: bytes) -> Iterator[bytes | None]:
        """The lines that `data` completes, without newlines; None for one that is too long."""
        *lines, rest = data.split(b"\n")
        for line in lines:
            if self._skipping:
                self._skipping = False
            elif self._begun:
                self._begun += line
                line = bytes(self._begun)
                self._begun.clear()
                yield line if len(line) <= self._limit else None
            else:
                yield line if len(line) <= self._limit else None
        if rest and not self._skipping:
            self._begun += rest
            if len(self._begun) > self._limit:
                self._begun.clear()
                self._skipping = True
                yield None
