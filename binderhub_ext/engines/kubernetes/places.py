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

CONTEXT, WRITTEN = RESULT / "context", RESULT / "written.json"
"""What a BuildKit daemon is to build is left here for the container that asks it."""

CERTIFICATES = Path("/certificates")
"""Where that finds the certificates by which the daemon and it know each other, if any."""

PULLING = Path("/pulling")
"""Where credentials are for images that builds begin from, if there are any."""

TRUSTING = "localhost/trusting-base"
"""The base image, with an administrator's authorities: its name during a build."""

MESSAGE = Path("/dev/termination-log")
"""What a container says last, for whoever looks at its pod."""


def folder(layout: DataDirectory, key: str) -> Path:
    """What a build is given, in the data directory: there as long as its Job is."""
    return layout.run / "jobs" / key
