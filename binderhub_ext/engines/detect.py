"""What a repository's configuration asks for, decided once per tree.

repo2docker decides (in `detector`); this module guards it, adds what determines the
environment, and remembers the answer, so that a second launch reads one small file. It also
remembers what repo2docker said of the configuration files alone: asking it takes half a second,
and most commits change none of them. Where Git's own listing says that none changed, the files are
not even written out.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import re
import stat
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ..core.apt import apt_words
from ..core.environment import (
    DECIDING,
    FOLDERS,
    NAMES,
    R_LOCK,
    Determination,
    Read,
    determine,
)
from ..core.errors import BuildFailed
from ..core.locks import CONDA, READERS, Target
from ..core.rlang import named
from ..programs import ProcessFailed, output
from ..repos.base import Source
from ..repos.listing import listed
from ..storage.checkout import temporary_checkout
from .scripts import check_scripts

DETECTION = 7
"""Version of what is remembered; raise it when the rules here or in `core` change."""

DETECTION_TIME = 30.0
"""Seconds that repo2docker may look at files: its readers take days for some that others write."""

DETECTION_MEMORY = 2 << 30
"""Bytes of memory it may take for that, as far as its own process counts them."""

CONFIG_BYTES = 4 * 2**20
"""A configuration file over this size is a mistake or an attack."""

_R_PACKAGE = re.compile(rb"^[ \t]*+-\s*+[\"']?(?:[\w.-]+::)?r-", re.MULTILINE)
_LOOKED_AT = {str(Path(folder, name)) for folder in FOLDERS for name in ("", *NAMES)} - {"."}
_ATTRIBUTES = ".gitattributes"
"""Says how Git writes files out: the same entries may become other bytes."""
_LISTED = [
    *NAMES,
    _ATTRIBUTES,
    *(f"{folder}{end}" for folder in FOLDERS if folder for end in ("", "/")),
]
_COUNTED = _LOOKED_AT | {str(Path(folder, _ATTRIBUTES)) for folder in FOLDERS}
_IGNORES = (".containerignore", ".dockerignore")
_FOLDER, _PLAIN = "040000", ("040000", "100644", "100755")
"""Modes of Git's entries; besides these there are links and submodules."""


Ask = Callable[[Path, Sequence[str]], Awaitable[str]]
"""Runs `detector` on a checkout with further words; gives what it printed.

Raises `ProcessFailed` if it failed.
"""


@dataclass(frozen=True)
class Detection:
    """What repo2docker would build, and what that depends on.

    Attributes:
        buildpack: class name of its buildpack.
        binder_dir: `binder`, `.binder` or empty.
        python: the Python version wanted, `x.y`; empty where the buildpack has no say.
        runtime: `runtime.txt` as read, or empty.
        files: configuration files and their SHA-256.
        reasons: why the whole tree counts.
        remote: something comes from elsewhere than the package index.
        apt: what `apt.txt` names, sorted.
        r: `environment.yml` names R packages.
        cran: what a repository of R names in `DESCRIPTION` and `renv.lock`, sorted.
    """

    buildpack: str
    binder_dir: str
    python: str
    runtime: str
    files: tuple[tuple[str, str], ...]
    reasons: tuple[str, ...]
    remote: bool
    apt: tuple[str, ...] = ()
    r: bool = False
    cran: tuple[str, ...] = ()

    @property
    def determination(self) -> Determination:
        return Determination(self.files, self.reasons, self.remote)

    def file(self, name: str) -> str:
        """Path of a configuration file that is there, or an empty string."""
        path = f"{self.binder_dir}/{name}" if self.binder_dir else name
        return path if any(path == known for known, _ in self.files) else ""

    @property
    def lock(self) -> str:
        """Path of the lock file that packages are taken from, or an empty string."""
        return next(filter(None, map(self.file, READERS)), "")

    @property
    def conda_lock(self) -> str:
        """The same, if packages of it are conda's."""
        return self.lock if Path(self.lock).name in CONDA else ""

    @property
    def is_conda(self) -> bool:
        """Whether Python and other packages come from conda."""
        return self.buildpack == "CondaBuildPack" or bool(self.conda_lock)


class Detector:
    """Detects, and remembers beneath one folder.

    Args:
        folder: where answers are kept; made when needed.
        default_python: version for repositories that name none.
        available: versions this machine has, lowest first.
        ask: runs repo2docker, where an engine has a better place for that than this machine.
        locks: whether lock files that repo2docker does not read count.
    """

    def __init__(
        self,
        folder: Path,
        default_python: str,
        available: Sequence[str],
        ask: Ask | None = None,
        locks: bool = True,
    ) -> None:
        self.folder = folder
        self.default_python = default_python
        self.available = tuple(available)
        self._ask = ask or _on_this_machine
        self.locks = locks

    async def of(self, source: Source, scratch: Path) -> Detection:
        """What a fetched commit asks for, remembered or detected.

        Args:
            scratch: where its files are written for a moment, if they have to be looked at.

        Raises:
            BuildFailed: repo2docker cannot make sense of the configuration.
        """
        if known := self.recall(source.content):
            return known
        named = await configuration(source)
        if named and (known := self.recall(named)):
            self._remember(source.content, known)
            return known
        async with temporary_checkout(source, scratch) as files:
            detection = await self.detect(source.content, files)
        if named and _of_named_files(detection):
            self._remember(named, detection)
        return detection

    def recall(self, asked: str) -> Detection | None:
        """The remembered answer for a tree, or for its :func:`configuration`."""
        try:
            fields = json.loads(self._path(asked).read_text())
            fields["files"] = tuple((path, digest) for path, digest in fields["files"])
            fields |= {name: tuple(fields[name]) for name in ("reasons", "apt", "cran")}
            return Detection(**fields)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    async def detect(self, tree: str, checkout: Path) -> Detection:
        """Detect from the files of a tree, and remember.

        Raises:
            BuildFailed: repo2docker cannot make sense of the configuration.
        """
        await asyncio.to_thread(check_links, checkout)
        decision = await self._decided(checkout)
        asked = decision["buildpack"], decision["binder_dir"], reader(checkout)
        determination = await asyncio.to_thread(determine, *asked, locks=self.locks)
        python = decision["python"]
        if lock := determination.lock:
            fixed = bool(decision["runtime"])
            python = lock.choose(python, fixed, self.available)
            lock.check(Target(python, platform.machine()), fixed)
        detection = Detection(
            files=determination.files,
            reasons=determination.reasons,
            remote=determination.remote,
            buildpack=decision["buildpack"],
            binder_dir=decision["binder_dir"],
            python=python,
            runtime=decision["runtime"],
        )
        detection = _with_packages(detection, reader(checkout))
        check_scripts(detection.file, reader(checkout))
        self._remember(tree, detection)
        return detection

    async def _decided(self, checkout: Path) -> dict[str, str]:
        """What repo2docker says, from memory if it was asked of the same files before."""
        path = self._path(await asyncio.to_thread(question, checkout))
        with suppress(OSError, ValueError):
            known: dict[str, str] = json.loads(path.read_text())
            return known
        decision = await self._ask_repo2docker(checkout)
        _write(path, decision)
        return decision

    def _path(self, asked: str) -> Path:
        own = [self.default_python, self.available, self.locks]
        facts = [DETECTION, version("jupyter-repo2docker"), asked, *own]
        return self.folder / f"{sha256(json.dumps(facts).encode()).hexdigest()}.json"

    def _remember(self, asked: str, detection: Detection) -> None:
        _write(self._path(asked), asdict(detection))

    async def _ask_repo2docker(self, checkout: Path) -> dict[str, str]:
        words = [self.default_python, ",".join(self.available), str(DETECTION_MEMORY)]
        try:
            async with asyncio.timeout(DETECTION_TIME):
                answer = await self._ask(checkout, words)
            decision: dict[str, str] = json.loads(answer.splitlines()[-1])
        except TimeoutError as error:
            raise BuildFailed(
                "Reading the repository's configuration took too long. Make its files simpler."
            ) from error
        except (ProcessFailed, ValueError, IndexError) as error:
            detail = error.tail if isinstance(error, ProcessFailed) else ""
            raise BuildFailed(
                "repo2docker's detection failed on this repository.", detail=detail
            ) from error
        if "error" in decision:
            raise BuildFailed(
                "repo2docker cannot read the repository's configuration: {why}.",
                why=(decision["error"].partition(": ")[2] or decision["error"]).rstrip("."),
                detail=decision["error"],
            )
        return decision


async def configuration(source: Source) -> str | None:
    """A digest of the configuration of a commit, from Git's listing of its tree.

    Of two commits with the same digest repo2docker says the same.

    Returns:
        `None` where the files themselves have to be looked at: one of them is a link or a
        submodule, or there is no listing.
    """
    entries = await listed(source, _LISTED)
    if entries is None:
        return None
    named = [entry for entry in entries if entry.path in _COUNTED]
    if any(entry.mode not in _PLAIN for entry in named):
        return None
    facts = [(entry.path, entry.mode, "" if entry.mode == _FOLDER else entry.id) for entry in named]
    return f"files {sha256(json.dumps(sorted(facts)).encode()).hexdigest()}"


def _of_named_files(detection: Detection) -> bool:
    """Whether nothing but what :func:`configuration` names determined an answer."""
    determination = detection.determination
    return determination.by_files and _LOOKED_AT.issuperset(determination.names)


def question(checkout: Path) -> str:
    """A digest of all that repo2docker looks at to decide: which files there are, what is in them.

    Raises:
        BuildFailed: one of them is too large.
    """
    read = reader(checkout)
    seen: list[object] = []
    for folder in FOLDERS:
        seen.append((checkout / folder).is_dir())
        for name in DECIDING:
            content = read(str(Path(folder, name)))
            digest = None if content is None else sha256(content).hexdigest()
            seen.append((digest, (checkout / folder / name).exists()))
    return sha256(json.dumps(seen).encode()).hexdigest()


def _write(path: Path, fields: dict[str, Any]) -> None:
    """Write it as a whole or not at all."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}")
    partial.write_text(json.dumps(fields))
    partial.replace(path)


def _with_packages(detection: Detection, read: Read) -> Detection:
    apt = read(detection.file("apt.txt")) or b""
    file = detection.file("environment.yml") or detection.file("environment.yaml")
    is_r = detection.buildpack == "RBuildPack"
    return replace(
        detection,
        apt=apt_words(apt),
        r=bool(_R_PACKAGE.search(read(file) or b"")),
        cran=named(read, detection.binder_dir, detection.file(R_LOCK)) if is_r else (),
    )


def reader(checkout: Path) -> Read:
    """Reads files of a checkout by path; follows links inside it only."""
    root = checkout.resolve()

    def read(path: str) -> bytes | None:
        try:
            real = (root / path).resolve(strict=True)
            if not real.is_relative_to(root) or not stat.S_ISREG(real.stat().st_mode):
                return None
            with real.open("rb") as file:
                content = file.read(CONFIG_BYTES + 1)
        except (OSError, RuntimeError, ValueError):
            return None
        if len(content) > CONFIG_BYTES:
            raise BuildFailed(
                "{path} is larger than {size} MiB.",
                path=path,
                size=CONFIG_BYTES >> 20,
            )
        return content

    return read


def check_links(checkout: Path) -> None:
    """Refuse configuration that lies outside of the repository or is not a file.

    repo2docker follows links, and would otherwise read, and quote in an error, a file of this
    machine.

    Raises:
        BuildFailed: names the file.
    """
    root = checkout.resolve()
    for folder in FOLDERS:
        if not _inside(checkout / folder, root):
            raise BuildFailed(
                "{folder}/ is a link to a place outside of the repository.", folder=folder
            )
        for name in (*NAMES, *_IGNORES):
            path = checkout / folder / name
            if not _inside(path, root):
                raise BuildFailed(
                    "{path} is a link to a place outside of the repository.",
                    path=Path(folder) / name,
                )
            if path.exists() and not path.is_file() and folder:
                raise BuildFailed("{path} is not a file.", path=Path(folder) / name)


def _inside(path: Path, root: Path) -> bool:
    try:
        return path.resolve().is_relative_to(root)
    except (OSError, RuntimeError):
        return False


async def _on_this_machine(checkout: Path, words: Sequence[str]) -> str:
    """What `detector` prints, run as we are."""
    return await output(detector_command(str(checkout), words), env=detector_environment())


def detector_command(folder: str, words: Sequence[str]) -> list[str]:
    """The command that asks repo2docker."""
    return [sys.executable, "-P", "-m", f"{__package__}.detector", folder, *words]


def detector_environment() -> dict[str, str]:
    """Its whole environment: it has to find what we found, and nothing in the checkout."""
    paths = os.pathsep.join(path for path in sys.path if Path(path).is_absolute())
    return {"PATH": os.defpath, "PYTHONPATH": paths, "LC_ALL": "C.UTF-8"}
