"""A controller and a car that speak CAN as the recorded ones do, for tests without a recording."""

from pathlib import Path

from hardware.can_source import CanFrame

CONTROLLER_STEP_S = 0.05


class SyntheticCar:
    """Writes down the frames of a controller, a brake controller and an ignition lock.

    Its checksum is computed bit by bit, on purpose not as the decoder does it.
    """

    def __init__(self) -> None:
        self.frames: list[CanFrame] = []
        self.t_s = 1_700_000_000.0
        self._position = 0x8000
        self._rotary_counter = 0
        self._input_counter = 0
        self._init_counter = 0
        self._alive = 0

    def send(self, arbitration_id: int, data: bytes, after_s: float = CONTROLLER_STEP_S) -> None:
        self.t_s += after_s
        self.frames.append(CanFrame(self.t_s, arbitration_id, data))

    def init(self) -> None:
        """The head unit initialises the controller, which acknowledges twice."""
        self._init_counter += 1
        self.send(0x273, bytes((0x1D, 0xE1, 0x00, 0xF0, 0xFF, 0x7F, 0xDE, self._init_counter)))
        self._position = 0x8000
        for _ in range(2):
            self.send(0x277, bytes((0xE1, 0x9D, self._init_counter, 0xFF)))

    def rotate(self, detents: int) -> None:
        self._position = (self._position + detents) % 0x10000
        low, high = self._position & 0xFF, self._position >> 8
        self.send(0x264, bytes((0xE1, 0xFD, self._rotary_counter, low, high, 0x1E)))
        self._rotary_counter = (self._rotary_counter + 1) % 256

    def hold_and_release(self, kind: int, button: int = 0x01, direction: int = 0, repeats: int = 2) -> None:
        """A push (0xDE), tilt (0xDD) or button (0xC0), repeated while held; the release comes three times."""
        self._input_counter = (self._input_counter + 1) % 256
        for _ in range(repeats):
            self.send(0x267, bytes((0xE1, 0xFD, self._input_counter, direction << 4 | 1, kind, button)), 0.1)
        self._input_counter = (self._input_counter + 1) % 256
        for _ in range(3):
            self.send(0x267, bytes((0xE1, 0xFD, self._input_counter, 0, kind, button)), 0.16)

    def speed(self, kmh: float, after_s: float = 0.1, *, broken: bool = False) -> None:
        raw = round(kmh * 64)
        self._protected(0x1A1, 0x0F, bytes((raw & 0xFF, raw >> 8, 0x81)), after_s, broken)

    def terminal(self, status: int, after_s: float = 0.1, *, broken: bool = False) -> None:
        self._protected(0x12F, 0xB1, bytes((0x80 | status, 0x5C, 0xF1, 0x01, 0x30, 0x09)), after_s, broken)

    def _protected(self, arbitration_id: int, xor: int, payload: bytes, after_s: float, broken: bool) -> None:
        self._alive = (self._alive + 1) % 15
        body = bytes((0xC0 | self._alive, *payload))
        checksum = bitwise_crc(body) ^ xor ^ (0x55 if broken else 0)
        self.send(arbitration_id, bytes((checksum, *body)), after_s)

    def write_candump(self, path: Path) -> Path:
        """The frames as `candump -L` writes them."""
        path.write_text(
            "".join(
                f"({frame.t_s:.6f}) can0 {frame.arbitration_id:03X}#{frame.data.hex().upper()} R\n"
                for frame in self.frames
            )
        )
        return path


def bitwise_crc(data: bytes) -> int:
    """CRC-8, polynomial 0x1D, initial value 0, straight from the definition."""
    remainder = int.from_bytes(data, "big") << 8
    for bit in range(8 * len(data) - 1, -1, -1):
        if remainder >> bit + 8 & 1:
            remainder ^= 0x11D << bit
    return remainder
