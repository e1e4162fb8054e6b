"""What a launch wants done with its person's project: worked out at every start, for every engine.

The launched commit is brought into the project by :mod:`..storage.sync`, which runs as the owner of
the files; how it is run is the engine's. The look that says there is nothing to do reads two small
files and starts no program.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..core.errors import LaunchFailed, NoSpace
from ..core.launch import Files, Launch, Project
from ..core.layout import DataDirectory
from ..core.sentences import Sentence
from ..core.updates import State, Update, together
from ..storage.sync import call
from ..storage.sync.words import Request
from .rescue import RescueMixin

Run = Callable[[Request], Awaitable[bytes]]
"""Runs the program as the owner of a home; gives what it printed. The request's paths are as this
process sees them."""

RunAll = Callable[[tuple[Request, ...]], Awaitable[list[bytes]]]
"""The same for each of several in turn; of fewer if one could not be done."""

_CONTENT = "In {place}: {what}"

_TOLD = 100
"""Files an event lists by name; of more, how many there are."""


class ProjectsMixin(RescueMixin):
    """The part of a spawner that makes projects and brings them to the launched commit."""

    async def bring_projects(self, launch: Launch, home: Path, run: RunAll) -> None:
        """Make each project if there is none, else bring it to its commit; tell what was done.

        Args:
            home: where the projects are or will be.

        Raises:
            BinderError: it could not be done, or the fetched files are gone; nothing is lost.
        """
        todo = {
            project: request
            for project in launch.projects
            if (request := wanted(self.layout, launch.alone(project), home))
        }
        if launch.live:
            self.tell(20, Sentence("Your folder is used as it is: nothing of it is copied"))
        if self.rescue:
            self._leave_projects(launch, todo, home)
        elif todo:
            try:
                await self._bring(todo, run)
            except NoSpace as error:
                # Whoever is over their quota needs a server to delete something.
                self.rescue = Sentence(
                    "{why} Your server starts with your files as they are.", why=error.message
                )
                self.tell(30, self.rescue)
                self._leave_projects(launch, todo, home)

    async def _bring(self, todo: Mapping[Project, Request], run: RunAll) -> None:
        for request in todo.values():
            self.tell(20, _doing(request, _is_there(request)))
        answers = map(call.read_answer, await run(tuple(todo.values())))
        updates = [(project, update) for project, update in zip(todo, answers, strict=False)]
        for project, update in updates:
            if project.place:
                self.tell(30, Sentence(_CONTENT, place=project.place, what=update.sentence))
        if whole := together([(project.place, update) for project, update in updates]):
            self.tell(30, whole.sentence, **event_data(whole))

    def _leave_projects(self, launch: Launch, projects: Iterable[Project], home: Path) -> None:
        for project in projects:
            self.leave_project(launch.alone(project), home)


def wanted(layout: DataDirectory, launch: Launch, home: Path) -> Request | None:
    """What the program has to do; `None` if the project is as the launch wants it. Safe as root.

    Raises:
        LaunchFailed: there is no project, and the files to make it of are not kept any more.
    """
    if launch.commit is None or not launch.project:
        return None
    bundle, commit = layout.bundle(launch.commit), launch.commit
    head = call.head_of(bundle)
    request = Request(
        bundle=str(bundle),
        commit=head or commit.id,
        url=commit.repo.url,
        root=str(home),
        into=launch.project,
        branch=commit.branch,
        keep=launch.keep,
        caseless=commit.repo.caseless,
    )
    if call.is_current(request):
        return None
    if head:
        return request
    if _is_there(request):
        # A server that is started again after years still has its files.
        return None
    raise LaunchFailed("The repository's files are no longer kept here. Launch again.")


async def preview(layout: DataDirectory, launch: Launch, run: Run) -> Update | None:
    """What :meth:`ProjectsMixin.bring_projects` would do to a launch's first project, not done.

    Returns:
        `None` if there is no project of this repository, so that nothing of anybody's changes.

    Raises:
        BinderError: it cannot be found out.
    """
    if launch.files is Files.NONE or launch.commit is None or not launch.project or launch.live:
        return None
    home = layout.home(launch.user)
    repo = launch.commit.repo
    there = Request(
        "", launch.commit.id, repo.url, str(home), launch.project, caseless=repo.caseless
    )
    if not _is_there(there):
        return None
    request = wanted(layout, launch, home)
    if request is None:
        return Update(State.UNCHANGED, launch.commit.id, launch.commit.id)
    return call.read_answer(await run(replace(request, plan=True)))


def event_data(update: Update) -> dict[str, Any]:
    """What an event about an update carries besides its message."""
    return {"update": update.clipped(_TOLD).to_fields()}


def _is_there(request: Request) -> bool:
    """Whether there is a project of this repository, at whatever commit."""
    return call.is_current(replace(request, update=False))


def _doing(request: Request, is_there: bool) -> Sentence:
    if is_there:
        return Sentence("Bringing your project to commit {commit}", commit=request.short)
    return Sentence("Putting the project's files in place")
