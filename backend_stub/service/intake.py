"""Messages from cars: read, taken once, answered (section 2.2; contracts.messages).

What does not keep its contract is kept aside and answered with a Refusal that names the field.
"""

from typing import NoReturn

from backend_stub.domain.order import Order
from backend_stub.domain.vehicle import VehicleRecord
from backend_stub.errors import BackendError
from backend_stub.service import views
from backend_stub.service.ordering.orders import Orders
from backend_stub.service.unit_of_work import UnitOfWork
from contracts.codec import decode, kind_of
from contracts.errors import ContractError, ErrorCode, MessageFieldError
from contracts.messages import (
    DOWN_MESSAGES,
    CancelOrder,
    Message,
    ModifyOrder,
    OrderReply,
    Refusal,
    SubmitOrder,
    SyncRequest,
)
from contracts.topics import Way, down_topic, parse_topic
from runtime.mqtt.port import IncomingMessage, OutgoingMessage
from runtime.ports import Ids

REQUEST_LIFE_MS = 60_000
"""At this age an order request that carries an expiry takes no effect any more (R-204)."""

_DOWN_KINDS = tuple(kind_of(message) for message in DOWN_MESSAGES)
_MAX_SHOWN = 64


class Intake:
    """Serves one message inside the unit of work that is open; it never raises for what a car sent."""

    def __init__(self, ids: Ids, orders: Orders, snapshots: views.Snapshots) -> None:
        self._ids = ids
        self._orders = orders
        self._snapshots = snapshots

    def receive(self, uow: UnitOfWork, incoming: IncomingMessage) -> None:
        """Let the message take effect if it has not yet, and answer it."""
        try:
            topic = parse_topic(incoming.topic)
            vehicle = uow.store.vehicles.get(topic.vin)
            if vehicle is None:
                self._unknown_car()
            message = decode(topic.kind, incoming.payload)
            if incoming.key and incoming.key != message.key:
                raise MessageFieldError("differs from the key of the packet", field="key")
        except ContractError as error:
            self._set_aside(uow, incoming, error)
            return
        # Keys are the car's own: no car can use up or ask for what belongs to another one's.
        request = f"{topic.vin}/{message.key}"
        if self.is_repeat(uow, request):
            self._answer_again(uow, topic.kind, request)
        else:
            self._serve(uow, vehicle, message, incoming)

    def is_repeat(self, uow: UnitOfWork, key: str) -> bool:
        """Whether a message of this key has taken effect before; remembers it."""
        return not uow.store.inbox.first_time(key, uow.now_ms)

    def _answer_again(self, uow: UnitOfWork, kind: str, request: str) -> None:
        """The broker may have lost the answer: the same one once more, unless it still waits here."""
        answer = uow.store.answers.get(request)
        if answer is not None:
            uow.store.outbox.add(answer)
        uow.record("repeat", kind, "answered" if answer is not None else "ignored")

    def _serve(
        self, uow: UnitOfWork, vehicle: VehicleRecord, message: Message, incoming: IncomingMessage
    ) -> None:
        match message:
            case SyncRequest():
                self._sync(uow, vehicle, incoming)
            case SubmitOrder() | ModifyOrder() | CancelOrder():
                self._order_request(uow, vehicle, message, incoming)
            case _:
                self._set_aside(
                    uow, incoming, MessageFieldError("cars do not send this kind", field="schema")
                )

    def _sync(self, uow: UnitOfWork, vehicle: VehicleRecord, incoming: IncomingMessage) -> None:
        """Catalogue and snapshot, in this order, whatever the car has (R-404)."""
        self._send_catalogue(uow, vehicle, incoming)
        self._answer(uow, vehicle.vin, self._snapshots(vehicle.vin, uow.now_ms), incoming)

    def _send_catalogue(self, uow: UnitOfWork, vehicle: VehicleRecord, incoming: IncomingMessage) -> None:
        prices = self._orders.current_prices(uow)
        profile = self._orders.profile
        message = views.catalogue(vehicle, prices, profile, self._ids.key(), uow.now_ms)
        self._answer(uow, vehicle.vin, message, incoming)

    def _order_request(
        self,
        uow: UnitOfWork,
        vehicle: VehicleRecord,
        request: SubmitOrder | ModifyOrder | CancelOrder,
        incoming: IncomingMessage,
    ) -> None:
        code, detail = None, ""
        try:
            with uow.attempt():
                self._check_fresh(uow, request, incoming)
                self._carry_out(uow, vehicle, request)
        except BackendError as error:
            code, detail = error.code, error.detail
            uow.record("refusal", kind_of(request), code, detail=detail)
            if code is ErrorCode.PRICE_CHANGED:
                self._send_catalogue(uow, vehicle, incoming)
        order = self._order_of(uow, vehicle, request)
        reply = OrderReply(
            key=self._ids.key(),
            sent_at_ms=uow.now_ms,
            request_key=request.key,
            code=code,
            detail=detail,
            order=views.order_view(order) if order else None,
        )
        packet = self._answer(uow, vehicle.vin, reply, incoming)
        uow.store.answers.keep(f"{vehicle.vin}/{request.key}", packet)

    def _carry_out(
        self, uow: UnitOfWork, vehicle: VehicleRecord, request: SubmitOrder | ModifyOrder | CancelOrder
    ) -> None:
        match request:
            case SubmitOrder():
                self._orders.submit(uow, vehicle, request)
            case ModifyOrder():
                self._orders.modify(uow, vehicle, request)
            case CancelOrder():
                self._orders.cancel(uow, vehicle, request)

    def _order_of(
        self, uow: UnitOfWork, vehicle: VehicleRecord, request: SubmitOrder | ModifyOrder | CancelOrder
    ) -> Order | None:
        if isinstance(request, SubmitOrder):
            return self._orders.known(uow, vehicle.vin, request.client_order_id)
        order = uow.store.orders.get(request.order_number)
        return order if order is not None and order.vin == vehicle.vin else None

    def _check_fresh(self, uow: UnitOfWork, request: Message, incoming: IncomingMessage) -> None:
        """A request whose life has ended on the way takes no effect any more (R-204)."""
        if incoming.expiry_s is not None and uow.now_ms - request.sent_at_ms >= REQUEST_LIFE_MS:
            raise BackendError(ErrorCode.NO_CONNECTION, "the request came too late; nothing was done")

    def _set_aside(self, uow: UnitOfWork, incoming: IncomingMessage, error: ContractError) -> None:
        uow.store.inbox.dead_letter(incoming.topic, incoming.payload, str(error), uow.now_ms)
        try:
            topic = parse_topic(incoming.topic)
        except ContractError:
            uow.record("refusal", "topic", ErrorCode.BAD_MESSAGE)
            return
        uow.record("refusal", topic.kind[:_MAX_SHOWN], ErrorCode.BAD_MESSAGE, field=error.field)
        if uow.store.vehicles.get(topic.vin) is None:
            return
        refusal = Refusal(
            key=self._ids.key(),
            sent_at_ms=uow.now_ms,
            request_key=incoming.key,
            code=ErrorCode.BAD_MESSAGE,
            detail=str(error),
        )
        self._answer(uow, topic.vin, refusal, incoming)

    def _answer(
        self, uow: UnitOfWork, vin: str, message: Message, incoming: IncomingMessage
    ) -> OutgoingMessage:
        return uow.send(
            vin,
            message,
            topic=reply_topic(vin, kind_of(message), incoming.response_topic),
            correlation_data=incoming.correlation_data,
        )

    def _unknown_car(self) -> NoReturn:
        raise MessageFieldError("no such car here", field="topic")


def reply_topic(vin: str, kind: str, wanted: str) -> str:
    """Where an answer of `kind` goes: the response topic, if it is this car's and made for this kind.

    One request can have answers of several kinds, and the last level of a topic names the kind; an
    answer never goes to another car, whatever was asked for. Nothing can be published to a wildcard
    (MQTT 5, section 3.3.2.3.5): such an answer would stay in the outbox and hold up every later one.
    """
    try:
        topic = parse_topic(wanted)
    except ContractError:
        return down_topic(vin, kind)
    mine = topic.vin == vin and topic.way is Way.DOWN and topic.kind not in _DOWN_KINDS
    is_name = not any(wildcard in topic.kind for wildcard in "+#")
    return wanted if mine and is_name else down_topic(vin, kind)
