"""Have repo2docker write what a BuildKit daemon is to build, in the first container of a pod.

It reads what a repository wrote, so it has nothing of value: no certificate, no credentials. The
next container, which has them, reads nothing but what is written here, and hands it on.

Usage: python -m binderhub_ext.engines.kubernetes.writer
"""

from __future__ import annotations

import json
import os
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, BinaryIO

from repo2docker.engine import ContainerEngine

from ..containers.application import configured
from ..containers.order import BuildOrder
from ..containers.planning import repo2docker_base
from ..containers.trust import FILE
from .buildah import AS_IT_IS
from .lastwords import last_words
from .places import CONTEXT, ORDER, TRUSTING, WRITTEN

ENGINE = "binder-writer"
"""Our engine, by its name for repo2docker."""


class WritingEngine(ContainerEngine):
    """Builds nothing for repo2docker: writes what there is to build."""

    string_output = True

    def build(
        self,
        *,
        buildargs: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        dockerfile: str = "",
        fileobj: BinaryIO | None = None,
        **_unused: Any,
    ) -> Iterator[str]:
        """Write it: what is packed, or else what is built of the repository's own folder."""
        if fileobj is not None:
            with tarfile.open(fileobj=fileobj) as tar:
                tar.extractall(CONTEXT, **AS_IT_IS)
        written = {
            "packed": fileobj is not None,
            "file": dockerfile or "Dockerfile",
            "arguments": dict(buildargs or {}),
            "labels": dict(labels or {}),
        }
        WRITTEN.write_text(json.dumps(written))
        yield "Handing the build on"

    def inspect_image(self, image: str) -> None:
        """What is known of an image: nothing; see repo2docker."""


def main() -> None:
    asked = json.loads((ORDER / "order.json").read_text())
    if asked["from"]:
        return
    # Git must not take a repository's files for a repository of its own.
    os.environ["GIT_DIR"] = os.devnull
    order = BuildOrder(**asked["order"])
    trusting = (ORDER / "trusted" / FILE).exists()
    base = TRUSTING if trusting else order.base_image or repo2docker_base()
    with last_words():
        app = configured(replace(order, base_image=base))
        app.labels = dict(order.labels)
        app.build()


if __name__ == "__main__":
    main()
