"""Where things are in the containers of a build, and in the data directory for one. Only names."""

from __future__ import annotations

from pathlib import Path

from ...core.layout import DataDirectory

ORDER = Path("/job")
"""What the service asks for: `order.json`, `context`, and `trusted` authorities."""

STORE = Path("/var/lib/containers")
"""Where buildah keeps images while it builds."""

PUSHED = "pushed"
"""In the store: what the container that pushes knows of layers that the registry has already."""

TRUSTED = Path("/trusted")
"""Where the container that pushes finds an administrator's authorities, if there are any."""

RESULT = Path("/result")
"""What is built is left here for the container that pushes it."""

MESSAGE = Path("/dev/termination-log")
"""What a container says last, for whoever looks at its pod."""


def folder(layout: DataDirectory, key: str) -> Path:
    """What a build is given, in the data directory: there as long as its Job is."""
    return layout.run / "jobs" / key
