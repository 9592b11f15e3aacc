"""Programs broken on purpose: `python -m proofs.kills.mutants MUTANT car|backend|telematics serve …`.

A proof that cannot fail proves nothing. Each of these loses or doubles something at the right instant, and
the proof must say so. The programs are protected twice or more; a mutant has lost every protection against
one instant.
"""

import sys
from collections.abc import Callable
from sqlite3 import Connection

from runtime.disk import FileDisk, Synchronous
from runtime.mqtt.delivery import Delivery
from runtime.mqtt.port import IncomingMessage


def unsynced() -> None:
    """Databases with PRAGMA synchronous = OFF: a power cut takes what was committed and acknowledged."""
    connect = FileDisk.connect

    def connect_lazily(disk: FileDisk, name: str, synchronous: Synchronous = "FULL") -> Connection:
        connection = connect(disk, name, synchronous)
        connection.execute("PRAGMA synchronous = OFF")
        return connection

    _replace(FileDisk, "connect", connect_lazily)


def hasty() -> None:
    """A car that deletes from its outbox what it has sent, before PUBACK, and repeats no request."""
    from headunit.services.session import Session

    fill = Delivery._fill

    def fill_and_forget(delivery: Delivery) -> None:
        fill(delivery)
        for entry in delivery._in_flight.values():
            delivery._outbox.delete(entry.seq)

    _replace(Delivery, "_fill", fill_and_forget)
    _replace(Session, "_repeat_request", lambda session: None)


def eager() -> None:
    """Programs that acknowledge a message before it has taken effect."""

    def received(delivery: Delivery, message: IncomingMessage) -> None:
        message.acknowledge()
        delivery._handler(message)

    _replace(Delivery, "received", received)


def forgetful() -> None:
    """A backend that remembers no key of a message, and whose orders have no client id to know them by."""
    import backend_stub.app
    from tests.mutants.forgetful_backend import ForgetfulBackend

    _replace(backend_stub.app, "Backend", ForgetfulBackend)


def _replace(owner: object, name: str, broken: object) -> None:
    setattr(owner, name, broken)


MUTANTS: dict[str, Callable[[], None]] = {
    "unsynced": unsynced,
    "hasty": hasty,
    "eager": eager,
    "forgetful": forgetful,
}


def main() -> int:
    """Run the `headunit` command with one thing broken."""
    MUTANTS[sys.argv[1]]()
    from headunit.cli import main as headunit

    return headunit(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
