"""`poetry.lock`, with the `pyproject.toml` that says what of it is wanted. Pure.

What is asked for is what `poetry install` installs: the main dependencies and all groups that are
not optional. Versions of Poetry before 2.1 note no markers, so the lock only holds versions and
the packages themselves say what they need where.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from .model import (
    Locked,
    Pin,
    address,
    asked_by_project,
    asking,
    counted,
    either,
    index,
    named,
    pin,
    place,
    requirements,
)
from .refusals import refuse_format

NAME = "poetry.lock"
_FORMAT = 2
_PLAIN = ("", "legacy")
"""Kinds of sources that are indexes."""


def locked(table: Mapping[str, Any], project: Mapping[str, Any]) -> Locked:
    """What the lock installs; see :func:`.uvlock.locked`."""
    about = table["metadata"]
    version = str(about.get("lock-version", "1.0"))
    if not version.split(".")[0].isdigit() or int(version.split(".")[0]) > _FORMAT:
        refuse_format(NAME, version, _FORMAT)
    packages = counted(table.get("package", []))
    wanted = dict(_wanted(project))
    files = about.get("files", {})
    lines: dict[str, None] = {}
    pins: list[Pin] = []
    for package in packages:
        source = package.get("source", {})
        if source.get("type", "") in _PLAIN:
            lines |= dict.fromkeys(index(source["url"]) if source else [])
            pins.append(_pin(package, files))
        elif not package.get("optional"):
            lines[_elsewhere(package, source)] = None
    names = {canonicalize_name(named(package["name"])) for package in packages}
    elsewhere = frozenset(names - {pin.name for pin in pins})
    asked = [line for name, line in wanted.items() if name not in elsewhere]
    python = str(about.get("python-versions", ""))
    return Locked((*lines, *asked), tuple(pins), _specifier(python), elsewhere=elsewhere)


def _pin(package: Mapping[str, Any], files: Mapping[str, Any]) -> Pin:
    listed = package.get("files") or files.get(package["name"]) or ()
    markers = package.get("markers") or ""
    where = either(markers.values()) if isinstance(markers, dict) else markers
    return pin(package["name"], package["version"], where, [file["hash"] for file in listed])


def _elsewhere(package: Mapping[str, Any], source: Mapping[str, Any]) -> str:
    """The line for a package that comes from no index."""
    name, url = named(package["name"]), address(source["url"])
    if source["type"] == "git":
        commit = address(source.get("resolved_reference") or source["reference"])
        below = source.get("subdirectory")
        return f"{name} @ git+{url}@{commit}" + (f"#subdirectory={address(below)}" if below else "")
    if source["type"] == "url":
        return f"{name} @ {url}"
    return place(url, editable=bool(package.get("develop")))


def _wanted(project: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Lines that ask for what a project wants, by name."""
    for one in requirements(asked_by_project(project)):
        yield canonicalize_name(one.name), _line(one)
    groups = project.get("dependency-groups", {})
    poetry = project.get("tool", {}).get("poetry", {})
    optional = {
        name for name, group in poetry.get("group", {}).items() if group.get("optional", False)
    }
    for name in groups.keys() - optional:
        for one in requirements(groups[name]):
            yield canonicalize_name(one.name), _line(one)
    tables = [poetry.get("dependencies", {}), poetry.get("dev-dependencies", {})]
    tables += [
        group.get("dependencies", {})
        for name, group in poetry.get("group", {}).items()
        if name not in optional
    ]
    for table in tables:
        for name, entry in table.items():
            if canonicalize_name(name) != "python" and (line := _of_entry(name, entry)):
                yield canonicalize_name(named(name)), line


def _line(one: Requirement) -> str:
    return asking(one.name, sorted(one.extras), str(one.marker or ""), str(one.specifier))


def _of_entry(name: str, entry: Any) -> str:
    """The line for an entry in Poetry's own form; empty for one that only an extra wants."""
    entries = entry if isinstance(entry, list) else [entry]
    fields = [entry for entry in entries if isinstance(entry, dict)]
    if any(entry.get("optional") for entry in fields):
        return ""
    extras = sorted({extra for entry in fields for extra in entry.get("extras", ())})
    conditions = [_condition(entry) for entry in fields]
    where = either(conditions) if len(fields) == len(entries) and all(conditions) else ""
    alone = entries[0] if len(entries) == 1 else ""
    versions = str(alone.get("version", "") if isinstance(alone, dict) else alone)
    exact = f"=={versions}" if re.match(r"\d", versions) else versions
    return asking(name, extras, where, _specifier(exact))


def _condition(entry: Mapping[str, Any]) -> str:
    """Where an entry holds, as a marker; empty for everywhere."""
    conditions = [f"({entry['markers']})"] if entry.get("markers") else []
    if platform := entry.get("platform"):
        conditions.append(f"sys_platform == '{named(platform)}'")
    for limit in sorted(SpecifierSet(_specifier(str(entry.get("python", "")))), key=str):
        conditions.append(f"python_full_version {limit.operator} '{limit.version}'")
    return " and ".join(conditions)


def _specifier(versions: str) -> str:
    """Poetry's way to write versions as everybody else writes them; empty for any, and where that
    cannot be said.
    """
    parts = [part.strip() for part in versions.split(",")]
    try:
        return str(SpecifierSet(",".join(_limits(part) for part in parts if part != "*")))
    except InvalidSpecifier:
        return ""


def _limits(part: str) -> str:
    """What `^` and `~` mean: as far as nothing changes in the first number, or that after it."""
    sign, text = part[:1], part[1:].strip()
    if sign not in ("^", "~") or not re.fullmatch(r"\d+(\.\d+)*", text, re.ASCII):
        return part
    numbers = [int(number) for number in text.split(".")]
    if sign == "~":
        kept = min(1, len(numbers) - 1)
    else:
        kept = next((at for at, number in enumerate(numbers) if number), len(numbers) - 1)
    numbers[kept] += 1
    return f">={text},<{'.'.join(map(str, numbers[: kept + 1]))}"
