"""What a line of a pip requirements file refers to.

Only as much of the format as is needed to tell what lies outside of the file
(https://pip.pypa.io/en/stable/reference/requirements-file-format/). Everything that is not
recognised is LOCAL: the caller then assumes that it may read anything of the repository.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from packaging.requirements import InvalidRequirement, Requirement

MAX_EFFORT = 2**19
"""What is read of one repository's requirements: more than real ones take, in at most a second."""

_MAX_LINES = 2**17
"""Of one file, comments, empty ones and those of hashes included."""


class Refers(StrEnum):
    """What a requirement line needs besides the package index."""

    INDEX = "index"
    """Nothing: a name with versions, or an option without a value that is a place."""
    REMOTE = "remote"
    """A public URL, a version control system, another index."""
    INCLUDE = "include"
    """Another requirements or constraints file."""
    LOCAL = "local"
    """A file or folder, or something we do not understand."""


@dataclass(frozen=True)
class Line:
    """One logical line.

    Attributes:
        text: the line without comment and continuation.
        refers: what it needs.
        target: the file of an include, as written.
    """

    text: str
    refers: Refers
    target: str = ""


# Lines are as long as whoever wrote them likes, so no pattern here may try a part of one twice.
_COMMENT = re.compile(r"(^|\s)#.*$")
_LINE_OPTION = re.compile(r"\s--(hash|config-settings?|global-option)[ =]\S+")
_SAFE_OPTION = re.compile(
    r"--(pre|prefer-binary|require-hashes|no-index|use-feature[ =]\S+"
    r"|(no-binary|only-binary)[ =][A-Za-z0-9._,:-]+)"
)
_INCLUDE = re.compile(r"(?:-r|-c|--requirement|--constraint)[ =]*(?P<target>\S.*)")
_INDEX = re.compile(r"(?:-i|-f|--index-url|--extra-index-url|--find-links)[ =]++(?P<url>\S+)")
_EDITABLE = re.compile(r"(?:-e|--editable)[ =]++(?P<url>\S.*)")
_ARCHIVE = re.compile(r".*\.(whl|zip|tar|tgz|tbz|txz|tlz|tar\.\w+)(\[.*)?", re.IGNORECASE)
_REMOTE_URL = re.compile(r"(?:(?:git|hg|svn|bzr)\+)?https?://[^/\s]\S*")


def decode(content: bytes) -> str:
    """Text of a file whose encoding nobody declared: UTF-8, UTF-16 with a mark, or Latin-1."""
    encodings = ["utf-8-sig", "latin-1"]
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encodings.insert(0, "utf-16")
    for encoding in encodings:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise AssertionError("latin-1 decodes everything")


def requirement_lines(text: str) -> Iterator[Line]:
    """The logical lines of a requirements file that are not blank.

    After `MAX_EFFORT` comes one that may refer to anything, instead of all the others.
    """
    left, raw = MAX_EFFORT, text.splitlines()
    for joined in _joined(raw[:_MAX_LINES]):
        if line := joined.strip():
            left -= effort(line)
            if left < 0:
                break
            yield classify(line)
    if left < 0 or len(raw) > _MAX_LINES:
        yield Line("more lines than are read", Refers.LOCAL)


def _joined(raw: Iterable[str]) -> Iterator[str]:
    """Lines without comments, each with those it goes on in.

    A comment does not go on: pip has it so for lines that are nothing else, uv for all.
    """
    parts: list[str] = []
    for text in raw:
        line = _COMMENT.sub("", text) if "#" in text else text
        parts.append(line.removesuffix("\\"))
        if not line.endswith("\\"):
            yield " ".join(parts)
            parts.clear()
    yield " ".join(parts)


def effort(line: str) -> int:
    """What reading a line takes, in characters; there may be many hashes, which take nothing."""
    return 24 + len(line.partition(" --hash")[0])


def classify(line: str) -> Line:
    """What one logical line, without comment, refers to."""
    if line.startswith("-"):
        return _classify_option(line)
    bare = _LINE_OPTION.sub("", line).strip()
    if _REMOTE_URL.fullmatch(bare):
        return Line(line, Refers.REMOTE)
    try:
        requirement = Requirement(bare)
    except InvalidRequirement:
        return Line(line, Refers.LOCAL)
    if requirement.url:
        return Line(line, _refers_url(requirement.url))
    return Line(line, Refers.LOCAL if is_archive(requirement.name) else Refers.INDEX)


def is_archive(name: str) -> bool:
    """Whether pip would take a word for a file of that name rather than for a package."""
    return _ARCHIVE.fullmatch(name) is not None


def package_name(line: Line) -> str:
    """The normalised name of the package a line asks for, or an empty string."""
    try:
        name = Requirement(_LINE_OPTION.sub("", line.text).strip()).name
    except InvalidRequirement:
        return ""
    return re.sub(r"[-_.]+", "-", name).lower()


def _classify_option(line: str) -> Line:
    if _SAFE_OPTION.fullmatch(line):
        return Line(line, Refers.INDEX)
    if include := _INCLUDE.fullmatch(line):
        target = include["target"].strip().strip("\"'")
        return Line(line, Refers.LOCAL if "://" in target else Refers.INCLUDE, target)
    if place := _INDEX.fullmatch(line) or _EDITABLE.fullmatch(line):
        return Line(line, _refers_url(place["url"]))
    return Line(line, Refers.LOCAL)


def _refers_url(url: str) -> Refers:
    return Refers.REMOTE if _REMOTE_URL.fullmatch(url.strip()) else Refers.LOCAL
