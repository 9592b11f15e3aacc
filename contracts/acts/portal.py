"""What somebody does in the Portal (S2) under the name `user`; most of it needs a login first."""

from datetime import date
from enum import StrEnum
from typing import TypeAlias

from contracts.acts.act import Act
from contracts.messages import Line


class PortalClient(StrEnum):
    """What a login is for: the Portal itself, or the Remote App that shares its password (R-702)."""

    PORTAL = "portal"
    REMOTE_APP = "remote_app"


class PortalAct(Act, frozen=True, kw_only=True):
    """`user` is the name the account has."""

    user: str


class Register(PortalAct, tag="register", frozen=True, kw_only=True):
    """Open an account, where the market lets people do so themselves."""

    password: str
    name: str = ""
    number: str = ""
    email: str = ""


class Login(PortalAct, tag="login", frozen=True, kw_only=True):
    """Log in with the password, at first with the token (R-701); None = the token on the phone.

    A login to the Portal lasts twelve hours, one to the Remote App until the account's fate ends it.
    """

    password: str | None = None
    client: PortalClient = PortalClient.PORTAL


class Logout(PortalAct, tag="logout", frozen=True, kw_only=True):
    """End all sessions of this client."""

    client: PortalClient = PortalClient.PORTAL


class ChoosePassword(PortalAct, tag="choose_password", frozen=True, kw_only=True):
    """A new password, by somebody who is logged in (R-701, R-702)."""

    password: str


class ForgetPassword(PortalAct, tag="forgot_password", frozen=True, kw_only=True):
    """Ask for a message with which the password can be reset (R-703)."""


class ResetPassword(PortalAct, tag="reset_password", frozen=True, kw_only=True):
    """A new password, with the token of that message; None = the newest one on the phone (R-703)."""

    password: str
    token: str | None = None


class Rename(PortalAct, tag="rename", frozen=True, kw_only=True):
    """Ask for another name, a number or an address; a message goes there (R-704)."""

    to: str


class ConfirmName(PortalAct, tag="confirm_name", frozen=True, kw_only=True):
    """Complete that with the token of the message; None = the newest one on the phone (R-704)."""

    token: str | None = None


class UpdateData(PortalAct, tag="update_data", frozen=True, kw_only=True):
    """Changed data of the person; None = as it was, empty = none any more (R-705)."""

    name: str | None = None
    number: str | None = None
    email: str | None = None


class LinkVehicle(PortalAct, tag="link", frozen=True, kw_only=True):
    """Link a car to the account by its VIN and what identifies it (R-706, D-35).

    The car is `car`; `code` None = what it displays. One of the two others is needed.
    """

    code: str | None = None
    first_registration: date | None = None
    engine_number_ending: str = ""


class Disconnect(PortalAct, tag="disconnect", frozen=True, kw_only=True):
    """Give the car away; the two parts of the checklist must be confirmed (R-713)."""

    personal_data_deleted: bool = False
    buyer_informed: bool = False


class PlaceOrder(PortalAct, tag="order", frozen=True, kw_only=True):
    """Order for the linked car; `list_version` None = the list in force (R-103, R-201 to R-205)."""

    lines: tuple[Line, ...]
    client_order_id: str = ""
    list_version: int | None = None
    sms_number: str | None = None
    start_date: str | None = None
    instalments: int | None = None


class ModifyOrder(PortalAct, tag="modify", frozen=True, kw_only=True):
    """New lines for an unpaid order; `order_version` None = its newest (R-206)."""

    order: str = ""
    lines: tuple[Line, ...]
    order_version: int | None = None


class CancelOrder(PortalAct, tag="cancel", frozen=True, kw_only=True):
    """End an unpaid order (R-208, R-209)."""

    order: str = ""


class EndService(PortalAct, tag="end_service", frozen=True, kw_only=True):
    """Ask for a service to end, which the Portal never does (R-511, R-512)."""

    service: str


class SetAutoRenew(PortalAct, tag="auto_renew", frozen=True, kw_only=True):
    """Let a service renew itself, or not (R-505)."""

    service: str
    on: bool


class GiveNotice(PortalAct, tag="notice", frozen=True, kw_only=True):
    """Written notice that a service is to be renewed once (R-504)."""

    service: str


class ExtendBasePackage(PortalAct, tag="extend_base_package", frozen=True, kw_only=True):
    """The free extension of the base package (R-506)."""


class MoveService(PortalAct, tag="move_service", frozen=True, kw_only=True):
    """Ask for a service to go to another car (R-711)."""

    service: str
    to_vin: str


class ExportDescriptions(PortalAct, tag="export", frozen=True, kw_only=True):
    """Descriptions, durations and availability as a document (R-006)."""


AnyPortalAct: TypeAlias = (
    Register
    | Login
    | Logout
    | ChoosePassword
    | ForgetPassword
    | ResetPassword
    | Rename
    | ConfirmName
    | UpdateData
    | LinkVehicle
    | Disconnect
    | PlaceOrder
    | ModifyOrder
    | CancelOrder
    | EndService
    | SetAutoRenew
    | GiveNotice
    | ExtendBasePackage
    | MoveService
    | ExportDescriptions
)
