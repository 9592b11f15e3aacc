"""The presenter: facts and the driver's hand in, one immutable picture of the display out."""

from collections.abc import Callable

from contracts.controller import ControllerAction, ControllerEvent
from contracts.errors import ErrorCode
from contracts.messages import Line, OrderReply
from contracts.screen import ScreenSnapshot
from headunit.domain import answers, picture
from headunit.domain.doings import open_node, perform
from headunit.domain.facts import CarFacts
from headunit.domain.focus import focus_index, rotated
from headunit.domain.intents import Intent, KeepLanguage, RequestSync
from headunit.domain.menu import Entry, Kind, Node, Open, Page
from headunit.domain.pages import page_of
from headunit.domain.service_names import spoken
from headunit.domain.situation import situation_of
from headunit.domain.state import MenuState, Notice
from headunit.domain.texts import LocalCode, Translations, Voice, load_translation
from headunit.domain.view import View

_BEFORE_ANYTHING = CarFacts(now_ms=0, starting=True)


class Presenter:
    """The driver's menu without any toolkit.

    Every call returns what the car's services must do next, in order. The same facts and events give
    the same pictures. `load` finds the texts of a language that the driver chooses in the settings.
    """

    def __init__(
        self,
        translate: Translations,
        language: str,
        load: Callable[[str], Translations] = load_translation,
    ) -> None:
        self._voice = Voice(translate, language)
        self._load = load
        self._facts = self._spoken = _BEFORE_ANYTHING
        self._state = MenuState()
        self._events = 0
        self._wake_ms: int | None = None
        self._screen: ScreenSnapshot | None = None
        self._fresh = False
        self._settle_focus()

    @property
    def basket(self) -> tuple[Line, ...]:
        """What the driver has chosen and not ordered yet."""
        return self._state.basket

    def restore_basket(self, lines: tuple[Line, ...], number: str | None) -> None:
        """Put back what `KeepBasket` wrote down before a restart."""
        self._state.basket = lines
        self._state.number = number
        self._settle_focus()

    def update(self, facts: CarFacts) -> tuple[Intent, ...]:
        """The car knows something new, or time has passed. Raises UnknownMarketError."""
        before, self._facts = self._facts, facts
        if (
            self._fresh
            and before.now_ms <= facts.now_ms < (self._wake_ms or 0)
            and _same_but_time(before, facts)
        ):
            return ()
        self._spoken = spoken(facts, self._voice)
        answers.adopt(self._state, facts)
        intents = answers.settle(self._view())
        self._settle_focus()
        return intents

    def handle(self, event: ControllerEvent) -> tuple[Intent, ...]:
        """The driver's hand."""
        self._events += 1
        view = self._view()
        page, focus = self._page(view)
        entry = page.entries[focus] if focus >= 0 else None
        intents: tuple[Intent, ...] = ()
        match event.action:
            case ControllerAction.ROTATE:
                self._rotate(page, focus, event.detents)
            case ControllerAction.TILT_UP:
                self._rotate(page, focus, -1)
            case ControllerAction.TILT_DOWN:
                self._rotate(page, focus, 1)
            case _:
                self._state.notice = None
                intents = self._move(view, event.action, entry)
        for intent in intents:
            if isinstance(intent, KeepLanguage):
                self._voice = Voice(self._load(intent.language), intent.language)
                self._spoken = spoken(self._facts, self._voice)
        self._settle_focus()
        return intents

    def answer(self, reply: OrderReply) -> tuple[Intent, ...]:
        """The backend has answered a request about an order."""
        intents = answers.answered(self._view(), reply)
        self._settle_focus()
        return intents

    def refuse(self, code: ErrorCode | LocalCode, detail: str = "") -> tuple[Intent, ...]:
        """The car itself could not do the last intent.

        `LocalCode.OUTCOME_UNKNOWN`: no answer in time; `LocalCode.NO_ANSWER`: none, and nothing was done.
        `detail` is for the log, not for the driver.
        """
        intents = answers.refused(self._view(), code)
        self._settle_focus()
        return intents

    def erased(self) -> tuple[Intent, ...]:
        """The car has deleted personal data: the menu forgets it, too, confirms, and asks anew (R-715)."""
        self._state = answers.erased(self._state)
        self._settle_focus()
        return (RequestSync(),) if self._view().situation.online else ()

    def not_erased(self) -> None:
        """The car could not delete personal data; nothing has changed (R-715)."""
        self._state.notice = Notice(LocalCode.NOT_ERASED)
        self._settle_focus()

    def next_change_ms(self) -> int | None:
        """When the picture changes by the passing of time alone: call `update` with fresh facts then."""
        if not self._fresh:
            self.screen()
        return self._wake_ms

    def screen(self) -> ScreenSnapshot:
        """The display now; the same object until something visible has changed."""
        if self._fresh and self._screen is not None:
            return self._screen
        view = self._view()
        page, focus = self._page(view)
        screen = picture.draw(view, page, focus, self._events)
        self._wake_ms = picture.next_change_ms(view)
        if self._screen is None or screen != self._screen:
            self._screen = screen
        self._fresh = True
        return self._screen

    def _view(self) -> View:
        return View(situation_of(self._spoken, self._state.news), self._state, self._voice)

    def _page(self, view: View) -> tuple[Page, int]:
        page = page_of(view, self._state.wanderer.node)
        return page, focus_index(page, *self._state.wanderer.remembered())

    def _settle_focus(self) -> None:
        """Hold the focus to the row it is on: it moves when that row vanishes, and does not jump back."""
        page, focus = self._page(self._view())
        if focus >= 0:
            self._state.wanderer.remember(page.entries[focus].key, focus)
        self._fresh = False

    def _rotate(self, page: Page, focus: int, detents: int) -> None:
        position = rotated(page, focus, detents)
        if position >= 0:
            self._state.wanderer.remember(page.entries[position].key, position)

    def _move(self, view: View, action: ControllerAction, entry: Entry | None) -> tuple[Intent, ...]:
        wanderer = self._state.wanderer
        match action:
            case ControllerAction.PRESS:
                if entry is not None and entry.press is not None:
                    return perform(view, entry.press)
            case ControllerAction.TILT_RIGHT:
                if entry is not None and isinstance(entry.press, Open):
                    open_node(view, entry.press.node)
            case ControllerAction.TILT_LEFT:
                wanderer.up()
            case ControllerAction.BACK:
                wanderer.back()
            case ControllerAction.MENU:
                wanderer.home()
            case _ if wanderer.node.kind is Kind.OPTIONS:
                wanderer.back()
            case _:
                open_node(view, Node(Kind.OPTIONS))
        return ()


def _same_but_time(before: CarFacts, after: CarFacts) -> bool:
    return all(
        getattr(before, name) == getattr(after, name)
        for name in CarFacts.__struct_fields__
        if name != "now_ms"
    )
