"""What the page *Files* and its API are shown: plain values made of our own. Pure."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from ...core.projects import PROJECTS
from ...core.sentences import Sentence
from ...core.space import Taken, home_words, near_words
from ...core.updates import printable
from ...storage.space import Limits
from ..person.files import InTrash, InUse, Overview, Project
from ..person.folders import Entry, Listing
from .views import folder_url, iso, project_view, update_url, volume_view, zip_url

_LAST = 253402300799
"""The last second of the year 9999, after which dates have no form."""


def overview_view(overview: Overview, limits: Limits, prefix: str) -> dict[str, Any]:
    """Everything, as `GET /api/files` has it.

    Args:
        limits: of volumes.
        prefix: of the service; ends in "/".
    """
    return {
        "home": {
            **home_view(overview.home, full=overview.full),
            "files_url": folder_url(prefix, ""),
        },
        "projects": [folder_view(project, prefix) for project in overview.projects],
        "volumes": [
            {
                **volume_view(mine),
                **_figures(limits.of_volume(mine.usage)),
                "used_by": _uses(uses),
                "files_url": folder_url(prefix, "", mine.volume.id),
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
        "files_url": folder_url(prefix, project.path),
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


def listing_view(listing: Listing, prefix: str) -> dict[str, Any]:
    """A folder, as its page and `GET /api/files/folder` have it."""
    place = listing.place
    names = listing.path.split("/") if listing.path else []
    above = ["/".join(names[:number]) for number in range(len(names) + 1)]
    return {
        "of": place.id,
        "volume": place.name,
        "path": _shown(listing.path),
        "writable": place.writable,
        "more": listing.more,
        "way": [
            {"name": _shown(PurePosixPath(path).name), "url": folder_url(prefix, path, place.id)}
            for path in above
        ],
        "entries": [_entry_view(entry, listing, prefix) for entry in listing.entries],
        "upload_url": _content_url(f"{prefix}api/", listing.path, place.id),
        "form_url": _form_url(prefix, listing.path, place.id),
    }


def _entry_view(entry: Entry, listing: Listing, prefix: str) -> dict[str, Any]:
    path = f"{listing.path}/{entry.name}" if listing.path else entry.name
    urls = {"folder": folder_url, "file": _content_url}
    url = urls[entry.kind](prefix, path, listing.place.id) if entry.kind in urls else ""
    return {
        "name": _shown(entry.name),
        "kind": entry.kind,
        "bytes": entry.size,
        "changed": _moment(entry.changed),
        "url": url,
    }


def _content_url(prefix: str, path: str, of: str) -> str:
    return f"{prefix}files/content?of={quote(of)}&path={quote(os.fsencode(path))}"


def _form_url(prefix: str, path: str, of: str) -> str:
    """Where a folder's form is sent by a browser that runs no script."""
    return f"{prefix}files/upload?of={quote(of)}&path={quote(os.fsencode(path))}"


def _shown(name: str) -> str:
    """A name as text that is what it looks like, whatever bytes the file system has."""
    return printable(os.fsencode(name).decode(errors="surrogateescape"))


def _figures(taken: Taken) -> dict[str, Any]:
    limit = taken.limit or None
    return {"bytes": taken.bytes, "limit": limit, "near": taken.near, "over": taken.over}


def _uses(uses: Iterable[InUse]) -> list[dict[str, Any]]:
    return [{"server": use.server.name, "url": use.url, "own": use.own} for use in uses]


def _moment(seconds: float) -> str:
    # anybody may give a file of theirs any time
    return iso(datetime.fromtimestamp(min(max(seconds, 0), _LAST), UTC))
