"""QoS 1 and 2 through every sequence of losses: at least once, exactly once, in order, within the window."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from runtime.mqtt.packets import (
    MQTT_3_1_1,
    MQTT_5,
    Connack,
    Connect,
    Packet,
    PacketReader,
    Properties,
    PropertyId,
    Puback,
    Pubcomp,
    Publish,
    Pubrec,
    Pubrel,
    Suback,
    Subscribe,
    Subscription,
    make_publish,
)
from tests.runtime.mqtt.broker_bench import MS, Table

WEEK_S = 7 * 24 * 3600


class Line:
    """One connection of a client that keeps its session, at either level; bytes may be lost with it."""

    def __init__(self, table: Table, client_id: str, level: int, window: int) -> None:
        self._table = table
        self._level = level
        self._reader = PacketReader(level=level)
        self._data = b""
        self.is_cut = False
        """Whether what the client sends is lost on its way."""
        self.connection = table.broker.accept(table.now_ns, self)
        pairs = (PropertyId.SESSION_EXPIRY_INTERVAL, WEEK_S), (PropertyId.RECEIVE_MAXIMUM, window)
        self.send(Connect(client_id, False, properties=Properties(*pairs)))
        [connack] = self.read(1)
        assert isinstance(connack, Connack)

    def write(self, data: bytes) -> None:
        """The broker sends."""
        self._data += data

    def close(self) -> None:
        """The broker closes: it has no reason to."""
        raise AssertionError("the broker closed the connection")

    def send(self, packet: Packet) -> None:
        """The client sends."""
        if not self.is_cut:
            self.connection.receive(self._table.now_ns, packet.encode(self._level))

    def read(self, count: int = 0) -> list[Packet]:
        """What has come; only the first `count` packets when that is not 0."""
        frames: list[bytes] = []
        data = self._data
        while data and (not count or len(frames) < count):
            size = 2 + data[1]
            frames.append(data[:size])
            data = data[size:]
        self._data = data
        return [packet for frame in frames for packet in self._reader.feed(frame)]

    def lose(self) -> None:
        """It breaks, and what was not read is lost."""
        self.connection.closed(self._table.now_ns)


class Sender:
    """A client that publishes as section 4.3 says, whatever is lost."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self.line: Line | None = None
        self.unacknowledged: dict[int, Publish | None] = {}
        self.sent: list[tuple[int, int]] = []
        self.heard = 0

    def connect(self, level: int) -> None:
        """Connect, and send again what was not acknowledged; None stands for a PUBREL."""
        self.line = Line(self._table, "sender", level, 0xFFFF)
        for packet_id, message in self.unacknowledged.items():
            if message is None:
                self.line.send(Pubrel(packet_id))
            else:
                message.duplicate = True
                self.line.send(message)

    def publish(self, qos: int) -> None:
        """One more message, numbered."""
        number = len(self.sent)
        packet_id = next(each for each in range(1, 0xFFFF) if each not in self.unacknowledged)
        message = make_publish("a", b"%d" % number, qos=qos, packet_id=packet_id)
        self.sent.append((number, qos))
        self.unacknowledged[packet_id] = message
        if self.line is not None:
            self.line.send(message)

    def hear(self) -> None:
        """Read acknowledgements and answer them."""
        assert self.line is not None
        while packets := self.line.read(1):
            [packet] = packets
            self.heard += 1
            if isinstance(packet, Puback | Pubcomp):
                self.unacknowledged.pop(packet.packet_id, None)
            elif isinstance(packet, Pubrec):
                assert packet.reason_code < 0x80
                self.unacknowledged[packet.packet_id] = None
                self.line.send(Pubrel(packet.packet_id))


class Receiver:
    """A client that receives as section 4.3 says; `taken` is what its application has got."""

    def __init__(self, table: Table, window: int) -> None:
        self._table = table
        self._window = window
        self.line: Line | None = None
        self.open_ids: dict[int, None] = {}
        self.taken: list[int] = []
        self.heard = 0
        self.under_way: dict[int, None] = {}

    def connect(self, level: int) -> None:
        """Connect; the session has the subscription."""
        self.line = Line(self._table, "receiver", level, self._window)
        self.under_way = {}
        self._level = level

    def subscribe(self) -> None:
        """Once in its life."""
        assert self.line is not None
        self.line.send(Subscribe(1, (Subscription("a", 2),)))
        [suback] = self.line.read(1)
        assert isinstance(suback, Suback)

    def hear(self, count: int) -> None:
        """Read `count` packets and answer them."""
        assert self.line is not None
        for packet in self.line.read(count):
            self.heard += 1
            if isinstance(packet, Publish):
                self.under_way[packet.packet_id] = None
                if self._level == MQTT_5:
                    assert len(self.under_way) <= self._window, "more in flight than the client takes"
                number = int(packet.payload)
                if packet.qos == 1:
                    self.taken.append(number)
                    del self.under_way[packet.packet_id]
                    self.line.send(Puback(packet.packet_id))
                else:
                    if packet.packet_id not in self.open_ids:
                        self.open_ids[packet.packet_id] = None
                        self.taken.append(number)
                    self.line.send(Pubrec(packet.packet_id))
            elif isinstance(packet, Pubrel):
                self.open_ids.pop(packet.packet_id, None)
                self.under_way.pop(packet.packet_id, None)
                self.line.send(Pubcomp(packet.packet_id))


class Losses(RuleBasedStateMachine):
    """Sender, broker, receiver; connections break between any two packets, and levels change."""

    @initialize(window=st.integers(1, 4), level=st.sampled_from([MQTT_3_1_1, MQTT_5]))
    def begin(self, window: int, level: int) -> None:
        """A receiver with its subscription."""
        self.table = Table()
        self.sender = Sender(self.table)
        self.receiver = Receiver(self.table, window)
        self.receiver.connect(level)
        self.receiver.subscribe()

    @rule(qos=st.integers(1, 2))
    def publish(self, qos: int) -> None:
        """A message, sent now or at the next connection."""
        self.sender.publish(qos)

    @precondition(lambda self: self.sender.line is None)
    @rule(level=st.sampled_from([MQTT_3_1_1, MQTT_5]))
    def connect_sender(self, level: int) -> None:
        """The sender comes back."""
        self.sender.connect(level)

    @precondition(lambda self: self.receiver.line is None)
    @rule(level=st.sampled_from([MQTT_3_1_1, MQTT_5]))
    def connect_receiver(self, level: int) -> None:
        """The receiver comes back."""
        self.receiver.connect(level)

    @precondition(lambda self: self.sender.line is not None)
    @rule()
    def sender_hears(self) -> None:
        """The sender reads."""
        self.sender.hear()

    @precondition(lambda self: self.receiver.line is not None)
    @rule(count=st.integers(1, 3))
    def receiver_hears(self, count: int) -> None:
        """The receiver reads some packets."""
        self.receiver.hear(count)

    @precondition(lambda self: self.sender.line is not None)
    @rule()
    def lose_sender(self) -> None:
        """The sender's connection breaks; acknowledgements it has not read are lost."""
        assert self.sender.line is not None
        self.sender.line.lose()
        self.sender.line = None

    @precondition(lambda self: self.receiver.line is not None)
    @rule()
    def lose_receiver(self) -> None:
        """The receiver's connection breaks; messages it has not read are lost."""
        assert self.receiver.line is not None
        self.receiver.line.lose()
        self.receiver.line = None

    @rule(which=st.sampled_from(["sender", "receiver"]))
    def cut(self, which: str) -> None:
        """From now on what one of them sends is lost, until its connection breaks."""
        line = (self.sender if which == "sender" else self.receiver).line
        if line is not None:
            line.is_cut = True

    @precondition(lambda self: self.receiver.line is not None)
    @rule()
    def slow_receiver(self) -> None:
        """The receiver's connection is full, and is not any more."""
        assert self.receiver.line is not None
        self.receiver.line.connection.pause()
        self.sender.publish(1)
        self.table.now_ns += MS
        self.receiver.line.connection.resume(self.table.now_ns)

    @invariant()
    def exactly_once(self) -> None:
        """No message of QoS 2 was taken twice."""
        if not hasattr(self, "sender"):
            return
        qos_2 = [number for number, qos in self.sender.sent if qos == 2]
        assert max((self.receiver.taken.count(number) for number in qos_2), default=0) <= 1

    def teardown(self) -> None:
        """Everybody comes back and reads on: nothing is lost, nothing is left."""
        if not hasattr(self, "sender"):
            return
        for client in (self.sender, self.receiver):
            if client.line is not None and client.line.is_cut:
                client.line.lose()
                client.line = None
            if client.line is None:
                client.connect(MQTT_5)
        heard = -1
        while heard != (heard := self.sender.heard + self.receiver.heard):
            self.sender.hear()
            self.receiver.hear(0)
        taken = self.receiver.taken
        for number, qos in self.sender.sent:
            assert taken.count(number) == 1 or (qos == 1 and number in taken), f"message {number}"
        assert self.sender.unacknowledged == {}
        for client_id in ("sender", "receiver"):
            session = self.table.broker.sessions.get(client_id)
            assert session is not None
            assert (session.depth, session.incoming) == (0, 0)


def test_no_sequence_of_losses_loses_a_message_or_doubles_one_of_qos_2() -> None:
    """[MQTT-4.3.2-3, MQTT-4.3.3-3, MQTT-4.3.3-5, MQTT-4.3.3-10, MQTT-4.4.0-1, MQTT-3.3.4-9]"""
    run_state_machine_as_test(
        Losses, settings=settings(max_examples=80, stateful_step_count=40, deadline=None)
    )
