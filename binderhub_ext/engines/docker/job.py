"""What the builder asks of the program that runs repo2docker."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

REPO_DIR = "/srv/repo"
"""Where the repository's files lie in the image: outside the home, which a mount would hide."""


def own_caches(name: str) -> list[str]:
    """Arguments of `docker buildx build` by which names of caches begin with another.

    Else a step's cache (`RUN --mount=type=cache`) is the same for all builds on the machine, so
    that one repository writes what another installs.
    """
    return [f"--build-arg=BUILDKIT_CACHE_MOUNT_NS={name}"]


PODMAN = "binder-podman"
"""Our engine for Podman, by its name for repo2docker."""


@dataclass(frozen=True)
class Job:
    """One build.

    Attributes:
        context: folder with the files the build may see.
        image: name the image gets.
        labels: labels it gets, whatever the repository says.
        cache: what names of the caches that its steps ask for begin with.
        buildpack: `stock` or `uv`.
        base_image: image to build on; empty for repo2docker's own.
        buildx_args: further arguments of `docker buildx build`.
        engine: repo2docker's name of the container engine.
    """

    context: str
    image: str
    labels: dict[str, str] = field(default_factory=dict)
    cache: str = ""
    buildpack: str = "stock"
    base_image: str = ""
    buildx_args: list[str] = field(default_factory=list)
    engine: str = "docker"

    @property
    def own_caches(self) -> list[str]:
        """Arguments that keep the caches of its steps from all other builds."""
        return own_caches(self.cache) if self.cache else []

    def to_json(self) -> str:
        return json.dumps(asdict(self))
