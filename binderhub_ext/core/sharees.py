"""Who may enter a server besides its owner. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .errors import BadLink
from .sentences import Sentence
from .volumes import check_person

SHAREES_MAX = 20
"""People and groups one launch may let in; each is a question to the Hub."""

_GROUP = "group:"


@dataclass(frozen=True, order=True)
class Sharee:
    """A person, or everybody in a group, whom the Hub lets into somebody's server.

    Attributes:
        name: of the person or group, as the Hub has it.
        group: whether it is a group.
    """

    name: str
    group: bool = False

    def __str__(self) -> str:
        """As links write it: the inverse of :meth:`of`."""
        return f"{_GROUP}{self.name}" if self.group else self.name

    @classmethod
    def of(cls, text: str) -> Sharee:
        """From a link's `share=`; raises `BadLink` if it cannot be a name."""
        group = text.startswith(_GROUP)
        name = check_person(text.removeprefix(_GROUP) if group else text, _what(group))
        return cls(name, group)

    @classmethod
    def named(cls, user: str, group: str) -> Sharee:
        """From two fields of which one is filled; raises `BadLink` otherwise."""
        if bool(user.strip()) == bool(group.strip()):
            raise BadLink("Name a person or a group.")
        return cls(check_person(user or group, _what(bool(group))), bool(group))

    @property
    def what(self) -> str:
        return _what(self.group)

    @property
    def words(self) -> Sentence:
        """Within a sentence."""
        if self.group:
            return Sentence("everybody in the group {group}", group=self.name)
        return Sentence.verbatim(self.name)

    def to_fields(self) -> dict[str, str]:
        """As the Hub's API, and ours, name it."""
        return {"group" if self.group else "user": self.name}


def newcomers(asked: Iterable[str], shared: Iterable[Sharee]) -> tuple[Sharee, ...]:
    """Whom a launch lets in who may not enter now, in its order.

    Args:
        asked: a launch's `share`.
        shared: who may enter its server now.
    """
    known = set(shared)
    return tuple(sharee for sharee in map(Sharee.of, asked) if sharee not in known)


def _what(group: bool) -> str:
    return "group" if group else "person"
