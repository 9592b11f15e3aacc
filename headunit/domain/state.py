"""What the menu remembers between two pictures: basket, order being changed, notices, requests under way."""

import msgspec

from contracts.screen import Tone
from headunit.domain.basket import Lines
from headunit.domain.facts import RequestKind
from headunit.domain.focus import Wanderer
from headunit.domain.situation import News


class Notice(msgspec.Struct, frozen=True):
    """Something to tell the driver, not yet in words: an explained code, or a message with its values.

    `unpaid` names the order without whose payment it would say nothing any more.
    """

    code: str = ""
    message: str = ""
    values: tuple[tuple[str, str], ...] = ()
    tone: Tone = Tone.WARN
    unpaid: str = ""


class Draft(msgspec.Struct, frozen=True):
    """An unpaid order being changed, begun from its version `version` (R-206)."""

    order: str
    version: int
    lines: Lines


class Asked(msgspec.Struct, frozen=True):
    """A request the driver has made: its kind, the order, its lines, the price list, and when.

    key is that of the message once a service has told it.
    """

    kind: RequestKind
    order: str
    lines: Lines
    list_version: int
    since_ms: int
    key: str = ""


SeenPrices = tuple[tuple[str, int, int | None], ...]
"""Service, term and amount with tax of every line as the driver last saw and accepted them."""


class MenuState(msgspec.Struct):
    """All that changes in the presenter.

    number is what the driver typed for this order, typed what stands in the speller; accepted are the
    prices the driver has seen at checkout and refused_list the price list the backend called outdated
    (R-103); asked is the request under way, unresolved one whose outcome is not known; news are orders
    as answers showed them.
    """

    wanderer: Wanderer = msgspec.field(default_factory=Wanderer)
    basket: Lines = ()
    number: str | None = None
    typed: str = ""
    draft: Draft | None = None
    notice: Notice | None = None
    split: bool = True
    accepted: SeenPrices | None = None
    refused_list: int | None = None
    asked: Asked | None = None
    unresolved: Asked | None = None
    news: dict[str, News] = msgspec.field(default_factory=dict)
