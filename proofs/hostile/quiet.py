"""How much a broker holds: every object that can be reached from it."""

import gc
import sqlite3
from types import BuiltinFunctionType, CodeType, FunctionType, GetSetDescriptorType, ModuleType
from typing import Any, Final

_NUMBERS: Final = (int, float, bool, type(None))
_OPAQUE: Final = (sqlite3.Connection,)
"""Counts as one: its cache of statements is its own affair."""
_CODE: Final = (type, ModuleType, CodeType, BuiltinFunctionType, GetSetDescriptorType)


def sizes(root: object) -> dict[str, int]:
    """Objects by type, reached from `root` through attributes, containers and closures; numbers do not count.

    A container counts with its elements, so that a set of integers that grows is seen.
    """
    seen: set[int] = set()
    found: dict[str, int] = {}
    ahead: list[Any] = [root]
    while ahead:
        each = ahead.pop()
        if isinstance(each, _NUMBERS + _CODE) or id(each) in seen:
            continue
        seen.add(id(each))
        name = type(each).__name__
        found[name] = found.get(name, 0) + 1
        if isinstance(each, FunctionType):
            ahead.extend(each.__closure__ or ())
        elif not isinstance(each, (str, bytes, *_OPAQUE)):
            if isinstance(each, list | dict | set):
                found["elements"] = found.get("elements", 0) + len(each)
            ahead.extend(gc.get_referents(each))
    return found
