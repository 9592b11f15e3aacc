"""What each code means to a driver: what happened, what is safe, what to do."""

from typing import Final

from contracts.errors import ErrorCode
from headunit.domain.texts import LocalCode, mark

EXPLANATIONS: Final[dict[str, str]] = {
    ErrorCode.NOT_ORDERABLE: mark(
        "{service} belongs to every car and needs no order. Nothing has been ordered."
    ),
    ErrorCode.BAD_TERM: mark(
        "{service} is not offered for that time. Your basket is kept. Choose another term."
    ),
    ErrorCode.NOT_ELIGIBLE: mark(
        "{service} is not available for this car. Your basket is kept. Customer support: {support}."
    ),
    ErrorCode.PRICE_CHANGED: mark(
        "Prices have changed. Nothing has been ordered, your basket is kept. "
        "Check the new total and order again."
    ),
    ErrorCode.DUPLICATE_SERVICE: mark(
        "{service} is in the basket already; each service can be there once. Change its term in the basket."
    ),
    ErrorCode.EMPTY_CART: mark("Nothing is chosen, so nothing has been ordered. Choose a service first."),
    ErrorCode.BAD_NUMBER: mark(
        "That number cannot receive the link. Your basket is kept. Enter 11 digits starting with 1."
    ),
    ErrorCode.NO_CONNECTION: mark(
        "Your basket is kept. Nothing was sent and nothing will be sent later by itself."
    ),
    ErrorCode.START_DATE_UNSUPPORTED: mark(
        "A start date cannot be chosen. Nothing has been ordered. Services start after payment."
    ),
    ErrorCode.INSTALMENT_UNSUPPORTED: mark(
        "Payment in instalments is not possible. Nothing has been ordered. Pay the order in one sum."
    ),
    ErrorCode.ORDER_CHANGED: mark(
        "The order has been changed elsewhere meanwhile. It stands as shown here now. "
        "Look at it and change it again if need be."
    ),
    ErrorCode.PAYMENT_IN_PROGRESS: mark(
        "Somebody is paying this order now, so it cannot be changed. It stands as it is. Wait, or cancel it."
    ),
    ErrorCode.NOT_MODIFIABLE: mark(
        "After a failed payment an order cannot be changed. Nothing has been charged. "
        "Pay it again, or cancel it."
    ),
    ErrorCode.CANCEL_SYNC: mark(
        "A cancelled order is being settled. Your basket is kept. Choose and order again in {remaining}."
    ),
    ErrorCode.SERVICE_IN_OPEN_ORDER: mark(
        "{service} is in an open order already. Your basket is kept. Pay, change or cancel that order first."
    ),
    ErrorCode.USE_HOTLINE: mark(
        "A paid order is not changed in the car. It stands as it is. Call {hotline} to change or cancel it."
    ),
    ErrorCode.UNKNOWN_ORDER: mark(
        "This car has no such order. Nothing has been changed. Synchronise and look under Open orders."
    ),
    ErrorCode.INVALID_STATE: mark(
        "The order is no longer in a state for that. Nothing has been changed. Look at it under Open orders."
    ),
    ErrorCode.PROVIDER_UNSUPPORTED: mark(
        "That payment provider is not supported. Nothing has been charged. "
        "Choose another one on the payment page."
    ),
    ErrorCode.AMOUNT_MISMATCH: mark("The amount paid was not the amount due. It is returned. Pay again."),
    ErrorCode.ACTIVATION_OVERDUE: mark(
        "{service} should be active by now. Your payment is safe. Call {disturbance_line}."
    ),
    ErrorCode.NOT_WHILE_MOVING: mark(
        "Not while driving. Your basket is kept. Stop the car and choose again."
    ),
    ErrorCode.BAD_MESSAGE: mark(
        "The car and the backend did not understand each other. Nothing has been changed. "
        "Try again; if it stays, call {disturbance_line}."
    ),
    ErrorCode.REGISTRATION_REQUIRED: mark(
        "This car is not linked to a Portal account, so nothing can be ordered in it. Your basket is kept. "
        "Link the car in the customer Portal first."
    ),
    ErrorCode.RENEWAL_WINDOW_CLOSED: mark(
        "{service} can no longer be renewed by ordering it: the last day was {date}. Nothing has been "
        "ordered, your basket is kept. {left}"
    ),
    ErrorCode.PORTAL_ONLY: mark(
        "{service} can be had in the customer Portal only. Nothing has been ordered, your basket is kept."
    ),
    ErrorCode.DATA_MISSING: mark(
        "Details that the services need are missing in the customer Portal. Nothing has been ordered, your "
        "basket is kept. Complete them there first."
    ),
    LocalCode.NO_ANSWER: mark(
        "Your request did not arrive. Nothing was changed, your basket is kept. Try again."
    ),
    LocalCode.NOT_ERASED: mark(
        "Personal data could not be deleted. Nothing has been deleted. "
        "Try again; if it stays so, ask your dealer."
    ),
    LocalCode.OUTCOME_UNKNOWN: mark(
        "No answer yet: it is not known whether your request arrived. Your basket is kept. "
        "Look under Open orders before you try again."
    ),
}
"""One for every code that can reach the car.

`{service}`, `{support}`, `{hotline}`, `{disturbance_line}`, `{remaining}`, `{date}` and `{left}` are filled
in when it is shown.
"""

UNEXPLAINED: Final = mark(
    "The backend has refused this. Nothing has been changed, your basket is kept. "
    "If it stays so, call {disturbance_line}."
)
"""What is said of any other code, which no car should ever be sent."""
