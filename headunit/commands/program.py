"""Finds the function a subcommand hands over to, importing it only now."""

import argparse
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import cast

from headunit.commands.errors import CommandError

Program = Callable[[argparse.Namespace], int]


def program(module: str, function: str) -> Program:
    """The function `module.function`. Raises CommandError when this installation does not have the module."""
    if find_spec(module) is None:
        raise CommandError(f"this installation has no {module}; install the whole package")
    return cast(Program, getattr(import_module(module), function))
