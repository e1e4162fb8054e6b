"""What a line of a pip requirements file refers to.

Only as much of the format as is needed to tell what lies outside of the file
(https://pip.pypa.io/en/stable/reference/requirements-file-format/). Everything that is not
recognised is LOCAL: the caller then assumes that it may read anything of the repository.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator
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

    @property
    def constrains(self) -> bool:
        """Whether it includes a file whose lines ask for nothing and only limit versions."""
        return self.text.startswith(("-c", "--constraint"))


@dataclass(frozen=True)
class Found:
    """One line of a file or of what it includes.

    Attributes:
        path: the file it is in, relative to the repository.
        line: it; of an include only if the file it names is not there.
        constrains: whether it only limits versions.
    """

    path: str
    line: Line
    constrains: bool = False


# Lines are as long as whoever wrote them likes, so no pattern here may try a part of one twice.
_COMMENT = re.compile(r"(^|\s)#.*$")
_NEXT_OPTION = re.compile(
    r"\s+(?=-(?:[icref]|-(?:index-url|extra-index-url|no-index|constraint|requirement|editable"
    r"|find-links|no-binary|only-binary|prefer-binary|require-hashes|pre|trusted-host"
    r"|use-feature)(?:[ =]|$)))"
)
_LINE_OPTION = re.compile(r"\s--(hash|config-settings?|global-option)[ =]\S+")
_HASH = re.compile(r"\s--hash[ =]")
_PINNED = re.compile(
    r"[A-Za-z0-9][\w.-]*+\s*+(?:\[[^\]]*+\])?\s*+\(?\s*+===?\s*+[^\s,;()=*]++\s*+\)?\s*+(?:;.*)?"
)
_SAFE_OPTION = re.compile(
    r"--(pre|prefer-binary|require-hashes|no-index|use-feature[ =]\S+"
    r"|(no-binary|only-binary)[ =][A-Za-z0-9._,:-]+)"
)
_INCLUDE = re.compile(r"(?:-r|-c|--requirement|--constraint)[ =]*(?P<target>\S.*)")
_INDEX = re.compile(r"(?:-i|-f|--index-url|--extra-index-url|--find-links)[ =]++(?P<url>\S+)")
_EDITABLE = re.compile(r"(?:-e|--editable)[ =]++(?P<url>\S.*)")
_ARCHIVE = re.compile(r".*\.(whl|zip|tar|tgz|tbz|txz|tlz|tar\.\w+)(\[.*)?", re.IGNORECASE)
_REMOTE_URL = re.compile(r"(?:(?:git|hg|svn|bzr)\+)?https?://[^/\s]\S*")
_TOO_MANY = Line("more lines than are read", Refers.LOCAL)


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
        for line in _options(joined.strip()):
            left -= effort(line)
            if left < 0:
                yield _TOO_MANY
                return
            yield classify(line)
    if left < 0 or len(raw) > _MAX_LINES:
        yield Line("more lines than are read", Refers.LOCAL)


def _joined(raw: Iterable[str]) -> Iterator[str]:
    """Lines without comments, each with those it goes on in.

    A comment does not go on: pip has it so for lines that are nothing else, uv for all. Nothing
    comes between the parts, as with pip.
    """
    parts: list[str] = []
    for text in raw:
        line = _COMMENT.sub("", text) if "#" in text else text
        parts.append(line.removesuffix("\\"))
        if not line.endswith("\\"):
            yield "".join(parts)
            parts.clear()
    yield "".join(parts)


def _options(line: str) -> list[str]:
    """The parts of a line that stand for themselves: pip takes several options on one line."""
    if not line.startswith("-"):
        return [line] if line else []
    return _NEXT_OPTION.split(line)


def included(path: str, content: bytes, read: Callable[[str], bytes | None]) -> Iterator[Found]:
    """Every line of a file and of the files it includes, where pip would read it.

    An include stands for the lines of its file. It comes itself only if that file is not in the
    repository. After `MAX_EFFORT` comes a line that may refer to anything.

    Args:
        path: of the file, relative to the repository.
        read: gives the content of a file of the repository.
    """
    left, seen = MAX_EFFORT, {(path, False)}
    reading = [(path, False, requirement_lines(decode(content)))]
    while reading:
        path, constrains, lines = reading[-1]
        if (line := next(lines, None)) is None:
            reading.pop()
            continue
        left -= effort(line.text)
        if left < 0:
            yield Found(path, _TOO_MANY)
            return
        if line.refers is not Refers.INCLUDE:
            yield Found(path, line, constrains)
            continue
        target = posixpath.normpath(posixpath.join(posixpath.dirname(path), line.target))
        more = read(target) if _is_inside(target) else None
        inner = (target, constrains or line.constrains)
        if more is None:
            yield Found(path, line, constrains)
        elif inner not in seen:
            seen.add(inner)
            reading.append((*inner, requirement_lines(decode(more))))


def _is_inside(path: str) -> bool:
    return not path.startswith(("/", "..")) and "$" not in path


def effort(line: str) -> int:
    """What reading a line takes, in characters; there may be many hashes, which take nothing."""
    return 24 + len(line.partition(" --hash")[0])


def classify(line: str) -> Line:
    """What one logical line, without comment, refers to."""
    if line.startswith("-"):
        return _classify_option(line)
    bare = _bare(line)
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
        name = Requirement(_bare(line.text)).name
    except InvalidRequirement:
        return ""
    return re.sub(r"[-_.]+", "-", name).lower()


def has_hashes(line: Line) -> bool:
    """Whether a line asks for a package of the index whose files have to have known hashes."""
    return line.refers is Refers.INDEX and _HASH.search(line.text) is not None


def is_pinned(line: Line) -> bool:
    """Whether a line asks for one version, in the only way in which uv checks its hashes.

    Where more is said of versions uv installs what it finds.
    """
    return _PINNED.fullmatch(_bare(line.text)) is not None


def pin(line: Line) -> Requirement | None:
    """What a line asks for, if that is one version of a package of the index."""
    pinned = line.refers is Refers.INDEX and is_pinned(line)
    return Requirement(_bare(line.text)) if pinned else None


def _bare(line: str) -> str:
    """A line without the options of its own."""
    return _LINE_OPTION.sub("", line).strip()


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
