"""What a container image of a repository will be, decided before anything is built."""

from __future__ import annotations

import platform
import sys
import warnings
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path, PurePath

from ...core.environment import R_LOCK, Ingredients, describe, environment_key
from ...core.errors import Unsupported
from ...core.layout import DataDirectory
from ...core.sentences import Sentence, together
from ...repos.base import Source
from ..base import Environment
from ..detect import Detection, Detector
from .packages import SERVER_PACKAGES, UV_PACK

_HANDED = "another builds it, of the whole commit"


@dataclass(frozen=True)
class Plan:
    """All that is decided before a build."""

    detection: Detection
    environment: Environment


@dataclass(frozen=True)
class Recipe:
    """What an image depends on besides its repository.

    Attributes:
        name: of the engine's way to build; raised when it makes another environment of the
            same files.
        buildpack: `stock` or `uv`.
        base_image: image to build on; empty for repo2docker's own.
        authorities: what tells base images with certificate authorities of the
            administrator's apart; empty where there are none.
        locks: whether lock files that repo2docker does not read count.
        devcontainers: whether a `devcontainer.json` does.
    """

    name: str
    buildpack: str
    base_image: str
    authorities: str = ""
    locks: bool = True
    devcontainers: bool = True

    async def plan(self, source: Source, layout: DataDirectory, scratch: Path) -> Plan:
        """Detect what a source asks for, and name the environment.

        Args:
            scratch: where its files may be for a moment.

        Raises:
            BuildFailed: repo2docker cannot make sense of the configuration.
            Unsupported: its packages are those of a lock file of conda.
        """
        plans, counts = layout.cache / "plans", (self.locks, self.devcontainers)
        detector = Detector(plans, *repo2docker_pythons(), None, *counts)
        detection = await detector.of(source, scratch)
        if detection.conda_lock:
            raise Unsupported(
                "{path} is read by the local engine alone. Put the packages into an "
                "environment.yml beside it, open the files in the plain environment, or ask the "
                "administrator for that engine.",
                path=detection.conda_lock,
            )
        return self._decide(detection, source.whole)

    def handed(self, plan: Plan, tree: str) -> Plan:
        """The same where another builds it, of the whole commit.

        Such a build sees all files, and may read others than ours does.
        """
        detection = plan.detection
        determination = replace(detection.determination, reasons=(_HANDED,))
        key = environment_key(self.ingredients, determination, detection.binder_dir, tree)
        return replace(plan, environment=replace(plan.environment, key=key))

    def plain(self) -> Plan:
        """The environment of no repository."""
        python = repo2docker_pythons()[0]
        return self._decide(Detection("PythonBuildPack", "", python, "", (), (), False), "")

    def _decide(self, detection: Detection, tree: str) -> Plan:
        determination = detection.determination
        key = environment_key(self.ingredients, determination, detection.binder_dir, tree)
        named = detection.names, detection.notes
        return Plan(detection, Environment(key, kind_of(detection), *named))

    @property
    def _pack(self) -> str:
        return UV_PACK if self.buildpack == "uv" else self.buildpack

    @property
    def ingredients(self) -> Ingredients:
        """What goes into every key."""
        return Ingredients(
            builder=f"{self.name}, repo2docker {version('jupyter-repo2docker')}, {self._pack}",
            platform=f"{sys.platform}-{platform.machine()}",
            interpreter=" ".join(filter(None, (self.base_image, self.authorities))),
            base=SERVER_PACKAGES if self.buildpack == "uv" else (),
        )


def kind_of(detection: Detection) -> Sentence:
    """What a person calls the environment."""
    named = detection.buildpack.removesuffix("BuildPack")
    if detection.buildpack in ("PythonBuildPack", "PipfileBuildPack"):
        return describe(detection.names, detection.python)
    read = [name for name in detection.names if PurePath(name).name != R_LOCK]
    return together(named, read[:3])


def repo2docker_pythons() -> tuple[str, list[str]]:
    """repo2docker's own default Python version, and all it can build, lowest first."""
    with warnings.catch_warnings():
        # repo2docker still takes its log's format from where that no longer lives.
        warnings.simplefilter("ignore", DeprecationWarning)
        from repo2docker.buildpacks.conda import CondaBuildPack
        from repo2docker.buildpacks.conda.supported_python_version import SUPPORTED_PYTHON_VERSION

    return CondaBuildPack.major_pythons["3"], list(SUPPORTED_PYTHON_VERSION)


def repo2docker_base() -> str:
    """The image repo2docker builds on by default."""
    from repo2docker.app import Repo2Docker

    return str(Repo2Docker.base_image.default_value)
