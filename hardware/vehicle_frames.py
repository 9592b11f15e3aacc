"""What the vehicle bus says of speed and ignition: frames in, readings out.

Facts (K-CAN, BN2010 and BN2000; superwofy/E9X-M-CAN-Integration-Module, HeinrichG-V12/
E65_ReverseEngineering; checksums held against a recording of a real F11). Integers are little-endian.

    0x1A1 speed      CRC, alive (low nibble), speed u16 in 1/64 km/h, direction
    0x12F terminal   CRC, alive (low nibble), status (low nibble: 2 = 30, 4 = 30F, 6 = 30B, 8 = R,
                     A = 15, D = 50; 9 and C: changing; E, F: error, invalid)
    0x130 terminal   BN2000: bits 0-1 R, 2-3 15, 4-5 50 (0 off, 1 on), 6-7 key; no checksum

The checksum is CRC-8 with polynomial 0x1D and initial value 0 over all bytes after it, XORed with a
constant of the frame; the alive counter runs from 0 to 14.
"""

from typing import Final, NamedTuple

from contracts.bench import Terminal

SPEED_ID: Final = 0x1A1
TERMINAL_ID: Final = 0x12F
TERMINAL_BN2000_ID: Final = 0x130

SPEED_XOR: Final = 0x0F
TERMINAL_XOR: Final = 0xB1

MOST_KMH = 400
"""What a `SetVehicle` may carry; more is a sensor's way to say that it does not know."""

_TERMINALS = {
    0x2: Terminal.OFF,
    0x4: Terminal.OFF,
    0x6: Terminal.OFF,
    0x8: Terminal.R,
    0xA: Terminal.IGNITION,
    0xD: Terminal.STARTER,
}


def _table() -> bytes:
    table = bytearray()
    for byte in range(256):
        for _ in range(8):
            byte = byte << 1 ^ (0x11D if byte & 0x80 else 0)
        table.append(byte)
    return bytes(table)


_CRC_TABLE = _table()


def crc8(data: bytes, xor: int) -> int:
    """CRC-8, polynomial 0x1D, initial value 0, of `data`, XORed with the constant of its frame."""
    crc = 0
    for byte in data:
        crc = _CRC_TABLE[crc ^ byte]
    return crc ^ xor


class VehicleReading(NamedTuple):
    """What one frame says: a speed or a terminal; None is what it does not speak of."""

    speed_kmh: float | None = None
    terminal: Terminal | None = None


class VehicleDecoder:
    """Turns vehicle frames into readings; counts and ignores those that cannot be believed.

    Once a valid 0x12F was seen, 0x130, which has no checksum, is ignored.
    """

    __slots__ = ("_alive", "_has_bn2010", "crc_errors", "invalid", "stale")

    def __init__(self) -> None:
        self._alive: dict[int, int] = {}
        self._has_bn2010 = False
        self.crc_errors = 0
        """Frames with a wrong checksum."""
        self.stale = 0
        """Frames whose alive counter stood still: a gateway that repeats itself."""
        self.invalid = 0
        """Frames that say themselves that they do not know."""

    def decode(self, arbitration_id: int, data: bytes) -> VehicleReading | None:
        """The reading in this frame; None for other frames and for what cannot be believed."""
        if arbitration_id == SPEED_ID:
            return self._speed(data)
        if arbitration_id == TERMINAL_ID:
            return self._terminal(data)
        if arbitration_id == TERMINAL_BN2000_ID and not self._has_bn2010:
            return self._terminal_bn2000(data)
        return None

    def _believable(self, arbitration_id: int, data: bytes, length: int, xor: int) -> bool:
        if len(data) != length or crc8(data[1:], xor) != data[0]:
            self.crc_errors += 1
            return False
        alive = data[1] & 0x0F
        if self._alive.get(arbitration_id) == alive:
            self.stale += 1
            return False
        self._alive[arbitration_id] = alive
        return True

    def _speed(self, data: bytes) -> VehicleReading | None:
        if not self._believable(SPEED_ID, data, 5, SPEED_XOR):
            return None
        speed_kmh = (data[2] | data[3] << 8) / 64
        if speed_kmh > MOST_KMH:
            self.invalid += 1
            return None
        return VehicleReading(speed_kmh=speed_kmh)

    def _terminal(self, data: bytes) -> VehicleReading | None:
        if not self._believable(TERMINAL_ID, data, 8, TERMINAL_XOR):
            return None
        self._has_bn2010 = True
        status = data[2] & 0x0F
        terminal = _TERMINALS.get(status)
        if terminal is None:
            self.invalid += status not in (0x9, 0xC)
            return None
        return VehicleReading(terminal=terminal)

    def _terminal_bn2000(self, data: bytes) -> VehicleReading | None:
        if len(data) != 5:
            return None
        radio, ignition, starter = (data[0] >> shift & 0x03 for shift in (0, 2, 4))
        if max(radio, ignition, starter) > 1:
            self.invalid += 1
            return None
        if starter:
            return VehicleReading(terminal=Terminal.STARTER)
        if ignition:
            return VehicleReading(terminal=Terminal.IGNITION)
        return VehicleReading(terminal=Terminal.R if radio else Terminal.OFF)
