"""Spoils packets: what a broken radio, a broken client or an attacker makes of them."""

from collections.abc import Callable
from random import Random
from typing import Final

from proofs.hostile.wire import varint

_LENGTHS: Final = (0, 1, 2, 3, 126, 127, 128, 129, 16_383, 16_384, 0xFFFF, 1_048_576, 268_435_455)
_ENDLESS: Final = (b"\xff\xff\xff\xff\x7f", b"\x80\x80\x80\x80", b"\x80\x80\x80\x00", b"\x80\x00")


def mutate(chance: Random, packet: bytes, other: bytes) -> bytes:
    """`packet` with one to three faults; a splice takes its second half from `other`."""
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        if not packet:
            break
        packet = chance.choice(_MUTATIONS)(chance, packet, other)
    return packet


def junk(chance: Random) -> bytes:
    """Random bytes."""
    return chance.randbytes(chance.choice((1, 2, 4, 8, 16, 64, 300)))


def _flip(chance: Random, packet: bytes, _: bytes) -> bytes:
    at = chance.randrange(len(packet))
    return packet[:at] + bytes((packet[at] ^ 1 << chance.randrange(8),)) + packet[at + 1 :]


def _set(chance: Random, packet: bytes, _: bytes) -> bytes:
    at = chance.randrange(len(packet))
    return packet[:at] + chance.choice((b"\0", b"\1", b"\x7f", b"\x80", b"\xff")) + packet[at + 1 :]


def _cut_bytes_out(chance: Random, packet: bytes, _: bytes) -> bytes:
    """The Remaining Length stays: what follows on the stream is eaten."""
    at = chance.randrange(len(packet))
    return packet[:at] + packet[at + chance.randrange(1, 5) :]


def _insert(chance: Random, packet: bytes, _: bytes) -> bytes:
    at = chance.randrange(len(packet) + 1)
    return packet[:at] + chance.randbytes(chance.randrange(1, 5)) + packet[at:]


def _truncate(chance: Random, packet: bytes, _: bytes) -> bytes:
    return packet[: chance.randrange(1, len(packet) + 1)]


def _shorten(chance: Random, packet: bytes, _: bytes) -> bytes:
    """Truncated, with a Remaining Length that agrees: a whole packet that ends within a field."""
    at = _body_at(packet)
    body = packet[at : at + chance.randrange(len(packet) - at + 1)]
    return packet[:1] + varint(len(body)) + body


def _double_part(chance: Random, packet: bytes, _: bytes) -> bytes:
    """A piece twice, with a Remaining Length that agrees: often a property given twice."""
    at = _body_at(packet)
    start = chance.randrange(at, len(packet) + 1)
    stop = min(len(packet), start + chance.randrange(1, 12))
    body = packet[at:stop] + packet[start:]
    return packet[:1] + varint(len(body)) + body


def _claim(chance: Random, packet: bytes, _: bytes) -> bytes:
    return packet[:1] + varint(chance.choice(_LENGTHS)) + packet[_body_at(packet) :]


def _claim_without_end(chance: Random, packet: bytes, _: bytes) -> bytes:
    return packet[:1] + chance.choice(_ENDLESS) + packet[_body_at(packet) :]


def _field_length(chance: Random, packet: bytes, _: bytes) -> bytes:
    """Two bytes in a row become a length that is too long, or 0."""
    at = chance.randrange(len(packet))
    return packet[:at] + chance.choice((b"\xff\xff", b"\0\0", b"\x7f\xff", b"\0\xff")) + packet[at + 2 :]


def _splice(chance: Random, packet: bytes, other: bytes) -> bytes:
    return packet[: chance.randrange(1, len(packet) + 1)] + other[chance.randrange(len(other) + 1) :]


def _graft(chance: Random, packet: bytes, other: bytes) -> bytes:
    """The head of one packet on the body of another."""
    return packet[:1] + other[1:]


def _retype(chance: Random, packet: bytes, _: bytes) -> bytes:
    return bytes((chance.randrange(256),)) + packet[1:]


def _body_at(packet: bytes) -> int:
    """Where the fixed header ends, in a packet that may be spoilt already."""
    at = 1
    while at < min(len(packet), 4) and packet[at] > 127:
        at += 1
    return min(at + 1, len(packet))


_MUTATIONS: Final[tuple[Callable[[Random, bytes, bytes], bytes], ...]] = (
    _flip,
    _flip,
    _flip,
    _set,
    _set,
    _cut_bytes_out,
    _insert,
    _truncate,
    _shorten,
    _double_part,
    _claim,
    _claim_without_end,
    _field_length,
    _splice,
    _graft,
    _retype,
)
