"""What an engine asks of the program that runs repo2docker."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

REPO_DIR = "/srv/repo"
"""Where the repository's files lie in the image: outside the home, which a mount would hide."""


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
    """

    context: str
    image: str
    labels: dict[str, str] = field(default_factory=dict)
    buildpack: str = "stock"
    base_image: str = ""
    engine: str = "docker"

    def to_json(self) -> str:
        return json.dumps(asdict(self))
