"""Settings of a bench: command line before environment before file. Pure."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from headunit.commands.errors import ConfigurationError

ENVIRONMENT_PREFIX = "HEADUNIT_"
MARKETS = ("CN", "AU")
LANGUAGES = ("en", "de", "zh")

_VIN = re.compile(r"[A-HJ-NPR-Z0-9]{17}")
_TOML_LINE = re.compile(r"\(at line (\d+), column \d+\)")


@dataclass(frozen=True, slots=True)
class Settings:
    """What a bench is started with; "" = the bench decides."""

    state: str = ""
    market: str = "CN"
    model: str = ""
    vin: str = ""
    broker: str = "ours"
    database: str = ""
    scenario: str = ""
    language: str = "en"
    plain: bool = False
    headless: bool = False


KEYS = tuple(field.name for field in fields(Settings))


@dataclass(frozen=True, slots=True)
class _Found:
    """A value and where it stands."""

    value: object
    where: str
    in_file: bool = False

    def wrong(self, key: str, detail: str) -> ConfigurationError:
        """The error that names this place; an option or a variable is named after its key already."""
        return ConfigurationError(self.where, key if self.in_file else "", detail)


def merge(
    command_line: Mapping[str, object],
    environment: Mapping[str, str],
    file_name: str = "",
    file_text: str = "",
) -> Settings:
    """The settings; a value of None on the command line was not given.

    Raises ConfigurationError naming file, line and key, the variable, or the option.
    """
    found = _from_file(file_name, file_text)
    for key in KEYS:
        variable = ENVIRONMENT_PREFIX + key.upper()
        if environment.get(variable):
            found[key] = _Found(environment[variable], variable)
        if command_line.get(key) is not None:
            found[key] = _Found(command_line[key], f"--{key}")
    checked: dict[str, object] = {key: _CHECKS[key](entry, key) for key, entry in found.items()}
    if "language" not in checked:
        checked["language"] = language_of(environment)
    return Settings(**checked)  # type: ignore[arg-type]  # each check returns its field's type


def language_of(environment: Mapping[str, str]) -> str:
    """The language of the user's locale (POSIX LC_ALL, LC_MESSAGES, LANG) where we speak it, else English."""
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        locale = environment.get(variable)
        if locale:
            return locale[:2] if locale[:2] in LANGUAGES else "en"
    return "en"


def file_path(environment: Mapping[str, str]) -> Path:
    """Where the configuration file is looked for (XDG Base Directory Specification)."""
    if environment.get("HEADUNIT_CONFIG"):
        return Path(environment["HEADUNIT_CONFIG"])
    base = environment.get("XDG_CONFIG_HOME") or f"{environment.get('HOME', '~')}/.config"
    return Path(base, "headunit", "config.toml")


def state_path(settings: Settings, environment: Mapping[str, str]) -> Path:
    """The state folder (XDG Base Directory Specification)."""
    if settings.state:
        return Path(settings.state).expanduser()
    base = environment.get("XDG_STATE_HOME") or f"{environment.get('HOME', '~')}/.local/state"
    return Path(base, "headunit")


def _from_file(name: str, text: str) -> dict[str, _Found]:
    if not text:
        return {}
    import tomllib

    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = _TOML_LINE.search(str(error))
        where = f"{name}:{line[1]}" if line else name
        raise ConfigurationError(where, "", _TOML_LINE.sub("", str(error)).strip()) from None
    found = {}
    for key, value in document.items():
        where = f"{name}:{_line_of(key, text)}"
        if key not in KEYS:
            raise ConfigurationError(where, key, f"no such setting; there are {', '.join(KEYS)}")
        found[key] = _Found(value, where, in_file=True)
    return found


def _line_of(key: str, text: str) -> int:
    pattern = re.compile(rf"""\s*\[*\s*["']?{re.escape(key)}["']?\s*[=.\]]""")
    for number, line in enumerate(text.splitlines(), 1):
        if pattern.match(line):
            return number
    return 1


def _text(found: _Found, key: str) -> str:
    if not isinstance(found.value, str):
        raise found.wrong(key, f"{found.value!r} is no text")
    return found.value


def _one_of(*choices: str) -> Callable[[_Found, str], str]:
    def check(found: _Found, key: str) -> str:
        value = _text(found, key)
        if value not in choices:
            raise found.wrong(key, f"{value!r} is not one of {', '.join(choices)}")
        return value

    return check


def _vin(found: _Found, key: str) -> str:
    value = _text(found, key)
    if not _VIN.fullmatch(value):
        raise found.wrong(key, "a VIN has 17 capital letters and digits without I, O and Q (ISO 3779)")
    return value


def _broker(found: _Found, key: str) -> str:
    value = _text(found, key)
    if value not in ("ours", "mosquitto"):
        from runtime.errors import BrokerUrlError
        from runtime.mqtt.broker_url import BrokerUrl

        try:
            BrokerUrl.parse(value)
        except BrokerUrlError as error:
            raise found.wrong(key, f"neither ours nor mosquitto, and {error}") from None
    return value


def _database(found: _Found, key: str) -> str:
    value = _text(found, key)
    if value:
        from backend_stub.adapters.database_url import DatabaseUrl
        from backend_stub.errors import StoreError

        try:
            DatabaseUrl.parse(value)
        except StoreError as error:
            raise found.wrong(key, str(error)) from None
    return value


def _flag(found: _Found, key: str) -> bool:
    words = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    value = words.get(found.value.lower()) if isinstance(found.value, str) else found.value
    if not isinstance(value, bool):
        raise found.wrong(key, f"{found.value!r} is not true or false")
    return value


_CHECKS: dict[str, Callable[[_Found, str], object]] = {
    "state": _text,
    "market": _one_of(*MARKETS),
    "model": _text,
    "vin": _vin,
    "broker": _broker,
    "database": _database,
    "scenario": _text,
    "language": _one_of(*LANGUAGES),
    "plain": _flag,
    "headless": _flag,
}
