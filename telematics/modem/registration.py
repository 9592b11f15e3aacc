"""EPS network registration (TS 27.007 clause 10.1.22) as a table, with the time that a search takes.

What a modem gets told: reception and SIM. What it makes of it: a state and, while it searches, the instant
at which it will have attached. Nobody has published how long that takes after a hole in coverage; it is
put together from the radio's own timers:

- gone for less than T310 + T311 (1 s each): the connection is re-established, 0.1–0.5 s;
- gone for longer: cell search, connection and service request; lognormal, median 2 s;
- gone for minutes: searches have become rare; lognormal, median 10 s, one in forty above a minute;
- first attach after activation: 3–15 s.
"""

from enum import Enum, auto
from math import log

from contracts.modem import Registration
from telematics.errors import RegistrationRefusedError
from telematics.randomness import RandomStream

NS_PER_MS = 1_000_000

RADIO_LINK_TIMERS_NS = 2_000 * NS_PER_MS
LONG_GAP_NS = 120_000 * NS_PER_MS

REESTABLISH_S = (0.1, 0.5)
SEARCH_MEDIAN_S, SEARCH_SIGMA = 2.0, 0.5
RARE_SEARCH_MEDIAN_S, RARE_SEARCH_SIGMA = 10.0, 0.92
COLD_ATTACH_S = (3.0, 15.0)


class RegistrationEvent(Enum):
    """What can happen to a registration."""

    COVER_LOST = auto()
    """No cell is received any more."""
    NETWORK_LOST = auto()
    """The operator is down: there is no network to search for."""
    SEARCH_STARTED = auto()
    """A network is there again, or the SIM has become valid."""
    ACCEPTED = auto()
    """The network has taken the modem in (attach accept, TS 24.301)."""
    ACCEPTED_ROAMING = auto()
    """The same by a network that is not the SIM's own."""
    REJECTED = auto()
    """The network refuses the SIM (attach reject, cause #3 or #8)."""


_R = Registration
_E = RegistrationEvent

REGISTRATION = {
    (_R.SEARCHING, _E.ACCEPTED): _R.REGISTERED_HOME,
    (_R.SEARCHING, _E.ACCEPTED_ROAMING): _R.REGISTERED_ROAMING,
    (_R.SEARCHING, _E.COVER_LOST): _R.SEARCHING,
    (_R.NOT_REGISTERED, _E.SEARCH_STARTED): _R.SEARCHING,
    (_R.REGISTRATION_DENIED, _E.SEARCH_STARTED): _R.SEARCHING,
    **{
        (state, event): following
        for state in (_R.REGISTERED_HOME, _R.REGISTERED_ROAMING)
        for event, following in (
            (_E.COVER_LOST, _R.SEARCHING),
            (_E.NETWORK_LOST, _R.NOT_REGISTERED),
            (_E.REJECTED, _R.REGISTRATION_DENIED),
        )
    },
    (_R.SEARCHING, _E.NETWORK_LOST): _R.NOT_REGISTERED,
    (_R.SEARCHING, _E.REJECTED): _R.REGISTRATION_DENIED,
    (_R.REGISTRATION_DENIED, _E.COVER_LOST): _R.SEARCHING,
    (_R.REGISTRATION_DENIED, _E.NETWORK_LOST): _R.NOT_REGISTERED,
}
"""UNKNOWN has no row: this modem always knows."""


def after(state: Registration, event: RegistrationEvent) -> Registration:
    """The state that follows. Raises RegistrationRefusedError when the table does not list the pair."""
    try:
        return REGISTRATION[state, event]
    except KeyError:
        raise RegistrationRefusedError(f"{event.name} is not possible in state {state.name}") from None


def search_ns(gone_ns: int | None, random_stream: RandomStream) -> int:
    """How long a modem searches after having been without network for `gone_ns`; None = a first attach."""
    if gone_ns is None:
        seconds = random_stream.uniform(*COLD_ATTACH_S)
    elif gone_ns < RADIO_LINK_TIMERS_NS:
        seconds = random_stream.uniform(*REESTABLISH_S)
    elif gone_ns < LONG_GAP_NS:
        seconds = random_stream.lognormvariate(log(SEARCH_MEDIAN_S), SEARCH_SIGMA)
    else:
        seconds = random_stream.lognormvariate(log(RARE_SEARCH_MEDIAN_S), RARE_SEARCH_SIGMA)
    return round(seconds * 1000) * NS_PER_MS


class RegistrationMachine:
    """A modem's registration, told at each change what it receives.

    It has been on for a while when the story begins: with a cell and a valid SIM it is registered.
    """

    __slots__ = ("_accept", "_attached_at_ns", "_gone_since_ns", "_random", "state")

    def __init__(
        self,
        random_stream: RandomStream,
        *,
        cell: bool,
        operator_up: bool,
        sim_valid: bool,
        roaming: bool = False,
    ) -> None:
        self._random = random_stream
        self._accept = RegistrationEvent.ACCEPTED_ROAMING if roaming else RegistrationEvent.ACCEPTED
        self._attached_at_ns: int | None = None
        self._gone_since_ns: int | None = None
        self.state = Registration.SEARCHING
        if not operator_up:
            self.state = after(self.state, RegistrationEvent.NETWORK_LOST)
        elif cell:
            self.state = after(self.state, self._accept if sim_valid else RegistrationEvent.REJECTED)

    @property
    def is_registered(self) -> bool:
        """Whether the network has taken the modem in."""
        return self.state in (Registration.REGISTERED_HOME, Registration.REGISTERED_ROAMING)

    def next_due(self) -> int | None:
        """When the search under way ends."""
        return self._attached_at_ns

    def advance(self, now_ns: int) -> None:
        """End the search that is due by `now_ns`."""
        if self._attached_at_ns is not None and self._attached_at_ns <= now_ns:
            self._attached_at_ns = self._gone_since_ns = None
            self.state = after(self.state, self._accept)

    def observe(self, now_ns: int, *, cell: bool, operator_up: bool, sim_valid: bool) -> None:
        """From `now_ns` on a cell is received or not, its operator is up or not, the SIM valid or not."""
        if not operator_up:
            self._leave(now_ns, Registration.NOT_REGISTERED, RegistrationEvent.NETWORK_LOST)
        elif not cell:
            if self.state is Registration.NOT_REGISTERED:
                self.state = after(self.state, RegistrationEvent.SEARCH_STARTED)
            self._leave(now_ns, Registration.SEARCHING, RegistrationEvent.COVER_LOST)
        elif not sim_valid:
            if self.state is Registration.NOT_REGISTERED:
                self.state = after(self.state, RegistrationEvent.SEARCH_STARTED)
            self._leave(now_ns, Registration.REGISTRATION_DENIED, RegistrationEvent.REJECTED)
            self._gone_since_ns = None
        elif not self.is_registered and self._attached_at_ns is None:
            if self.state is not Registration.SEARCHING:
                self.state = after(self.state, RegistrationEvent.SEARCH_STARTED)
            gone_ns = None if self._gone_since_ns is None else now_ns - self._gone_since_ns
            self._attached_at_ns = now_ns + search_ns(gone_ns, self._random)

    def _leave(self, now_ns: int, state: Registration, event: RegistrationEvent) -> None:
        """Be in `state`, to which `event` leads; remember since when the network has been gone."""
        self._attached_at_ns = None
        if self.is_registered:
            self._gone_since_ns = now_ns
        if self.state is not state:
            self.state = after(self.state, event)
