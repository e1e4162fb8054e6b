"""What an engine asks of the program that runs repo2docker."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

REPO_DIR = "/srv/repo"
"""Where the repository's files lie in the image: outside the home, which a mount would hide."""


@dataclass(frozen=True)
class LockedPackages:
    """The packages of a lock file.

    Attributes:
        folder: where the lines are, in the build's folder.
        python: the version of Python, as repo2docker would choose one.
        versions: what Python has to be; empty if the repository names one otherwise.
    """

    folder: str
    python: str
    versions: str


@dataclass(frozen=True)
class BuildOrder:
    """One build.

    Attributes:
        context: folder with the files the build may see.
        image: name the image gets.
        labels: labels it gets, whatever the repository says.
        buildpack: `stock` or `uv`.
        base_image: image to build on; empty for repo2docker's own.
        engine: repo2docker's name of the container engine.
        lock: folder, Python and its versions (:class:`LockedPackages`) if a lock file counts.
    """

    context: str
    image: str
    labels: dict[str, str] = field(default_factory=dict)
    buildpack: str = "stock"
    base_image: str = ""
    engine: str = "docker"
    lock: dict[str, str] = field(default_factory=dict)

    @property
    def locked(self) -> LockedPackages | None:
        return LockedPackages(**self.lock) if self.lock else None

    def to_json(self) -> str:
        return json.dumps(asdict(self))
