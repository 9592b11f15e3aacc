"""What a page is made from: situation, memory and the driver's way of writing things."""

from datetime import date, timedelta

from contracts.messages import Product
from contracts.screen import PanelLine, Tone
from headunit.domain.basket import product_of
from headunit.domain.cancel_lock import remaining_ms
from headunit.domain.facts import CarFacts
from headunit.domain.formats import Formats, countdown
from headunit.domain.market import MarketProfile
from headunit.domain.menu import TREE, Kind, Node
from headunit.domain.situation import Situation
from headunit.domain.state import MenuState
from headunit.domain.texts import Voice

_BMW_I = "i"
"""How the models begin that carry the BMW i name (R-003)."""

_SECOND_MS = 1_000
_MINUTE_MS = 60_000
_HOUR_MS = 3_600_000
_DAY_MS = 86_400_000


class View:
    """One look at everything; it also notes when time alone will change what is shown."""

    __slots__ = (
        "_today",
        "facts",
        "formats",
        "profile",
        "say",
        "say_number",
        "situation",
        "state",
        "voice",
        "wake_ms",
    )

    def __init__(self, situation: Situation, state: MenuState, voice: Voice) -> None:
        self.situation = situation
        self.facts: CarFacts = situation.facts
        self.profile: MarketProfile = situation.profile
        self.state = state
        self.voice = voice
        self.say = voice.say
        self.say_number = voice.say_number
        profile = self.profile
        zone = self.facts.zone or profile.zone
        self.formats = Formats(voice.language, zone, profile.twelve_hours, profile.date_separator)
        self.wake_ms: int | None = None
        self._today: date | None = None

    def wake(self, at_ms: int) -> None:
        """By itself the picture changes at `at_ms` (car's clock) too."""
        if at_ms > self.facts.now_ms and (self.wake_ms is None or at_ms < self.wake_ms):
            self.wake_ms = at_ms

    def today(self) -> date:
        """The market's date by server time; the picture changes at its next midnight (R-002, R-406)."""
        if self._today is None:
            self._today = self.formats.today(self.facts.server_now_ms)
            self.wake(self.formats.midnight_ms(self._today + timedelta(days=1)) - self.facts.server_skew_ms)
        return self._today

    def age(self, since_ms: int) -> str:
        """How long ago `since_ms` was, in its largest unit: "52 s", "3 min", "2 h", "3 days"."""
        age_ms = max(0, self.facts.now_ms - since_ms)
        unit_ms = _unit_of(age_ms)
        n = age_ms // unit_ms
        self.wake(since_ms + (n + 1) * unit_ms)
        return self._duration(n, unit_ms)

    def left(self, until_server_ms: int) -> str:
        """How long until an instant of the backend, rounded up: "24 h", "59 min", "30 s"."""
        left_ms = max(0, until_server_ms - self.facts.server_now_ms)
        unit_ms = min(_unit_of(max(0, left_ms - 1)), _HOUR_MS)
        n = -(-left_ms // unit_ms)
        if n > 0:
            self.wake(until_server_ms - self.facts.server_skew_ms - (n - 1) * unit_ms)
        return self._duration(n, unit_ms)

    def _duration(self, n: int, unit_ms: int) -> str:
        if unit_ms == _DAY_MS:
            return self.say_number("{n} day", "{n} days", n)
        if unit_ms == _HOUR_MS:
            return self.say("{n} h", n=str(n))
        if unit_ms == _MINUTE_MS:
            return self.say("{n} min", n=str(n))
        return self.say("{n} s", n=str(n))

    def countdown(self, until_server_ms: int) -> str:
        """A countdown in minutes and seconds to an instant of the backend."""
        left_ms = remaining_ms(self.facts, until_server_ms)
        if left_ms > 0:
            seconds = -(-left_ms // _SECOND_MS)
            self.wake(until_server_ms - self.facts.server_skew_ms - (seconds - 1) * _SECOND_MS)
        return countdown(left_ms)

    def lock_remaining(self) -> str:
        """How long the cancellation lock still holds, or that it waits for a synchronisation (R-209)."""
        until_ms = self.situation.cancel_locked_until_ms
        if until_ms is None:
            return countdown(0)
        if remaining_ms(self.facts, until_ms) == 0:
            return self.say("a moment, after the next synchronisation")
        return self.countdown(until_ms)

    def months(self, n: int) -> str:
        """A term."""
        return self.say_number("{n} month", "{n} months", n)

    def money(self, amount_minor: int) -> str:
        """An amount in the currency of the catalogue, or of the market while there is none."""
        catalogue = self.facts.catalogue
        return self.formats.money(amount_minor, catalogue.currency if catalogue else self.profile.currency)

    def product(self, service: str) -> Product | None:
        """The product as the Store lists it."""
        return product_of(self.facts.catalogue, service)

    def name(self, service: str) -> str:
        """A service by its name; its code when the car knows no name."""
        product = self.product(service)
        if product is not None:
            return product.name
        if self.facts.snapshot is not None:
            for entitlement in self.facts.snapshot.entitlements:
                if entitlement.service == service:
                    return entitlement.name
        return service

    def title(self, node: Node) -> str:
        """A node by its name."""
        title = TREE[node.kind].title
        if node.kind is Kind.CONNECTED_DRIVE and self.facts.model.startswith(_BMW_I):
            return f"BMW i {title}"
        if title:
            return self.say(title)
        if node.kind is Kind.ORDER:
            return self.say("Order {number}", number=node.subject)
        return self.name(node.part or node.subject)

    @property
    def support(self) -> str:
        """Whom to ask about products (R-102)."""
        catalogue = self.facts.catalogue
        return catalogue.support if catalogue else self.profile.hotline

    @property
    def hotline(self) -> str:
        """Whom to call about orders (R-214)."""
        catalogue = self.facts.catalogue
        return catalogue.hotline if catalogue else self.profile.hotline

    @property
    def disturbance_line(self) -> str:
        """Whom to call about faults (R-401)."""
        catalogue = self.facts.catalogue
        return catalogue.disturbance_line if catalogue else self.profile.disturbance_line


def _unit_of(duration_ms: int) -> int:
    """The unit in which a duration is told."""
    if duration_ms < _MINUTE_MS:
        return _SECOND_MS
    if duration_ms < _HOUR_MS:
        return _MINUTE_MS
    return _HOUR_MS if duration_ms < 2 * _DAY_MS else _DAY_MS


def lines(*texts: str, tone: Tone = Tone.PLAIN) -> tuple[PanelLine, ...]:
    """Lines for the right half, without the empty ones."""
    return tuple(PanelLine(text, "", tone) for text in texts if text)
