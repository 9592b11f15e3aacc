"""Settings: command line before environment before file."""

from pathlib import Path

import pytest

from headunit.commands.configuration import Settings, file_path, language_of, merge, state_path
from headunit.commands.errors import ConfigurationError

FILE = 'market = "AU"\nbroker = "mosquitto"\nplain = true\n'


def test_nothing_given_means_the_defaults() -> None:
    assert merge({}, {}) == Settings()


def test_the_file_gives_way_to_the_environment_and_that_to_the_command_line() -> None:
    environment = {"HEADUNIT_MARKET": "CN", "HEADUNIT_LANGUAGE": "de"}
    assert merge({}, {}, "config.toml", FILE).market == "AU"
    assert merge({}, environment, "config.toml", FILE).market == "CN"
    assert merge({"market": "AU"}, environment, "config.toml", FILE).market == "AU"
    assert merge({"market": None}, environment, "config.toml", FILE).language == "de"
    assert merge({}, environment, "config.toml", FILE).broker == "mosquitto"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('\nmarked = "CN"\n', "c.toml:2: marked: no such setting; there are state, market,"),
        ('market = "CN"\n# note\nvin = "SHORT"\n', "c.toml:3: vin: a VIN has 17"),
        ('broker = "http://x"', "c.toml:1: broker: neither ours nor mosquitto, and 'http://x' is no"),
        ('broker = "mqtt://x:0"', "c.toml:1: broker: neither ours nor mosquitto, and 'mqtt://x:0' is no"),
        ('broker = "mqtts://u:pw@x"', "c.toml:1: broker: neither ours nor mosquitto, and 'mqtts://***@x' "),
        ("plain = 3", "c.toml:1: plain: 3 is not true or false"),
        ("market = 3", "c.toml:1: market: 3 is no text"),
        ("[radio]\nx = 1", "c.toml:1: radio: no such setting"),
        ('market = "CN"\nmodel =\n', "c.toml:2: Invalid value"),
    ],
)
def test_a_mistake_in_the_file_names_file_line_and_key(text: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        merge({}, {}, "c.toml", text)
    assert str(caught.value).startswith(said)


def test_a_mistake_in_the_environment_names_the_variable() -> None:
    with pytest.raises(ConfigurationError, match="HEADUNIT_LANGUAGE: 'xx' is not one of en, de, zh"):
        merge({}, {"HEADUNIT_LANGUAGE": "xx"})


def test_a_mistake_that_is_overruled_before_it_counts_is_none() -> None:
    assert merge({"language": "zh"}, {"HEADUNIT_LANGUAGE": "xx"}).language == "zh"


@pytest.mark.parametrize(
    "broker", ["ours", "mosquitto", "mqtt://localhost", "mqtt://10.0.0.1:1883", "mqtt://u:pw@[::1]"]
)
def test_a_broker_is_ours_or_mosquitto_or_an_address(broker: str) -> None:
    assert merge({"broker": broker}, {}).broker == broker


@pytest.mark.parametrize(("word", "flag"), [("1", True), ("no", False), ("TRUE", True)])
def test_flags_in_the_environment_are_words(word: str, flag: bool) -> None:
    assert merge({}, {"HEADUNIT_PLAIN": word}).plain is flag


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "de_DE.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LANG": "fr_FR.UTF-8"}, "en"),
    ],
)
def test_the_language_follows_the_locale(environment: dict[str, str], language: str) -> None:
    assert language_of(environment) == language
    assert merge({}, environment).language == language


def test_folders_follow_the_xdg_base_directories() -> None:
    assert file_path({"HOME": "/h"}) == Path("/h/.config/headunit/config.toml")
    assert file_path({"HOME": "/h", "XDG_CONFIG_HOME": "/x"}) == Path("/x/headunit/config.toml")
    assert file_path({"HEADUNIT_CONFIG": "/y.toml"}) == Path("/y.toml")
    assert state_path(Settings(), {"HOME": "/h"}) == Path("/h/.local/state/headunit")
    assert state_path(Settings(), {"XDG_STATE_HOME": "/s"}) == Path("/s/headunit")
    assert state_path(Settings(state="/mine"), {"HOME": "/h"}) == Path("/mine")
