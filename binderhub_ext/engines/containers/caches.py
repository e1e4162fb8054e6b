"""Caches that steps of a Dockerfile ask for (`RUN --mount=type=cache`), where BuildKit builds.

They are found by their names, which are the same in every build of a daemon. And so is what came of
a step: if a Dockerfile names a cache (`id=`) or says how it is shared, BuildKit takes the step for
another build's, whatever was in the cache there, and even where names begin with something else.
"""

from __future__ import annotations

from pathlib import Path

from ..configuration import reader
from ..detect import Detection


def own_caches(name: str, *, apart: bool = False) -> dict[str, str]:
    """Arguments of a build that keep the caches of its steps from all other builds.

    Args:
        name: what names of its caches begin with.
        apart: also what comes of its steps is found again by builds of this name alone.
    """
    own = {"BUILDKIT_CACHE_MOUNT_NS": name}
    # A step that sees another name of its machine is another step.
    return {**own, "BUILDKIT_SANDBOX_HOSTNAME": name} if apart else own


def asks_for_caches(context: Path, detection: Detection) -> bool:
    """Whether a repository has a Dockerfile whose steps ask for caches.

    Args:
        context: the folder of a build.
    """
    path = detection.file("Dockerfile")
    return bool(path) and b"type=cache" in (reader(context)(path) or b"")
