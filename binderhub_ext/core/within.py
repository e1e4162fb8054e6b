"""The nearest launch that may be, where a link asks for more than there is. Pure.

Nothing here allows anything: what comes out is judged like any other request.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from .launch import LaunchRequest
from .policy import Policy
from .quantities import say_bytes, write_cores, write_seconds
from .sentences import NOTHING, Sentence, listing
from .targets import TARGETS, Targets

Change = tuple[dict[str, object], Sentence]
"""Fields of a request, and the words for them after “Launch”."""


def nearer(
    policy: Policy,
    request: LaunchRequest,
    volumes: Collection[str],
    targets: Targets = TARGETS,
) -> tuple[LaunchRequest, Sentence]:
    """A request without the first thing for which it is refused.

    Args:
        policy: what the hub allows.
        volumes: names and ids of those that the person has.
        targets: interfaces on offer.

    Returns:
        The request, and what is different, to be read after “Launch”; empty if nothing is.
    """
    for fields, words in _changes(policy, request, volumes, targets):
        return replace(request, **fields), words  # type: ignore[arg-type]
    return request, NOTHING


def _changes(
    policy: Policy, request: LaunchRequest, volumes: Collection[str], targets: Targets
) -> Iterator[Change]:
    """In the order in which a request is judged."""
    if request.files not in policy.files and policy.files:
        yield {"files": policy.files[0]}, Sentence("with files={files}", files=policy.files[0])
    yield from _resources(policy, request)
    if request.target and request.target not in targets:
        yield {"target": "lab"}, Sentence("with JupyterLab")
    kept = tuple(volume for volume in request.volumes if volume.name in volumes)
    lacking = [volume.name for volume in request.volumes if volume.name not in volumes]
    if lacking:
        yield {"volumes": kept}, _without(lacking)


def _resources(policy: Policy, request: LaunchRequest) -> Iterator[Change]:
    if policy.max_idle and request.idle > policy.max_idle:
        time = write_seconds(policy.max_idle)
        yield {"idle": policy.max_idle}, Sentence("for {time} without use", time=time)
    if request.size and request.size not in policy.sizes:
        yield {"size": ""}, Sentence("in the usual size")
    if not request.size and request.memory > policy.max_memory:
        memory = say_bytes(policy.max_memory) if policy.max_memory else Sentence("the usual memory")
        yield {"memory": policy.max_memory}, Sentence("with {memory}", memory=memory)
    if not request.size and request.cpu > policy.max_cpu:
        cpu = (
            Sentence("with {cpu} processors", cpu=write_cores(policy.max_cpu))
            if policy.max_cpu
            else Sentence("with the usual processors")
        )
        yield {"cpu": policy.max_cpu}, cpu


def _without(volumes: list[str]) -> Sentence:
    named = (Sentence("“{volume}”", volume=name) for name in volumes)
    names = listing(named, last="{these} and {this}")
    if len(volumes) == 1:
        return Sentence("without the volume {names}", names=names)
    return Sentence("without the volumes {names}", names=names)
