"""What the page *Files* and its API are shown: plain values made of our own. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

from ...core.projects import PROJECTS
from ...core.sentences import Sentence
from ...core.space import Taken, home_words, near_words
from ...storage.space import Limits
from ..person.files import InTrash, InUse, Overview, Project
from .views import iso, project_view, update_url, volume_view, zip_url


def overview_view(overview: Overview, limits: Limits, prefix: str) -> dict[str, Any]:
    """Everything, as `GET /api/files` has it.

    Args:
        limits: of volumes.
        prefix: of the service; ends in "/".
    """
    return {
        "home": home_view(overview.home, full=overview.full),
        "projects": [folder_view(project, prefix) for project in overview.projects],
        "volumes": [
            {
                **volume_view(mine),
                **_figures(limits.of_volume(mine.usage)),
                "used_by": _uses(uses),
            }
            for mine, uses in overview.volumes
        ],
        "trash": [trash_view(thing) for thing in overview.trash],
    }


def home_view(home: Taken, *, full: bool) -> dict[str, Any]:
    """A home's figures, with the sentence and the warning people are shown."""
    warning = near_words(home)
    if full and not warning:
        warning = Sentence(
            "The disk of this hub is full. Servers still start, so that you can delete files;"
            " nothing new is put into them."
        )
    return {**_figures(home), "words": home_words(home), "warning": warning}


def folder_view(project: Project, prefix: str) -> dict[str, Any]:
    """A project's folder as its page and `GET /api/projects` have it, launched or not."""
    row, path = project.row, PurePosixPath(project.path)
    view: dict[str, Any] = {"title": path.name, "repo": None, "last_used": "", "again": None}
    if row:
        view = project_view(row)
    return {
        **view,
        "id": str(path.relative_to(PROJECTS)),
        "url": view["repo"]["url"] if row else "",
        "path": project.path,
        "bytes": project.bytes,
        "used_by": _uses(project.used_by),
        "update_url": update_url(prefix, project.path) if row else "",
        "zip_url": zip_url(prefix, project.path),
    }


def trash_view(trashed: InTrash) -> dict[str, Any]:
    """Something in the trash."""
    return {
        "id": trashed.thing.id,
        "name": trashed.name,
        "kind": trashed.kind,
        "bytes": trashed.thing.bytes,
        "deleted": _moment(trashed.thing.time),
        "until": _moment(trashed.until),
    }


def _figures(taken: Taken) -> dict[str, Any]:
    limit = taken.limit or None
    return {"bytes": taken.bytes, "limit": limit, "near": taken.near, "over": taken.over}


def _uses(uses: Iterable[InUse]) -> list[dict[str, Any]]:
    return [{"server": use.server.name, "url": use.url, "own": use.own} for use in uses]


def _moment(seconds: float) -> str:
    return iso(datetime.fromtimestamp(seconds, UTC))
