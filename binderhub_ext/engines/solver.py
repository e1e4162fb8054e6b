"""What the solvers of uv and pip say of requirements that do not go together. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from ..core.sentences import NOTHING, Sentence
from .blame import plain

_RANGE = r"(?:[=<>!~]=?=?\s?[\w.*+!-]+)(?:\s?,\s?[=<>!~]=?=?\s?[\w.*+!-]+)*"
_SPEC = rf"[A-Za-z0-9][\w.-]*(?:\[[\w, .-]*\])?(?:\{{[^}}]*\}})?(?:{_RANGE})?"
_DEPENDS = re.compile(rf"((?:all versions of )?{_SPEC}(?: \d[\w.]*)?) depends? on ({_SPEC})")
# what uv concludes of others is no wish of the person's
_ASKED = re.compile(
    rf"(?<!conclude that )(?:you require|user requested) ({_SPEC}(?: and (?!you ){_SPEC})*)"
)
_UNKNOWN = re.compile(
    r"([A-Za-z0-9][\w.-]*) was not found in the (?:package registry|provided package locations)"
)
_NO_VERSION = re.compile(
    rf"(?:no versions? of|satisfies the requirement) ({_SPEC})"
    r"(?: \(from versions: (?P<versions>\w+))?"
)
_NO_WHEEL = re.compile(rf"({_SPEC}) has no (?:usable )?wheels with a matching")
_OTHER_FILE = re.compile(r"Hash mismatch for `([^`]+)`")
_RELATIONS = {"==": "", ">=": "≥ ", "<=": "≤ ", "!=": "not ", "~=": "compatible with "}


@dataclass(frozen=True)
class _Spec:
    """A package with the versions that will do."""

    name: str
    versions: str

    @classmethod
    def read(cls, words: str) -> _Spec:
        bare = re.sub(r"\[.*?\]|\{.*?\}|^all versions of ", "", words).strip().rstrip(".")
        name, versions = re.fullmatch(r"([\w.-]+)\s*(.*)", bare).groups()  # type: ignore[union-attr]
        return cls(canonicalize_name(name), versions.replace(" ", ""))

    def __str__(self) -> str:
        ranges = [_range(part) for part in self.versions.split(",") if part]
        return " ".join([self.name, ", ".join(ranges)]).strip()


def conflict(said: str, own: Sequence[str] = ()) -> Sentence:
    """The sentence of a solver's explanation that a person can act on; empty if there is none.

    Args:
        said: the end of what it said.
        own: requirement lines of the hub's own packages, which were solved together with it.
    """
    text = _text(said)
    if unknown := _UNKNOWN.search(text):
        return _no_such(unknown[1])
    needed = [(_Spec.read(who), _Spec.read(what)) for who, what in _DEPENDS.findall(text)]
    ours = list(_specs(own))
    theirs = _theirs(text, ours)
    return (
        _own_package(ours, theirs)
        or _twice(theirs)
        or _needs(needed, theirs, ours)
        or _no_version(text)
    )


def is_alone(said: str, own: Sequence[str]) -> bool:
    """Whether what is asked for cannot be had without the hub's own packages either.

    So it is where there is no such package, or two versions of it are asked for.

    Args:
        said, own: see :func:`conflict`.
    """
    text, ours = _text(said), list(_specs(own))
    theirs = _theirs(text, ours)
    missing = _NO_VERSION.search(text)
    twice = not _own_package(ours, theirs) and _twice(theirs)
    return bool(_UNKNOWN.search(text) or twice or (missing and _Spec.read(missing[1]) in theirs))


def _text(said: str) -> str:
    return re.sub(r"\s+", " ", " ".join(plain(said)))


def _theirs(text: str, ours: list[_Spec]) -> list[_Spec]:
    """What is asked for, but for the hub's own."""
    asked = [_Spec.read(spec) for found in _ASKED.findall(text) for spec in found.split(" and ")]
    return [spec for spec in dict.fromkeys(asked) if spec not in ours]


def other_file(said: str) -> Sentence:
    """The sentence for a file whose hash is not the one that was asked for; empty for any other."""
    file = _OTHER_FILE.search(" ".join(plain(said)))
    if not file:
        return NOTHING
    return Sentence(
        "{file} is not the file that was locked: its hash is another. Make the lock file or the "
        "requirements anew; if nobody changed them, somebody changed the package.",
        file=file[1],
    )


def _own_package(ours: list[_Spec], theirs: list[_Spec]) -> Sentence:
    """Somebody asks for another version of the server's own package."""
    for mine in ours:
        for one in theirs:
            if one.name == mine.name and mine.versions and one.versions:
                return Sentence(
                    "This hub's own server needs {own}; you ask for {asked}. " + _ASK_FOR_LESS,
                    own=mine,
                    asked=one,
                )
    return NOTHING


def _twice(theirs: list[_Spec]) -> Sentence:
    for number, one in enumerate(theirs):
        for other in theirs[:number]:
            if one.name == other.name and one.versions and other.versions:
                return Sentence(
                    "You ask for {one} and for {other}. Ask for one of them.", one=other, other=one
                )
    return NOTHING


def _needs(needed: list[tuple[_Spec, _Spec]], theirs: list[_Spec], ours: list[_Spec]) -> Sentence:
    """One package needs another in versions that are not those asked for, or that others need."""
    names = {spec.name for spec in theirs}
    for who, what in needed:
        for one in theirs:
            if one.name == what.name and one.versions and what.versions and one != what:
                needs = {"package": who, "needs": what, "asked": one}
                if who.name in names or not ours:
                    return Sentence(_ASK_FOR_OTHERS, **needs)
                return Sentence(_PART_OF_OURS, name=who.name, **needs)
    for number, (who, what) in enumerate(needed):
        for other, wants in needed[:number]:
            if wants.name == what.name and wants != what and other.name != who.name:
                return Sentence(
                    "{other} needs {wants}, and {package} needs {needs}. Ask for others of them.",
                    other=other,
                    wants=wants,
                    package=who,
                    needs=what,
                )
    return NOTHING


def _no_version(text: str) -> Sentence:
    match = _NO_VERSION.search(text) or _NO_WHEEL.search(text)
    if not match:
        return NOTHING
    spec, versions = _Spec.read(match[1]), match.groupdict().get("versions")
    if versions == "none" and "No matching distribution" in text:
        return _no_such(spec.name)
    return Sentence(
        "There is no {package} for this Python and machine. Ask for another version.", package=spec
    )


def _no_such(name: str) -> Sentence:
    return Sentence(
        "There is no package {name} in the package index. Look for a typing mistake in its name.",
        name=name,
    )


_ASK_FOR_LESS = (
    "Leave that line out or ask for a newer version; the docker engine installs what a repository "
    "asks for."
)
_ASK_FOR_OTHERS = "{package} needs {needs}; you ask for {asked}. Ask for versions that go together."
_PART_OF_OURS = (
    "{package} needs {needs}; you ask for {asked}. {name} is part of this hub's own server. "
    + _ASK_FOR_LESS
)


def _specs(lines: Iterable[str]) -> Iterable[_Spec]:
    for line in lines:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue
        yield _Spec(canonicalize_name(requirement.name), _sorted(str(requirement.specifier)))


def _sorted(versions: str) -> str:
    """As uv writes them: the lower limit first."""
    return ",".join(sorted(versions.split(","), key=lambda version: not version.startswith(">")))


def _range(part: str) -> str:
    for sign, words in _RELATIONS.items():
        if part.startswith(sign):
            return words + part[len(sign) :].removesuffix(".*")
    return re.sub(r"^([<>])", r"\1 ", part)
