"""Errors of this package.

BenchRuntimeError
├── DeadlockError        virtual time: everyone waits and nothing is due
├── LivelockError        virtual time: too many callbacks at one instant
├── FenceError           virtual time: something reached for the real world
├── NotConnectedError    a publish without an MQTT connection
├── ChannelError         the bench channel is closed, or was sent something that is no command
├── CommandRefused       the bench did not carry out a command; `code` says which rule forbids it
├── DiskError            a database cannot be opened, or the disk was used in a wrong way
├── LedgerError          the broker's database cannot be read or written
├── JournalError         a journal was given or contains what is no entry
├── BrokerUnavailableError   a broker could not be started or found
├── BrokerUrlError       what was given as a broker's URL is none that can be used
├── UnsendableError      no broker can be given this message (`runtime.mqtt.errors`)
└── MqttProtocolError    the peer sent what MQTT 5 forbids (`runtime.mqtt.errors`)
"""


class BenchRuntimeError(Exception):
    """Root of what this package raises itself."""


class DeadlockError(BenchRuntimeError):
    """Nothing is ready and no timer is set: every task waits for ever."""


class LivelockError(BenchRuntimeError):
    """So many callbacks ran at one instant that time will never move on."""


class FenceError(BenchRuntimeError):
    """Code in virtual time reached for a thread, a descriptor or a clock of the real world."""


class NotConnectedError(BenchRuntimeError):
    """A message cannot be published: there is no MQTT connection now."""


class ChannelError(BenchRuntimeError):
    """The bench channel is closed or was sent something that is no command."""


class CommandRefused(BenchRuntimeError):
    """A command changed nothing.

    `code` is the rule's error code where there is one; `detail` says why, in words.
    """

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


class DiskError(BenchRuntimeError):
    """A database cannot be opened, or the disk was used in a wrong way; says which and why."""


class LedgerError(BenchRuntimeError):
    """The broker's database cannot be read or written; says why."""


class JournalError(BenchRuntimeError):
    """A journal was given or contains what is no entry; a file's error names file and line."""


class BrokerUnavailableError(BenchRuntimeError):
    """A broker could not be started or found; says what to do."""


class BrokerUrlError(BenchRuntimeError):
    """What was given as a broker's URL is none that can be used; shows it without its password."""
