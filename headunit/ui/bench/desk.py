"""The engineer's hands: keeps what the panel knows and turns buttons into commands."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from contracts.bench import AnyCommand, AnyReport, HoldActivation
from headunit.ui.bench.buttons import Button, Choices, buttons
from headunit.ui.bench.state import BenchState
from runtime.errors import ChannelError, CommandRefused

Tell = Callable[[AnyCommand], Awaitable[None]]
OpenUrl = Callable[[str], None]


class DeskButton(NamedTuple):
    """A button and what pressing it does."""

    key: str
    label: str
    press: Callable[[], Awaitable[None]]


class Desk:
    """State, choices and the last answer; `tell` carries a command to the bench."""

    def __init__(self, tell: Tell, open_url: OpenUrl) -> None:
        self._tell = tell
        self._open_url = open_url
        self.state = BenchState()
        self.choices = Choices()
        self.notice = ""
        self.refused = False

    def now_s(self) -> float:
        """The view's own clock, for ages."""
        return asyncio.get_running_loop().time()

    def take(self, report: AnyReport) -> None:
        """The bench said something."""
        self.state.take(report, self.now_s())

    def sample(self) -> None:
        """Half a second has passed."""
        self.state.sample()

    def now(self) -> list[Button]:
        """The buttons as they stand."""
        return buttons(self.state, self.choices)

    def buttons(self) -> list[DeskButton]:
        """The buttons for the command palette."""

        def presser(key: str) -> Callable[[], Awaitable[None]]:
            async def press() -> None:
                await self.press(key)

            return press

        return [DeskButton(button.key, button.label, presser(button.key)) for button in self.now()]

    def knows(self, key: str) -> bool:
        """Whether `key` is a button's."""
        return any(button.key == key for button in self.now())

    async def press(self, key: str) -> None:
        """Press the button of `key`: send its commands in order, stop at the first refusal."""
        button = next(button for button in self.now() if button.key == key)
        if key == "v":
            self.choices.next_outcome()
            self._say(f"the provider's next answer: {self.choices.outcome.value}")
            return
        if key == "p":
            self._open_phone()
            return
        for command in button.commands:
            try:
                await self._tell(command)
            except (CommandRefused, ChannelError) as error:
                self._say(f"{button.label}: {error}", refused=True)
                return
            if isinstance(command, HoldActivation):
                self.choices.held = command.held
        self._say(f"{button.label}: done")

    def _open_phone(self) -> None:
        url = self.state.info.phone_url if self.state.info else ""
        if not url:
            self._say("this bench serves no phone page", refused=True)
            return
        self._open_url(url)
        self._say(url)

    def _say(self, notice: str, *, refused: bool = False) -> None:
        self.notice = notice
        self.refused = refused
