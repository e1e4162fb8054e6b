"""The programs of a repository that run when it is built and started: `postBuild` and `start`."""

from __future__ import annotations

from collections.abc import Callable

from ..core.environment import Read
from ..core.errors import BuildFailed
from ..core.sentences import Sentence


def check_scripts(place: Callable[[str], str], read: Read) -> None:
    """Refuse a script whose first line names a program that no machine has.

    Args:
        place: gives the path of a configuration file that is there, or an empty string.

    Raises:
        BuildFailed: names the file.
    """
    for name in ("postBuild", "start"):
        path = place(name)
        first = (read(path) or b"").partition(b"\n")[0] if path else b""
        if first.startswith(b"#!") and first.endswith(b"\r"):
            raise BuildFailed("{path} cannot run. {why}", path=path, why=windows_lines(path))


def windows_lines(path: str) -> Sentence:
    """What to do about a script that was written on Windows."""
    return Sentence(
        "It has the line endings of Windows (CRLF), which Linux takes for part of each line. Save "
        "it with LF, and add the line `{path} text eol=lf` to .gitattributes so that it stays so.",
        path=path,
    )
