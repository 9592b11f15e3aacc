"""Focus and history: where the knob is on each page, and which pages came before."""

from headunit.domain.menu import MAIN, Entry, Kind, Node, Page, parent_of

_DEPTH = 32
"""How many pages BACK can return over."""


def focus_index(page: Page, key: str | None, last_index: int) -> int:
    """Which entry is focused: that of `key`, or where the focus goes when that is not there.

    key None: the driver comes here for the first time. A row that has vanished hands the focus to the
    page's safe row, or else to its neighbour; -1 when nothing can be focused.
    """
    entries = page.entries
    wanted = (page.first,) if key is None else (key, page.safe)
    for name in wanted:
        for index, entry in enumerate(entries):
            if entry.key == name and entry.press is not None:
                return index
    start = 0 if key is None else min(last_index, len(entries) - 1)
    return _nearest(entries, start)


def _nearest(entries: tuple[Entry, ...], start: int) -> int:
    for index in range(max(start, 0), len(entries)):
        if entries[index].press is not None:
            return index
    for index in range(start - 1, -1, -1):
        if entries[index].press is not None:
            return index
    return -1


def rotated(page: Page, focus: int, detents: int) -> int:
    """The focus after a rotation: over rows to read only, and no further than the last row."""
    step = 1 if detents > 0 else -1
    position = focus
    for _ in range(min(abs(detents), len(page.entries))):
        following = position + step
        while 0 <= following < len(page.entries) and page.entries[following].press is None:
            following += step
        if not 0 <= following < len(page.entries):
            break
        position = following
    return position


class Wanderer:
    """Where the driver is, where the knob was on every page, and the way back."""

    __slots__ = ("_history", "_keys", "node")

    def __init__(self) -> None:
        self.node = MAIN
        self._history: list[Node] = []
        self._keys: dict[Node, tuple[str, int]] = {}

    def remembered(self) -> tuple[str | None, int]:
        """Key and index of the row last focused here; (None, 0) on a first visit."""
        return self._keys.get(self.node, (None, 0))

    def remember(self, key: str, index: int) -> None:
        """The knob is on this row now."""
        self._keys[self.node] = (key, index)

    def forget(self, node: Node) -> None:
        """The next visit there is a first one."""
        self._keys.pop(node, None)

    def go(self, node: Node) -> None:
        """Open `node`; BACK returns here, but never to the options."""
        if node == self.node:
            return
        if self.node.kind is not Kind.OPTIONS:
            self._history.append(self.node)
        del self._history[:-_DEPTH]
        self.node = node

    def replace(self, node: Node) -> None:
        """Open `node` in place of this page: BACK returns to the page before."""
        self.node = node

    def back(self) -> None:
        """BACK: the page before, or one level up when there was none."""
        here = self.node
        while self._history and self.node == here:
            self.node = self._history.pop()
        if self.node == here:
            self.node = parent_of(here) or MAIN

    def up(self) -> None:
        """Tilt left: one level up; pages opened since are no longer on the way back."""
        parent = parent_of(self.node)
        if parent is None:
            return
        if self.node.kind is Kind.OPTIONS:
            self.back()
            return
        if parent in self._history:
            while self._history.pop() != parent:
                pass
        self.node = parent

    def leave(self, kinds: tuple[Kind, ...], node: Node) -> None:
        """Open `node` instead of this page and of the pages of these kinds that led here."""
        while self._history and self._history[-1].kind in kinds:
            self._history.pop()
        self.replace(node)

    def home(self) -> None:
        """MENU: the main menu; BACK returns here."""
        self.go(MAIN)
