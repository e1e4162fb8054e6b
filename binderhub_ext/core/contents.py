"""Repositories that a launch brings besides the environment's: how links name them, and where they
stand.

`content=gh/owner/name/ref`, or `content=<folder>:gh/owner/name/ref` where the files shall not be in
a folder called like the repository. No spec has a colon that is not escaped, but one of an address
that stands as it is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from pathlib import PurePosixPath

from .errors import BadLink
from .launch import Content, LaunchRequest, Project, VolumeRequest
from .plain import relative_path, shown
from .projects import NAME_MAX, PROJECTS, project_folder
from .providers import Providers, at_forge, find
from .repo import Commit
from .sentences import Sentence
from .volumes import SHARED, SHOWN

CONTENT_MAX = 10
"""Repositories besides the environment's."""

_NAME = re.compile(r"\w[\w.+-]*")


def read_content(text: str, providers: Providers) -> Content:
    """What one value of `content` means.

    Args:
        text: a spec with its provider before it, percent-escapes kept.

    Raises:
        BadLink, UnknownProvider: it cannot be understood.
    """
    folder, colon, rest = text.partition(":")
    if not colon or rest.startswith("//"):
        folder, colon, rest = "", "", text
    provider, slash, spec = rest.partition("/")
    if not slash or not provider:
        raise BadLink(
            "{given} does not name content. Write the provider and what follows it in a link, such "
            "as gh/owner/name/HEAD, perhaps with a folder and a colon before it.",
            given=shown(text),
        )
    repo, ref = find(providers, provider).parse(spec)
    if repo is None:
        raise BadLink("{given} is an image, which has no content to bring.", given=shown(text))
    return Content(at_forge(repo, providers), ref, check_folder(folder) if colon else "")


def write_content(content: Content, providers: Providers) -> str:
    """The inverse of :func:`read_content`."""
    provider = find(providers, content.repo.provider)
    spec = f"{provider.id}/{provider.spec(content.repo, content.ref)}"
    return f"{content.folder}:{spec}" if content.folder else spec


def content_fields(content: Content, providers: Providers) -> dict[str, str]:
    """What programs are told."""
    provider = find(providers, content.repo.provider)
    return {
        "provider": provider.id,
        "spec": provider.spec(content.repo, content.ref),
        "repo": content.repo.url,
        "ref": content.ref,
        "folder": place_of(content),
    }


def say_content(content: Content) -> Sentence:
    """The same for people."""
    return Sentence(
        "{repo} ({ref}) in the folder {folder}",
        repo=content.repo.shown,
        ref=content.ref,
        folder=place_of(content),
    )


def check_folder(text: str) -> str:
    """A folder of the working directory in which content may be; none that programs obey.

    Raises:
        BadLink: it cannot be there.
    """
    path = relative_path(text, "folder of content")
    parts = path.split("/")
    plain = all(
        part[:1] not in ("", ".", "-", "~") and ":" not in part and len(part.encode()) <= NAME_MAX
        for part in parts
    )
    if text.startswith("/") or not plain or _folded(parts[0]) in (PROJECTS, SHARED, SHOWN):
        raise BadLink("Content cannot be in the folder {given}. Name another.", given=shown(text))
    return path


def place_of(content: Content) -> str:
    """Where content stands in the working directory: where `git clone` there would have put it."""
    title = content.repo.title
    name = title if _NAME.fullmatch(title) and len(title.encode()) <= NAME_MAX else ""
    return content.folder or name or PurePosixPath(project_folder(content.repo)).name


def check_content(request: LaunchRequest) -> None:
    """Refuse content that would be in the way of something.

    Raises:
        BadLink: too much of it, a repository or a place twice, or one place inside another.
    """
    if len(request.content) > CONTENT_MAX:
        raise BadLink(
            "A launch brings content of at most {content_max} repositories.",
            content_max=CONTENT_MAX,
        )
    if twice := _twice(request.sources):
        raise BadLink(
            "The link names the repository {repo} twice. Leave it out once: the environment's "
            "repository brings its own files.",
            repo=twice.repo.shown,
        )
    for content in request.content:
        check_folder(place_of(content))
    _check_apart([(content.repo.shown, place_of(content)) for content in request.content])


def projects_of(
    request: LaunchRequest, commits: Iterable[Commit], folders: Iterable[str]
) -> tuple[Project, ...]:
    """The content of a launch.

    Args:
        commits: what the refs stand for, in their order.
        folders: in which the person has the repositories; an empty one for where they are if
            nobody had them before.
    """
    return tuple(
        Project(commit, folder or project_folder(commit.repo), place_of(content))
        for content, commit, folder in zip(request.content, commits, folders, strict=True)
    )


def check_volumes(
    content: Iterable[Project], volumes: Iterable[VolumeRequest], project: str
) -> None:
    """Refuse content and volumes that would be in each other's way.

    Args:
        project: the working directory, relative to the home.

    Raises:
        BadLink: they would.
    """
    placed = [(p.commit.repo.shown, str(PurePosixPath(project, p.place))) for p in content]
    mounts = [(volume.name, volume.mount or f"{SHARED}/{volume.name}") for volume in volumes]
    for place in placed:
        for mount in mounts:
            _check_apart([place, mount])


def _check_apart(named: list[tuple[str, str]]) -> None:
    places = [(name, PurePosixPath(_folded(place))) for name, place in named]
    for number, (name, place) in enumerate(places):
        for other, where in places[:number]:
            if place.is_relative_to(where) or where.is_relative_to(place):
                raise BadLink(
                    "{name} and {other} would be in each other's way at {place}. Give one of them "
                    "another folder: content=<folder>:<provider>/….",
                    name=other,
                    other=name,
                    place=named[number][1],
                )


def _folded(place: str) -> str:
    """Equal for places that look alike, or that a file system may take for one."""
    return unicodedata.normalize("NFKC", place.casefold())


def _twice(sources: Iterable[Content]) -> Content | None:
    """One whose repository was named before."""
    seen: set[str] = set()
    for source in sources:
        if source.repo.identity in seen:
            return source
        seen.add(source.repo.identity)
    return None
