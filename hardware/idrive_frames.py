"""What the frames of an iDrive controller (ZBE) of the CIC/NBT generation mean: frames in, events out.

Facts (K-CAN, BN2010; superwofy/E9X-M-CAN-Integration-Module, kmalinich/node-bmw-client,
thatdamnranga/iDrive, llilakoblock/bmw-idrive-touch-esp32-s3; held against a recording of a real F11).
Integers are little-endian.

    0x264 rotary   E1 FD, event counter, position u16 (0x8000 after an init, clockwise up), 1E;
                   one frame may carry several detents
    0x267 input    E1 FD, event counter, direction (high nibble) and state (low nibble: 0 released,
                   1 pressed, 2 held), kind (C0 button, DD tilt, DE push), button.
                   Repeated every 100 ms while held; the release usually comes three times
    0x273 init     head unit to controller: 1D or 5D, E1 00 F0 FF 7F DE, counter; re-zeros the position
    0x277 ack      E1 9D, counter of the init, FF; up to three times
    0x5E7 status   byte 4: 06 = needs an init
"""

from typing import Final

from contracts.controller import (
    BACK,
    MENU,
    OPTION,
    PRESS,
    TILT_LEFT,
    TILT_RIGHT,
    ControllerAction,
    ControllerEvent,
    rotate,
)

ROTARY_ID: Final = 0x264
INPUT_ID: Final = 0x267
INIT_ID: Final = 0x273
INIT_ACK_ID: Final = 0x277
STATUS_ID: Final = 0x5E7

_ZERO = 0x8000
_HEADER = b"\xe1\xfd"
_PRESSED = 1
_BUTTON, _TILT, _PUSH = 0xC0, 0xDD, 0xDE
_NEEDS_INIT = 6
_TILTS = {
    1: ControllerEvent(ControllerAction.TILT_UP),
    2: TILT_RIGHT,
    4: ControllerEvent(ControllerAction.TILT_DOWN),
    8: TILT_LEFT,
}
_BUTTONS = {0x01: MENU, 0x02: BACK, 0x04: OPTION}

MOST_DETENTS = 100
"""A greater step from one frame to the next is a controller that was zeroed unseen, not a hand."""


class IdriveDecoder:
    """Turns the controller's frames into what the hand did, each movement once.

    A rotation counts from the position after an acknowledged init. While that is not known (the bridge
    came later, or the acknowledgement was lost), the next rotary frame only tells the position.
    """

    __slots__ = ("_awaited_ack", "_input_counter", "_position", "_rotary_counter")

    def __init__(self) -> None:
        self._awaited_ack: int | None = None
        self._forget()

    def _forget(self) -> None:
        self._position: int | None = None
        self._rotary_counter: int | None = None
        self._input_counter: int | None = None

    def decode(self, arbitration_id: int, data: bytes) -> ControllerEvent | None:
        """What the hand did according to this frame; None for nothing new or nothing we know."""
        if arbitration_id == ROTARY_ID:
            return self._rotary(data)
        if arbitration_id == INPUT_ID:
            return self._input(data)
        if arbitration_id == INIT_ID and len(data) == 8:
            self._awaited_ack = data[7]
            self._position = None
        elif arbitration_id == INIT_ACK_ID and len(data) == 4 and data[2] == self._awaited_ack:
            self._awaited_ack = None
            self._position = _ZERO
        elif arbitration_id == STATUS_ID and len(data) == 8 and data[4] == _NEEDS_INIT:
            self._forget()
        return None

    def _rotary(self, data: bytes) -> ControllerEvent | None:
        if len(data) != 6 or data[:2] != _HEADER or data[2] == self._rotary_counter:
            return None
        self._rotary_counter = data[2]
        position = data[3] | data[4] << 8
        last, self._position = self._position, position
        if last is None:
            return None
        detents = (position - last + 0x8000) % 0x10000 - 0x8000
        return rotate(detents) if 0 < abs(detents) <= MOST_DETENTS else None

    def _input(self, data: bytes) -> ControllerEvent | None:
        if len(data) != 6 or data[:2] != _HEADER or data[2] == self._input_counter:
            return None
        self._input_counter = data[2]
        if data[3] & 0x0F != _PRESSED:
            return None
        kind = data[4]
        if kind == _PUSH:
            return PRESS
        if kind == _TILT:
            return _TILTS.get(data[3] >> 4)
        if kind == _BUTTON:
            return _BUTTONS.get(data[5])
        return None
