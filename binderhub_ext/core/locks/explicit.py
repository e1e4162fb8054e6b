"""`environment.lock`: what `conda list --explicit` and `conda-lock --kind explicit` write. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..requirements import decode
from .condafile import MACHINES, CondaPart, conda_file, once
from .model import Locked, address, counted

NAME = "environment.lock"
_MARK = "@EXPLICIT"
_HASH = re.compile(r"(?:sha256:)?(?P<sha256>[0-9a-f]{64})|(?P<md5>[0-9a-f]{32})")
_PIP = re.compile(r"# pip (?P<name>[\w.-]+) @ (?P<place>\S+)(?P<checked> --hash=sha256:\w+)?")


def locked(content: bytes, _project: Mapping[str, Any]) -> Locked:
    """What the lock installs; see :func:`.uvlock.locked`."""
    lines = [line.strip() for line in decode(content).splitlines()]
    if _MARK not in lines:
        raise ValueError(f"no line {_MARK}")
    wanted = [line for line in lines if line and line[0] not in "#@"]
    files = once(_file(line) for line in counted(wanted))
    platforms = sorted({file.subdir for file in files} - {"noarch"})
    if len(platforms) > 1:
        raise ValueError(f"packages for {' and '.join(platforms)}")
    names = platforms or list(MACHINES)
    pips = filter(None, map(_PIP.fullmatch, lines))
    asked = [
        f"{pip['name']} @ {address(pip['place'].partition('#')[0])}{pip['checked'] or ''}"
        for pip in pips
    ]
    return Locked(tuple(asked), (), conda=CondaPart(tuple(names), dict.fromkeys(names, files)))


def _file(line: str) -> Any:
    url, _, digest = line.partition("#")
    found = _HASH.fullmatch(digest)
    if digest and not found:
        raise ValueError(f"a hash that is none: {digest[:80]!r}")
    return conda_file(url, found.groupdict() if found else {})
