"""Words: where translations come from and how a message gets its values."""

import gettext
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from headunit.errors import UnknownLanguageError

LANGUAGES = {"en": "English", "de": "Deutsch", "zh": "中文"}
"""Languages the menu speaks, by their own names; English is the source."""

_LOCALE = Path(__file__).parent.parent / "locale"


class LocalCode(StrEnum):
    """Codes the car gives itself; they never cross the air.

    OUTCOME_UNKNOWN: no answer in time, the backend may have accepted; NO_ANSWER: no answer came, and it is
    known that nothing was done; NOT_ERASED: the car could not delete what it keeps.
    """

    OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"
    NO_ANSWER = "NO_ANSWER"
    NOT_ERASED = "NOT_ERASED"


class Translations(Protocol):
    """What the presenter asks of gettext."""

    def gettext(self, message: str) -> str:
        """The message in the driver's language."""

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        """The right plural for `n`."""


class Voice:
    """Says messages in the driver's language; values come from outside and are never read as markup."""

    __slots__ = ("_translate", "language")

    def __init__(self, translate: Translations, language: str) -> None:
        self._translate = translate
        self.language = language

    def say(self, message: str, **values: str) -> str:
        """The message with its `{placeholders}` filled in."""
        text = self._translate.gettext(message) if message else ""
        return text.format(**values) if values else text

    def say_number(self, one: str, many: str, n: int) -> str:
        """The plural for `n`, which stands for `{n}`."""
        return self._translate.ngettext(one, many, n).format(n=n)


def mark(message: str) -> str:
    """Marks a message in a table for extraction; it is translated where it is said."""
    return message


def load_translation(language: str) -> gettext.NullTranslations:
    """The texts of `language`. Raises UnknownLanguageError."""
    if language not in LANGUAGES:
        raise UnknownLanguageError(f"no texts in {language!r}; there are {', '.join(LANGUAGES)}")
    if language == "en":
        return gettext.NullTranslations()
    return gettext.translation("headunit", _LOCALE, [language])
