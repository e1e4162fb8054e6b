"""What every lock file says, whoever made it, and whether it fits. Pure.

All words of a lock are checked before they stand in a line, so that none of them is read as more
than one word, or as an option.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from .condafile import MACHINES, CondaPart

MAX_PACKAGES = 4_000
"""In one lock; real ones have some hundred."""

_LENGTH = 2_000
"""Of a marker, an address and the like."""

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,200}[A-Za-z0-9])?")
_HASH = re.compile(r"[a-z0-9]{1,20}:[0-9a-f]{1,256}")
_WORD = re.compile(r"[^\s#;]+")


@dataclass(frozen=True)
class Target:
    """Where a lock is installed.

    Attributes:
        python: version of Python, `x.y` or `x.y.z`.
        machine: the kind of processor, as Python's `platform` calls it.
    """

    python: str
    machine: str

    @property
    def platform(self) -> str:
        """What conda calls such a machine."""
        known = {machine: platform for platform, machine in MACHINES.items()}
        return known.get(self.machine, f"linux-{self.machine}")

    @property
    def facts(self) -> dict[str, str]:
        """What markers ask about."""
        full = self.python if self.python.count(".") > 1 else f"{self.python}.99"
        return {
            "implementation_name": "cpython",
            "implementation_version": full,
            "os_name": "posix",
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": full,
            "python_version": ".".join(full.split(".")[:2]),
            "sys_platform": "linux",
            "extra": "",
        }

    def fits(self, marker: str | Marker | None) -> bool:
        """Whether a marker holds there."""
        known = Marker(marker) if isinstance(marker, str) and marker else marker
        return not known or known.evaluate(self.facts)


@dataclass(frozen=True)
class Pin:
    """One package of an index, at the version that was locked.

    Attributes:
        name: as pip's tools write it.
        version: the one version.
        marker: where it is that version; empty for everywhere.
        hashes: of all files that may be taken, `sha256:…`.
    """

    name: str
    version: str
    marker: str = ""
    hashes: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        marker = f" ; {self.marker}" if self.marker else ""
        return f"{self.name}=={self.version}{marker}" + "".join(
            f" --hash={digest}" for digest in self.hashes
        )


@dataclass(frozen=True)
class Locked:
    """What a lock installs.

    Attributes:
        asked: lines that ask for packages.
        pins: every package of an index that may be installed.
        python: versions of Python that it is for, as a specifier; empty for any.
        environments: markers of the machines it is for; empty for any.
        elsewhere: names of packages that come from no index.
        conda: what comes from conda, or `None`.
    """

    asked: tuple[str, ...]
    pins: tuple[Pin, ...]
    python: str = ""
    environments: tuple[str, ...] = ()
    elsewhere: frozenset[str] = frozenset()
    conda: CondaPart | None = None

    @property
    def limits(self) -> tuple[str, ...]:
        """Lines that ask for nothing and hold every package at its version."""
        return tuple(pin.line for pin in self.pins)

    def is_for(self, python: str) -> bool:
        """Whether it is for a version of Python, `x.y` or `x.y.z`.

        Of a version with two parts the last patch is meant, which is what is to be had.
        """
        full = python if python.count(".") > 1 else f"{python}.99"
        return SpecifierSet(self.python).contains(full, prereleases=True)

    def versions(self, name: str, target: Target) -> list[str]:
        """The versions of a package that are locked for a target: one, of a sound lock."""
        wanted = canonicalize_name(name)
        return [p.version for p in self.pins if p.name == wanted and target.fits(p.marker)]


def pin(name: Any, version: Any, marker: str = "", hashes: Iterable[Any] = ()) -> Pin:
    """A pin of words that somebody else wrote.

    Raises:
        ValueError: one of them is something else.
    """
    digests = [str(digest) for digest in hashes]
    if not all(map(_HASH.fullmatch, digests)):
        raise ValueError(f"a hash of {name} is none")
    known = Version(_short(version))
    return Pin(canonicalize_name(named(name)), str(known), marked(marker), tuple(digests))


def named(name: Any) -> str:
    """A package's name.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(f"{str(name)[:80]!r} is no name of a package")
    return name


def asking(name: Any, extras: Iterable[Any] = (), marker: str = "", versions: str = "") -> str:
    """A line that asks for a package, of whatever version where nothing else is said.

    Raises:
        ValueError: a word is not what it should be.
    """
    listed = ",".join(named(extra) for extra in extras)
    where = marked(marker)
    wanted = f"{named(name)}{f'[{listed}]' if listed else ''}{versions}"
    return f"{wanted} ; {where}" if where else wanted


def marked(marker: Any) -> str:
    """A marker as one word of a line, or nothing.

    Raises:
        ValueError: it is no marker.
    """
    text = _short(marker or "")
    return str(Marker(text)) if text else ""


def either(markers: Iterable[Any]) -> str:
    """The marker that holds where one of several does; empty for none."""
    each = [marked(marker) for marker in markers]
    return " or ".join(f"({marker})" for marker in each) if len(each) > 1 else "".join(each)


def address(url: Any) -> str:
    """An address, or a place in the repository, as one word.

    Raises:
        ValueError: it is more than one word.
    """
    text = _short(url)
    if not _WORD.fullmatch(text.partition("#")[0]) or not re.fullmatch(r"[^\s;]+", text):
        raise ValueError("an address with characters that none has")
    return text


def index(url: Any) -> list[str]:
    """The line for another index than the usual one, which may be the machine's own mirror."""
    usual = urlsplit(address(url)).hostname == "pypi.org"
    return [] if usual else [f"--extra-index-url {address(url)}"]


def place(path: Any, *, editable: bool = False) -> str:
    """The line for a package that lies in the repository."""
    return f"{'-e ' if editable else ''}./{address(path)}"


def _short(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _LENGTH:
        raise ValueError("a word that is none, or very long")
    return value


def counted(packages: list[Any]) -> list[Any]:
    """The packages of a lock.

    Raises:
        ValueError: they are more than any lock has.
    """
    if len(packages) > MAX_PACKAGES:
        raise ValueError(f"more than {MAX_PACKAGES} packages")
    return packages


def requirements(lines: Iterable[Any]) -> Iterator[Requirement]:
    """Those of lines that are requirements."""
    for line in lines:
        try:
            yield Requirement(_short(line))
        except (InvalidRequirement, ValueError):
            continue


def asked_by_project(project: Mapping[str, Any]) -> list[Any]:
    """What `pyproject.toml` itself says that the project needs."""
    table = project.get("project")
    listed = table.get("dependencies") if isinstance(table, dict) else None
    return listed if isinstance(listed, list) else []
