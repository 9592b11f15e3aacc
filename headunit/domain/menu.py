"""The menu as data: its nodes, what a row does, and a page before it is drawn."""

from enum import StrEnum
from typing import Final, TypeAlias

import msgspec

from contracts.errors import ErrorCode
from contracts.messages import Line
from contracts.screen import Banner, PanelLine, Tone
from headunit.domain.texts import mark


class Kind(StrEnum):
    """Kinds of nodes; the value is the pattern of the screen's name for machines."""

    MAIN = "main"
    MEDIA = "media"
    COMMUNICATION = "communication"
    NAVIGATION = "navigation"
    CONNECTED_DRIVE = "connected_drive"
    VEHICLE = "vehicle"
    SETTINGS = "settings"
    LANGUAGE = "settings.language"
    INFO = "settings.info"
    ERASE = "settings.erase"
    OPTIONS = "options"
    EMERGENCY_CALL = "connected_drive.emergency_call"
    CONNECTION = "connected_drive.connection"
    SUPPORT = "connected_drive.support"
    STORE = "store"
    LINK = "store.link"
    PRODUCT = "store.product.{subject}"
    BASKET = "store.basket"
    BASKET_LINE = "store.basket.{subject}"
    CHECKOUT = "store.checkout"
    NUMBER = "store.checkout.number"
    ORDERS = "store.orders"
    ORDER = "store.order.{subject}"
    ORDER_CANCEL = "store.order.{subject}.cancel"
    ORDER_CHANGE = "store.order.{subject}.change"
    ORDER_ADD = "store.order.{subject}.add"
    ORDER_LINE = "store.order.{subject}.change.{part}"
    BOOKED = "store.booked"
    BOOKED_SERVICE = "store.booked.{subject}"


class Node(msgspec.Struct, frozen=True):
    """A place in the menu: `subject` is the service or order, `part` the service inside an order."""

    kind: Kind
    subject: str = ""
    part: str = ""

    @property
    def screen(self) -> str:
        """Its name for machines."""
        return self.kind.value.replace("{subject}", self.subject).replace("{part}", self.part)


MAIN: Final = Node(Kind.MAIN)


class NodeSpec(msgspec.Struct, frozen=True):
    """Where a kind of node hangs in the tree; an empty title means the name of its subject."""

    title: str
    parent: Kind | None


TREE: Final = {
    Kind.MAIN: NodeSpec(mark("Main menu"), None),
    Kind.MEDIA: NodeSpec(mark("Media"), Kind.MAIN),
    Kind.COMMUNICATION: NodeSpec(mark("Communication"), Kind.MAIN),
    Kind.NAVIGATION: NodeSpec(mark("Navigation"), Kind.MAIN),
    Kind.CONNECTED_DRIVE: NodeSpec("ConnectedDrive", Kind.MAIN),
    Kind.VEHICLE: NodeSpec(mark("Vehicle"), Kind.MAIN),
    Kind.SETTINGS: NodeSpec(mark("Settings"), Kind.MAIN),
    Kind.LANGUAGE: NodeSpec(mark("Language"), Kind.SETTINGS),
    Kind.INFO: NodeSpec(mark("About this car"), Kind.SETTINGS),
    Kind.ERASE: NodeSpec(mark("Delete personal data"), Kind.SETTINGS),
    Kind.OPTIONS: NodeSpec(mark("Options"), Kind.MAIN),
    Kind.EMERGENCY_CALL: NodeSpec(mark("Emergency Call"), Kind.CONNECTED_DRIVE),
    Kind.CONNECTION: NodeSpec(mark("Data connection"), Kind.CONNECTED_DRIVE),
    Kind.SUPPORT: NodeSpec(mark("Customer support"), Kind.CONNECTED_DRIVE),
    Kind.STORE: NodeSpec("ConnectedDrive Store", Kind.CONNECTED_DRIVE),
    Kind.LINK: NodeSpec(mark("Link this car"), Kind.STORE),
    Kind.PRODUCT: NodeSpec("", Kind.STORE),
    Kind.BASKET: NodeSpec(mark("My basket"), Kind.STORE),
    Kind.BASKET_LINE: NodeSpec("", Kind.BASKET),
    Kind.CHECKOUT: NodeSpec(mark("Checkout"), Kind.BASKET),
    Kind.NUMBER: NodeSpec(mark("Number for the link"), Kind.CHECKOUT),
    Kind.ORDERS: NodeSpec(mark("Open orders"), Kind.STORE),
    Kind.ORDER: NodeSpec("", Kind.ORDERS),
    Kind.ORDER_CANCEL: NodeSpec(mark("Cancel order"), Kind.ORDER),
    Kind.ORDER_CHANGE: NodeSpec(mark("Change order"), Kind.ORDER),
    Kind.ORDER_ADD: NodeSpec(mark("Add a service"), Kind.ORDER_CHANGE),
    Kind.ORDER_LINE: NodeSpec("", Kind.ORDER_CHANGE),
    Kind.BOOKED: NodeSpec(mark("Booked Services"), Kind.STORE),
    Kind.BOOKED_SERVICE: NodeSpec("", Kind.BOOKED),
}


def parent_of(node: Node) -> Node | None:
    """The node one level up; None above the main menu."""
    kind = TREE[node.kind].parent
    if kind is None:
        return None
    return Node(kind, node.subject if "{subject}" in kind.value else "")


def lineage(node: Node) -> tuple[Node, ...]:
    """From the outermost node to `node`; the main menu is named only when one is there."""
    chain = [node]
    while (parent := parent_of(chain[0])) is not None and parent != MAIN:
        chain.insert(0, parent)
    return tuple(chain)


class Open(msgspec.Struct, frozen=True):
    """Go to a node."""

    node: Node


class Put(msgspec.Struct, frozen=True):
    """Put a line into the basket (R-201)."""

    line: Line


class SetTerm(msgspec.Struct, frozen=True):
    """Change the term of a line; `order` names the order being changed, "" = the basket."""

    line: Line
    order: str = ""


class Drop(msgspec.Struct, frozen=True):
    """Take a line out; `order` names the order being changed, "" = the basket."""

    service: str
    order: str = ""


class Place(msgspec.Struct, frozen=True):
    """Order with obligation to pay."""


class AcceptPrices(msgspec.Struct, frozen=True):
    """The driver has seen the new total (R-103)."""


class Edit(msgspec.Struct, frozen=True):
    """Begin to change an order (R-206)."""

    order: str


class Discard(msgspec.Struct, frozen=True):
    """Give up changing an order; the order itself stands."""

    order: str


class SendChange(msgspec.Struct, frozen=True):
    """Have an order changed to what was put together."""

    order: str


class Cancel(msgspec.Struct, frozen=True):
    """Cancel an order; asked and confirmed (R-208, R-209)."""

    order: str


class Sync(msgspec.Struct, frozen=True):
    """Synchronise now."""


class TryAgain(msgspec.Struct, frozen=True):
    """Look whether there is a connection again; orders nothing (R-204)."""


class TypeDigit(msgspec.Struct, frozen=True):
    """Append a digit to the number being typed."""

    digit: str


class DeleteDigit(msgspec.Struct, frozen=True):
    """Take the last digit away."""


class TakeNumber(msgspec.Struct, frozen=True):
    """Use the number typed, or with `agreement` that of the service agreement (R-203)."""

    agreement: bool = False


class Speak(msgspec.Struct, frozen=True):
    """Change the language of the menu."""

    language: str


class ToggleSplit(msgspec.Struct, frozen=True):
    """Show or hide the right half."""


class Erase(msgspec.Struct, frozen=True):
    """Delete personal data; asked and confirmed (R-715)."""


class GoBack(msgspec.Struct, frozen=True):
    """What BACK does, as a row."""


class Explain(msgspec.Struct, frozen=True):
    """Say why something is not possible here."""

    code: ErrorCode
    subject: str = ""


Action: TypeAlias = (
    Open
    | Put
    | SetTerm
    | Drop
    | Place
    | AcceptPrices
    | Edit
    | Discard
    | SendChange
    | Cancel
    | Sync
    | TryAgain
    | TypeDigit
    | DeleteDigit
    | TakeNumber
    | Speak
    | ToggleSplit
    | Erase
    | GoBack
    | Explain
)


class Entry(msgspec.Struct, frozen=True):
    """A row with what it does.

    key names it for the focus; `press` None makes it a line to read only; `verb` is what pressing does,
    final text; `panel` is what the right half says while it is focused. A tilt to the right does what
    pressing does where that opens a page, else nothing.
    """

    key: str
    label: str
    value: str = ""
    tone: Tone = Tone.PLAIN
    press: Action | None = None
    verb: str = ""
    panel: tuple[PanelLine, ...] = ()


class Page(msgspec.Struct, frozen=True):
    """What one node shows now.

    first is the key focused when the driver comes here for the first time; safe is where the focus
    goes when its row vanishes under the driver's hand, so that no press means something new; stale
    says that what is shown comes from the last synchronisation.
    """

    entries: tuple[Entry, ...]
    first: str = ""
    safe: str = ""
    panel: tuple[PanelLine, ...] = ()
    banner: Banner | None = None
    stale: bool = False
