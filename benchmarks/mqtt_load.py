"""Load for a broker: many clients in one loop, and what they can be made to do.

The same bytes go to every broker, and the clients wait for one another only through the broker.
"""

import select
from collections.abc import Iterator, Sequence
from itertools import islice
from time import perf_counter, sleep
from typing import Final, Self

from benchmarks.mqtt_client import Client, Message

LOOPBACK: Final = "127.0.0.1"
_PATIENCE_S: Final = 30.0


class Crowd:
    """Clients of one broker and the one loop that drives them."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._epoll = select.epoll()
        self._clients: dict[int, Client] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._clients.values():
            client.socket.close()
        self._epoll.close()

    def connect(
        self, names: Sequence[str], filters: Sequence[str], *, keep_alive_s: int = 0, expiry_s: int = 0
    ) -> list[Client]:
        """Connect `names` all at once, each subscribed to its filter ("": to none); ready when all are."""
        joined = []
        for name, topic_filter in zip(names, filters, strict=True):
            client = Client(name, topic_filter, keep_alive_s, expiry_s)
            client.socket.connect_ex((LOOPBACK, self._port))
            self._epoll.register(client.socket, select.EPOLLOUT)
            self._clients[client.socket.fileno()] = client
            joined.append(client)
        waiting = len(joined)
        until = perf_counter() + _PATIENCE_S
        while waiting:
            for fd, event in self._poll(until):
                client = self._clients[fd]
                if event & select.EPOLLOUT:
                    self._epoll.modify(fd, select.EPOLLIN)
                    client.greet()
                else:
                    client.read()
                    waiting -= client.is_ready
        return joined

    def disconnect(self, clients: Sequence[Client]) -> None:
        """Say good-bye for each and wait until the broker has closed."""
        for client in clients:
            client.leave()
            self._epoll.modify(client.socket, select.EPOLLIN)
        leaving = {client.socket.fileno() for client in clients}
        until = perf_counter() + _PATIENCE_S
        while leaving:
            for fd, _ in self._poll(until):
                leaving.discard(fd)
                self._clients.pop(fd).socket.close()

    def pipeline(
        self, senders: Sequence[Client], receiver: Client, message: Sequence[Message], count: int, window: int
    ) -> None:
        """`count` messages, at most `window` of each sender unacknowledged; `receiver` gets them all."""
        begun = {sender.socket.fileno(): sender.acknowledged for sender in senders}
        target = receiver.messages + count
        unsent = count - window * len(senders)
        for sender, packet in zip(senders, message, strict=True):
            sender.publish(*(packet,) * window)
        packets = {sender.socket.fileno(): packet for sender, packet in zip(senders, message, strict=True)}
        acknowledged = 0
        until = perf_counter() + _PATIENCE_S
        while acknowledged < count or receiver.messages < target:
            for fd, _ in self._poll(until):
                client = self._clients[fd]
                client.read()
                if client is receiver:
                    continue
                done = client.acknowledged - begun[fd]
                begun[fd] = client.acknowledged
                acknowledged += done
                more = min(done, unsent)
                if more:
                    unsent -= more
                    client.publish(*(packets[fd],) * more)

    def lock_step(
        self, sender: Client, receiver: Client, message: Message, count: int, pause_s: float
    ) -> list[float]:
        """One message after the other, each when the last is acknowledged; seconds until each arrived."""
        taken_s = []
        for _ in range(count):
            if pause_s:
                sleep(pause_s)
            wanted, acknowledged = receiver.messages + 1, sender.acknowledged + 1
            begun = perf_counter()
            sender.publish(message)
            arrived = 0.0
            while receiver.messages < wanted or sender.acknowledged < acknowledged:
                for fd, _ in self._poll(begun + _PATIENCE_S):
                    self._clients[fd].read()
                    if not arrived and receiver.messages == wanted:
                        arrived = perf_counter()
            taken_s.append(arrived - begun)
        return taken_s

    def offer(
        self, senders: Sequence[Client], receiver: Client, message: Sequence[Message], seconds: float
    ) -> int:
        """A message a second from each sender, spread evenly; returns how many when all have arrived."""
        rate = len(senders)
        count = int(rate * seconds)
        target = receiver.messages + count
        begun = perf_counter()
        sent = 0
        while receiver.messages < target:
            now = perf_counter() - begun
            while sent < count and sent <= now * rate:
                index = sent % len(senders)
                senders[index].publish(message[index])
                sent += 1
            wait_s = sent / rate - now if sent < count else 1.0
            for fd, _ in self._epoll.poll(max(0.0, wait_s)):
                self._clients[fd].read()
            if now > seconds + _PATIENCE_S:
                raise TimeoutError(f"{target - receiver.messages} messages have not arrived")
        return count

    def scatter(self, sender: Client, receivers: Sequence[Client], message: Sequence[Message]) -> None:
        """One message to each of `receivers`, with a window of 20."""
        begun = {receiver.socket.fileno(): receiver.messages for receiver in receivers}
        left = len(message)
        unsent = iter(message)
        sender.publish(*islice(unsent, 20))
        done = sender.acknowledged
        until = perf_counter() + _PATIENCE_S
        while left:
            for fd, _ in self._poll(until):
                client = self._clients[fd]
                client.read()
                if client is sender:
                    more = tuple(islice(unsent, client.acknowledged - done))
                    done = client.acknowledged
                    if more:
                        client.publish(*more)
                elif client.messages > begun[fd]:
                    left -= client.messages - begun[fd]
                    begun[fd] = client.messages

    def idle(self, clients: Sequence[Client], seconds: float, ping_every_s: float) -> None:
        """Nothing but the pings of all clients, spread evenly."""
        begun = perf_counter()
        pinged = 0
        while (now := perf_counter() - begun) < seconds:
            while pinged < now / ping_every_s * len(clients):
                clients[pinged % len(clients)].ping()
                pinged += 1
            for fd, _ in self._epoll.poll(ping_every_s / len(clients)):
                self._clients[fd].read()

    def _poll(self, until: float) -> Iterator[tuple[int, int]]:
        ready = self._epoll.poll(_PATIENCE_S)
        if perf_counter() > until:
            raise TimeoutError("the broker does not answer")
        yield from ready
