"""Which function makes the page of which node."""

from collections.abc import Callable
from typing import Final

from headunit.domain.basket_pages import basket, basket_line, order_line
from headunit.domain.booked_services import booked, booked_service
from headunit.domain.checkout import checkout
from headunit.domain.link_page import link
from headunit.domain.main_menu import (
    connected_drive,
    connection,
    emergency_call,
    main,
    options,
    section,
    support,
)
from headunit.domain.menu import Kind, Node, Page
from headunit.domain.number_speller import number
from headunit.domain.open_orders import order, order_cancel, orders
from headunit.domain.order_change import order_add, order_change
from headunit.domain.settings_pages import erase, info, language, settings
from headunit.domain.store import product, store
from headunit.domain.view import View

_PAGES: Final[dict[Kind, Callable[[View, Node], Page]]] = {
    Kind.MAIN: main,
    Kind.MEDIA: section,
    Kind.COMMUNICATION: section,
    Kind.NAVIGATION: section,
    Kind.CONNECTED_DRIVE: connected_drive,
    Kind.VEHICLE: section,
    Kind.SETTINGS: settings,
    Kind.LANGUAGE: language,
    Kind.INFO: info,
    Kind.ERASE: erase,
    Kind.OPTIONS: options,
    Kind.EMERGENCY_CALL: emergency_call,
    Kind.CONNECTION: connection,
    Kind.SUPPORT: support,
    Kind.STORE: store,
    Kind.LINK: link,
    Kind.PRODUCT: product,
    Kind.BASKET: basket,
    Kind.BASKET_LINE: basket_line,
    Kind.CHECKOUT: checkout,
    Kind.NUMBER: number,
    Kind.ORDERS: orders,
    Kind.ORDER: order,
    Kind.ORDER_CANCEL: order_cancel,
    Kind.ORDER_CHANGE: order_change,
    Kind.ORDER_ADD: order_add,
    Kind.ORDER_LINE: order_line,
    Kind.BOOKED: booked,
    Kind.BOOKED_SERVICE: booked_service,
}


def page_of(view: View, node: Node) -> Page:
    """What `node` shows now."""
    return _PAGES[node.kind](view, node)
