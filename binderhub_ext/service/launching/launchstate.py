"""A launch at one moment, and the row of the database it is kept in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from ...core.errors import FilesDiffer
from ...core.launch import Project
from ...core.progress import Event, Phase
from ...core.repo import Repo
from ...core.sentences import NOTHING, Sentence
from ...core.updates import Update
from ..failures import Failure
from ..records.records import read_content, write_content
from ..records.tables import LaunchRow
from .orders import LaunchOrder

_EMPTY = ("commit", "image", "build", "code", "message", "detail", "url", "update")


@dataclass(frozen=True)
class State:
    """A launch at one moment, running or from the records.

    Attributes:
        update: what it did to the person's project, or would do if `error` asks them.
        answers: what they said when they were asked before; as fields of a form.
        attention: sentences to read before the server is opened; not in the records.
        content: what it brings besides; without commits as long as these are not known.
        prepares: whether it ends with the environment, and starts nothing.
    """

    id: str
    user: str
    server: str
    repo: Repo | None
    ref: str
    link: str
    started: datetime
    finished: datetime | None = None
    phase: Phase = Phase.WAITING
    message: Sentence = NOTHING
    step: str = ""
    progress: int = 0
    commit: str = ""
    image: str = ""
    url: str = ""
    build: str = ""
    error: Failure | None = None
    update: Update | None = None
    answers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    attention: tuple[Sentence, ...] = ()
    content: tuple[Project, ...] = ()
    prepares: bool = False

    @classmethod
    def of_row(cls, row: LaunchRow) -> State:
        """A launch that ended, perhaps of a service before this one."""
        repo = Repo(row.provider, row.repo, row.repo_url) if row.provider else None
        error = Failure(row.code, row.status, row.message, row.detail) if row.code else None
        return cls(
            id=row.id,
            user=row.user,
            server=row.server,
            repo=repo,
            ref=row.ref,
            link=row.request,
            started=row.started,
            finished=row.finished,
            phase=Phase.FAILED if error else Phase.READY,
            message=row.message,
            progress=100,
            commit=row.commit,
            image=row.image,
            url=row.url,
            build=row.build,
            error=error,
            update=Update.from_fields(json.loads(row.update)) if row.update else None,
            content=read_content(row.content),
            # whatever brings a repository has a folder for it
            prepares=bool(row.provider and not row.project) or not (error or row.url),
        )

    def may_choose(self) -> bool:
        """Whether it ended with the question whose version of a file keeps its name."""
        return self.error is not None and self.error.code == FilesDiffer.code


def row_of(state: State, order: LaunchOrder) -> LaunchRow:
    """The row of a launch that begins."""
    repo = state.repo
    return LaunchRow(
        id=state.id,
        user=state.user,
        server=state.server,
        started=state.started,
        provider=repo.provider if repo else "",
        repo=repo.name if repo else "",
        repo_url=repo.url if repo else "",
        ref=state.ref,
        project="" if order.build_only else order.project,
        content="" if order.build_only else write_content(state.content),
        origin=order.origin[:255],
        request=state.link,
        status=0,
        **dict.fromkeys(_EMPTY, ""),
    )


def outcome_of(state: State, last: Event) -> dict[str, str | int]:
    """The columns that say what became of a launch."""
    error = state.error
    return {
        "commit": state.commit,
        "content": write_content(state.content),
        "image": state.image,
        "build": state.build,
        "url": state.url,
        "update": json.dumps(state.update.to_fields()) if state.update else "",
        "code": error.code if error else "",
        "status": error.status if error else 200,
        "message": error.message if error else last.message,
        "detail": error.detail if error else "",
    }
