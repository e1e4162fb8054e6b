"""What a launch adds to the pod that KubeSpawner makes of its settings. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..containers.beginning import entrypoint
from ..ending import EndingMixin
from ..preparing import Prepared
from . import labels
from .pods import NOTEBOOK, DataClaim, as_is, of_server

_OF_LINKS = "BINDER_"
"""How variables begin that say what was launched."""


def complete(pod: Any, marks: Mapping[str, str], guarantees: Mapping[str, float]) -> None:
    """Add what every server gets.

    Args:
        pod: KubeSpawner's, changed in place.
        marks: labels by which we find it again.
        guarantees: what its node keeps for it, where an administrator says nothing else.
    """
    requests = server_of(pod).resources.requests
    for name, amount in guarantees.items():
        if amount:
            requests.setdefault(name, amount)
    pod.spec.enable_service_links = False
    # A server that ended is started by the Hub, which looks at everything anew.
    pod.spec.restart_policy = "Never"
    pod.metadata.labels.update({**labels.NETWORK, **marks})


def add_launch(
    pod: Any,
    prepared: Prepared,
    directory: str,
    data: DataClaim,
    first: Mapping[str, Any] | None,
    ending: EndingMixin,
) -> None:
    """Add what one launch needs.

    Args:
        pod: KubeSpawner's, changed in place.
        prepared: the launch.
        directory: in which the server works.
        first: a container that runs before all others.
        ending: how long what runs in it may take for its end.
    """
    server, spec = server_of(pod), pod.spec
    pod.metadata.labels[labels.FILES] = str(prepared.launch.files)
    theirs = [str(each.name) for each in spec.image_pull_secrets or ()]
    names = dict.fromkeys([*theirs, *data.cluster.pull_secrets])
    spec.image_pull_secrets = [{"name": name} for name in names] or None
    spec.volumes = [*(spec.volumes or ()), data.volume]
    server.working_dir = directory
    spec.termination_grace_period_seconds = ending.end_timeout
    begins = entrypoint(prepared.image.known, prepared.launch, data.layout, ending)
    # Otherwise the image's own ENTRYPOINT, if it has one.
    server.command = begins or server.command
    seen = [data.mount(place) for place in of_server(prepared.mounts, data.layout)]
    server.volume_mounts = [*seen, *(server.volume_mounts or ())]
    if prepared.groups:
        context = dict(spec.security_context or {})
        groups = {*context.get("supplementalGroups", ()), *prepared.groups}
        spec.security_context = {**context, "supplementalGroups": sorted(groups)}
    if first:
        spec.init_containers = [first, *(spec.init_containers or ())]


def server_of(pod: Any) -> Any:
    """The container of a pod that is the server."""
    (server,) = [each for each in pod.spec.containers if each.name == NOTEBOOK]
    return server


def literal(env: Mapping[str, str]) -> dict[str, str]:
    """Variables as a pod has to have them so that a link's own words in them stay words."""
    return {
        name: as_is(value) if name.startswith(_OF_LINKS) else value for name, value in env.items()
    }
