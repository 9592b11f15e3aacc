"""Whatever the driver and the world do: no error, a focus on a row, the basket kept, a way out."""

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from contracts.controller import BACK, MENU, ControllerAction, ControllerEvent
from contracts.errors import ErrorCode
from contracts.messages import (
    CancelReason,
    Disturbance,
    EntitlementState,
    Line,
    OrderReply,
    OrderState,
    OrderView,
    PricedLine,
)
from contracts.modem import ModemStatus, Registration, SignalLevel, SimState
from headunit.domain.facts import CarFacts, Motion, PendingRequest, RequestKind
from headunit.domain.intents import (
    CancelOrder,
    ChangeOrder,
    ErasePersonalData,
    Intent,
    KeepBasket,
    PlaceOrder,
)
from headunit.domain.presenter import Presenter
from headunit.domain.texts import LANGUAGES, LocalCode, load_translation
from tests.headunit.domain.car import (
    CATALOGUE,
    DEARER,
    EMERGENCY_CALL,
    NOW,
    PRESS,
    TUNNEL,
    entitlement,
    facts,
    order,
    snapshot,
)

EVENTS = st.builds(ControllerEvent, st.sampled_from(ControllerAction), st.integers(-12, 12))
INSTANTS = st.one_of(st.integers(NOW - 100, NOW + 400_000), st.integers(0, 4_000_000_000_000))
SERVICES = st.sampled_from(["RTTI", "CONCIERGE", "PREMIUM", "ECALL", "{x}", "A.B"])
MODEMS = st.one_of(
    st.none(),
    st.builds(
        ModemStatus,
        st.sampled_from(SimState),
        st.sampled_from(Registration),
        st.sampled_from(SignalLevel),
        st.sampled_from(["", "2G", "4G", "5G"]),
        st.one_of(st.none(), st.floats(-160, -30)),
        st.booleans(),
    ),
)
CATALOGUES = st.one_of(
    st.none(),
    st.sampled_from([CATALOGUE, DEARER, msgspec.structs.replace(CATALOGUE, products=(), list_version=3)]),
)
ORDERS = st.builds(
    OrderView,
    number=st.sampled_from(["1", "2.cancel", "{n}"]),
    client_order_id=st.sampled_from(["k", "c2"]),
    version=st.integers(1, 3),
    state=st.sampled_from(OrderState),
    lines=st.lists(
        st.builds(PricedLine, SERVICES, st.sampled_from([3, 6, 99]), st.integers(0, 10**9)), max_size=3
    ).map(tuple),
    amount_minor=st.integers(0, 10**9),
    currency=st.sampled_from(["CNY", "AUD", "XYZ"]),
    accepted_at_ms=INSTANTS,
    deadline_ms=INSTANTS,
    sms_number=st.sampled_from(["", "138****0001"]),
    cancel_until_ms=st.one_of(st.none(), INSTANTS),
    cancel_reason=st.one_of(st.none(), st.sampled_from(CancelReason)),
)
ENTITLEMENTS = st.builds(
    entitlement,
    st.sampled_from(EntitlementState),
    st.sampled_from([None, "2026-07-09", "2026-07-10", "2026-07-31"]),
    overdue=st.booleans(),
    service=SERVICES,
    auto_renew=st.one_of(st.none(), st.booleans()),
    renew_by=st.sampled_from(["", "2026-07-09", "2026-07-10"]),
)
SNAPSHOTS = st.one_of(
    st.none(),
    st.builds(
        snapshot,
        st.integers(1, 9),
        orders=st.lists(ORDERS, max_size=3, unique_by=lambda item: item.number).map(tuple),
        at_ms=INSTANTS,
        entitlements=st.lists(ENTITLEMENTS, max_size=3).map(lambda some: (EMERGENCY_CALL, *some)),
        locked_until_ms=st.one_of(st.none(), INSTANTS),
        ecall_available=st.booleans(),
        contract_number=st.sampled_from(["", "13800000001", "bad"]),
        store_needs=st.one_of(st.none(), st.sampled_from(ErrorCode)),
        deactivated=st.booleans(),
        link_code=st.sampled_from(["", "7QK2M4", "{code}"]),
        terms_version=st.sampled_from(["", "2015-05"]),
    ),
)
DISTURBANCES = st.one_of(
    st.none(),
    st.builds(
        Disturbance,
        key=st.just("d"),
        sent_at_ms=st.just(NOW),
        cause=st.sampled_from(["WORKS", "{}", ""]),
        services=st.lists(SERVICES, max_size=2).map(tuple),
        from_ms=INSTANTS,
        until_ms=st.one_of(st.none(), INSTANTS),
    ),
)
MOTIONS = st.one_of(
    st.builds(
        Motion,
        st.one_of(st.none(), st.floats(0, 250)),
        st.one_of(st.none(), INSTANTS),
        st.one_of(st.none(), INSTANTS),
    ),
    st.just(Motion(0.0, NOW, NOW - 60_000)),
)
MAYBE_INSTANT = st.one_of(st.none(), INSTANTS)
REQUESTS = st.builds(PendingRequest, st.sampled_from(RequestKind), st.sampled_from(["k", "q"]), INSTANTS)
FACTS = st.builds(
    CarFacts,
    now_ms=INSTANTS,
    market=st.sampled_from(["CN", "AU"]),
    modem=MODEMS,
    session=st.booleans(),
    online_since_ms=MAYBE_INSTANT,
    offline_since_ms=MAYBE_INSTANT,
    last_sync_ms=MAYBE_INSTANT,
    catalogue=CATALOGUES,
    snapshot=SNAPSHOTS,
    server_skew_ms=st.integers(-5_000, 5_000),
    motion=MOTIONS,
    disturbance=DISTURBANCES,
    request=st.one_of(
        st.none(),
        st.builds(PendingRequest, st.sampled_from(RequestKind), st.sampled_from(["k", "q"]), INSTANTS),
    ),
    starting=st.booleans(),
)
REPLIES = st.builds(
    OrderReply,
    key=st.just("r"),
    sent_at_ms=INSTANTS,
    request_key=st.sampled_from(["k", "q"]),
    code=st.one_of(st.none(), st.sampled_from(ErrorCode)),
    order=st.one_of(st.none(), ORDERS),
)
CODES = st.one_of(st.sampled_from(ErrorCode), st.sampled_from(LocalCode))
_ORDERS_SOMETHING = (PlaceOrder, ChangeOrder, CancelOrder)


class AnyDriver(RuleBasedStateMachine):
    """Random hands in a random world."""

    @initialize(language=st.sampled_from(list(LANGUAGES)))
    def start(self, language: str) -> None:
        self.presenter = Presenter(load_translation(language), language)
        self.kept: tuple[Line, ...] = ()

    def _note(self, intents: tuple[Intent, ...]) -> None:
        for intent in intents:
            if isinstance(intent, KeepBasket):
                self.kept = intent.lines
            elif isinstance(intent, ErasePersonalData):
                self.presenter.erased()
                self.kept = ()

    @rule(known=FACTS)
    def learn(self, known: CarFacts) -> None:
        self._note(self.presenter.update(known))

    @rule()
    def stand_online(self) -> None:
        self._note(self.presenter.update(facts(snapshot=snapshot(orders=(order(),)))))

    @rule(events=st.lists(EVENTS, min_size=1, max_size=12))
    def use_the_knob(self, events: list[ControllerEvent]) -> None:
        for event in events:
            before = self.presenter.basket
            intents = self.presenter.handle(event)
            self._note(intents)
            if event.action is not ControllerAction.PRESS:
                assert self.presenter.basket == before
                assert not any(isinstance(intent, _ORDERS_SOMETHING) for intent in intents)

    @rule(detents=st.integers(0, 9))
    def choose(self, detents: int) -> None:
        self.use_the_knob([ControllerEvent(ControllerAction.ROTATE, detents), PRESS])

    @rule(reply=REPLIES)
    def hear(self, reply: OrderReply) -> None:
        before = self.presenter.basket
        self._note(self.presenter.answer(reply))
        if reply.code is not None:
            assert self.presenter.basket == before

    @rule(code=CODES)
    def be_refused(self, code: ErrorCode | LocalCode) -> None:
        before = self.presenter.basket
        self._note(self.presenter.refuse(code))
        assert self.presenter.basket == before

    @rule()
    def go_home(self) -> None:
        self.presenter.handle(MENU)
        assert self.presenter.screen().screen == "main"

    @rule()
    def go_back(self) -> None:
        before = self.presenter.screen().screen
        self.presenter.handle(BACK)
        assert before == "main" or self.presenter.screen().screen != before

    @invariant()
    def the_picture_is_sound(self) -> None:
        screen = self.presenter.screen()
        if any(row.selectable for row in screen.rows):
            assert screen.rows[screen.focus].selectable
        else:
            assert screen.focus == -1
        assert screen.path
        assert screen.hints

    @invariant()
    def the_basket_is_what_was_written_down(self) -> None:
        assert self.presenter.basket == self.kept

    @invariant()
    def a_change_by_time_lies_ahead(self) -> None:
        assert self.presenter.next_change_ms() is not None


AnyDriver.TestCase.settings = settings(
    max_examples=40, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
TestAnyDriver = AnyDriver.TestCase


@settings(max_examples=40, deadline=None)
@given(known=FACTS, events=st.lists(EVENTS, max_size=20))
def test_the_same_facts_and_events_give_the_same_pictures(
    known: CarFacts, events: list[ControllerEvent]
) -> None:
    pictures = []
    for _ in range(2):
        presenter = Presenter(load_translation("en"), "en")
        presenter.update(known)
        seen = []
        for event in events:
            presenter.handle(event)
            seen.append(presenter.screen())
        pictures.append(seen)
    assert pictures[0] == pictures[1]


@settings(max_examples=40, deadline=None)
@given(known=FACTS, events=st.lists(EVENTS, max_size=20), later=st.integers(0, 3_600_000))
def test_nothing_changes_before_the_announced_instant(
    known: CarFacts, events: list[ControllerEvent], later: int
) -> None:
    watched = Presenter(load_translation("en"), "en")
    watched.update(known)
    for event in events:
        watched.handle(event)
    before, due_ms = watched.screen(), watched.next_change_ms()
    assert due_ms is not None
    at_ms = min(known.now_ms + later, due_ms - 1)
    fresh = Presenter(load_translation("en"), "en")
    fresh.update(known)
    for event in events:
        fresh.handle(event)
    fresh.update(msgspec.structs.replace(known, now_ms=at_ms, starting=not known.starting))
    fresh.update(msgspec.structs.replace(known, now_ms=at_ms))
    assert fresh.screen() == before


def test_a_tunnel_for_the_modem_alone_is_offline() -> None:
    presenter = Presenter(load_translation("en"), "en")
    presenter.update(facts(modem=TUNNEL))
    assert presenter.screen().status.data == "✕ no network"
