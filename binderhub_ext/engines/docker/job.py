"""What the builder asks of the program that runs repo2docker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..containers.caches import own_caches
from ..containers.order import BuildOrder

PODMAN = "binder-podman"
"""Our engine for Podman, by its name for repo2docker."""


@dataclass(frozen=True)
class Job(BuildOrder):
    """One build on a daemon.

    Attributes:
        cache: what names of the caches that its steps ask for begin with.
        apart: whether they ask for any, as of :mod:`..containers.caches`.
        buildx_args: further arguments of `docker buildx build`.
    """

    cache: str = ""
    apart: bool = False
    buildx_args: list[str] = field(default_factory=list)

    @property
    def own_caches(self) -> list[str]:
        """Arguments that keep the caches of its steps from all other builds."""
        if self.cache:
            return build_arguments(own_caches(self.cache, apart=self.apart))
        # Podman knows a step by its words alone.
        return ["--no-cache"] if self.apart else []


def build_arguments(arguments: Mapping[str, str]) -> list[str]:
    """As `docker buildx build` has them."""
    return [f"--build-arg={name}={value}" for name, value in arguments.items()]
