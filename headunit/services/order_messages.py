"""What the driver wants done about an order, as the message that asks the backend for it."""

from typing import TypeAlias

from contracts.messages import CancelOrder, ModifyOrder, SubmitOrder
from headunit.domain import intents

OrderIntent: TypeAlias = intents.PlaceOrder | intents.ChangeOrder | intents.CancelOrder
OrderMessage: TypeAlias = SubmitOrder | ModifyOrder | CancelOrder


def message_of(intent: OrderIntent, key: str, sent_at_ms: int) -> OrderMessage:
    """The message for `intent`; an order's client id is the key of the message that places it (R-204)."""
    match intent:
        case intents.PlaceOrder(lines, list_version, sms_number):
            return SubmitOrder(
                key=key,
                sent_at_ms=sent_at_ms,
                client_order_id=key,
                lines=lines,
                list_version=list_version,
                sms_number=sms_number,
            )
        case intents.ChangeOrder(order_number, order_version, lines):
            return ModifyOrder(
                key=key,
                sent_at_ms=sent_at_ms,
                order_number=order_number,
                order_version=order_version,
                lines=lines,
            )
        case intents.CancelOrder(order_number):
            return CancelOrder(key=key, sent_at_ms=sent_at_ms, order_number=order_number)
