"""How uv is asked, and what its answers mean.

uv runs in two places. As the Hub's own user it sees only requirement lines that name packages
of the index, with `--no-build`: no code of anybody runs, no URL or path of a stranger is
opened, and files are hardlinked from one cache. Everything else happens in a sandbox with a
cache of its own.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from packaging.markers import Marker
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from uv import find_uv_bin

from ...core.locks import Target
from ...core.requirements import Line, Refers, has_hashes, package_name, pin
from ...core.sentences import NOTHING, Sentence
from ...programs import NETWORK, passed_on
from ..solver import conflict, other_file

LINK, COPY = "hardlink", "copy"
OFFLINE = "--offline"

SETTINGS = Path("/etc/uv/uv.toml")
"""The administrator's settings for uv on this machine; sandboxes show them too."""

# Half of a Jupyter server's start is spent importing it, for checks nobody asked for (HUB §1).
UNWANTED = "rfc3987-syntax"

_PASSED = (
    *NETWORK,
    *("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS"),
    *("UV_NATIVE_TLS", "UV_SYSTEM_CERTS", "UV_HTTP_TIMEOUT", "UV_INSECURE_HOST", "UV_OFFLINE"),
    *("UV_INDEX_STRATEGY", "PIP_CERT", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"),
    "PIP_DEFAULT_TIMEOUT",
)
_VISIBLE = ("/etc/ssl/", "/etc/pki/", "/etc/ca-certificates/", "/usr/")
_CREDENTIALS = re.compile(r"://[^/\s]*@")
_IGNORED_OPTIONS = ("--prefer-binary", "--use-feature", "--require-hashes")


@cache
def executable() -> str:
    """The uv that was installed with us (it is one of our requirements), or one on PATH."""
    try:
        return find_uv_bin()
    except FileNotFoundError:
        return shutil.which("uv") or "uv"


def passed_environment(own: Mapping[str, str], *, foreign: bool) -> dict[str, str]:
    """What of our environment a build gets: how to reach the network, and nothing else.

    Args:
        own: our environment.
        foreign: for code of a repository in the sandbox: without URLs that hold credentials,
            and without paths that are not there.
    """
    passed = passed_on(own, *_PASSED)
    if not foreign:
        return passed
    return {name: value for name, value in passed.items() if _may_be_seen(value)}


def _may_be_seen(value: str) -> bool:
    return not _CREDENTIALS.search(value) and (value[:1] != "/" or value.startswith(_VISIBLE))


def environment(home: Path, cache: Path, *, foreign: bool = False) -> dict[str, str]:
    """The whole environment of a uv process.

    Args:
        home: a folder of its own, so that nobody's settings and credentials are found.
        cache: uv's cache.
    """
    return {
        **passed_environment(os.environ, foreign=foreign),
        "PATH": os.defpath,
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "UV_CACHE_DIR": str(cache),
        "UV_NO_PROGRESS": "1",
        "UV_PYTHON_DOWNLOADS": "never",
        "NO_COLOR": "1",
    }


@dataclass(frozen=True)
class Requirements:
    """What one resolution installs.

    Attributes:
        base: lines of the server's packages.
        lines: lines of the repository.
        constraints: lines of it that ask for nothing and only limit versions.
        locked: whether these are of a lock, which names all that is installed for it.
    """

    base: tuple[str, ...]
    lines: tuple[Line, ...] = ()
    constraints: tuple[Line, ...] = ()
    locked: bool = False

    @property
    def asked(self) -> tuple[tuple[Line, ...], tuple[Line, ...]]:
        """What the repository asks for."""
        return self.lines, self.constraints

    @property
    def trusted(self) -> bool:
        """Whether every line only names packages of the index."""
        return all(line.refers is Refers.INDEX for line in (*self.lines, *self.constraints))

    @property
    def fixed(self) -> bool:
        """Whether an index has no say in what is installed for the repository.

        pip takes lines with hashes only where all that is installed has them.
        """
        asked = [line for line in self.lines if package_name(line)]
        return self.locked or (bool(asked) and all(map(has_hashes, asked)))

    def pins(self, target: Target) -> dict[str, SpecifierSet]:
        """The one version of a package, by its name, where lines say it for such a target."""
        pinned = filter(None, map(pin, (*self.lines, *self.constraints)))
        here = (each for each in pinned if _fits(target, each.marker))
        return {canonicalize_name(each.name): each.specifier for each in here}

    @property
    def checked(self) -> tuple[Line, ...]:
        """Lines for packages of the index whose files have to have known hashes."""
        return tuple(line for line in (*self.lines, *self.constraints) if has_hashes(line))

    def checked_in(self, names: Collection[str]) -> list[str]:
        """Those of what is installed already whose hashes are asked for.

        uv would leave that as it is, if it is of the version asked for.
        """
        return sorted({package_name(line) for line in self.checked}.intersection(names))

    @property
    def files(self) -> dict[str, str]:
        """The files that uv reads, by what it calls them on its command line."""
        kept = (line.text for line in self.lines if not line.text.startswith(_IGNORED_OPTIONS))
        limits = (line.text for line in self.constraints)
        return {"-r": "\n".join([*self.base, *kept, ""]), "-c": "\n".join([*limits, ""])}

    @property
    def options(self) -> list[str]:
        """Options of pip that uv takes on its command line instead."""
        asked = {line.text.partition(" ")[0].partition("=")[0] for line in self.lines}
        options = ["--prerelease", "allow"] if "--pre" in asked else []
        if "--extra-index-url" in asked:
            # pip takes the best version of all indexes; uv would stop at the first with the name.
            options += ["--index-strategy", "unsafe-best-match"]
        return options

    @property
    def prefers_wheels(self) -> bool:
        """Whether an older version with a wheel is what is asked for."""
        return any(line.text == "--prefer-binary" for line in self.lines)

    @property
    def excludes(self) -> str:
        """Packages left out unless the repository itself asks for them."""
        wanted = any(package_name(line) == UNWANTED for line in self.lines)
        return "" if wanted else UNWANTED + "\n"


def _fits(target: Target, marker: Marker | None) -> bool:
    """Whether a marker holds; one that makes no sense does not."""
    try:
        return target.fits(marker)
    except ValueError:
        return False


def venv(python: str, path: Path) -> list[str]:
    """Make an empty environment in a folder that may be there."""
    words = ["venv", *_configuration(False), "--quiet", "--no-project", "--allow-existing"]
    return [executable(), *words, "--python", python, str(path)]


def _configuration(foreign: bool) -> list[str]:
    """The machine's own settings, and none of the current directory or a folder above it."""
    there = os.access(SETTINGS, os.R_OK) and (not foreign or _for_everybody(SETTINGS))
    return ["--config-file", str(SETTINGS)] if there else ["--no-config"]


def _for_everybody(path: Path) -> bool:
    return all(place.stat().st_mode & 0o004 for place in (path, path.parent))


def install(
    path: Path,
    wanted: Sequence[str],
    *,
    link: str,
    build: bool,
    foreign: bool = False,
    excludes: str = "",
    options: Sequence[str] = (),
) -> list[str]:
    """Install into an environment.

    Args:
        path: the environment.
        wanted: words for requirements files (`-r`, `-c`), and local packages such as `.`.
        link: `LINK` or `COPY`.
        build: whether source distributions may be built, which runs their code.
        foreign: in a sandbox.
        excludes: a file that names packages to leave out.
    """
    words = [executable(), "pip", "install", *_configuration(foreign)]
    words += ["--python", str(path / "bin" / "python")]
    words += ["--link-mode", link, *options]
    words += [] if build else ["--no-build"]
    words += ["--excludes", excludes] if excludes else []
    return [*words, *wanted]


def uninstall(path: Path, names: Sequence[str]) -> list[str]:
    """Remove packages from an environment."""
    words = [executable(), "pip", "uninstall", *_configuration(False), "--quiet"]
    return [*words, "--python", str(path / "bin" / "python"), *names]


def compile(
    path: Path, wanted: Sequence[str], *, preferred: str, options: Sequence[str] = ()
) -> list[str]:
    """Say in a sandbox what would be taken if it might be built.

    Args:
        path: the environment.
        wanted: words for requirements files, as those that install take them.
        preferred: file with versions to stay at where they will do; it is overwritten.
    """
    words = [executable(), "pip", "compile", *_configuration(True), *options]
    words += ["--no-header", "--no-annotate", "--python", str(path / "bin" / "python")]
    # What `-r` names is no option of this command.
    return [*words, "--output-file", preferred, *(word for word in wanted if word != "-r")]


def needs_building(explanation: str) -> bool:
    """Whether uv only failed because something has no wheel."""
    return "building from source is disabled" in explanation or "no usable wheels" in explanation


def unsolvable(explanation: str) -> bool:
    """Whether what was asked for cannot be had together."""
    return "No solution found when resolving" in explanation


def explain(tail: str, base: Sequence[str] = ()) -> Sentence:
    """The sentence of uv's explanation that a person can act on.

    Args:
        base: requirement lines of the server's own packages.
    """
    if sentence := other_file(tail):
        return sentence
    if sentence := conflict(tail, base):
        return Sentence("The requirements cannot be installed. {why}", why=sentence)
    text = re.sub(r"\s+", " ", tail)
    conclusions = re.findall(r"((?:[Bb]ecause|And because) (?:(?!ecause).)*?unsatisfiable\.)", text)
    if conclusions:
        why = re.sub(r"^And b", "B", conclusions[-1])
        return Sentence("The requirements cannot be solved together. {why}", why=why)
    causes = re.findall(r"(?:error|cause): (.*?)(?= (?:cause|hint|error): |$)", text)
    package = re.search(r"Failed to build `([^`]+)`", text)
    reason = (package and _said_by_package(tail)) or (causes[-1] if causes else "")
    if not reason:
        return NOTHING
    why = reason[:400].rstrip(".")
    if not package:
        return Sentence("Installing the packages failed: {why}.", why=why)
    return Sentence("Building {package} failed: {why}.", package=package[1], why=why)


def _said_by_package(tail: str) -> str:
    """What a package's own build said: its last line that names an error, or the first."""
    said = "".join(re.split(r"\[std(?:err|out)\]", tail)[1:]).partition("\nhint:")[0]
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if re.search(r"error:|fatal", line, re.IGNORECASE)]
    return "".join(errors[-1:] or lines[:1])
