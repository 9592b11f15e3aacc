"""A presenter small enough to be seen through: a list that remembers what the hand did to it."""

import msgspec

from contracts.controller import ControllerAction, ControllerEvent
from contracts.screen import ScreenSnapshot
from tests.headunit.ui.pictures import STORE


class Menu:
    """Turns its focus, and writes down every event that it applied."""

    def __init__(self, screen: ScreenSnapshot = STORE) -> None:
        self._screen = screen
        self.applied: list[ControllerEvent] = []

    def handle(self, event: ControllerEvent) -> tuple[object, ...]:
        """Apply `event`."""
        self.applied.append(event)
        focus = self._screen.focus
        if event.action is ControllerAction.ROTATE:
            focus = max(0, min(len(self._screen.rows) - 1, focus + event.detents))
        self._screen = msgspec.structs.replace(self._screen, focus=focus, events=self._screen.events + 1)
        return ()

    def screen(self) -> ScreenSnapshot:
        """The display now."""
        return self._screen
