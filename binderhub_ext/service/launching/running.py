"""A launch that is under way in this process, or has ended in it not long ago."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from ...core.errors import FilesDiffer
from ...core.launch import Project
from ...core.progress import Event
from ...core.updates import Update
from ...jobs import History
from ..failures import Failure
from ..records.records import INTERRUPTED
from .launchstate import State
from .orders import LaunchOrder
from .result import LaunchResult


class RunningLaunch:
    """A launch of this process: its state now, what was told, and its task.

    Attributes:
        why: what its person is told if the task is cancelled.
        over: whether it is decided what came of it; it is not cancelled then, but written down.
        after: what is done once it has ended.
    """

    def __init__(self, order: LaunchOrder, state: State) -> None:
        self.order = order
        self.state = state
        self.history = History()
        self.task: asyncio.Task[None] | None = None
        self.over = False
        self.after: asyncio.Task[None] | None = None
        self.why = INTERRUPTED

    def cancel(self, why: str = "") -> None:
        """Cancel it, unless it is decided what came of it.

        Args:
            why: what its person is told.
        """
        if self.task and not self.over:
            self.why = why or self.why
            self.task.cancel()

    def tell(self, event: Event) -> None:
        """Keep an event, and what it says about where the launch is."""
        shown = self.state.message if event.data.get("log") else event.message
        self.state = replace(
            self.state,
            phase=event.phase,
            message=shown,
            step=event.data.get("step", self.state.step),
            progress=max(event.data.get("progress", 0), self.state.progress),
            build=event.data.get("build", self.state.build),
            commit=event.data.get("commit", self.state.commit),
            image=event.data.get("imageName", self.state.image),
            content=_at(self.state.content, event.data.get("content", ())),
        )
        if update := event.data.get("update"):
            self.state = replace(self.state, update=Update.from_fields(update))
        if sentence := event.data.get("attention"):
            self.state = replace(self.state, attention=(*self.state.attention, sentence))
        self.history.append(event)

    def fail(self, error: Exception) -> Event:
        """Keep why it failed; the event that says so."""
        failure = Failure.of(error, where=f"Launch {self.state.id}")
        self.state = replace(self.state, error=failure, url="")
        if isinstance(error, FilesDiffer):
            self.state = replace(self.state, update=error.update.clipped())
        return failure.event

    def succeed(self, launched: LaunchResult) -> Event:
        """Keep what it came to; the event that says so."""
        self.state = replace(self.state, image=launched.image, url=launched.url)
        return launched.event


def _at(content: tuple[Project, ...], commits: Sequence[str]) -> tuple[Project, ...]:
    """Content with what its refs were found to stand for."""
    if not commits:
        return content
    return tuple(
        replace(project, commit=replace(project.commit, id=id))
        for project, id in zip(content, commits, strict=True)
    )
