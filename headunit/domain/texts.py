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
    """Codes the car gives itself; they never cross the air."""

    OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"


class Translations(Protocol):
    """What the presenter asks of gettext."""

    def gettext(self, message: str) -> str:
        """The message in the driver's language."""

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        """The right plural for `n`."""


def load_translation(language: str) -> gettext.NullTranslations:
    """The texts of `language`. Raises UnknownLanguageError."""
    if language not in LANGUAGES:
        raise UnknownLanguageError(f"no texts in {language!r}; there are {', '.join(LANGUAGES)}")
    if language == "en":
        return gettext.NullTranslations()
    return gettext.translation("headunit", _LOCALE, [language])
