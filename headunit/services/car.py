"""The car as one program: presenter, session with the backend, modem and vehicle data, wired together."""

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from contracts.bench import Terminal
from contracts.controller import ControllerEvent
from contracts.errors import ErrorCode
from contracts.messages import Catalogue, Disturbance, EntitlementView, OrderReply, Snapshot
from contracts.modem import ModemPort, ModemStatus
from contracts.screen import ScreenSnapshot
from headunit.domain import intents
from headunit.domain.facts import UNKNOWN_MOTION, CarFacts, Motion, PendingRequest, RequestKind
from headunit.domain.motion_lock import is_locked, observed, shifted
from headunit.domain.presenter import Presenter
from headunit.domain.reception import is_online
from headunit.domain.texts import LocalCode, load_translation
from headunit.services.car_store import Basket, SentRequest
from headunit.services.errors import NotOnlineError
from headunit.services.order_messages import OrderIntent, message_of
from headunit.services.session import Session
from headunit.services.vehicle_changes import vehicle_changes
from runtime.mqtt.port import MqttPortFactory
from runtime.ports import Runtime, Timer

REDRAW_NS = 50_000_000
"""Transport time at least between two pictures that differ by the passing of bench time alone."""

_REQUEST_KINDS = {
    "submit-order": RequestKind.PLACE,
    "modify-order": RequestKind.CHANGE,
    "cancel-order": RequestKind.CANCEL,
}


@dataclass(frozen=True, slots=True)
class CarConfig:
    """Which car this is and where its broker is, as seen from the car."""

    vin: str
    broker_host: str
    broker_port: int
    market: str = "CN"
    language: str = "en"
    model: str = ""


class Car:
    """What sits behind the display. Make it inside its own task: its database is opened here.

    Args:
        runtime: clock, ids, journal and disk of the car.
        config: which car.
        modem: what the car can learn from its modem.
        make_port: how to make the MQTT port.
    """

    def __init__(
        self, runtime: Runtime, config: CarConfig, modem: ModemPort, make_port: MqttPortFactory
    ) -> None:
        self._clock = runtime.clock
        self._journal = runtime.journal
        self._config = config
        self._modem = modem
        self._motion = UNKNOWN_MOTION
        self._read_ms = self._read_ns = 0
        self.terminal: Terminal | None = None
        self._online_since_ms: int | None = None
        self._offline_since_ms: int | None = None
        self._disturbance: Disturbance | None = None
        self._screen_listeners: list[Callable[[ScreenSnapshot], None]] = []
        self._outbox_listeners: list[Callable[[int], None]] = []
        self._packet_listeners: list[Callable[[str, str, str, int], None]] = []
        self._session_listeners: list[Callable[[bool], None]] = []
        self._shown: ScreenSnapshot | None = None
        self._shown_id = ""
        self._told = ("", "")
        self._timer: Timer | None = None
        self._drawn_ns = -REDRAW_NS
        self._had_data = False
        self._was_online = False
        self._is_behind = True
        self._presenter = Presenter(load_translation(config.language), config.language)
        self._session = Session(
            runtime, config.vin, (config.broker_host, config.broker_port), make_port, self
        )
        self._catalogue = self._session.store.catalogue()
        self._snapshot = self._session.store.snapshot()
        self._last_sync_ms = self._session.store.last_sync_ms()
        self._request = self._session.store.sent_request()
        self._booked = _states(self._snapshot.entitlements if self._snapshot else ())
        basket = self._session.store.basket()
        if basket.lines or basket.number:
            self._presenter.restore_basket(basket.lines, basket.number or None)
        modem.on_change(self._modem_changed)
        self._modem_changed(modem.status())

    async def run(self) -> None:
        """Live until cancelled."""
        try:
            await self._session.run()
        finally:
            if self._timer is not None:
                self._timer.cancel()

    # The driver

    def press(self, event: ControllerEvent) -> None:
        """The driver's hand."""
        label = f"{event.action}{event.detents:+d}" if event.detents else event.action
        self._journal.record("knob", label)
        self._look()
        self._carry_out(self._presenter.handle(event))
        self._draw()
        self._note_banner()

    def screen(self) -> ScreenSnapshot:
        """The display as it is now."""
        due_ms = self._presenter.next_change_ms()
        if self._is_behind or (due_ms is not None and self._clock.now_ms() >= due_ms):
            self._look()
        return self._presenter.screen()

    def on_screen(self, listener: Callable[[ScreenSnapshot], None]) -> None:
        """Have `listener` called with every new picture; only then does the car redraw by itself."""
        self._screen_listeners.append(listener)
        self._refresh()

    # The vehicle

    def read_speed(self, speed_kmh: float | None) -> None:
        """The vehicle bus says how fast the car is; None = the bus does not know."""
        now_ms = self._clock.now_ms()
        before = self._motion_at(now_ms)
        was = is_locked(before, now_ms)
        self._motion = observed(before, speed_kmh, now_ms)
        self._read_ms, self._read_ns = now_ms, self._clock.transport_ns()
        if is_locked(self._motion, now_ms) != was or self._screen_listeners:
            self._refresh()

    @property
    def motion(self) -> Motion:
        """The newest speed reading."""
        return self._motion

    @property
    def moving(self) -> bool:
        """Whether the motion lock holds (R-811)."""
        now_ms = self._clock.now_ms()
        return is_locked(self._motion_at(now_ms), now_ms)

    # What the bench may ask

    @property
    def booked(self) -> tuple[EntitlementView, ...]:
        """Booked Services as the car knows them."""
        return self._snapshot.entitlements if self._snapshot else ()

    @property
    def revision(self) -> int:
        """Revision of the newest snapshot, 0 before the first."""
        return self._snapshot.revision if self._snapshot else 0

    @property
    def session_up(self) -> bool:
        """Whether the MQTT session is up."""
        return self._session.is_up

    @property
    def outbox_depth(self) -> int:
        """How many messages wait."""
        return self._session.outbox_depth

    def on_outbox(self, listener: Callable[[int], None]) -> None:
        """Have `listener` called when the number of waiting messages changes."""
        self._outbox_listeners.append(listener)

    def on_session(self, listener: Callable[[bool], None]) -> None:
        """Have `listener` called when the MQTT session comes up or goes down."""
        self._session_listeners.append(listener)

    def on_packet(self, listener: Callable[[str, str, str, int], None]) -> None:
        """Have `listener` called with way, kind, key and size of each application message."""
        self._packet_listeners.append(listener)

    # What the session tells (SessionListener)

    def session_changed(self, up: bool) -> None:
        """See SessionListener."""
        self._watch_connection()
        for listener in self._session_listeners:
            listener(up)
        self._refresh()

    def catalogue_arrived(self, catalogue: Catalogue) -> None:
        """See SessionListener."""
        self._catalogue = catalogue
        self._last_sync_ms = self._clock.now_ms()
        self._journal.record("catalogue", catalogue.market, str(catalogue.list_version))
        self._refresh()

    def snapshot_arrived(self, snapshot: Snapshot, fresh: bool) -> None:
        """See SessionListener."""
        self._last_sync_ms = self._clock.now_ms()
        if fresh:
            known = self._snapshot.orders if self._snapshot else ()
            before = {order.number: order.state for order in known}
            for key, state in vehicle_changes(self._snapshot, snapshot):
                self._journal.record("vehicle", key, state)
            self._snapshot = snapshot
            for order in snapshot.orders:
                if before.get(order.number) != order.state:
                    self._journal.record("order", order.number, order.state)
            booked = _states(snapshot.entitlements)
            for service, state in booked.items():
                if self._booked.get(service) != state:
                    self._journal.record("booked", service, state)
            self._booked = booked
        self._refresh()

    def answered(self, request: SentRequest, reply: OrderReply) -> None:
        """See SessionListener."""
        self._request = None
        if reply.code is None and reply.order is not None:
            self._journal.record("accepted", reply.order.number, client_order_id=request.client_order_id)
        self._look()
        self._carry_out(self._presenter.answer(reply))
        self._draw()

    def came_to_nothing(self, request: SentRequest) -> None:
        """See SessionListener."""
        self._request = None
        # An order would be in the snapshot by its client id. A change or a cancellation leaves no such
        # mark: its answer may have been lost after it took effect.
        code = LocalCode.NO_ANSWER if request.client_order_id else LocalCode.OUTCOME_UNKNOWN
        self._journal.record("reply", request.kind, code)
        self._look()
        self._carry_out(self._presenter.refuse(code))
        self._draw()

    def disturbance_announced(self, disturbance: Disturbance) -> None:
        """See SessionListener."""
        self._disturbance = disturbance
        self._refresh()

    def outbox_changed(self, depth: int) -> None:
        """See SessionListener."""
        for listener in self._outbox_listeners:
            listener(depth)

    def packet_seen(self, way: str, kind: str, key: str, size: int) -> None:
        """See SessionListener."""
        for listener in self._packet_listeners:
            listener(way, kind, key, size)

    # Inside

    def _look(self) -> None:
        """Tell the presenter what the car knows now."""
        self._is_behind = False
        self._carry_out(self._presenter.update(self._facts()))

    def _modem_changed(self, status: ModemStatus) -> None:
        if status.data and not self._had_data and not self._session.is_up:
            self._session.radio_came_back()
        self._had_data = status.data
        self._watch_connection()
        self._refresh()

    def _watch_connection(self) -> None:
        """Note when the car went online or offline: the modem knows of a tunnel long before the session."""
        now = self._facts()
        if is_online(now) == self._was_online:
            return
        self._was_online = not self._was_online
        if self._was_online:
            self._online_since_ms = now.now_ms
        else:
            self._offline_since_ms = now.now_ms

    def _facts(self) -> CarFacts:
        request, now_ms = self._request, self._clock.now_ms()
        return CarFacts(
            now_ms=now_ms,
            market=self._config.market,
            model=self._config.model,
            modem=self._modem.status(),
            session=self._session.is_up,
            online_since_ms=self._online_since_ms,
            offline_since_ms=self._offline_since_ms,
            last_sync_ms=self._last_sync_ms,
            catalogue=self._catalogue,
            snapshot=self._snapshot,
            motion=self._motion_at(now_ms),
            disturbance=self._disturbance,
            request=None
            if request is None
            else PendingRequest(_REQUEST_KINDS[request.kind], request.key, request.since_ms),
        )

    def _motion_at(self, now_ms: int) -> Motion:
        """The newest reading; a bus repeats it in elapsed time, however bench time jumps or races."""
        elapsed_ms = (self._clock.transport_ns() - self._read_ns) // 1_000_000
        ahead_ms = now_ms - self._read_ms - elapsed_ms
        return shifted(self._motion, ahead_ms) if abs(ahead_ms) > 1 else self._motion  # 1: rounding

    def _carry_out(self, wanted: tuple[intents.Intent, ...]) -> None:
        for intent in wanted:
            match intent:
                case intents.KeepBasket(lines, number):
                    store = self._session.store
                    with store.transaction():
                        store.keep("basket", Basket(lines, number or ""))
                case intents.RequestSync():
                    self._session.request_sync()
                case intents.PlaceOrder() | intents.ChangeOrder() | intents.CancelOrder():
                    self._request_about_order(intent)
                case intents.ErasePersonalData(locked_until_ms):
                    self._erase_personal_data(locked_until_ms)
                case intents.KeepLanguage(language):
                    self._journal.record("language", language)

    def _request_about_order(self, intent: OrderIntent) -> None:
        try:
            self._request = self._session.send_request(partial(message_of, intent))
        except NotOnlineError:
            self._journal.record("refused", type(intent).__name__, ErrorCode.NO_CONNECTION)
            self._look()
            self._carry_out(self._presenter.refuse(ErrorCode.NO_CONNECTION))
            return
        self._look()

    def _erase_personal_data(self, locked_until_ms: int | None) -> None:
        """All of it or nothing; what the menu remembers goes with it (R-715)."""
        try:
            self._session.erase_personal_data(locked_until_ms)
        except sqlite3.Error as error:
            self._journal.record("erased", "personal_data", "failed", reason=str(error))
            self._presenter.not_erased()
            return
        self._catalogue, self._request = None, None
        self._snapshot = self._session.store.snapshot()
        self._look()
        self._carry_out(self._presenter.erased())

    def _refresh(self) -> None:
        """The car knows something new: redraw, if anyone is looking."""
        self._is_behind = True
        if self._screen_listeners:
            self._look()
            self._draw()

    def _draw(self) -> None:
        screen = self._presenter.screen()
        if screen.screen != self._shown_id:
            self._shown_id = screen.screen
            self._journal.record("screen", screen.screen)
        if not self._screen_listeners:
            return
        if screen is not self._shown:
            self._shown = screen
            for listener in self._screen_listeners:
                listener(screen)
        if self._timer is not None:
            self._timer.cancel()
        due_ms = self._presenter.next_change_ms()
        self._timer = None if due_ms is None else self._clock.call_at(due_ms, self._time_has_passed)

    def _note_banner(self) -> None:
        """Journal what the driver is told after a movement: on which screen, by which code."""
        screen = self._presenter.screen()
        told = (screen.screen, screen.banner.code if screen.banner else "")
        if told != self._told and told[1]:
            self._journal.record("banner", *told)
        self._told = told

    def _time_has_passed(self) -> None:
        """Redraw; but a clock that jumps or races is not followed minute by minute."""
        now_ns = self._clock.transport_ns()
        early_ns = self._drawn_ns + REDRAW_NS - now_ns
        if early_ns > 0:
            self._timer = asyncio.get_running_loop().call_later(early_ns / 1e9, self._time_has_passed)
            return
        self._drawn_ns = now_ns
        self._refresh()


def _states(entitlements: tuple[EntitlementView, ...]) -> dict[str, str]:
    return {e.service: e.state.value for e in entitlements}
