"""A broker core on the table: instants are arguments, bytes are lists, nothing runs by itself."""

from runtime.mqtt.broker.config import BrokerConfig
from runtime.mqtt.broker.core import Broker
from runtime.mqtt.packets import (
    Connack,
    Connect,
    Packet,
    PacketReader,
    Properties,
    PropertyId,
    Puback,
    Publish,
    Subscribe,
    Subscription,
    Will,
    encode_publish,
)

S = 1_000_000_000
MS = 1_000_000


class Client:
    """One connection: a `Sink` that keeps what the broker wrote."""

    def __init__(self, table: "Table") -> None:
        self._table = table
        self._reader = PacketReader()
        self._data = b""
        self._is_closed = False
        self.connection = table.broker.accept(table.now_ns, self)

    def write(self, data: bytes) -> None:
        """The broker sends."""
        assert not self._is_closed, "the broker writes to a connection it has closed"
        self._data += data

    def close(self) -> None:
        """The broker closes."""
        self._is_closed = True

    def is_closed(self) -> bool:
        """Whether the broker has closed the connection."""
        return self._is_closed

    def send(self, *packets: Packet | bytes) -> list[Packet]:
        """Say something; what is answered."""
        for packet in packets:
            data = packet if isinstance(packet, bytes) else packet.encode()
            self.connection.receive(self._table.now_ns, data)
        return self.read()

    def read(self) -> list[Packet]:
        """What has come since the last time."""
        data, self._data = self._data, b""
        return list(self._reader.feed(data))

    def raw(self) -> bytes:
        """The same as bytes."""
        data, self._data = self._data, b""
        return data

    def messages(self) -> list[Publish]:
        """The messages that have come since the last time; every other packet is ignored."""
        return [packet for packet in self.read() if isinstance(packet, Publish)]

    def payloads(self) -> list[bytes]:
        """Their payloads."""
        return [message.payload for message in self.messages()]

    def acknowledge(self, *messages: Publish) -> None:
        """PUBACK for each."""
        for message in messages:
            self.connection.receive(self._table.now_ns, Puback(message.packet_id).encode())

    def subscribe(self, *subscriptions: Subscription) -> list[Packet]:
        """SUBSCRIBE; what is answered."""
        return self.send(Subscribe(1, subscriptions))

    def publish(self, topic: str, payload: bytes = b"", expiry_s: int | None = None, **flags: bool) -> None:
        """PUBLISH at QoS 1."""
        properties = Properties()
        if expiry_s is not None:
            properties = Properties((PropertyId.MESSAGE_EXPIRY_INTERVAL, expiry_s))
        self.send(encode_publish(topic, payload, 1, properties.encode(), **flags))

    def lose(self) -> None:
        """The network connection breaks."""
        self.connection.closed(self._table.now_ns)


class Table:
    """A broker and the hand on its time."""

    def __init__(self, config: BrokerConfig | None = None) -> None:
        self.broker = Broker(config)
        self.now_ns = S

    def wait(self, duration_ns: int) -> None:
        """Let time pass; the broker is called when it is due, as a loop would do."""
        end_ns = self.now_ns + duration_ns
        while (due_ns := self.broker.next_due()) is not None and due_ns <= end_ns:
            self.now_ns = max(due_ns, self.now_ns)
            self.broker.advance(self.now_ns)
        self.now_ns = end_ns

    def join(
        self,
        client_id: str = "car",
        *,
        clean_start: bool = False,
        keep_alive_s: int = 0,
        expiry_s: int = 0,
        will: Will | None = None,
        **properties: int,
    ) -> Client:
        """A client that is connected; its CONNACK has been read."""
        client, _ = self.connack(
            client_id,
            clean_start=clean_start,
            keep_alive_s=keep_alive_s,
            expiry_s=expiry_s,
            will=will,
            **properties,
        )
        return client

    def connack(
        self,
        client_id: str = "car",
        *,
        clean_start: bool = False,
        keep_alive_s: int = 0,
        expiry_s: int = 0,
        will: Will | None = None,
        **properties: int,
    ) -> tuple[Client, Connack]:
        """The same with the CONNACK; what came right behind it is left to be read."""
        pairs = [(PropertyId[name.upper()], value) for name, value in properties.items()]
        pairs.append((PropertyId.SESSION_EXPIRY_INTERVAL, expiry_s))
        client = Client(self)
        connect = Connect(client_id, clean_start, keep_alive_s, Properties(*pairs), will)
        client.connection.receive(self.now_ns, connect.encode())
        size = 2 + client._data[1]
        [connack] = PacketReader().feed(client._data[:size])
        client._data = client._data[size:]
        assert isinstance(connack, Connack)
        assert connack.reason_code == 0
        return client, connack
