"""Events: what a person, and every client, is told while something is happening.

The phases are BinderHub's, so that one stream serves its clients and our own pages.

Work that takes long has one form everywhere: `async def work(…, tell: Tell) -> Result`. It is
awaited, tells what happens while it lasts, and returns what came of it or raises why nothing did.
Cancelling it ends all it began.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import Any, Self

from .sentences import Sentence


class Phase(StrEnum):
    """Phases in the order a launch passes them; the values are BinderHub's."""

    WAITING = "waiting"
    FETCHING = "fetching"
    BUILDING = "building"
    PUSHING = "pushing"
    BUILT = "built"
    LAUNCHING = "launching"
    READY = "ready"
    FAILED = "failed"

    @property
    def final(self) -> bool:
        return self in (Phase.READY, Phase.FAILED)


@dataclass(frozen=True)
class Event:
    """One thing that happened.

    Attributes:
        phase: where the launch is.
        message: for people; without a newline at its end.
        data: further fields of the event as clients see them (`imageName`, `url`, `code`…).
    """

    phase: Phase
    message: Sentence
    data: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def log(cls, phase: Phase, line: str) -> Self:
        """A line of the log."""
        return cls(phase, Sentence.verbatim(line), {"log": True})

    @property
    def is_log(self) -> bool:
        """Whether it is a line of the log, which is no sentence."""
        return bool(self.data.get("log"))

    @property
    def ahead(self) -> int:
        """How many are before this one, where it waits for its turn and no more is said; else 0."""
        return int(self.data.get("ahead", 0))

    def to_dict(self) -> dict[str, Any]:
        """The event as BinderHub's clients expect it: message ends in a newline."""
        said = {"phase": str(self.phase), "message": Sentence("{line}\n", line=self.message)}
        return {**said, **self.message.data, **self.data}

    @cached_property
    def encoded(self) -> bytes:
        """:meth:`to_dict` as JSON, made once however many people watch."""
        return json.dumps(self.to_dict()).encode()


Tell = Callable[[Event], None]
"""Is told of an event when it happens. Called by whoever does the work, so it never raises and
is quick; it must not be called from another thread."""


def unheard(event: Event) -> None:
    """Told by work that nobody watches."""
