"""A person's work as the main page has it: projects with their servers. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote, urlsplit

from ...core.repo import Repo
from ...core.sentences import Sentence
from ...core.url import readable
from ..records.tables import LaunchRow, ShownRow
from . import views

_NONE: Mapping[str, ShownRow] = MappingProxyType({})
_SHOWN = ("running", "starting", "stopping", "stopped")
"""What stands first of the servers of one project."""


def work_views(
    servers: Iterable[Mapping[str, Any]],
    projects: Iterable[LaunchRow],
    *,
    sizes: Mapping[str, int | None],
    newer: Container[str] = (),
    shown: Mapping[str, ShownRow] = _NONE,
    prefix: str,
) -> list[dict[str, Any]]:
    """Rows of the list: each server with its project, then the projects without a server.

    What was used last stands first; servers of one project stand together.

    Args:
        servers: as :func:`~.views.server_view` has them.
        projects: the latest launch of each.
        sizes: bytes of each project's files, as last measured.
        newer: projects whose branch has gone on.
        shown: how the person wants projects to be shown, those that are pinned before others.
        prefix: of the service.
    """
    latest = {row.project: row for row in projects}
    by_project: dict[str, list[Mapping[str, Any]]] = {}
    for server in servers:
        by_project.setdefault(server["project"] or f":{server['name']}", []).append(server)
    rows: list[list[dict[str, Any]]] = []
    for project, own in by_project.items():
        own.sort(key=lambda server: _SHOWN.index(server["state"]))
        about = _about_project(latest.get(project), sizes, prefix)
        rows.append([{**about, **server, "also": at > 0} for at, server in enumerate(own)])
    for project, row in latest.items():
        if project not in by_project:
            rows.append([_without_server(row, sizes, prefix)])
    rows.sort(key=_when, reverse=True)
    named = [[_named(row, shown.get(row["path"])) for row in group] for group in rows]
    named.sort(key=lambda group: not group[0]["pinned"])
    return [{**row, "newer": row["path"] in newer} for group in named for row in group]


def _named(row: dict[str, Any], shown: ShownRow | None) -> dict[str, Any]:
    """A row as its person calls it, with whether it is pinned."""
    if shown is None:
        return {**row, "pinned": False}
    return {**row, "title": shown.title or row["title"], "pinned": shown.pinned}


def place_of(repo: Repo) -> str:
    """Whose a repository is, and where: `github.com/ocean`; empty for what comes with the hub."""
    if repo.live:
        return Sentence("a folder of this machine")
    url = urlsplit(readable(repo.page))
    folder = PurePosixPath("/", unquote(url.path)).parent
    return f"{url.netloc}{folder}".rstrip("/")


def _about_project(
    row: LaunchRow | None, sizes: Mapping[str, int | None], prefix: str
) -> dict[str, Any]:
    if row is None:
        urls = dict.fromkeys(("update_url", "zip_url", "files_url"), "")
        return {"place": "", "bytes": None, "path": "", **urls}
    repo = Repo(row.provider, row.repo, row.repo_url)
    there = row.project in sizes
    return {
        "place": place_of(repo),
        "path": row.project,
        "bytes": sizes.get(row.project),
        "zip_url": views.zip_url(prefix, row.project) if there else "",
        "files_url": views.folder_url(prefix, row.project) if there else "",
        "update_url": "" if repo.live else views.update_url(prefix, row.project),
    }


def _without_server(row: LaunchRow, sizes: Mapping[str, int | None], prefix: str) -> dict[str, Any]:
    project = views.project_view(row)
    return {
        **_about_project(row, sizes, prefix),
        "name": "",
        "title": project["title"],
        "ref": row.ref,
        "commit": row.commit,
        "state": "",
        "last_activity": project["last_used"],
        "again": project["again"],
        "launch_url": prefix + views.path_of(row.id),
        "shared_with": None,
        "also": False,
    }


def _when(group: list[dict[str, Any]]) -> tuple[bool, str]:
    """What runs before what does not; then by the last use."""
    runs = any(row["state"] not in ("", "stopped") for row in group)
    return runs, max(row["last_activity"] or "" for row in group)
