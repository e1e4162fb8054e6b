"""What an administrator tells everybody at the top of every page, ours and the Hub's, from one
moment to the next: a file of the data directory, which both read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..core.layout import DataDirectory
from ..core.plain import plain
from ..core.sentences import fixed
from ..ownfiles import put

_MOST = 500
_WHAT = fixed("announcement")


@dataclass(frozen=True)
class Announcement:
    """The one that is made.

    Attributes:
        path: of its file.
    """

    path: Path

    @classmethod
    def of(cls, layout: DataDirectory) -> Announcement:
        """That of a data directory."""
        return cls(layout.announcement)

    def words(self) -> str:
        """As it was written, on one line; empty for none."""
        try:
            return self.path.read_text(encoding="utf-8", errors="replace")[:_MOST].strip()
        except OSError:
            return ""

    def make(self, words: str) -> str:
        """Tell everybody something else, or nothing any more.

        Returns:
            What is told.

        Raises:
            BadLink: it is too long, or has characters that nobody sees.
        """
        line = " ".join(words.split())
        if line:
            put(self.path, plain(line, _WHAT, _MOST).encode())
        else:
            self.path.unlink(missing_ok=True)
        return line
