"""What lock files and manifests say of conda's packages. Pure.

A locked package is one file of a channel; where it lies says what it is
(https://docs.conda.io/projects/conda-build/en/stable/resources/package-spec.html).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

MACHINES = {"linux-64": "x86_64", "linux-aarch64": "aarch64", "linux-ppc64le": "ppc64le"}
"""Kinds of processors, as Python calls them, by what conda calls a machine with one."""

_URL = re.compile(
    r"(?P<channel>(?:https?|file)://[\w.:/~%+-]{1,800})"
    r"/(?P<subdir>noarch|[a-z]{2,20}-[a-z0-9]{2,20})"
    r"/(?P<name>[\w.-]{1,200})-(?P<version>[\w.!+]{1,100})-(?P<build>[\w.+]{1,100})"
    r"\.(?:conda|tar\.bz2)",
    re.ASCII,
)
_DIGESTS = {"sha256": re.compile(r"[0-9a-f]{64}"), "md5": re.compile(r"[0-9a-f]{32}")}
_SPEC = re.compile(r"[\x21-\x7e]+(?: [\x21-\x7e]+)*")
_LENGTH = 500


@dataclass(frozen=True)
class CondaFile:
    """One package of conda, at the file that was locked.

    Attributes:
        url: where it is.
        channel, subdir, name, version, build: what that says.
        sha256, md5: of its bytes, empty if not told.
        depends: what it needs, as conda writes it.
    """

    url: str
    channel: str
    subdir: str
    name: str
    version: str
    build: str
    sha256: str = ""
    md5: str = ""
    depends: tuple[str, ...] = ()


@dataclass(frozen=True)
class CondaPart:
    """What of an environment comes from conda, for each kind of machine.

    Attributes:
        platforms: all that it is made for, as conda calls them.
        files: the packages of each, where they are locked.
        specs: what is asked for on each.
        channels: where packages come from that are not locked, the most important first.
        variables: what a server finds in its environment.
    """

    platforms: tuple[str, ...]
    files: Mapping[str, tuple[CondaFile, ...]] = field(default_factory=dict)
    specs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    channels: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)

    def python(self, platform: str) -> str:
        """The version of Python that is locked, or empty."""
        files = self.files.get(platform, ())
        return next((file.version for file in files if file.name == "python"), "")


def conda_file(
    url: Any, hashes: Mapping[str, Any], depends: Iterable[Any] = (), platform: str = ""
) -> CondaFile:
    """A package of what somebody else wrote.

    Args:
        hashes: with `sha256` and `md5`, or less.
        platform: that it has to be for, if any.

    Raises:
        ValueError: something is not what it should be.
    """
    found = _URL.fullmatch(url) if isinstance(url, str) else None
    if not found or {"..", "."} & {*found["channel"].split("/")}:
        raise ValueError(f"{str(url)[:80]!r} is no address of a package of conda")
    if platform and found["subdir"] not in (platform, "noarch"):
        raise ValueError(f"{found['name']} is for {found['subdir']} and not for {platform}")
    digests = {name: str(hashes.get(name) or "").lower() for name in _DIGESTS}
    for name, digest in digests.items():
        if digest and not _DIGESTS[name].fullmatch(digest):
            raise ValueError(f"a hash of {found['name']} is none")
    return CondaFile(url, **found.groupdict(), **digests, depends=tuple(map(spec, depends)))


def spec(text: Any) -> str:
    """What is asked of conda, as one line of printable letters.

    Raises:
        ValueError: it is something else.
    """
    line = " ".join(text.split()) if isinstance(text, str) else ""
    if len(line) > _LENGTH or not _SPEC.fullmatch(line):
        raise ValueError(f"{str(text)[:80]!r} cannot be asked of conda")
    return line


def once(files: Iterable[CondaFile]) -> tuple[CondaFile, ...]:
    """Each package once.

    Raises:
        ValueError: two files of one package.
    """
    known: dict[str, CondaFile] = {}
    for file in files:
        if known.setdefault(file.name, file).url != file.url:
            raise ValueError(f"{file.name} is there twice")
    return tuple(known.values())


def there(platforms: Iterable[str]) -> list[str]:
    """Those of platforms that a hub can be on, each once."""
    return [platform for platform in dict.fromkeys(platforms) if platform in MACHINES]


def on(platform: str) -> str:
    """A marker for a platform."""
    return f"platform_machine == '{MACHINES[platform]}'"
