"""What the driver's hand does: the iDrive controller, whatever drives it (keys, mouse, CAN, a script)."""

from enum import StrEnum

import msgspec


class ControllerAction(StrEnum):
    """One movement of the controller or one of its buttons."""

    ROTATE = "rotate"
    PRESS = "press"
    TILT_LEFT = "tilt_left"
    TILT_RIGHT = "tilt_right"
    TILT_UP = "tilt_up"
    TILT_DOWN = "tilt_down"
    MENU = "menu"
    BACK = "back"
    OPTION = "option"


class ControllerEvent(msgspec.Struct, frozen=True):
    """One thing the hand did; `detents` counts clicks of a rotation, clockwise positive, else 0."""

    action: ControllerAction
    detents: int = 0


def rotate(detents: int) -> ControllerEvent:
    """A rotation by `detents` clicks, clockwise positive."""
    return ControllerEvent(ControllerAction.ROTATE, detents)


PRESS = ControllerEvent(ControllerAction.PRESS)
TILT_LEFT = ControllerEvent(ControllerAction.TILT_LEFT)
TILT_RIGHT = ControllerEvent(ControllerAction.TILT_RIGHT)
MENU = ControllerEvent(ControllerAction.MENU)
BACK = ControllerEvent(ControllerAction.BACK)
OPTION = ControllerEvent(ControllerAction.OPTION)
