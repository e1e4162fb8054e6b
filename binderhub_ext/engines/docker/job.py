"""What the builder asks of the program that runs repo2docker."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..containers.order import BuildOrder


def own_caches(name: str) -> list[str]:
    """Arguments of `docker buildx build` by which names of caches begin with another.

    Else a step's cache (`RUN --mount=type=cache`) is the same for all builds on the machine, so
    that one repository writes what another installs.
    """
    return [f"--build-arg=BUILDKIT_CACHE_MOUNT_NS={name}"]


PODMAN = "binder-podman"
"""Our engine for Podman, by its name for repo2docker."""


@dataclass(frozen=True)
class Job(BuildOrder):
    """One build on a daemon.

    Attributes:
        cache: what names of the caches that its steps ask for begin with.
        buildx_args: further arguments of `docker buildx build`.
    """

    cache: str = ""
    buildx_args: list[str] = field(default_factory=list)

    @property
    def own_caches(self) -> list[str]:
        """Arguments that keep the caches of its steps from all other builds."""
        return own_caches(self.cache) if self.cache else []
