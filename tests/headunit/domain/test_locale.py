"""Catalogues of texts: complete, compiled as they stand, and with the placeholders of the source."""

from io import BytesIO
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

import headunit
from contracts.errors import ErrorCode
from contracts.messages import Catalogue, Product
from headunit.domain.explanations import EXPLANATIONS
from headunit.domain.facts import CarFacts, RequestKind
from headunit.domain.service_names import spoken
from headunit.domain.texts import LANGUAGES, LocalCode, Voice, load_translation
from headunit.errors import UnknownLanguageError
from tests.headunit.domain.car import PRESS, RTTI_NAME, STORE, Driver

_PACKAGE = Path(headunit.__file__).parent
_KEYWORDS = {"mark": None, "say": None, "say_number": (1, 2)}
_TRANSLATED = [language for language in LANGUAGES if language != "en"]

Forms = tuple[str, ...]


def _forms(message: object) -> Forms:
    return tuple(map(str, message)) if isinstance(message, (tuple, list)) else (str(message),)


def _source() -> set[Forms]:
    found = extract_from_dir(_PACKAGE / "domain", keywords=_KEYWORDS)
    return {_forms(message) for _, _, message, _, _ in found if message}


def _folder(language: str) -> Path:
    return _PACKAGE / "locale" / language / "LC_MESSAGES"


def _po(language: str) -> Catalog:
    return read_po(BytesIO((_folder(language) / "headunit.po").read_bytes()), locale=language)


def _entries(catalog: Catalog) -> dict[Forms, Forms]:
    return {_forms(message.id): _forms(message.string) for message in catalog if message.id}


def _placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("language", _TRANSLATED)
def test_every_message_of_the_source_is_translated_and_none_is_left_over(language: str) -> None:
    entries = _entries(_po(language))
    assert set(entries) == _source()
    assert [forms for forms, texts in entries.items() if not all(texts)] == []
    assert not any(message.fuzzy for message in _po(language))


@pytest.mark.parametrize("language", _TRANSLATED)
def test_placeholders_agree_with_the_source(language: str) -> None:
    for forms, texts in _entries(_po(language)).items():
        for text in texts:
            assert _placeholders(text) == _placeholders(forms[0]), text


@pytest.mark.parametrize("language", _TRANSLATED)
def test_the_compiled_catalogue_is_the_one_that_can_be_read(language: str) -> None:
    with (_folder(language) / "headunit.mo").open("rb") as compiled:
        assert _entries(read_mo(compiled)) == _entries(_po(language))


NEVER_IN_A_CAR = {
    ErrorCode.VAT_INVOICE_UNAVAILABLE: "asked for on the payment page",
    ErrorCode.INVOICE_CATEGORY_FIXED: "asked for on the payment page",
    ErrorCode.HOTLINE_CLOSED: "said on the telephone",
    ErrorCode.DEALER_ONLY: "said on the telephone, and at the Portal",
    ErrorCode.NOTICE_TOO_SHORT: "said to BMW's desk",
    ErrorCode.CONFIRMATION_REQUIRED: "asked at the dealer's console, and at the Portal",
    ErrorCode.VERIFICATION_FAILED: "said on the telephone, and at the Portal",
    ErrorCode.REFUND_LATEST_FIRST: "money comes back through the hotline",
    ErrorCode.ALREADY_REFUNDED: "money comes back through the hotline",
    ErrorCode.NOTHING_REFUNDABLE: "money comes back through the hotline",
    ErrorCode.NAME_MISMATCH: "money comes back through the hotline",
    ErrorCode.NOT_LOGGED_IN: "the car knows no login",
    ErrorCode.BAD_CREDENTIALS: "the car knows no login",
    ErrorCode.BAD_TOKEN: "the car knows no login",
    ErrorCode.BAD_PASSWORD: "the car knows no login",
    ErrorCode.PASSWORD_CHANGE_REQUIRED: "the car knows no login",
    ErrorCode.ACCOUNT_LOCKED: "the car knows no login",
    ErrorCode.NAME_TAKEN: "accounts are kept at the Portal",
    ErrorCode.ALREADY_LINKED: "cars are linked at the Portal",
    ErrorCode.NOT_TRANSFERABLE: "owners change at the care centre, and at the Portal",
    ErrorCode.DATA_FLOW_DENIED: "refused to a program that sends data out of the backend",
}


def test_every_code_has_a_text_or_a_reason_why_no_car_is_sent_it() -> None:
    assert {*EXPLANATIONS, *NEVER_IN_A_CAR} == {*ErrorCode, *LocalCode}
    assert not {*EXPLANATIONS} & {*NEVER_IN_A_CAR}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_is_explained_in_every_language(language: str) -> None:
    voice = Voice(load_translation(language), language)
    for code, text in EXPLANATIONS.items():
        assert voice.say(text).strip(), code
        assert (voice.say(text) == text) is (language == "en"), code


@pytest.mark.parametrize("code", NEVER_IN_A_CAR)
def test_a_code_that_no_car_should_be_sent_is_shown_all_the_same(code: ErrorCode) -> None:
    driver = Driver().chooses(*STORE, RTTI_NAME, "3 months", "Checkout").does(PRESS)
    driver.awaits(RequestKind.PLACE, "k").hears("k", code)
    assert driver.code == code
    assert driver.told().startswith("The backend has refused this.")
    assert driver.told().endswith("call 400-800-6666.")


def test_explanations_use_only_values_that_are_filled_in() -> None:
    filled = {"service", "support", "hotline", "disturbance_line", "remaining", "date", "left"}
    for text in EXPLANATIONS.values():
        assert _placeholders(text) <= filled


@pytest.mark.parametrize(
    ("language", "one", "many"),
    [("en", "1 month", "3 months"), ("de", "1 Monat", "3 Monate"), ("zh", "1 个月", "3 个月")],
)
def test_plurals_by_language(language: str, one: str, many: str) -> None:
    voice = Voice(load_translation(language), language)
    assert voice.say_number("{n} month", "{n} months", 1) == one
    assert voice.say_number("{n} month", "{n} months", 3) == many


def test_an_unknown_language_is_refused_with_those_there_are() -> None:
    with pytest.raises(UnknownLanguageError, match="no texts in 'fr'; there are en, de, zh"):
        load_translation("fr")


@pytest.mark.parametrize(
    ("language", "labels"),
    [
        ("de", ("Mein Warenkorb", "Offene Bestellungen", "Gebuchte Dienste (1)")),
        ("zh", ("我的购物车", "未完成订单", "已订服务 (1)")),
    ],
)
def test_the_store_in_other_languages(language: str, labels: tuple[str, ...]) -> None:
    assert Driver(language=language).chooses(*STORE).labels()[-3:] == labels


@pytest.mark.parametrize(
    ("language", "name"), [("de", "Premium-Paket"), ("zh", "尊享套餐"), ("en", "Premium Package")]
)
def test_services_the_car_knows_are_named_in_its_language(language: str, name: str) -> None:
    assert name in Driver(language=language).chooses(*STORE).labels()


def test_a_service_keeps_a_name_that_only_the_backend_knows() -> None:
    voice = Voice(load_translation("zh"), "zh")
    catalogue = Catalogue(
        key="c",
        sent_at_ms=0,
        list_version=1,
        market="CN",
        currency="CNY",
        products=(Product("RTTI", "Traffic Deluxe", "", ()), Product("WASH", "Car Wash", "", ())),
        support="",
        hotline="",
        disturbance_line="",
    )
    said = spoken(CarFacts(now_ms=0, catalogue=catalogue), voice).catalogue
    assert said is not None
    assert [product.name for product in said.products] == ["Traffic Deluxe", "Car Wash"]
