"""The well-behaved clients among the hostile ones: what they send comes back, all of it, once, in order."""

from collections.abc import Callable
from random import Random

from proofs.hostile.grammar import Grammar
from proofs.hostile.peer import FindingError, Peer
from proofs.hostile.wire import CONNACK, PUBACK, PUBLISH, V5, frame, prefixed

Talk = Callable[[bytes], None]


class Witness(Peer):
    """Subscribed to its own topic at QoS 1, with a session of an hour; hostile peers know neither."""

    def __init__(self, level: int) -> None:
        super().__init__(f"witness {level}")
        self._grammar = Grammar(Random(0), level)
        self._level = level
        self._topic = b"witness/%d" % level
        self._sent = 0
        self._received = 0

    def join(self, talk: Talk) -> bool:
        """Connect and subscribe; False when the broker does not speak this protocol level."""
        talk(self._grammar.plain_connect(b"witness-%d" % self._level, expiry_s=3_600))
        if not self.is_open:
            return False
        properties = b"\0" if self._level == V5 else b""
        talk(frame(0x82, b"\0\1" + properties + prefixed(self._topic) + b"\1"))
        self.answer(talk)
        return True

    def publish(self, talk: Talk) -> None:
        """Publish the next message; it must be back, and acknowledged, by now. Raises FindingError."""
        self._sent += 1
        packet_id = (self._sent % 0xFFFF + 1).to_bytes(2, "big")
        properties = b"\0" if self._level == V5 else b""
        number = self._sent.to_bytes(4, "big")
        talk(frame(0x32, prefixed(self._topic) + packet_id + properties + number))
        self.answer(talk)
        if self._received != self._sent:
            raise FindingError("a witness misses a message", f"{self.name}: {self._received} of {self._sent}")

    def answer(self, talk: Talk) -> None:
        """Acknowledge what has come. Raises FindingError for a message lost, doubled or out of order."""
        said, self.said = self.said, []
        for each in said:
            if each.kind == PUBLISH:
                self._received += 1
                if each.topic != self._topic or int.from_bytes(each.payload, "big") != self._received:
                    raise FindingError(
                        "a witness got something else", f"{self.name}, {self._received}: {each}"
                    )
                talk(b"\x40\x02" + each.packet_id.to_bytes(2, "big"))
            elif each.kind == PUBACK and each.codes != b"\0":
                raise FindingError("a witness was refused a message", f"{self.name}: {each}")


class Janitor(Peer):
    """Removes the retained messages that a story has left."""

    def __init__(self) -> None:
        super().__init__("janitor")
        self._grammar = Grammar(Random(0))

    def clean(self, talk: Talk, topics: list[bytes]) -> None:
        """Clear `topics`, see that nothing is retained any more, and leave. Raises FindingError."""
        talk(self._grammar.plain_connect(b"janitor", clean=True))
        for topic in topics:
            if topic and b"+" not in topic and b"#" not in topic:
                packet = frame(0x31, prefixed(topic) + b"\0")
                talk(packet)
        # Routes of topics may be cached until subscriptions change: they are no leak.
        talk(frame(0x82, b"\0\1\0" + prefixed(b"#") + b"\0"))
        talk(frame(0xA2, b"\0\2\0" + prefixed(b"#")))
        kept = [each.topic for each in self.said if each.kind == PUBLISH]
        if kept or not self.is_open or self.said[0].kind != CONNACK or self.said[0].codes != b"\0":
            raise FindingError("retained and not to be cleared", f"{kept[:5]}, {self.said[:1]}")
        talk(b"\xe0\x00")
