"""Which servers of one person may run beside each other on one claim.

The kubelet mounts a folder of a claim by its name, and follows a link in it as far as the claim
goes. A project's folder lies below folders of its person's. Nobody but a server that sees the whole
home can put a link in its place, so none of those runs while a project's folder is being mounted
into another server: what a link would lead to is somebody else's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...core.errors import Conflict
from ...core.launch import Files, Launch
from . import labels

_USER = "hub.jupyter.org/username"
_SERVER = "hub.jupyter.org/servername"
_ENDED = ("Succeeded", "Failed")


def refuse_side_by_side(
    launch: Launch, user: str, starting: Iterable[Any], pods: Mapping[str, Mapping[str, Any]]
) -> None:
    """Refuse a start that another server of its person makes unsafe.

    Args:
        launch: what is to be started.
        user: whose it is.
        starting: the person's other spawners; those count that are in the middle of a start.
        pods: what the Hub knows of pods.

    Raises:
        Conflict: which server is in the way, and what can be done.
    """
    alone = launch.files is Files.PROJECT and launch.project
    if alone or (launch.content and launch.files is not Files.NONE):
        _refuse_beside_home(launch, user, starting, pods)
    if launch.files is Files.HOME:
        _refuse_while_mounting(launch, user, starting, pods)


def _refuse_beside_home(
    launch: Launch, user: str, starting: Iterable[Any], pods: Mapping[str, Mapping[str, Any]]
) -> None:
    running = _servers(user, launch.server, Files.HOME, pods)
    names = [*running, *_in_start(starting, Files.HOME)]
    if names:
        raise Conflict(
            "Your server {other} sees your whole home. While it runs, no other server of yours"
            " can be shown a single project here, because its folder could be exchanged while it is"
            " attached. Stop that server first, or launch this with your whole home.",
            other=names[0],
        )


def _refuse_while_mounting(
    launch: Launch, user: str, starting: Iterable[Any], pods: Mapping[str, Mapping[str, Any]]
) -> None:
    starting = list(starting)
    with_content = [spawner for spawner in starting if spawner.launch and spawner.launch.content]
    names = [
        *_servers(user, launch.server, Files.PROJECT, pods, phases=("Pending",)),
        *_in_start(starting, Files.PROJECT),
        *_in_start(with_content, Files.HOME),
    ]
    if names:
        raise Conflict(
            "Your server {other} is just starting, and its folder must not be exchanged until"
            " it runs. Launch again in a moment.",
            other=names[0],
        )


def _servers(
    user: str,
    besides: str,
    files: Files,
    pods: Mapping[str, Mapping[str, Any]],
    phases: tuple[str, ...] = (),
) -> list[str]:
    """Names of a person's servers that have a pod and see this of their files.

    Args:
        besides: name of a server that does not count.
        phases: of pods that count; all that have not ended if empty.
    """
    servers = []
    for pod in pods.values():
        facts, phase = pod["metadata"], (pod.get("status") or {}).get("phase", "")
        told = facts.get("annotations") or {}
        mine = told.get(_USER) == user and told.get(_SERVER, "") != besides
        counts = phase in phases if phases else phase not in _ENDED
        if mine and counts and (facts.get("labels") or {}).get(labels.FILES) == files:
            servers.append(told.get(_SERVER, ""))
    return servers


def _in_start(spawners: Iterable[Any], files: Files) -> list[str]:
    """Names of servers in the middle of a start that see this of their person's files."""
    starting = (each for each in spawners if getattr(each, "pending", None) == "spawn")
    return [each.name for each in starting if each.launch and each.launch.files is files]
