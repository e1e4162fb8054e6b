"""What servers use, as far as anybody can tell: at one moment, and in all. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

N = TypeVar("N", int, float)


@dataclass(frozen=True)
class Use:
    """What a server uses at one moment; `None` for what is not known.

    Attributes:
        memory: bytes.
        worked: seconds that processors have worked for it since it started.
        processors: how many work for it, where nobody counts the seconds.
    """

    memory: int | None = None
    worked: float | None = None
    processors: float | None = None


UNKNOWN = Use()


@dataclass(frozen=True)
class Used:
    """What a run has used so far; `None` for what was never known. It only grows.

    Attributes:
        peak: bytes of memory, the most that was seen.
        worked: seconds that processors have worked.
    """

    peak: int | None = None
    worked: float | None = None

    def and_now(self, use: Use, seconds: float) -> Used:
        """The same, with what was seen now.

        Args:
            seconds: since it was looked at before.
        """
        worked = use.worked
        if worked is None and use.processors is not None:
            worked = (self.worked or 0.0) + use.processors * seconds
        return Used(_most(self.peak, use.memory), _most(self.worked, worked))


NONE = Used()


def _most(one: N | None, other: N | None) -> N | None:
    known = [each for each in (one, other) if each is not None]
    return max(known, default=None)
