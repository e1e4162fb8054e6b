"""What an administrator can set about builds of every engine with container images."""

from __future__ import annotations

from traitlets import Enum, List, Unicode, default

from ..base import Builder


class ContainerBuilder(Builder):
    """What `DockerBuilder` and `KubernetesBuilder` share, and can be set as theirs too."""

    buildpack = Enum(
        ["stock", "uv"],
        "stock",
        help="""
        How Python repositories are built. `stock` (default): by repo2docker's own build pack,
        as on mybinder.org. `uv`: by ours, which installs the same in seconds and needs only
        the package index and the base image's packages, but takes the base image's Python
        unless runtime.txt names a version. Other repositories are built alike by both.
        """,
    ).tag(config=True)

    base_image = Unicode(
        help="""
        Image to build on, with apt and ending as root. Default: repo2docker's own. A change
        gives every environment a new key.
        """
    ).tag(config=True)

    pinned = List(
        Unicode(), help="Names of images that are never removed, however old. Default: none."
    ).tag(config=True)

    @default("max_total_size")
    def _max_total_size(self) -> str:
        return "200G"
