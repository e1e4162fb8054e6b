"""What a repository asks for of pip: the lines of its files, as uv can be told them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from ...core.environment import Read
from ...core.errors import BuildFailed
from ...core.locks import Lock, find_lock
from ...core.requirements import (
    Found,
    Line,
    Refers,
    has_hashes,
    included,
    is_pinned,
    package_name,
    requirement_lines,
)
from ..configuration import reader
from ..detect import Detection
from . import pipfile
from .buildsandbox import REPO
from .uv import Requirements

_EVERYTHING_HASHED = "--require-hashes"
_NAMED = 5


def asked_for(detection: Detection, base: tuple[str, ...], repo: Path) -> Requirements:
    """What is to be installed, with what files include in their place.

    Args:
        base: lines of the server's packages.
        repo: a build's folder, before anything of a stranger ran.

    Raises:
        BuildFailed: a file that is included is not there, hashes would not be checked, or a Pipfile
            cannot be read.
    """
    read = reader(repo)
    if detection.buildpack == "PipfileBuildPack":
        file = detection.file("Pipfile.lock") or detection.file("Pipfile")
        lines = requirement_lines("\n".join(_of_pipfile(detection, read)))
        asked = tuple(_line(Found(file, line), repo) for line in lines)
        return Requirements(base, asked, locked=file.endswith(".lock"))
    if detection.is_conda:
        return Requirements(base)
    if detection.lock and (lock := find_lock(detection.binder_dir, read)):
        return Requirements(base, *of_lock(lock, repo), locked=True)
    path = detection.file("requirements.txt")
    if not path:
        return Requirements(base)
    return asked_in(path, read(path) or b"", base, repo, read)


def asked_in(
    path: str, content: bytes, base: tuple[str, ...], repo: Path, read: Read
) -> Requirements:
    """What lines of a repository ask for, with what they include in its place.

    Args:
        path: the file that they are in.
        content: the lines.
        base, repo: see :func:`asked_for`.
        read: reads the repository's files.

    Raises:
        BuildFailed: a file that is included is not there, or hashes would not be checked.
    """
    lines: dict[bool, list[Line]] = {False: [], True: []}
    for found in included(path, content, read):
        # Options hold for all that is installed, wherever they are.
        limits = found.constrains and not found.line.text.startswith("-")
        lines[limits].append(_line(found, repo))
    asked, limiting = tuple(lines[False]), tuple(lines[True])
    if any(line.text == _EVERYTHING_HASHED for line in asked):
        _check_all_hashed(path, asked, limiting)
    return Requirements(base, asked, limiting)


def of_lock(lock: Lock, repo: Path) -> tuple[tuple[Line, ...], tuple[Line, ...]]:
    """What a lock asks of pip, and the lines that limit versions.

    Args:
        repo: see :func:`asked_for`.
    """
    asked = requirement_lines("\n".join(lock.locked.asked))
    limits = requirement_lines("\n".join(lock.locked.limits))
    return tuple(_line(Found(lock.name, line), repo) for line in asked), tuple(limits)


def _check_all_hashed(path: str, asked: Sequence[Line], limiting: Sequence[Line]) -> None:
    known = {package_name(line) for line in (*asked, *limiting) if has_hashes(line)}
    if rest := sorted({package_name(line) for line in asked} - known - {""}):
        raise BuildFailed(
            "{path} wants hashes of everything (--require-hashes), and says none of {names}. Add "
            "them, or leave that option out.",
            path=path,
            names=", ".join(rest[:_NAMED]),
        )


def wanted(requirements: Requirements, put: Callable[[str, str], str]) -> list[str]:
    """What uv is told to install.

    Args:
        put: writes a file that it reads; gives its path.
    """
    files = {option: text for option, text in requirements.files.items() if text.strip()}
    return [
        word for option in files for word in (option, put(f"wanted{option}.txt", files[option]))
    ]


def _of_pipfile(detection: Detection, read: Read) -> list[str]:
    if lock := detection.file("Pipfile.lock"):
        return pipfile.from_lock(read(lock) or b"")
    return pipfile.from_pipfile(read(detection.file("Pipfile")) or b"")


def _line(found: Found, repo: Path) -> Line:
    """A line as it means the same when it stands in another file."""
    line = found.line
    if line.refers is Refers.INCLUDE:
        raise BuildFailed(
            "{path} includes {target}, which is not in the repository. Add that "
            "file, or correct its name.",
            path=found.path,
            target=line.target[:80],
        )
    if has_hashes(line) and not is_pinned(line):
        raise BuildFailed(
            "{path} says hashes of {name} and not the one version that they are of, so nothing "
            "would be checked. Ask for that version alone, as in {name}==1.0.",
            path=found.path,
            name=package_name(line),
        )
    option, _, place = line.text.replace("=", " ", 1).partition(" ")
    beside = PurePosixPath(found.path).parent / place.strip()
    if (
        line.refers is Refers.LOCAL
        and option in ("-f", "--find-links")
        and (repo / beside).is_dir()
    ):
        return replace(line, text=f"--find-links {PurePosixPath(REPO) / beside}")
    return line
