"""Error codes of the specification and the error root of this package.

ContractError
├── UnknownKindError     no message of that kind exists
└── MessageFieldError    a field is missing or wrong; names it
"""

from enum import StrEnum


class ErrorCode(StrEnum):
    """Codes a person or a program is answered with; the value crosses the air as it stands."""

    # Store and basket
    NOT_ORDERABLE = "NOT_ORDERABLE"
    REGISTRATION_REQUIRED = "REGISTRATION_REQUIRED"
    BAD_TERM = "BAD_TERM"
    NOT_ELIGIBLE = "NOT_ELIGIBLE"
    PRICE_CHANGED = "PRICE_CHANGED"
    DUPLICATE_SERVICE = "DUPLICATE_SERVICE"
    EMPTY_CART = "EMPTY_CART"
    BAD_NUMBER = "BAD_NUMBER"
    NO_CONNECTION = "NO_CONNECTION"
    START_DATE_UNSUPPORTED = "START_DATE_UNSUPPORTED"
    INSTALMENT_UNSUPPORTED = "INSTALMENT_UNSUPPORTED"
    # Open orders
    ORDER_CHANGED = "ORDER_CHANGED"
    PAYMENT_IN_PROGRESS = "PAYMENT_IN_PROGRESS"
    NOT_MODIFIABLE = "NOT_MODIFIABLE"
    CANCEL_SYNC = "CANCEL_SYNC"
    SERVICE_IN_OPEN_ORDER = "SERVICE_IN_OPEN_ORDER"
    USE_HOTLINE = "USE_HOTLINE"
    UNKNOWN_ORDER = "UNKNOWN_ORDER"  # no order of that number belongs to this car
    INVALID_STATE = "INVALID_STATE"  # section 3: an event its state does not list
    # Payment
    PROVIDER_UNSUPPORTED = "PROVIDER_UNSUPPORTED"
    AMOUNT_MISMATCH = "AMOUNT_MISMATCH"
    VAT_INVOICE_UNAVAILABLE = "VAT_INVOICE_UNAVAILABLE"
    INVOICE_CATEGORY_FIXED = "INVOICE_CATEGORY_FIXED"
    # Activation and renewal
    ACTIVATION_OVERDUE = "ACTIVATION_OVERDUE"
    RENEWAL_WINDOW_CLOSED = "RENEWAL_WINDOW_CLOSED"
    PORTAL_ONLY = "PORTAL_ONLY"
    # Ends and money back
    HOTLINE_CLOSED = "HOTLINE_CLOSED"
    DEALER_ONLY = "DEALER_ONLY"
    NOTICE_TOO_SHORT = "NOTICE_TOO_SHORT"
    CONFIRMATION_REQUIRED = "CONFIRMATION_REQUIRED"
    VERIFICATION_FAILED = "VERIFICATION_FAILED"
    REFUND_LATEST_FIRST = "REFUND_LATEST_FIRST"
    ALREADY_REFUNDED = "ALREADY_REFUNDED"
    NOTHING_REFUNDABLE = "NOTHING_REFUNDABLE"
    NAME_MISMATCH = "NAME_MISMATCH"
    # Accounts and cars
    NOT_LOGGED_IN = "NOT_LOGGED_IN"  # the Portal does nothing for somebody who is not logged in
    BAD_CREDENTIALS = "BAD_CREDENTIALS"  # R-904, and the Portal's login
    BAD_TOKEN = "BAD_TOKEN"
    BAD_PASSWORD = "BAD_PASSWORD"  # D-34: a password has eight characters, a letter and a digit
    PASSWORD_CHANGE_REQUIRED = "PASSWORD_CHANGE_REQUIRED"
    ACCOUNT_LOCKED = "ACCOUNT_LOCKED"  # D-34, R-705
    NAME_TAKEN = "NAME_TAKEN"
    DATA_MISSING = "DATA_MISSING"
    ALREADY_LINKED = "ALREADY_LINKED"
    NOT_TRANSFERABLE = "NOT_TRANSFERABLE"
    DATA_FLOW_DENIED = "DATA_FLOW_DENIED"
    # Car
    NOT_WHILE_MOVING = "NOT_WHILE_MOVING"
    # Wire
    BAD_MESSAGE = "BAD_MESSAGE"  # a message that does not keep its contract


class ContractError(Exception):
    """A message that does not keep its contract.

    field names the offending field in dotted form (`lines[0].months`), or "" when the whole
    message cannot be read.
    """

    def __init__(self, detail: str, *, field: str = "") -> None:
        super().__init__(f"{field}: {detail}" if field else detail)
        self.detail = detail
        self.field = field


class UnknownKindError(ContractError):
    """No message of that kind exists."""


class MessageFieldError(ContractError):
    """A field is missing, of the wrong type or out of range."""
