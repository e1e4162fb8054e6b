"""What a launch may do with a person's things, so that trust in it has a measure. Pure.

Rights are a set of words: trust given for a set covers every launch that wants a subset. A server
of its own, and more than servers get by default, are rights too: a trusted link could otherwise
start any number of them. What could make trusted links do something its giver never saw is a
right of its own: a commit by its id (a host also serves the commits of forks under the original's
name), a ref that is no branch or tag (a stranger's pull request), files that come unencrypted, a
page that acts when it is opened.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from .launch import Access, Content, Files, LaunchRequest, VolumeRequest
from .quantities import write_bytes, write_cores, write_seconds
from .refs import may_be_proposed
from .sentences import Sentence, fixed, listing
from .targets import TARGETS, Targets, program, split_file

PROJECT = "project"
HOME = "home"
ANY_COMMIT = "any-commit"
UNENCRYPTED = "unencrypted"

_CONTENT = "come with content of:"
_CONTENT_IN_THE_CLEAR = "come with unencrypted content of:"

_WORDS = {
    PROJECT: Sentence("read and change the project's own folder"),
    HOME: Sentence("read and change your whole home"),
    ANY_COMMIT: Sentence("run any commit, also a proposed one"),
    UNENCRYPTED: Sentence("be changed on its way here, as it comes unencrypted"),
}

_WORDS_ABOUT = {
    "run in the image": fixed("run in the image {what}"),
    "open": fixed("open {what}"),
    "share with": fixed("share with {what}"),
    "be seen in the class": fixed("be seen and stopped by the teacher of the class {what}"),
    "be seen and stopped by": fixed("be seen and stopped by {what}"),
    "start the server": fixed("start the server {what}"),
    "have the size": fixed("have the size {what}"),
    "have memory": fixed("have memory {what}"),
    "have processors": fixed("have processors {what}"),
    "run on without use for": fixed("run on without use for {what}"),
    "read the volume": fixed("read the volume {what}"),
    "come with content of": fixed("come with content of {what}"),
    "come with unencrypted content of": fixed("come with unencrypted content of {what}"),
    "change the volume": fixed("change the volume {what}"),
}
"""By what stands before the colon of a right."""


def rights(request: LaunchRequest, targets: Targets = TARGETS) -> frozenset[str]:
    """Everything this launch would be allowed."""
    return frozenset(_rights(request, targets))


def wants_nothing_more(request: LaunchRequest, targets: Targets = TARGETS) -> bool:
    """Whether a launch needs no more than trust in its repositories, as an administrator gives."""
    wanted = rights(request, targets) - {PROJECT, UNENCRYPTED}
    return all(right.startswith((_CONTENT, _CONTENT_IN_THE_CLEAR)) for right in wanted)


def combination(granted: Collection[str]) -> frozenset[str]:
    """What of granted rights says with which content a repository was confirmed."""
    return frozenset(right for right in granted if right.startswith(_CONTENT))


def reach_for_the_same(one: LaunchRequest, other: LaunchRequest) -> bool:
    """Whether two launches want something of the same kind that is not the project's own.

    That is a person's other things and people, and other repositories. A volume has a name, an id
    and any place, so that two of them count as the same; so does content.
    """
    both = set(_of_person(one)) & set(_of_person(other))
    alike = (one.volumes and other.volumes) or (one.content and other.content)
    return bool(both or alike)


def words(granted: Collection[str]) -> Sentence:
    """Rights as a sentence."""
    # whoever may change the home may change the project in it
    told = set(granted) - ({PROJECT} if HOME in granted else set())
    if not told:
        return Sentence("It may see nothing of yours.")
    return Sentence("It may {rights}.", rights=listing(map(_in_words, sorted(told))))


def _in_words(right: str) -> Sentence:
    if right in _WORDS:
        return _WORDS[right]
    kind, _, what = right.partition(":")
    text = _WORDS_ABOUT.get(kind)
    return Sentence(text, what=what) if text else Sentence.verbatim(f"{kind} {what}")


def _rights(request: LaunchRequest, targets: Targets) -> Iterator[str]:
    if request.files is not Files.NONE:
        yield PROJECT
    yield from _of_person(request)
    yield from _of_server(request)
    if request.image:
        yield f"run in the image:{request.image}"
    if request.repo and may_be_proposed(request.ref):
        yield ANY_COMMIT
    if request.repo and request.repo.in_the_clear:
        yield UNENCRYPTED
    for content in request.content:
        yield from _of_content(content)
    if request.extra or not _is_plain(request.urlpath, targets):
        yield f"open:{request.urlpath or 'pages'} with further parameters"


def _of_person(request: LaunchRequest) -> Iterator[str]:
    """What of a person's it would reach beyond the project, and whom it would let in or tell."""
    if request.files is Files.HOME:
        yield HOME
    for volume in request.volumes:
        yield from _of_volume(volume)
    yield from (f"share with:{person}" for person in request.share)
    if request.class_id:
        yield f"be seen in the class:{request.class_id}"


def _of_server(request: LaunchRequest) -> Iterator[str]:
    """What the server itself is, beyond the one a repository's links share."""
    if request.server:
        yield f"start the server:{request.server}"
    if request.size:
        yield f"have the size:{request.size}"
    if request.memory:
        yield f"have memory:{write_bytes(request.memory)}"
    if request.cpu:
        yield f"have processors:{write_cores(request.cpu)}"
    if request.idle:
        yield f"run on without use for:{write_seconds(request.idle)}"


def _of_content(content: Content) -> Iterator[str]:
    """With what else it would come, and what of that its giver never saw."""
    repo = content.repo
    yield f"{_CONTENT}{repo.identity}"
    if may_be_proposed(content.ref):
        yield f"come with any commit, also a proposed one, of:{repo.identity}"
    if repo.in_the_clear:
        yield f"{_CONTENT_IN_THE_CLEAR}{repo.identity}"


def _of_volume(volume: VolumeRequest) -> Iterator[str]:
    place = f"{volume.name} at {volume.mount}" if volume.mount else volume.name
    yield f"read the volume:{place}"
    if volume.access is not Access.RO:
        yield f"change the volume:{place}"


def _is_plain(urlpath: str, targets: Targets) -> bool:
    """Whether a path of the server only shows something."""
    if not urlpath:
        return True
    known = bool(split_file(urlpath)[0]) or program(urlpath, targets) is not None
    return known and not re.search(r"[?#]", urlpath)
