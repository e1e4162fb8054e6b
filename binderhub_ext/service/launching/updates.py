"""What a launch would change in a person's project: found out, and asked about where they choose.

The look and the update itself are the engine's, which runs them as the owner of the files.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tornado.log import app_log

from ...core.errors import BinderError, FilesDiffer, NotFound
from ...core.launch import Launch, LaunchRequest
from ...core.policy import Policy, admit
from ...core.progress import Event, Phase, Tell, unheard
from ...core.providers import Providers
from ...core.refs import is_full_id
from ...core.repo import Commit, Repo
from ...core.sentences import NOTHING, Sentence
from ...core.targets import Targets
from ...core.updates import Update, needs_choice, new_commits, together
from ...engines.base import Builder
from ..hub import Person
from ..records.records import Records
from ..records.tables import LaunchRow
from ..requests import read_own_link
from .builds import Builds
from .upstream import Upstream

_NOT_SEEN = "What would change in {project} could not be found out; you keep it all."


@dataclass(frozen=True)
class UpdatePreview:
    """A project against what its link stands for now.

    Attributes:
        row: the latest launch of the project that worked.
        request: what its link asks for, as to this project.
        commit: what the link's ref stands for now.
        fetched: whether the commit's files are here already.
        update: what launching it would do; only if they are.
        newer: how many commits are new in it; empty if it is the one that was launched.
    """

    row: LaunchRow
    request: LaunchRequest
    commit: Commit
    fetched: bool
    update: Update | None = None
    newer: Sentence = NOTHING


class Updates:
    """Looks at projects for launches and for the page of updates.

    Args:
        builder: the engine's.
        builds: fetches.
        records: knows a person's projects.
        upstream: knows how many commits are new where they are not fetched.
    """

    def __init__(
        self,
        builder: Builder,
        builds: Builds,
        records: Records,
        upstream: Upstream,
        *,
        policy: Policy,
        providers: Providers,
        targets: Targets,
    ) -> None:
        self._builder, self._builds = builder, builds
        self._records, self._upstream = records, upstream
        self._policy, self._providers, self._targets = policy, providers, targets

    async def ask(self, launch: Launch, tell: Tell) -> None:
        """Fetch a launch's commits, and see whether its person has something to choose.

        Raises:
            FilesDiffer: they have.
            BinderError: a commit cannot be fetched.
        """
        updates = []
        for project in launch.projects:
            await self._builds.files(project.commit, tell)
            try:
                update = await self._preview(launch.alone(project))
            except BinderError as error:
                app_log.warning("The update of %s is not known: %s", project.folder, error)
                tell(Event(Phase.FETCHING, Sentence(_NOT_SEEN, project=project.folder)))
                continue
            if update:
                updates.append((project.place, update))
        update = together(updates)
        if update and needs_choice(update):
            raise FilesDiffer(update)

    async def preview(self, person: Person, project: str) -> UpdatePreview:
        """A person's project against what its link stands for now. Fetches nothing.

        Raises:
            NotFound: the person launched no such project.
            BinderError: the ref cannot be resolved, or the launch is not allowed any more.
        """
        row, request, commit = await self._newest(person, project)
        fetched = self._builds.provider(commit.repo.provider).find(commit) is not None
        newer = await self._newer(row, commit, fetched)
        if not fetched:
            return UpdatePreview(row, request, commit, fetched, newer=newer)
        launch = admit(
            self._policy.of(person.groups),
            request,
            commit,
            user=person.name,
            project=row.project,
            targets=self._targets,
        )
        update = await self._preview(launch)
        return UpdatePreview(row, request, commit, fetched, update, newer)

    async def fetch(self, person: Person, project: str) -> None:
        """Fetch what a project's link stands for now, so that it can be looked at.

        Raises:
            NotFound: as :meth:`look`.
            BinderError: it cannot be fetched.
        """
        _, _, commit = await self._newest(person, project)
        await self._builds.files(commit, unheard)

    async def _newer(self, row: LaunchRow, commit: Commit, fetched: bool) -> Sentence:
        if commit.id == row.commit or not is_full_id(commit.id):
            return NOTHING
        if not fetched:
            return new_commits(self._upstream.count(row, commit))
        since = await self._builds.provider(commit.repo.provider).since(commit)
        return new_commits(since.get(row.commit))

    async def _preview(self, launch: Launch) -> Update | None:
        try:
            return await self._builder.preview(launch)
        except OSError as error:
            # A service that is not the Hub's user may not look into homes.
            app_log.warning("%s of %s cannot be looked at: %s", launch.project, launch.user, error)
            return None

    async def _newest(
        self, person: Person, project: str
    ) -> tuple[LaunchRow, LaunchRequest, Commit]:
        rows = await self._records.projects(person.name)
        row = next((row for row in rows if row.project == project), None)
        if row is None:
            raise NotFound("You have launched no such project. Look for it on the main page.")
        request = read_own_link(row.request, self._providers)
        own = Repo(row.provider, row.repo, row.repo_url).identity
        for content in request.content:
            if content.repo.identity == own:
                request = replace(request, repo=content.repo, ref=content.ref)
        if request.repo is None:
            raise NotFound("This project has no repository to be updated from.")
        if request.repo.live:
            raise NotFound(
                "This is a folder of your own machine, seen as it is: there is nothing to update."
            )
        provider = self._builds.provider(request.repo.provider)
        commit = await provider.resolve(request.repo, request.ref, reader=person.name)
        return row, replace(request, content=()), commit
