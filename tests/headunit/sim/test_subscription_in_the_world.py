"""The SIM in the telematics unit is what the operator has made of its subscription (R-514 to R-516)."""

from pathlib import Path

import pytest

from tests.headunit.sim.stories import Played, fault, play, write

NEW_CAR = "[[vehicles]]\nhanded_over = false\n"


def act(at_s: float, who: str, what: str) -> str:
    """Somebody does something at the backend."""
    return f"[[script]]\nat_s = {at_s}\n{who} = {{ {what} }}\n"


def hand(at_s: float, state: str) -> str:
    """The bench's hand on the SIM."""
    return f'[[script]]\nat_s = {at_s}\nsim = "{state}"\n'


def registrations(run: Played) -> list[str]:
    """What the modem went through."""
    return [state for _, state in run.seen("telematics", "registration")]


@pytest.mark.req("R-701", "R-802")
def test_a_car_at_the_dealers_is_not_on_the_network_until_it_is_handed_over(tmp_path: Path) -> None:
    activate = act(30, "dealer", 'do = "activate", name = "Test Owner", number = "13800000001"')
    run = play(write(tmp_path, activate, duration_s=60, more=NEW_CAR))
    assert run.told() == []
    assert registrations(run) == ["REGISTRATION_DENIED", "SEARCHING", "REGISTERED_HOME"]
    assert ("EMERGENCY_CALL", "ACTIVE") in run.seen("car", "booked")


@pytest.mark.req("R-514")
def test_a_backend_that_dies_between_decision_and_operator_still_switches_off(tmp_path: Path) -> None:
    off = act(10, "dealer", 'do = "deactivate", confirmed = true')
    run = play(write(tmp_path, off, fault(20, "backend", down_s=70), duration_s=120))
    assert run.told() == []
    assert run.seen("backend", "sim") == [("subscription", "DEACTIVATED"), ("network", "DEACTIVATED")]
    assert registrations(run) == ["REGISTERED_HOME", "REGISTRATION_DENIED"]


@pytest.mark.req("R-516")
def test_what_bmw_has_suspended_no_healing_lifts(tmp_path: Path) -> None:
    suspend = act(10, "bmw", 'do = "suspend", emergency_call = true')
    run = play(write(tmp_path, suspend, duration_s=90))
    assert run.told() == []
    assert registrations(run) == ["REGISTERED_HOME", "REGISTRATION_DENIED"]


@pytest.mark.req("R-516")
def test_what_a_hand_has_suspended_healing_lifts_and_a_new_backend_does_not(tmp_path: Path) -> None:
    run = play(write(tmp_path, hand(10, "SUSPENDED"), fault(15, "backend"), duration_s=40))
    assert run.told() == []
    assert registrations(run)[:2] == ["REGISTERED_HOME", "REGISTRATION_DENIED"]
    assert registrations(run)[-1] == "REGISTERED_HOME"
    denied, lifted = (
        next(e.t_ns for e in run.journal if (e.kind, e.state) == ("registration", state))
        for state in ("REGISTRATION_DENIED", "SEARCHING")
    )
    assert lifted - denied >= 29_000_000_000


@pytest.mark.req("R-516")
def test_the_operator_has_the_last_word_over_a_hand(tmp_path: Path) -> None:
    """No event leads a dead SIM to SUSPENDED; what the backend has decided holds all the same."""
    suspend = act(20, "bmw", 'do = "suspend", emergency_call = true')
    lift = act(100, "bmw", 'do = "lift"')
    run = play(write(tmp_path, hand(10, "DEACTIVATED"), suspend, lift, duration_s=140))
    assert run.told() == []
    assert registrations(run)[-1] == "REGISTERED_HOME"
