"""`pylock.toml`, the standard's lock file (https://peps.python.org/pep-0751/). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from packaging.pylock import Package, Pylock, PylockUnsupportedVersionError, PylockValidationError

from .model import Locked, Pin, address, asking, counted, index, marked, named, pin, place
from .refusals import refuse_format

NAME = "pylock.toml"
_ALWAYS, _NEVER = "python_version >= '0'", "python_version < '0'"
_MEMBER = re.compile(
    r"([\"'])([\w.-]{1,100})\1\s{1,9}(not\s{1,9})?in\s{1,9}(dependency_groups|extras)"
)


def locked(table: Mapping[str, Any], project: Mapping[str, Any]) -> Locked:
    """What the lock installs; see :func:`.uvlock.locked`."""
    counted(table.get("packages", []))
    try:
        lock = Pylock.from_dict(table)
    except PylockUnsupportedVersionError:
        refuse_format(NAME, table.get("lock-version"), 1)
    except PylockValidationError as error:
        raise ValueError(str(error)) from error
    groups = lock.default_groups or ()
    lines: dict[str, None] = {}
    pins: list[Pin] = []
    elsewhere: set[str] = set()
    for package in lock.packages:
        where = _where(package, groups)
        if package.is_direct or package.version is None:
            elsewhere.add(package.name)
            lines[_elsewhere(package, where)] = None
            continue
        if package.index:
            lines |= dict.fromkeys(index(package.index))
        lines[asking(package.name, (), where)] = None
        listed = [wheel.hashes for wheel in package.wheels or ()]
        listed += [package.sdist.hashes] if package.sdist else []
        hashes = dict.fromkeys(f"{k}:{v}" for each in listed for k, v in each.items())
        pins.append(pin(package.name, str(package.version), where, hashes))
    return Locked(
        asked=tuple(lines),
        pins=tuple(pins),
        python=str(lock.requires_python or ""),
        environments=tuple(map(str, lock.environments or ())),
        elsewhere=frozenset(elsewhere),
    )


def _where(package: Package, groups: Iterable[str]) -> str:
    """A package's marker for who asks for no extras and no other groups than the usual ones."""
    wanted = set(groups)

    def answer(found: re.Match[str]) -> str:
        member = found[4] == "dependency_groups" and found[2] in wanted
        return _ALWAYS if member is not bool(found[3]) else _NEVER

    return marked(_MEMBER.sub(answer, str(package.marker or "")))


def _elsewhere(package: Package, where: str) -> str:
    """The line for a package that comes from no index."""
    name, marker = named(package.name), f" ; {where}" if where else ""
    if vcs := package.vcs:
        source = f"{named(vcs.type)}+{address(vcs.url or vcs.path)}@{address(vcs.commit_id)}"
        below = vcs.subdirectory
        return f"{name} @ {source}" + (f"#subdirectory={address(below)}" if below else "") + marker
    if archive := package.archive:
        checked = "".join(f" --hash={k}:{v}" for k, v in sorted(archive.hashes.items()))
        if archive.url:
            return f"{name} @ {address(archive.url)}{marker}{checked}"
        return place(archive.path)
    if package.directory:
        return place(package.directory.path, editable=bool(package.directory.editable))
    raise ValueError(f"{name} has no version")
