"""`poetry.lock`, with the `pyproject.toml` that says what of it is wanted. Pure.

What is asked for is what `poetry install` installs: the main dependencies and all groups that are
not optional. Versions of Poetry before 2.1 note no markers, so the lock only holds versions and
the packages themselves say what they need where.
"""

from __future__ import annotations

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
    return asking(one.name, sorted(one.extras), str(one.marker or ""))


def _of_entry(name: str, entry: Any) -> str:
    """The line for an entry in Poetry's own form; empty for one that only an extra wants."""
    entries = entry if isinstance(entry, list) else [entry]
    fields = [entry for entry in entries if isinstance(entry, dict)]
    if any(entry.get("optional") for entry in fields):
        return ""
    extras = sorted({extra for entry in fields for extra in entry.get("extras", ())})
    conditions = [_condition(entry) for entry in fields]
    where = either(conditions) if len(fields) == len(entries) and all(conditions) else ""
    return asking(name, extras, where)


def _condition(entry: Mapping[str, Any]) -> str:
    """Where an entry holds, as a marker; empty for everywhere."""
    if markers := entry.get("markers"):
        return str(markers)
    if platform := entry.get("platform"):
        return f"sys_platform == '{named(platform)}'"
    return ""


def _specifier(versions: str) -> str:
    """Poetry's way to write versions of Python as everybody else writes them; empty for none."""
    parts = [part.strip() for part in versions.replace("||", "|").split("|")]
    text = parts[0] if len(parts) == 1 else ""
    if text.startswith("^"):
        text = f">={text[1:]},<{int(text[1:].split('.')[0]) + 1}"
    elif text.startswith("~") and not text.startswith("~="):
        text = f"=={'.'.join(text[1:].split('.')[:2])}.*"
    try:
        return str(SpecifierSet("" if text == "*" else text))
    except InvalidSpecifier:
        return ""
