"""Who carries out which act: every service names the acts it knows, and the desk hands them out."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from backend_stub.service.unit_of_work import UnitOfWork
from contracts.acts.act import Act

ActHandler: TypeAlias = Callable[[UnitOfWork, Any], None]
"""Carries out one act in the unit of work that is open. Raises BackendError with the rule's code."""

Acts: TypeAlias = Mapping[type[Act], ActHandler]
"""What `acts()` of a service returns."""
