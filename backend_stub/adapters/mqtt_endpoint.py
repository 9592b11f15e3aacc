"""The backend's MQTT session: every car's `up` messages in, the outbox out."""

from collections.abc import Callable

from contracts.topics import UP_FILTER
from runtime.mqtt.delivery import Delivery
from runtime.mqtt.outbox import Outbox
from runtime.mqtt.port import IncomingMessage, MqttConfig, MqttPortFactory
from runtime.ports import Clock

CLIENT_ID = "backend"


class MqttEndpoint:
    """Delivery and port put together for the backend.

    receive    lets one message take effect, in one transaction, and returns
    on_change  the outbox may have another depth
    on_packet  an application message has passed: way, kind, key, payload bytes
    on_session the session came up (True) or went down (False)
    on_trouble there is no session, and why; True when the broker refuses it, not the road
    """

    def __init__(
        self,
        *,
        address: tuple[str, int],
        make_port: MqttPortFactory,
        outbox: Outbox,
        clock: Clock,
        receive: Callable[[IncomingMessage], None],
        on_change: Callable[[], None],
        on_packet: Callable[[str, str, str, int], None],
        on_session: Callable[[bool], None],
        on_trouble: Callable[[str, bool], None],
    ) -> None:
        self.delivery = Delivery(
            outbox,
            clock,
            receive,
            on_change=on_change,
            on_packet=on_packet,
            on_session=on_session,
            on_trouble=on_trouble,
        )
        host, port = address
        self._port = make_port(MqttConfig(host, port, CLIENT_ID, subscriptions=(UP_FILTER,)), self.delivery)
        self.delivery.use(self._port)

    @property
    def is_connected(self) -> bool:
        """Whether the session is up."""
        return self._port.is_connected

    def wake(self) -> None:
        """A transaction has added to the outbox."""
        self.delivery.wake()

    async def run(self) -> None:
        """Keep the session up until cancelled."""
        await self._port.run()
