"""What dealer, branch or workshop do at their console (S11)."""

from typing import TypeAlias

from contracts.acts.act import Act


class DealerAct(Act, frozen=True, kw_only=True):
    """Everything a dealer does."""


class ActivateVehicle(DealerAct, tag="activate", frozen=True, kw_only=True):
    """Hand the car over: its SIM goes to work, its owner becomes known (R-701)."""

    name: str = ""
    number: str = ""


class DeactivateVehicle(DealerAct, tag="deactivate", frozen=True, kw_only=True):
    """Switch everything off; `confirmed` says that the dead Emergency Call was understood (R-514)."""

    confirmed: bool = False


class ReactivateVehicle(DealerAct, tag="reactivate", frozen=True, kw_only=True):
    """Switch the car on again; only standard services return (D-28)."""


AnyDealerAct: TypeAlias = ActivateVehicle | DeactivateVehicle | ReactivateVehicle
