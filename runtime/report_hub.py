"""Where the bench's reports meet their readers; a slow reader gets the newest, not everything.

Imports nothing heavy: the view process uses it.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import count
from typing import Self, TypeAlias, get_args

from contracts.bench import AnyReport, Done, PacketSeen, Refused, Report, SmsReport
from runtime.errors import ChannelError

KEPT_REPORTS = 1024
"""How many reports that cannot stand for one another a slow reader may have waiting."""

ReportListener: TypeAlias = Callable[[AnyReport], None]

_TAGS: dict[type[Report], str] = {report: str(report.__struct_config__.tag) for report in get_args(AnyReport)}
_EACH_COUNTS = frozenset({PacketSeen, SmsReport})
_ANSWERS = (Done, Refused)

REPORT_TAGS = tuple(tag for report, tag in _TAGS.items() if report not in _ANSWERS)
"""What can be subscribed to."""


def checked_tags(tags: Sequence[str]) -> frozenset[str]:
    """The tags to stream, all of them for an empty sequence.

    Raises ChannelError naming a tag that does not exist.
    """
    for tag in tags:
        if tag not in REPORT_TAGS:
            raise ChannelError(f"no report {tag!r}; there are: {', '.join(REPORT_TAGS)}")
    return frozenset(tags or REPORT_TAGS)


class Backlog:
    """Reports a reader has not taken yet, in order of their newest content.

    A report replaces a waiting one of its tag, except packets and text messages: each of those
    counts, up to `bound`, then the oldest is dropped.
    """

    __slots__ = ("_bound", "_kept", "_serial", "_waiting", "dropped")

    def __init__(self, bound: int = KEPT_REPORTS) -> None:
        self._bound = bound
        self._waiting: OrderedDict[type[Report] | int, AnyReport] = OrderedDict()
        self._serial = count()
        self._kept: OrderedDict[int, None] = OrderedDict()
        self.dropped = 0
        """How many packets and text messages were lost to the bound."""

    def __len__(self) -> int:
        return len(self._waiting)

    def push(self, report: AnyReport) -> None:
        """Add the newest report."""
        kind = type(report)
        if kind not in _EACH_COUNTS:
            self._waiting[kind] = report
            self._waiting.move_to_end(kind)
            return
        if len(self._kept) >= self._bound:
            oldest, _ = self._kept.popitem(last=False)
            del self._waiting[oldest]
            self.dropped += 1
        serial = next(self._serial)
        self._kept[serial] = None
        self._waiting[serial] = report

    def pop(self) -> AnyReport:
        """Take the oldest; KeyError when none waits."""
        key, report = self._waiting.popitem(last=False)
        if isinstance(key, int):
            del self._kept[key]
        return report


class Subscription:
    """An asynchronous iteration over reports for one reader; `close` ends it."""

    __slots__ = ("_backlog", "_closed", "_waiter", "on_close")

    def __init__(self) -> None:
        self._backlog = Backlog()
        self._closed = False
        self._waiter: asyncio.Future[None] | None = None
        self.on_close: Callable[[], None] | None = None
        """Called once when the subscription ends."""

    @property
    def dropped(self) -> int:
        """How many packets and text messages this reader was too slow for."""
        return self._backlog.dropped

    def offer(self, report: AnyReport) -> None:
        """Give the reader a report."""
        self._backlog.push(report)
        self._wake()

    def close(self) -> None:
        """No more reports; a reader takes what waits and then its iteration ends."""
        if self._closed:
            return
        self._closed = True
        if self.on_close is not None:
            self.on_close()
        self._wake()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> AnyReport:
        while not self._backlog:
            if self._closed:
                raise StopAsyncIteration
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self._backlog.pop()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class ReportHub:
    """The one place where a bench publishes; it remembers the newest report of every tag."""

    __slots__ = ("_listeners", "_newest", "_serial")

    def __init__(self) -> None:
        self._newest: dict[str, AnyReport] = {}
        self._listeners: dict[int, tuple[frozenset[str], ReportListener]] = {}
        self._serial = count()

    def publish(self, report: AnyReport) -> None:
        """Tell everybody who wants to know, in the order in which they subscribed."""
        tag = _TAGS[type(report)]
        self._newest[tag] = report
        for tags, listener in tuple(self._listeners.values()):
            if tag in tags:
                listener(report)

    def newest(self, tag: str) -> AnyReport | None:
        """The newest report of `tag`, if there was one."""
        return self._newest.get(tag)

    def listen(self, tags: Sequence[str], listener: ReportListener) -> Callable[[], None]:
        """Call `listener` with the values that hold now, then with every new report.

        Packets and text messages are no values: those of the past are not told again. Empty `tags`
        means all. Returns what ends it. Raises ChannelError for a tag that does not exist.
        """
        wanted = checked_tags(tags)
        for tag, report in tuple(self._newest.items()):
            if tag in wanted and type(report) not in _EACH_COUNTS:
                listener(report)
        key = next(self._serial)
        self._listeners[key] = (wanted, listener)

        def detach() -> None:
            self._listeners.pop(key, None)

        return detach

    def subscribe(self, tags: Sequence[str] = ()) -> Subscription:
        """What `listen` tells, for a reader on the running loop."""
        subscription = Subscription()
        subscription.on_close = self.listen(tags, subscription.offer)
        return subscription
