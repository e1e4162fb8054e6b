"""Refs: what may be asked for, and which of a repository's refs is meant.

Pure. The rules of a well-formed name are those of `git check-ref-format`
(https://git-scm.com/docs/git-check-ref-format); stricter only where a name would be read as an
option or would show as something else than it is. Where a branch and a tag share a name the
branch is meant, as for `git clone --branch` and repo2docker.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from .errors import BadLink
from .sentences import NOTHING, Sentence

HEAD = "HEAD"
REF_MAX = 1024
USUAL_DEFAULTS = ("main", "master")
"""What Git and the forges call the first branch: links that name one outlive its renaming."""

_FULL_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}", re.IGNORECASE)
_SHORT_ID = re.compile(r"[0-9a-f]{4,63}", re.IGNORECASE)
_FORBIDDEN = re.compile(
    r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|\.lock(?:/|$)|(?:^|/)\.|[./]$|^[/-]|^@$"
)
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_BRANCHES = "refs/heads/"
_OWN = (_BRANCHES, "refs/tags/")
_PROPOSED = ("changes/", "merge-requests/", "pull/", "pull-requests/")
"""Where forges keep what somebody else proposes, below `refs/`."""
_SHORT = ("heads/", "tags/", *_PROPOSED)
"""What may be named without `refs/`; anything else of that kind has to be written in full."""
_PEELED = "^{}"


@dataclass(frozen=True)
class Chosen:
    """The ref that is meant.

    Attributes:
        name: its full name, such as `refs/heads/main`.
        id: the object it points at, peeled if it is an annotated tag.
    """

    name: str
    id: str

    @property
    def branch(self) -> str:
        """Its short name if it is a branch, else nothing."""
        return self.name.removeprefix(_BRANCHES) if self.name.startswith(_BRANCHES) else ""


def is_valid(ref: str) -> bool:
    """Whether `ref` may be handed to Git as a ref, a pull request or a commit id."""
    return (
        0 < len(ref) <= REF_MAX
        and _FORBIDDEN.search(ref) is None
        and not any(unicodedata.category(letter) in _INVISIBLE for letter in ref)
    )


def check(ref: str) -> str:
    """The ref to ask for; nothing at all means `HEAD`.

    Raises:
        BadLink: it cannot be the name of a branch, a tag or a commit.
    """
    if not ref:
        return HEAD
    if not is_valid(ref):
        shown = ascii(ref[:60]).strip("'\"")
        raise BadLink(
            "“{shown}” cannot be the name of a branch, a tag or a commit. Names have no spaces, "
            "control characters, “..”, “~”, “^”, “:”, “?”, “*”, “[” or “\\” and do not begin "
            "with “-”. Correct the ref, or leave it empty for the default branch.",
            shown=shown,
        )
    return ref.lower() if is_full_id(ref) else ref


def is_full_id(ref: str) -> bool:
    """Whether it is a whole commit id (SHA-1 or SHA-256)."""
    return _FULL_ID.fullmatch(ref) is not None


def is_short_id(ref: str) -> bool:
    """Whether it may be the beginning of a commit id."""
    return _SHORT_ID.fullmatch(ref) is not None and not is_full_id(ref)


def may_be_proposed(ref: str) -> bool:
    """Whether it may stand for a commit that the repository's owners did not put there.

    A host also serves the commits of forks by their id under the original's name.
    """
    if is_full_id(ref) or is_short_id(ref) or ref.startswith(_PROPOSED):
        return True
    return ref.startswith("refs/") and not ref.startswith(_OWN)


def candidates(ref: str) -> tuple[str, ...]:
    """The full names a valid ref may stand for, the most likely first.

    Those that are no branch or tag are all :func:`may_be_proposed`.
    """
    if ref == HEAD:
        return (HEAD,)
    full = (ref,) if ref.startswith("refs/") else ()
    short = (f"refs/{ref}",) if ref.startswith(_SHORT) else ()
    return (*full, f"refs/heads/{ref}", f"refs/tags/{ref}", *short)


def patterns(ref: str) -> tuple[str, ...]:
    """What to ask `git ls-remote` for; its answer holds more than these, see :func:`choose`."""
    names = candidates(ref)
    return (*names, *(f"{name}{_PEELED}" for name in names if name != HEAD))


def choose(ref: str, advertised: Mapping[str, str]) -> Chosen | None:
    """The ref that is meant among those a repository has.

    Args:
        ref: a valid ref.
        advertised: full names to ids as `git ls-remote` lists them, peeled tags as `<name>^{}`.
    """
    for name in candidates(ref):
        if name in advertised:
            return Chosen(name, advertised.get(f"{name}{_PEELED}", advertised[name]))
    return None


def taken_instead(asked: str, taken: str, branch: str) -> Sentence:
    """The sentence about a renamed default branch; empty if what was asked for was there.

    Args:
        asked: the ref of the link.
        taken: the ref that was resolved.
        branch: the default branch, if its name is known.
    """
    if asked not in USUAL_DEFAULTS or taken == asked:
        return NOTHING
    if not branch:
        return Sentence(
            "There is no branch “{asked}” any more: took the default branch.", asked=asked
        )
    return Sentence(
        "There is no branch “{asked}” any more: took the default branch “{branch}”.",
        asked=asked,
        branch=branch,
    )


def branches(advertised: Mapping[str, str]) -> list[str]:
    """Short names of all branches."""
    return [name.removeprefix(_BRANCHES) for name in advertised if name.startswith(_BRANCHES)]
