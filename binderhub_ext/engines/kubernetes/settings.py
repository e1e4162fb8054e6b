"""What an administrator can set about builds of the `kubernetes` engine."""

from __future__ import annotations

from typing import Any

from traitlets import Dict, Float, List, TraitError, Unicode, validate

from ...traits import Bytes
from ..containers.settings import ContainerBuilder
from .cluster import Cluster
from .daemon import BuildDaemon, is_address
from .jobs import BuildOptions


class Settings(ContainerBuilder):
    """The traits of :class:`~.build.KubernetesBuilder`; nothing happens here."""

    build_memory = Bytes(
        "4G",
        help="Bytes of memory a build may take (default 4 GiB); one that wants more is ended.",
    ).tag(config=True)

    build_cpu = Float(2, help="Processors a build may take (default 2).").tag(config=True)

    build_disk = Bytes(
        help="""
        Bytes of its node's disk that a build may take; one that wants more is ended. Default 0:
        as much as there is.
        """,
    ).tag(config=True)

    environment = Dict(
        value_trait=Unicode(),
        key_trait=Unicode(),
        help="""
        Environment variables of the container that builds, such as a proxy (`HTTPS_PROXY`), which
        is passed on to what a repository runs in its build. Default: none.
        """,
    ).tag(config=True)

    node_selector = Dict(
        value_trait=Unicode(),
        key_trait=Unicode(),
        help="Labels of the nodes builds may run on. Default: any node.",
    ).tag(config=True)

    tolerations = List(
        Dict(), help="Taints of nodes that builds tolerate, as in a pod. Default: none."
    ).tag(config=True)

    priority_class = Unicode(
        help="Name of the PriorityClass of builds. Default: the cluster's own."
    ).tag(config=True)

    cache_claim = Unicode(
        help="""
        Name of a claim on which layers are kept from build to build. What a repository runs in
        its build can change what later builds find there, so only with people you trust. Default:
        none, each build begins with an empty disk.
        """
    ).tag(config=True)

    buildkit_address = Unicode(
        help="""
        Address of a BuildKit daemon (`tcp://buildkitd.example:1234`) in which the Job has images
        built, in place of building them itself. The daemon has its own limits, network and layer
        cache: `build_memory`, `build_cpu` and `cache_claim` say nothing of it, and of `environment`
        its steps get what says how to reach a proxy. The image comes through the Job, on whose
        node it may take `build_disk`. Default: none.
        """
    ).tag(config=True)

    buildkit_secret = Unicode(
        help="""
        Name of a Secret (`kubernetes.io/tls`, with `ca.crt` besides `tls.crt` and `tls.key`) with
        the certificates by which the Job and that daemon know each other. Nothing of a
        repository runs where it is. Default: none, and whoever reaches the daemon can use it.
        """
    ).tag(config=True)

    push_secret = Unicode(
        help="""
        Name of a Secret (`kubernetes.io/dockerconfigjson`) with which images are pushed. Only the
        container that pushes has it, in which nothing of a repository runs. Default: none.
        """
    ).tag(config=True)

    pull_secret = Unicode(
        help="""
        Name of such a Secret with which images are pulled that builds begin from. What a
        repository runs in its build can read it, or use it through a BuildKit daemon: give it
        nothing but that. Default: none.
        """
    ).tag(config=True)

    prepull_timeout = Float(
        1800,
        min=0,
        help="""
        Seconds that *Prepare* waits for nodes to pull an image (default half an hour), all of them
        on which servers may run. 0: it ends with the image in the registry.
        """,
    ).tag(config=True)

    prepull_size = Bytes(
        "10G",
        help="""
        Bytes of an image, as the registry keeps it, up to which *Prepare* has nodes pull it
        (default 10 GiB). A larger one could fill the disks of all nodes at once, from which each
        then takes people's servers: it is pulled where a server starts. 0: any.
        """,
    ).tag(config=True)

    @property
    def cluster(self) -> Cluster:
        return Cluster(parent=self)

    @validate("buildkit_address")
    def _is_daemon(self, proposal: dict[str, Any]) -> str:
        address = str(proposal["value"])
        if address and not is_address(address):
            raise TraitError(f"buildkit_address {address!r} is not like tcp://buildkitd:1234")
        return address

    @property
    def build_daemon(self) -> BuildDaemon | None:
        """The BuildKit daemon that builds, if one does."""
        if not self.buildkit_address:
            return None
        return BuildDaemon(self.buildkit_address, self.buildkit_secret)

    @property
    def build_options(self) -> BuildOptions:
        """What one build may have."""
        return BuildOptions(
            seconds=self.build_timeout,
            memory=self.build_memory,
            cpu=self.build_cpu,
            disk=self.build_disk,
            environment=self.environment,
            node_selector=self.node_selector,
            tolerations=self.tolerations,
            cache_claim=self.cache_claim,
            push_secret=self.push_secret,
            pull_secret=self.pull_secret,
            priority=self.priority_class,
            daemon=self.build_daemon,
        )

    @property
    def insecure_registries(self) -> list[str]:
        """Hosts of registries that speak plain HTTP."""
        host = self.cluster.repository.partition("/")[0]
        return [host] if self.cluster.insecure_registry else []
