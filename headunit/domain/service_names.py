"""Names of the services this car knows, in the driver's language; others keep the backend's."""

from typing import Final

import msgspec

from contracts.messages import Catalogue, Snapshot
from headunit.domain.facts import CarFacts
from headunit.domain.texts import Voice, mark

NAMES: Final = {
    "RTTI": mark("Real Time Traffic Information"),
    "CONCIERGE": mark("Concierge Service"),
    "PREMIUM": mark("Premium Package"),
    "EMERGENCY_CALL": mark("Intelligent Emergency Call"),
    "TELESERVICES": mark("BMW TeleServices"),
    "BASE": mark("ConnectedDrive Base Package"),
}

DESCRIPTIONS: Final = {
    "RTTI": mark("Traffic on your route, refreshed every few minutes, with detours."),
    "CONCIERGE": mark("An agent finds places for you and sends them to the navigation system."),
    "PREMIUM": mark("Traffic information, Concierge Service and remote functions in one package."),
}


def spoken(facts: CarFacts, voice: Voice) -> CarFacts:
    """The facts with catalogue and booked services in the driver's language; English is the backend's own."""
    if voice.language == "en":
        return facts
    catalogue = _catalogue(facts.catalogue, voice) if facts.catalogue else None
    snapshot = _snapshot(facts.snapshot, voice) if facts.snapshot else None
    return msgspec.structs.replace(facts, catalogue=catalogue, snapshot=snapshot)


def _catalogue(catalogue: Catalogue, voice: Voice) -> Catalogue:
    products = tuple(
        msgspec.structs.replace(
            product,
            name=_said(NAMES, product.service, product.name, voice),
            description=_said(DESCRIPTIONS, product.service, product.description, voice),
        )
        for product in catalogue.products
    )
    return msgspec.structs.replace(catalogue, products=products)


def _snapshot(snapshot: Snapshot, voice: Voice) -> Snapshot:
    entitlements = tuple(
        msgspec.structs.replace(each, name=_said(NAMES, each.service, each.name, voice))
        for each in snapshot.entitlements
    )
    return msgspec.structs.replace(snapshot, entitlements=entitlements)


def _said(texts: dict[str, str], service: str, given: str, voice: Voice) -> str:
    """The car's own words when the backend calls the service as the car does, else the backend's."""
    known = texts.get(service)
    return voice.say(known) if known == given else given
