"""From the first frame to the bench: no key is lost, none is applied twice, nothing jumps.

    LOCAL ──first screen of the bench──▶ CATCHING_UP ──the bench has applied them all──▶ BENCH

Until the bench process is up the view draws its own presenter and records what the hand does. The
recorded events are then sent in order; until the bench's picture contains them all (its `events`
counts), the driver goes on seeing the local one, which is the same picture made earlier.
"""

from collections.abc import Iterable
from enum import Enum, auto
from typing import Protocol

from contracts.controller import ControllerEvent
from contracts.screen import ScreenSnapshot


class LocalPresenter(Protocol):
    """The part of the presenter that the view needs before there is a bench."""

    def handle(self, event: ControllerEvent) -> Iterable[object]:
        """Apply `event`; what it asks for can wait: the bench's presenter will ask again."""

    def screen(self) -> ScreenSnapshot:
        """The display now."""


class Phase(Enum):
    """Whose picture is drawn."""

    LOCAL = auto()
    CATCHING_UP = auto()
    BENCH = auto()


class HandOver:
    """Decides which picture is drawn and which events have to be sent now."""

    __slots__ = ("_presenter", "_recorded", "_until", "phase", "screen")

    def __init__(self, presenter: LocalPresenter) -> None:
        self._presenter = presenter
        self._recorded: list[ControllerEvent] = []
        self._until = 0
        self.phase = Phase.LOCAL
        self.screen = presenter.screen()

    def moved(self, event: ControllerEvent) -> tuple[ControllerEvent, ...]:
        """The hand did `event`; returns what to send to the bench now, in order."""
        if self.phase is Phase.BENCH:
            return (event,)
        self._presenter.handle(event)
        self.screen = self._presenter.screen()
        if self.phase is Phase.LOCAL:
            self._recorded.append(event)
            return ()
        self._until += 1
        return (event,)

    def reported(self, screen: ScreenSnapshot) -> tuple[ControllerEvent, ...]:
        """The bench shows `screen`; returns what to send to it now, in order."""
        recorded: tuple[ControllerEvent, ...] = ()
        if self.phase is Phase.LOCAL:
            recorded, self._recorded = tuple(self._recorded), []
            self._until = screen.events + len(recorded)
            self.phase = Phase.CATCHING_UP
        if self.phase is Phase.CATCHING_UP and screen.events >= self._until:
            self.phase = Phase.BENCH
        if self.phase is Phase.BENCH:
            self.screen = screen
        return recorded

    def refresh_local(self) -> None:
        """The local presenter has learned something (time, the bench's progress): draw it if it is drawn."""
        if self.phase is not Phase.BENCH:
            self.screen = self._presenter.screen()
