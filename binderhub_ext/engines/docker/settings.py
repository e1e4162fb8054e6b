"""What an administrator can set about builds of the `docker` engine."""

from __future__ import annotations

from traitlets import Bool, Enum, Float, List, Unicode, default

from ...traits import Bytes, Cidr
from ..containers.settings import ContainerBuilder
from .network import METADATA


class Settings(ContainerBuilder):
    """The traits of :class:`~.build.DockerBuilder`; nothing happens here."""

    cli = Enum(
        ["docker", "podman"],
        "docker",
        help="""
        Program that builds and keeps images: `docker` (default) or `podman`. Servers
        are started by Docker in any case: with Podman, images reach them through a registry.
        """,
    ).tag(config=True)

    image_prefix = Unicode(
        "binder-at-home/",
        help="""
        What names of images begin with (default `binder-at-home/`); the environment key
        follows. Give each of two hubs on one daemon its own.
        """,
    ).tag(config=True)

    use_registry = Bool(
        False,
        help="""
        Whether images are also kept in the registry that `image_prefix` begins with, such as
        `registry.example.org/binder/`: what is there already is pulled in place of a build, what
        was built is pushed. Default: no, they are on this machine alone.
        """,
    ).tag(config=True)

    registry_credentials = Unicode(
        help="""
        File with credentials for registries, in the form of Docker's `config.json`. It is read
        when an image is moved and shows up nowhere. Default: what `docker login` left for the
        account of the service, which opens images to anybody's Dockerfile too.
        """
    ).tag(config=True)

    pull_every = Float(
        86400,
        help="""
        Seconds after which a prebuilt image that links may name is looked for anew in its
        registry (default one day): its name may stand for a newer one.
        """,
    ).tag(config=True)

    buildx_args = List(
        Unicode(), help="Further arguments of `docker buildx build`. Default: none."
    ).tag(config=True)

    build_memory = Bytes(
        help="""
        Bytes of memory all builds together may take (with Podman: each of them); a build that
        wants more is ended. Default 0: no limit. With Docker it takes root and an engine that makes
        control groups itself; `doctor` says whether it holds.
        """,
    ).tag(config=True)

    build_cpu = Float(0, help="Processors all builds may take, likewise. Default 0: no limit.").tag(
        config=True
    )

    blocked_networks = List(
        Cidr(),
        list(METADATA),
        help="""
        Networks that builds do not reach, besides this machine itself, as far as the service may
        set packet filter rules (as root). Default: where clouds tell a machine its secrets. The
        rules are for the network builds run on, Docker's default bridge (Podman's own network
        with Podman), so they hold for other containers there too (docs/how-to/docker.md).
        """,
    ).tag(config=True)

    allowed_networks = List(
        Cidr(),
        help="""
        Networks or addresses that builds reach although they are in a blocked network or of this
        machine itself: say, where a package index is. Default: none.
        """,
    ).tag(config=True)

    @default("min_free_space")
    def _min_free_space(self) -> str:
        return "5G"
