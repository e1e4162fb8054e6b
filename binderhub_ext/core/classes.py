"""Links of classes: what one stands for, and what a teacher is told of who opened it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from .errors import FilesDiffer, ServerDiffers
from .launch import LaunchRequest
from .rights import rights
from .sentences import NOTHING, Sentence
from .sharees import Sharee

TITLE_MAX = 120
TEACHERS_MAX = 20
"""People and groups that the owner of a class may name as its teachers."""

ASKS = (ServerDiffers.code, FilesDiffer.code)
"""Codes of launches that ended with a question to their person."""

ENDED = Sentence("The class of this link has ended: nobody is told that you open it.")
UNKNOWN = Sentence("This hub knows no class of this link: nobody is told that you open it.")
ANOTHER = Sentence(
    "This link names a class whose own link is for something else: nobody is told that you open it."
)

CHANGED = Sentence(
    "This is not quite the link of the class: its version, or what it may see and use, is another "
    "one. Compare it with what your teacher gave you."
)


@dataclass(frozen=True)
class Named:
    """Somebody whom the owner of a class named as a teacher of it.

    Attributes:
        id: of this naming: whoever is named once more, after it was taken back, has another.
        who: a person, or everybody in a group of teachers.
    """

    id: str
    who: Sharee

    def means(self, user: str, groups: Collection[str]) -> bool:
        """Whether somebody is meant.

        Args:
            groups: of teachers, those that they are in now.
        """
        return self.who.name in groups if self.who.group else self.who.name == user


def seen_by(class_id: str, teachers: Iterable[Named]) -> frozenset[str]:
    """What a launch of a class's link allows besides: rights of those who were named for it.

    Trust in a link covers them as they were named on the page, and nobody who was named later.
    """
    return frozenset(f"be seen and stopped by:{one.who} ({class_id}-{one.id})" for one in teachers)


def is_about(request: LaunchRequest, link: LaunchRequest) -> bool:
    """Whether a request launches what a class's link does, in whatever size, ref or interface.

    Anybody can write the id of a class into a link to something of theirs; that is no link of the
    class.
    """
    return _about(request) == _about(link)


def is_as_given(request: LaunchRequest, link: LaunchRequest) -> bool:
    """Whether a request for what a class's link is about has its versions, and wants no more.

    Anybody can change that in a link, and it is still one of the class.
    """
    wanted = rights(replace(request, class_id=""))
    as_given = _versions(request) == _versions(link) and wanted <= rights(link)
    return as_given and not request.secrets


def why_stopped(title: str, by: str) -> Sentence:
    """What whoever had a server is told when it was stopped with all of a class."""
    if not by:
        return NOTHING
    return Sentence(
        "{teacher} stopped all servers of the class “{title}”. Your files are as you left them.",
        teacher=by,
        title=title,
    )


def _about(request: LaunchRequest) -> tuple[object, ...]:
    sources = [(source.repo.identity, source.repo.in_the_clear) for source in request.sources]
    return sources, request.image, request.environment


def _versions(request: LaunchRequest) -> list[str]:
    return [source.ref for source in request.sources]
