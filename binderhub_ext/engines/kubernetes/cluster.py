"""What an administrator says about the cluster: for Hub and service alike."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path, PurePosixPath

from traitlets import Bool, List, Unicode, default
from traitlets.config import Configurable

from ...core.layout import DataDirectory

IMAGE_VARIABLE = "BINDER_AT_HOME_IMAGE"
"""Environment variable in which a container of our image finds that image's name."""

POD_VARIABLES = ("BINDER_AT_HOME_POD", "BINDER_AT_HOME_POD_UID")
"""Those in which a container finds its own pod's name and identity, which the chart sets."""

_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_DIGITS = 12


class Cluster(Configurable):
    """Where in the cluster things are. Set it where both Hub and service read it."""

    namespace = Unicode(
        help="""Namespace of builds and servers, which is that of the claim. Default: the one the
        Hub and the service run in, outside of a cluster `default`."""
    ).tag(config=True)

    data_claim = Unicode(
        "binder-data",
        help="""Name of the claim that has the data directory (default `binder-data`). All nodes
        must be able to mount it, on a cluster of more than one.""",
    ).tag(config=True)

    data_path = Unicode(
        help="""Folder in the claim that is the data directory. Default: the claim's own root."""
    ).tag(config=True)

    image = Unicode(
        help=f"""Our own image, which builds and does the work on files before a server starts.
        Default: what `{IMAGE_VARIABLE}` says, which the chart sets."""
    ).tag(config=True)

    pull_policy = Unicode(
        "IfNotPresent",
        help="When nodes pull our own image (default `IfNotPresent`), as Kubernetes has it.",
    ).tag(config=True)

    pull_secrets = List(
        Unicode(),
        help="""Names of Secrets with which nodes pull images, of environments and our own.
        Default: none.""",
    ).tag(config=True)

    repository = Unicode(
        help="""Where images of environments are kept, such as `registry.example.org/binder`; the
        environment key is the tag. Required."""
    ).tag(config=True)

    node_repository = Unicode(
        help="""The same place as nodes call it, which do not resolve names of the cluster: such as
        `127.0.0.1:30500/binder` for a registry behind a port of every node. Default: as
        `repository`."""
    ).tag(config=True)

    insecure_registry = Bool(
        False,
        help="Whether that registry speaks plain HTTP, as one inside the cluster may. Default: no.",
    ).tag(config=True)

    registry_credentials = Unicode(
        help="""File with credentials for that registry, in the form of Docker's `config.json`, with
        which images are looked up and old ones removed. Default: none."""
    ).tag(config=True)

    @default("namespace")
    def _own_namespace(self) -> str:
        return _namespace_here() or "default"

    @default("image")
    def _own_image(self) -> str:
        return os.environ.get(IMAGE_VARIABLE, "")

    @default("node_repository")
    def _everybodys_name(self) -> str:
        return self.repository

    @property
    def hub(self) -> str:
        """A name for this hub that no other in the namespace has: two have two data directories."""
        place = f"{self.namespace}\0{self.data_claim}\0{self.data_path.strip('/')}"
        return sha256(place.encode()).hexdigest()[:_DIGITS]

    @property
    def own_pod(self) -> list[dict[str, str]]:
        """The pod that this process is in, as the owner of what shall end with it.

        None where that cannot be told, or where things are in another namespace: the cluster would
        take such an owner for gone.
        """
        name, uid = (os.environ.get(variable, "") for variable in POD_VARIABLES)
        if not (name and uid and self.namespace == _namespace_here()):
            return []
        return [{"apiVersion": "v1", "kind": "Pod", "name": name, "uid": uid}]

    def sub_path(self, layout: DataDirectory, place: Path) -> str:
        """What in the claim is a place of the data directory."""
        return str(PurePosixPath(self.data_path.strip("/")) / place.relative_to(layout.root))


def _namespace_here() -> str:
    """The namespace of the pod that this process is in; empty outside of one."""
    try:
        return _NAMESPACE.read_text(encoding="ascii").strip()
    except OSError:
        return ""
