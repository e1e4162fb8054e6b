"""Environments that stay, however long unused: a file of the data directory, a key a line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...core.layout import DataDirectory
from ...ownfiles import put


@dataclass(frozen=True)
class Pins:
    """Those of one hub.

    A key stays pinned while there is no environment of it, and holds for the next one.

    Attributes:
        path: of their file.
    """

    path: Path

    @classmethod
    def of(cls, layout: DataDirectory) -> Pins:
        """Those of a data directory."""
        return cls(layout.pinned)

    def keys(self) -> frozenset[str]:
        """All of them.

        Raises:
            OSError: they cannot be read, and then nobody knows what may go.
        """
        try:
            return frozenset(self.path.read_text(encoding="utf-8").split())
        except FileNotFoundError:
            return frozenset()

    def pin(self, key: str) -> None:
        """Have one stay."""
        self._write(self.keys() | {key})

    def unpin(self, key: str) -> None:
        """Have one go as all others do; harmless if it is not pinned."""
        if key in (keys := self.keys()):
            self._write(keys - {key})

    def _write(self, keys: frozenset[str]) -> None:
        put(self.path, "".join(f"{key}\n" for key in sorted(keys)).encode())
