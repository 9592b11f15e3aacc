"""The presenter: facts and the driver's hand in, one immutable picture of the display out."""

from contracts.controller import ControllerEvent
from contracts.errors import ErrorCode
from contracts.messages import Line, OrderReply
from contracts.screen import ScreenSnapshot
from headunit.domain.facts import CarFacts
from headunit.domain.intents import Intent
from headunit.domain.texts import LocalCode, Translations


class Presenter:
    """The driver's menu without any toolkit.

    Every call returns what the car's services must do next, in order. The same facts and events give
    the same pictures.
    """

    def __init__(self, translate: Translations, language: str) -> None:
        raise NotImplementedError

    @property
    def basket(self) -> tuple[Line, ...]:
        """What the driver has chosen and not ordered yet."""
        raise NotImplementedError

    def restore_basket(self, lines: tuple[Line, ...], number: str | None) -> None:
        """Put back what `KeepBasket` wrote down before a restart."""
        raise NotImplementedError

    def update(self, facts: CarFacts) -> tuple[Intent, ...]:
        """The car knows something new, or time has passed."""
        raise NotImplementedError

    def handle(self, event: ControllerEvent) -> tuple[Intent, ...]:
        """The driver's hand."""
        raise NotImplementedError

    def answer(self, reply: OrderReply) -> tuple[Intent, ...]:
        """The backend has answered a request about an order."""
        raise NotImplementedError

    def refuse(self, code: ErrorCode | LocalCode, detail: str = "") -> tuple[Intent, ...]:
        """The car itself could not do the last intent; `LocalCode.OUTCOME_UNKNOWN`: no answer in time."""
        raise NotImplementedError

    def next_change_ms(self) -> int | None:
        """When the picture changes by the passing of time alone: call `update` with fresh facts then."""
        raise NotImplementedError

    def screen(self) -> ScreenSnapshot:
        """The display now; the same object until something visible has changed."""
        raise NotImplementedError
