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
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ..core.apt import apt_words
from ..core.devcontainer import DevContainer
from ..core.environment import R_LOCK, Determination, Read, determine
from ..core.errors import BuildFailed
from ..core.julialang import compat
from ..core.locks import CONDA, READERS, Target
from ..core.rlang import named
from ..core.sentences import Sentence, kept, read_kept
from ..ownfiles import put
from ..programs import ProcessFailed, output
from ..repos.base import Source
from ..storage.checkout import temporary_checkout
from .configuration import check_links, configuration, is_of_named_files, question, reader
from .devcontainers import devcontainer, with_files
from .scripts import check_scripts

DETECTION = 10
"""Version of what is remembered; raise it when the rules here or in `core` change."""

DETECTION_TIME = 30.0
"""Seconds that repo2docker may look at files: its readers take days for some that others write."""

DETECTION_MEMORY = 2 << 30
"""Bytes of memory it may take for that, as far as its own process counts them."""

_R_PACKAGE = re.compile(rb"^[ \t]*+-\s*+[\"']?(?:[\w.-]+::)?r-", re.MULTILINE)

_NO_DEVCONTAINER = DevContainer("", {})

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
        julia: the versions of Julia that a project of it allows, as it says, or empty.
        devcontainer: path of the `devcontainer.json` that counts, or empty.
        made: names and texts of the files that stand for it; `files` has them too.
        notes: what of it is not done.
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
    julia: str = ""
    devcontainer: str = ""
    made: tuple[tuple[str, str], ...] = ()
    notes: tuple[Sentence, ...] = ()

    @property
    def determination(self) -> Determination:
        return Determination(self.files, self.reasons, self.remote)

    def file(self, name: str) -> str:
        """Path of a configuration file that is there, or an empty string."""
        path = f"{self.binder_dir}/{name}" if self.binder_dir else name
        return path if any(path == known for known, _ in self.files) else ""

    def named(self, name: str) -> str:
        """The same, as people know it: what was made of a `devcontainer.json` is in that."""
        return self.devcontainer if name in dict(self.made) else self.file(name)

    @property
    def names(self) -> tuple[str, ...]:
        """Paths of the files in the repository that determine the environment."""
        made = dict(self.made)
        own = [path for path, _ in self.files if path not in made]
        return tuple(sorted([*own, self.devcontainer] if made else own))

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
        devcontainers: whether a `devcontainer.json` does.
    """

    def __init__(
        self,
        folder: Path,
        default_python: str,
        available: Sequence[str],
        ask: Ask | None = None,
        locks: bool = True,
        devcontainers: bool = True,
    ) -> None:
        self.folder = folder
        self.default_python = default_python
        self.available = tuple(available)
        self._ask = ask or _on_this_machine
        self.locks = locks
        self.devcontainers = devcontainers

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
        if named and is_of_named_files(detection.determination):
            self._remember(named, detection)
        return detection

    def recall(self, asked: str) -> Detection | None:
        """The remembered answer for a tree, or for its :func:`configuration`."""
        try:
            fields = json.loads(self._path(asked).read_text())
            fields["files"] = tuple((path, digest) for path, digest in fields["files"])
            fields["made"] = tuple((name, text) for name, text in fields["made"])
            fields["notes"] = read_kept(fields["notes"])
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
        decision, read = await self._decided(checkout), reader(checkout)
        asked = decision["buildpack"], decision["binder_dir"]
        determination = await asyncio.to_thread(determine, *asked, read, locks=self.locks)
        container = await self._devcontainer(checkout, asked, determination, read)
        if container.files:
            read = with_files(read, container.files)
            determination = await asyncio.to_thread(determine, *asked, read, locks=False)
            decision |= _runtime(container)
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
            devcontainer=container.path,
            made=tuple(container.files.items()),
            notes=container.notes,
        )
        detection = _with_packages(detection, read)
        check_scripts(detection.file, read)
        self._remember(tree, detection)
        return detection

    async def _devcontainer(
        self, checkout: Path, asked: tuple[str, str], determination: Determination, read: Read
    ) -> DevContainer:
        if not self.devcontainers:
            return _NO_DEVCONTAINER
        known = await asyncio.to_thread(devcontainer, checkout, *asked, determination, read)
        return known or _NO_DEVCONTAINER

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
        own = [self.default_python, self.available, self.locks, self.devcontainers]
        facts = [DETECTION, version("jupyter-repo2docker"), asked, *own]
        return self.folder / f"{sha256(json.dumps(facts).encode()).hexdigest()}.json"

    def _remember(self, asked: str, detection: Detection) -> None:
        _write(self._path(asked), asdict(detection) | {"notes": kept(detection.notes)})

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
            raise _unread(decision["error"], decision.get("file", ""))
        return decision


def _unread(error: str, path: str) -> BuildFailed:
    """The words for what repo2docker's readers stumbled over, in the file they were reading."""
    why = (error.partition(": ")[2] or error).rstrip(".")
    if path:
        return BuildFailed(
            "repo2docker cannot read {path}: {why}. Correct it in the repository.",
            path=path,
            why=why,
            detail=error,
        )
    return BuildFailed(
        "repo2docker cannot read the repository's configuration: {why}.", why=why, detail=error
    )


def _write(path: Path, fields: dict[str, Any]) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    put(path, json.dumps(fields).encode())


def _runtime(container: DevContainer) -> dict[str, str]:
    """What repo2docker would say of the Python that it asks for, if it asks for one."""
    runtime = container.files.get("runtime.txt", "").strip()
    return {"runtime": runtime, "python": runtime.removeprefix("python-")} if runtime else {}


def _with_packages(detection: Detection, read: Read) -> Detection:
    apt = read(detection.file("apt.txt")) or b""
    file = detection.file("environment.yml") or detection.file("environment.yaml")
    is_r = detection.buildpack == "RBuildPack"
    project = detection.file("JuliaProject.toml") or detection.file("Project.toml")
    return replace(
        detection,
        apt=apt_words(apt),
        r=bool(_R_PACKAGE.search(read(file) or b"")),
        cran=named(read, detection.binder_dir, detection.file(R_LOCK)) if is_r else (),
        julia=compat(read(project) or b"") if project else "",
    )


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
