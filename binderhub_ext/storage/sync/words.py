"""What all of this package talks about: requests, files found, decisions, what was done."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from ...core.sentences import NOTHING, Sentence
from ...core.updates import Keep as Keep
from ...core.updates import State as State
from ...core.updates import What as What
from ...core.versions import short_id

REGULAR = frozenset({"100644", "100755"})
EXECUTABLE, LINK, SUBMODULE = "100755", "120000", "160000"


@dataclass(frozen=True)
class Request:
    """What to do.

    Attributes:
        bundle: a Git bundle with the commit. Its refs may be `refs/shallow/<id>`, commits whose
            parents it does not have, and `refs/submodules/<id>`, commits of submodules.
        commit: the commit's full id.
        url: where the repository is; becomes `origin`.
        root: a folder in whose path nobody else can rename anything.
        into: the project's folder, relative to `root`.
        branch: the branch the commit was the head of, if it was one.
        keep: what to do where both sides changed a file.
        update: whether a project that is there is brought to the commit.
        plan: say what would be done and do nothing.
        caseless: whether the host of `url` tells no repositories apart by case.
    """

    bundle: str
    commit: str
    url: str
    root: str
    into: str
    branch: str = ""
    keep: Keep = Keep.BOTH
    update: bool = True
    plan: bool = False
    caseless: bool = False

    @property
    def short(self) -> str:
        return short_id(self.commit)


@dataclass(frozen=True)
class Entry:
    """A file as a commit has it.

    Attributes:
        mode: Git's.
        blob: Git's id of it.
        content: Git's id of the bytes that lie in the folder; differs from `blob` where the
            repository's attributes ask for other line endings.
    """

    mode: str
    blob: str
    content: str


class Kind(StrEnum):
    """What is at a path."""

    ABSENT = "absent"
    FILE = "file"
    LINK = "link"
    DIRECTORY = "directory"
    BLOCKED = "blocked"
    OTHER = "other"


@dataclass(frozen=True)
class Found:
    """What is at a path now.

    Attributes:
        content: Git's id of it, for a file or a link that could be read.
        executable: for a file.
        blocker: for `BLOCKED`, the part of the path that is a link or a file.
    """

    kind: Kind
    content: str = ""
    executable: bool = False
    blocker: bytes = b""


@dataclass(frozen=True)
class Change:
    """Something that was done.

    Attributes:
        other: where the other version is, for `BESIDE` (the incoming one), `ASIDE` and
            `RESCUED` (the person's).
        moved: for `ASIDE`, what was renamed to `other`: the path, or the part of it that was in
            the way.
    """

    path: bytes
    what: What
    other: bytes = b""
    moved: bytes = b""


def placed(
    changes: Sequence[Change], happened: Callable[[bytes], bool] = lambda _: True
) -> list[Change]:
    """The same changes with `other` as it is after all of them, which are in their order.

    A folder may be put aside after something in it was.

    Args:
        happened: by where the other version then is, whether it was done at all.
    """
    done: list[Change] = []
    later: dict[bytes, bytes] = {}
    for change in reversed(changes):
        other = change.other
        if above := next((part for part in ancestors(other) if part in later), b""):
            other = later[above] + other[len(above) :]
        if happened(other):
            done.append(replace(change, other=other))
            if change.moved:
                later[change.moved] = other
    return done[::-1]


def ancestors(path: bytes) -> Iterator[bytes]:
    """The folders above a path, the highest first."""
    parts = path.split(b"/")
    return (b"/".join(parts[:count]) for count in range(1, len(parts)))


@dataclass
class Report:
    """What a sync did, as it is told to people and programs.

    Attributes:
        message: a sentence, for `UNTOUCHED` the reason.
        previous: the commit the project had before.
        changes: per file, in no order; only what is worth telling.
        notes: further sentences.
        edited: if nothing was to be done but a plan, the repository's files the person changed.
    """

    state: State
    commit: str
    message: Sentence = NOTHING
    previous: str = ""
    changes: list[Change] = field(default_factory=list)
    notes: list[Sentence] = field(default_factory=list)
    edited: list[bytes] = field(default_factory=list)


class SyncError(Exception):
    """An expected failure, in words safe to show; nothing was lost and it can be run again.

    Args:
        text, fields: as of a :class:`Sentence`.
    """

    def __init__(self, code: str, text: str, detail: str = "", **fields: object) -> None:
        self.code, self.detail = code, detail
        self.message = Sentence(text, **fields)
        super().__init__(self.message)
