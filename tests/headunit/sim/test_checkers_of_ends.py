"""What ends, is switched off or replaced is no violation by itself; what is wrong beside it is found."""

from dataclasses import replace
from datetime import date

import pytest

from backend_stub.service.audit import BackendAudit, EntitlementAudit
from contracts.messages import EntitlementState, EntitlementView
from contracts.modem import SimState
from headunit.sim.checkers import Evidence, car_shows_what_the_backend_has, check_all
from tests.headunit.sim.test_checkers import BOOKED, JOURNAL, ORDER, PERIOD, SHOWN, START_NS, VIN

ENDED = (EntitlementState.TERMINATED, EntitlementState.DEACTIVATED, EntitlementState.EXPIRED)


def evidence(
    *booked: EntitlementAudit, shown: tuple[EntitlementView, ...], sim: SimState = SimState.ACTIVE
) -> Evidence:
    audit = BackendAudit(orders=(ORDER,), ledger=(), entitlements=booked, sims={VIN: sim})
    return Evidence(audit, shown, (JOURNAL[0], JOURNAL[1], JOURNAL[3]), START_NS)


@pytest.mark.req("R-511", "R-514")
@pytest.mark.parametrize("state", ENDED)
def test_a_paid_service_that_has_ended_still_stands_on_its_order(state: EntitlementState) -> None:
    ended = replace(BOOKED, state=state, ended_at_ms=1)
    shown = EntitlementView(service="RTTI", name="", origin="STORE", state=state, booked_until="2026-06-01")
    assert check_all(evidence(ended, shown=(shown,))) == []


@pytest.mark.req("R-511")
def test_a_car_that_still_shows_what_was_ended_is_found() -> None:
    ended = replace(BOOKED, state=EntitlementState.TERMINATED)
    (found,) = car_shows_what_the_backend_has(evidence(ended, shown=(SHOWN,)))
    assert found.text == "RTTI: backend TERMINATED until 2026-06-01, car ACTIVE until 2026-06-01"


@pytest.mark.req("R-514", "R-516")
@pytest.mark.parametrize("sim", [SimState.SUSPENDED, SimState.DEACTIVATED])
def test_a_car_that_cannot_be_told_shows_what_it_knew(sim: SimState) -> None:
    ended = replace(BOOKED, state=EntitlementState.DEACTIVATED)
    assert car_shows_what_the_backend_has(evidence(ended, shown=(SHOWN,), sim=sim)) == []


@pytest.mark.req("R-104")
def test_a_service_that_was_replaced_stands_on_the_line_it_was_bought_with() -> None:
    replaced = replace(BOOKED, service="LIVE", periods=(replace(PERIOD, bought_as="RTTI"),))
    shown = EntitlementView(
        service="LIVE", name="", origin="STORE", state=EntitlementState.ACTIVE, booked_until="2026-06-01"
    )
    assert check_all(evidence(replaced, shown=(shown,))) == []
    forgotten = replace(BOOKED, service="LIVE")
    assert [found.rule for found in check_all(evidence(forgotten, shown=(shown,)))] == ["R-401", "R-401"]


@pytest.mark.req("R-104")
def test_of_a_service_that_is_there_twice_the_car_shows_the_later_end() -> None:
    free = replace(PERIOD, order_number="", last_day=date(2026, 4, 1))
    shorter = replace(BOOKED, origin="CONTRACT", periods=(free,))
    assert check_all(evidence(BOOKED, shorter, shown=(SHOWN,))) == []
    assert check_all(evidence(shorter, BOOKED, shown=(SHOWN,))) == []
