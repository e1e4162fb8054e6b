"""The machine's own apt: where packages come from, and how they are fetched.

It runs as the Hub, with the machine's sources, keys, proxies and preferences, and only fetches: no
code of a package runs here.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from ...core.apt import Packages
from ...core.errors import BinderError, BuildFailed
from ...core.sentences import Sentence
from ...locks import held_in_turn, unlock
from ...programs import NETWORK, Log, ProcessFailed, Spawn, output, passed_on, program, run
from ..checks import install
from .mapping import Obstacle
from .words import explained, network_trouble

_FRESH = 600.0
"""Seconds for which is known what packages there are, so that what is not known is not there."""

_USABLE = 86400.0
"""Seconds for which it is tried with what is known, before it is asked for news: that takes longer
than a small package."""

_CODENAMES = ("UBUNTU_CODENAME", "DEBIAN_CODENAME", "VERSION_CODENAME")

_NOT_THERE = (
    re.compile(r"^E: Unable to locate package (?P<name>\S+)"),
    re.compile(r"^E: Package '(?P<name>[^']+)' has no installation candidate"),
    re.compile(r"^E: Couldn't find any package by (?:glob|regex) '(?P<name>[^']+)'"),
    re.compile(r"^E: Version '(?P<version>[^']+)' for '(?P<name>[^']+)' was not found"),
)
_VIRTUAL = re.compile(
    r"^Package (\S+) is a virtual package provided by:\n((?:  .+\n)+)", re.MULTILINE
)
_NAMED = ("name", "version")
_CANDIDATE = re.compile(r"^(\S+):\n +Installed: .*\n +Candidate: (?!\(none\))(\S+)", re.MULTILINE)
_ON_ITS_WAY = re.compile(r"(?:Get|Hit|Ign|Err):\d")
"""How apt tells of a package that it gets: it has read all that it needs to know by then."""

_UNMET = re.compile(r"unmet dependencies|held broken packages")

# What other programs of this machine want to know, or are run for, is no concern of ours. A word
# with a dot is a name and no regular expression, by which one word asks for thousands of packages.
# Its own locks would last until the last package is there; ours do for what they are for.
_SETTINGS = """
#clear APT::Update;
#clear DPkg::Pre-Install-Pkgs;
#clear DPkg::Pre-Invoke;
#clear DPkg::Post-Invoke;
Acquire::Languages "none";
Acquire::GzipIndexes "true";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::IndexTargets::deb::DEP-11-icons-small::DefaultEnabled "false";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
APT::Sandbox::User "root";
Debug::NoLocking "true";
APT::Cmd::Pattern-Only "true";
APT::Architectures {{ "{architecture}"; }};
APT::Install-Recommends "false";
Dir::State "{state}/state";
Dir::State::lists "{state}/lists";
Dir::State::status "{state}/state/status";
Dir::Cache "{state}/cache";
Dir::Cache::pkgcache "pkgcache.bin";
Dir::Cache::srcpkgcache "";
Dir::Cache::archives "{packages}";
Dir::Log "{state}/log";
"""


@dataclass(frozen=True)
class MachineApt:
    """The apt of this machine.

    Attributes:
        etc: its settings.
        os_release: the file that says which system this is.
    """

    etc: Path = Path("/etc/apt")
    os_release: Path = Path("/etc/os-release")

    def obstacle(self) -> Obstacle | None:
        """What keeps trees from being made of its packages."""
        if not shutil.which("apt-get"):
            return Obstacle(
                Sentence("This machine has no apt; that takes a Debian or Ubuntu."),
                Sentence("Use the docker engine."),
            )
        if not shutil.which("mmdebstrap"):
            return Obstacle(Sentence("mmdebstrap is missing."), install("mmdebstrap"))
        if closed := [file for file in self._files() if not os.access(file, os.R_OK)]:
            return Obstacle(
                Sentence("The hub's user may not read a file that names sources of packages."),
                Sentence("Let it read {file}.", file=closed[0]),
            )
        if not (self.sources() and self.release):
            return Obstacle(
                Sentence("This machine's apt has no sources."),
                Sentence("Name them in {file}.", file=self.etc / "sources.list"),
            )
        return None

    @property
    def release(self) -> str:
        """Code name of the release whose packages count, such as `bookworm`.

        Systems made of Debian or Ubuntu name that besides their own.
        """
        return next(filter(None, map(self._of_release, _CODENAMES)), "")

    @property
    def name(self) -> str:
        """What people call it."""
        return self._of_release("PRETTY_NAME") or self.release

    def sources(self) -> list[Path]:
        """Files that name sources."""
        return [file for file in self._files() if _says_something(file)]

    def digest(self) -> str:
        """A digest of the sources."""
        contents = [sha256(file.read_bytes()).hexdigest() for file in self.sources()]
        return sha256("\n".join([self.release, *contents]).encode()).hexdigest()

    async def architecture(self) -> str:
        return (await output(["dpkg", "--print-architecture"], env=variables())).strip()

    async def version(self, package: str) -> str:
        """The version of a package that would be installed, as far as is known without asking."""
        try:
            return (await _candidates(["apt-cache"], [package])).get(package, "")
        except (OSError, ProcessFailed):
            return ""

    async def acquiring(self) -> str:
        """Settings that say how the network is reached."""
        said = await output(["apt-config", "dump", "Acquire"], env=variables())
        wanted = re.compile(r"Acquire::(?!IndexTargets|Changelogs|cdrom|Compression)\S+ \".+\";")
        return "".join(f"{line}\n" for line in said.splitlines() if wanted.fullmatch(line))

    def _files(self) -> list[Path]:
        parts = self.etc / "sources.list.d"
        files = [self.etc / "sources.list", *parts.glob("*.list"), *parts.glob("*.sources")]
        return sorted(file for file in files if file.is_file())

    def _of_release(self, field: str) -> str:
        try:
            text = self.os_release.read_text()
        except OSError:
            return ""
        line = re.search(rf'^{field}="?([^"\n]*)"?$', text, re.MULTILINE)
        return line[1] if line else ""


def variables() -> Mapping[str, str]:
    """What programs of apt find in their environment."""
    kept = passed_on(os.environ, "PATH", *NETWORK)
    return {**kept, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}


async def fetch(wanted: Packages, status: Path, state: Path, packages: Path, log: Log) -> None:
    """Fetch packages, and what they need that a tree has not.

    Others wait while it is found out what that is, and not while it is on its way.

    Args:
        wanted: what is to be fetched.
        status: what the tree has.
        state: folder for what is known of the sources; who works in it holds its lock.
        packages: folder for the packages.

    Raises:
        ProcessFailed.
    """
    # In its cache apt keeps what it has read of the lists, where the folder is there.
    kept = (state / name for name in ("lists/partial", "state", "log", "cache"))
    for folder in (*kept, packages / "partial"):
        folder.mkdir(parents=True, exist_ok=True)
    architecture = await MachineApt().architecture()
    named = {"state": state, "packages": packages, "architecture": architecture}
    settings, stamp = packages.parent / "apt.conf", state / "updated"
    await asyncio.to_thread(settings.write_text, _SETTINGS.format(**named))
    async with held_in_turn(state) as held:
        _know(status, state)
        if _age(stamp) > _USABLE:
            await _update(settings, stamp, log)
        try:
            await _download(settings, wanted, held, log)
            return
        except ProcessFailed:
            if _age(stamp) < _FRESH:
                raise
    async with held_in_turn(state) as held:
        if _age(stamp) >= _FRESH:
            await _update(settings, stamp, log)
        await _download(settings, wanted, held, log)


def _know(status: Path, state: Path) -> None:
    """Tell apt what a tree has, unless it knows."""
    known = state / "state/status"
    there, told = status.stat(), known.stat() if known.exists() else None
    if told and (told.st_size, told.st_mtime_ns) == (there.st_size, there.st_mtime_ns):
        return
    # A copy, in a folder of apt's own. With its time, by which that cache is known to fit, and not
    # its mode, with which only root could copy it again.
    copied = shutil.copyfile(status, known)
    shutil.copystat(status, copied)
    copied.chmod(0o644)


async def _download(settings: Path, wanted: Packages, held: int, log: Log) -> None:
    """Have apt find out what is needed and get it; the lock is given back in between."""

    def hear(line: str) -> None:
        log.add(line)
        if _ON_ITS_WAY.match(line):
            unlock(held)

    there = await _candidates(["apt-cache", "-c", str(settings)], wanted.wished)
    words = ["install", "--download-only", "--", *wanted.asked, *sorted(there)]
    await run(_apt(settings, *words), Log(hear))


def _apt(settings: Path, *words: str) -> Spawn:
    return program(["apt-get", "-c", str(settings), "-q", "-y", *words], env=variables())


def _age(stamp: Path) -> float:
    """Seconds since the sources were asked; without end where they never were."""
    return time.time() - stamp.stat().st_mtime if stamp.exists() else float("inf")


async def _candidates(argv: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    """Versions of those of some packages that could be installed, by name."""
    if not names:
        return {}
    return dict(_CANDIDATE.findall(await output([*argv, "policy", *names], env=variables())))


async def _update(settings: Path, stamp: Path, log: Log) -> None:
    try:
        await run(_apt(settings, "update"), log)
    except ProcessFailed as failure:
        # What was fetched once may do: a machine without a network has kept nothing better.
        if not (stamp.exists() and network_trouble(failure)):
            raise
        return
    stamp.touch()


def unfetched(failure: ProcessFailed, path: str, system: str) -> BinderError:
    """The error for packages that could not be had.

    Args:
        path: of `apt.txt`.
        system: what people call the release.
    """
    if virtual := _VIRTUAL.search(failure.tail):
        return BuildFailed(
            "{path} asks for {name}, which is no package but what several are. Ask for one of "
            "them: {names}.",
            path=path,
            name=virtual[1],
            names=", ".join(line.split()[0] for line in virtual[2].splitlines()),
            detail=failure.tail,
        )
    lines = failure.tail.splitlines()
    matches = [match for line in lines for rule in _NOT_THERE if (match := rule.match(line))]
    if matches:
        names = ("=".join(filter(None, map(each.groupdict().get, _NAMED))) for each in matches)
        return BuildFailed(
            "{path} asks for what the sources of this machine ({system}) do not have: {names}. "
            "Correct that, or ask the administrator for sources that have it.",
            path=path,
            system=system,
            names=", ".join(dict.fromkeys(names)),
            detail=failure.tail,
        )
    if _UNMET.search(failure.tail):
        return BuildFailed(
            "The packages that {path} asks for cannot be had together. The end of the log says "
            "which: leave one of them out.",
            path=path,
            detail=failure.tail,
        )
    what = Sentence("Fetching the packages of {path} failed.", path=path)
    return explained(failure, what)


def _says_something(file: Path) -> bool:
    lines = file.read_text(errors="replace").splitlines()
    return any(line.strip() and not line.lstrip().startswith("#") for line in lines)
