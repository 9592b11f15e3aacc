"""Switches and keys that outlive a restart."""

from typing import Protocol


class SettingRows(Protocol):
    """Switches of the bench that must survive a restart."""

    def get(self, name: str, default: int) -> int:
        """The value of a switch."""

    def put(self, name: str, value: int) -> None:
        """Set a switch."""
