"""Classes as pages and the API show them. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from ...core.launch import LaunchRequest
from ...core.links import write_link
from ...core.providers import Providers
from ..launching.attendance import Attendant, Place
from ..launching.teachers import Taught
from ..records.classtables import ClassRow
from .sharing import qr_code
from .views import iso, repo_view

_ORDER = (
    *(Place.FAILED, Place.WAITING, Place.STARTING, Place.RUNNING),
    *(Place.STOPPING, Place.STOPPED, Place.OPENED),
)
"""Who needs help stands first."""


def class_view(row: ClassRow, base: str, prefix: str) -> dict[str, Any]:
    """A class, for its teachers.

    Args:
        base: absolute URL of this service; ends in "/".
        prefix: path of it.
    """
    return {
        "id": row.id,
        "title": row.title,
        "owner": row.owner,
        "link": row.link,
        "url": f"{base}c/{row.id}",
        "page": f"{prefix}class/{row.id}",
        "events_url": f"{prefix}api/classes/{row.id}/events",
        "created": iso(row.created),
        "ended": iso(row.ended),
    }


def teachers_view(taught: Taught, groups: Iterable[str] = ()) -> dict[str, Any]:
    """Who teaches a class besides its owner.

    Args:
        groups: those that may be named.
    """
    teachers = [{"id": one.id, **one.who.to_fields()} for one in taught.named]
    return {"teachers": teachers, "owns": taught.by is None, "groups": list(groups)}


def attendance_view(people: Iterable[Attendant], untold: int = 0) -> dict[str, Any]:
    """Who opened a class's link, and how many are where.

    Args:
        untold: how many opened it who were not told of this teacher.
    """
    people = sorted(people, key=lambda one: (_ORDER.index(one.place), one.user.casefold()))
    return {
        "untold": untold,
        "counts": dict(Counter(str(one.place) for one in people)),
        "people": [
            {
                "user": one.user,
                "state": str(one.place),
                "message": one.message,
                "opened": iso(one.opened),
                "last_activity": one.last_activity,
            }
            for one in people
        ],
    }


def link_view(
    request: LaunchRequest, base: str, prefix: str, providers: Providers
) -> dict[str, Any]:
    """A link for a class that has no list."""
    request = replace(request, class_id="")
    link = write_link(request, providers=providers)
    return {
        "link": link,
        "title": request.repo.title if request.repo else request.image,
        "repo": repo_view(request.repo),
        "url": base + link,
        "qr_url": f"{prefix}qr?{urlencode({'link': link})}",
    }


def poster(url: str, *, title: str = "", repo: str = "") -> Mapping[str, str]:
    """The values of the page for a wall.

    Args:
        title: what a teacher called it.
        repo: what it launches otherwise, which may read like a sentence: its host calls it so.
    """
    return {"title_of_link": title, "repo_of_link": repo, "url": url, "qr": qr_code(url)}
