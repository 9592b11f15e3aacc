"""What a modem reading means for the menu (R-802)."""

from datetime import date

from contracts.messages import EntitlementState
from contracts.modem import ModemStatus, Registration, SignalLevel, SimState
from headunit.domain.facts import CarFacts
from headunit.domain.validity import EMERGENCY_CALL, state_on

_REGISTERED = (Registration.REGISTERED_HOME, Registration.REGISTERED_ROAMING)


def sim_off(modem: ModemStatus | None) -> bool:
    """Whether the SIM subscription carries no traffic."""
    return modem is not None and modem.sim is not SimState.ACTIVE


def has_network(modem: ModemStatus) -> bool:
    """Whether the modem is registered and measures a usable cell."""
    return modem.registration in _REGISTERED and modem.level is not SignalLevel.NONE


def is_slow(modem: ModemStatus | None) -> bool:
    """Whether data will take its time."""
    return modem is not None and (modem.level is SignalLevel.POOR or modem.technology == "2G")


def is_online(facts: CarFacts) -> bool:
    """Whether a request can leave now: session up, and the modem says nothing against it.

    The session notices a tunnel only seconds later; the modem at once.
    """
    modem = facts.modem
    if not facts.session or modem is None:
        return facts.session
    return modem.data and not sim_off(modem) and has_network(modem)


def is_deactivated(facts: CarFacts) -> bool:
    """Whether the car is switched off as a whole (R-514).

    The SIM may die before the backend's word of it arrives; then the modem alone says so.
    """
    if facts.snapshot is not None and facts.snapshot.deactivated:
        return True
    return facts.modem is not None and facts.modem.sim is SimState.DEACTIVATED


def ecall_available(facts: CarFacts, today: date) -> bool:
    """R-515 as far as the car knows: SIM active and the Emergency Call entitlement active.

    An end of which BMW has given notice comes at its midnight, online or not (R-406, R-513).
    """
    if sim_off(facts.modem) or is_deactivated(facts):
        return False
    if facts.snapshot is None:
        return True
    calls = [item for item in facts.snapshot.entitlements if item.service == EMERGENCY_CALL]
    is_over = bool(calls) and all(state_on(item, today) is not EntitlementState.ACTIVE for item in calls)
    return facts.snapshot.ecall_available and not is_over
