"""A person's work as the main page has it: projects with their servers. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote, urlsplit

from ...core.repo import Repo
from ...core.sentences import NOTHING, Sentence
from ...core.updates import new_commits
from ...core.url import readable
from ..records.tables import LaunchRow, ShownRow
from . import views

_NONE: Mapping[str, ShownRow] = MappingProxyType({})
_SHOWN = ("running", "starting", "stopping", "stopped")
"""What stands first of the servers of one project."""

_OF_PROJECT = ("place", "path", "zip_url", "files_url", "update_url")


@dataclass(frozen=True)
class WorkRow:
    """A row of the list: a server with its project, or a project without a server.

    Attributes:
        server: as :func:`~.views.server_view` has it; empty for none.
        project: its latest launch, where that is known.
        also: whether the row before is of the same project.
        shown: how its person wants the project to be shown, where they said.
    """

    server: Mapping[str, Any]
    project: LaunchRow | None
    also: bool
    shown: ShownRow | None

    @property
    def path(self) -> str:
        """Of the project in the home; empty for none."""
        return self.project.project if self.project else ""

    @property
    def pinned(self) -> bool:
        return self.shown is not None and self.shown.pinned

    @property
    def title(self) -> str:
        """As its person calls it."""
        if self.shown and self.shown.title:
            return self.shown.title
        if self.project and not self.server:
            return _repo_of(self.project).title
        title: str = self.server["title"]
        return title

    @property
    def texts(self) -> list[str]:
        """What it is found by."""
        texts = [self.title, *(self.server.get(name, "") for name in ("name", "ref"))]
        if self.project:
            texts += [self.path, self.project.ref, place_of(_repo_of(self.project))]
        return texts

    def view(
        self, sizes: Mapping[str, int | None], newer: Mapping[str, int | None], prefix: str
    ) -> dict[str, Any]:
        """As its template has it.

        Args:
            sizes: bytes of projects' files, as last measured, of those that are there.
            newer: projects whose branch has gone on, with the number of new commits if it is known.
            prefix: of the service.
        """
        server = self.server
        if self.project and not server:
            server = _without_server(self.project, prefix)
        return {
            **_about_project(self.project, sizes, prefix),
            **server,
            "title": self.title,
            "also": self.also,
            "pinned": self.pinned,
            "newer": new_commits(newer[self.path]) if self.path in newer else NOTHING,
        }


def work_rows(
    servers: Iterable[Mapping[str, Any]],
    projects: Iterable[LaunchRow],
    shown: Mapping[str, ShownRow] = _NONE,
) -> list[WorkRow]:
    """Rows of the list: each server with its project, then the projects without a server.

    What was used last stands first; servers of one project stand together.

    Args:
        servers: as :func:`~.views.server_view` has them.
        projects: the latest launch of each.
        shown: how the person wants projects to be shown, those that are pinned before others.
    """
    latest = {row.project: row for row in projects}
    by_project: dict[str, list[Mapping[str, Any]]] = {}
    for server in servers:
        by_project.setdefault(server["project"] or f":{server['name']}", []).append(server)
    groups: list[list[WorkRow]] = []
    for project, own in by_project.items():
        own.sort(key=lambda server: _SHOWN.index(server["state"]))
        about = latest.get(project), shown.get(project if project in latest else "")
        groups.append(
            [WorkRow(server, about[0], at > 0, about[1]) for at, server in enumerate(own)]
        )
    for project, row in latest.items():
        if project not in by_project:
            groups.append([WorkRow({}, row, False, shown.get(project))])
    groups.sort(key=_when, reverse=True)
    groups.sort(key=lambda group: not group[0].pinned)
    return list(chain.from_iterable(groups))


def place_of(repo: Repo) -> str:
    """Whose a repository is, and where: `github.com/ocean`; empty for what comes with the hub."""
    if repo.live:
        return Sentence("a folder of this machine")
    url = urlsplit(readable(repo.page))
    folder = PurePosixPath("/", unquote(url.path)).parent
    return f"{url.netloc}{folder}".rstrip("/")


def _repo_of(row: LaunchRow) -> Repo:
    return Repo(row.provider, row.repo, row.repo_url)


def _about_project(
    row: LaunchRow | None, sizes: Mapping[str, int | None], prefix: str
) -> dict[str, Any]:
    if row is None:
        return {"bytes": None, **dict.fromkeys(_OF_PROJECT, "")}
    repo = _repo_of(row)
    there = row.project in sizes
    return {
        "place": place_of(repo),
        "path": row.project,
        "bytes": sizes.get(row.project),
        "zip_url": views.zip_url(prefix, row.project) if there else "",
        "files_url": views.folder_url(prefix, row.project) if there else "",
        "update_url": "" if repo.live else views.update_url(prefix, row.project),
    }


def _without_server(row: LaunchRow, prefix: str) -> dict[str, Any]:
    return {
        "name": "",
        "ref": row.ref,
        "commit": row.commit,
        "state": "",
        "last_activity": views.iso(row.started),
        "again": views.again(row.request),
        "launch_url": prefix + views.path_of(row.id),
        "shared_with": None,
    }


def _when(group: list[WorkRow]) -> tuple[bool, str]:
    """What runs before what does not; then by the last use."""
    servers = [row.server for row in group if row.server]
    if not servers:
        return False, max(views.iso(row.project.started) for row in group if row.project)
    runs = any(server["state"] != "stopped" for server in servers)
    return runs, max(server["last_activity"] or "" for server in servers)
