"""How far the nodes are with an image, and what people are told of it. Pure.

Read from the status of the pods that pull, which has what their events say: one question for all
of them, however many there are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from ...core.errors import NoSpace
from ...core.sentences import NOTHING, Sentence
from ..containers.complaints import complaint
from .prepull import ENVIRONMENT

_REFUSED = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull")
_ONLY_WAITS = re.compile(r'(Back-off pulling image "[^"]*")?')
"""What a kubelet before 1.32 says while it waits to try again: nothing of why."""

_NAMED = 5
"""Nodes of which a person is told why they have not got the image."""

REFUSED = Sentence(
    "A rule or a quota of the administrator's namespace lets no pod pull it on some nodes."
)
OFF = Sentence("It is in the registry; a node pulls it when the first server starts there.")
TOO_LARGE = Sentence(
    "It is in the registry, and too large to be on every node before: one pulls it when the first"
    " server starts there."
)
UNCOUNTED = Sentence(
    "It is in the registry. The cluster did not say which nodes pull it, so the first server on"
    " each may have to wait for that; tell the administrator."
)
NOT_ALLOWED = Sentence(
    "It is in the registry. The cluster does not let this hub have nodes pull it before, so the"
    " first server on each waits for that; tell the administrator."
)
_NOWHERE = Sentence(
    "No node is there at the moment on which such a server may run; one that comes pulls it then."
)
_ONE_NODE = "It is on the one node on which such servers may run."
_ALL_NODES = "It is on all {count} nodes on which such servers may run."
_ONE_MORE = "There is {count} more node without it."
_MORE = "There are {count} more nodes without it."
_FULL = Sentence("Its disk is too full for the image.")
_CROWDED = Sentence("It runs as many pods as it may.")
_UNUSABLE = Sentence("The cluster lets no pod run there.")


@dataclass(frozen=True)
class NodePull:
    """How far one node is.

    Attributes:
        node: its name.
        done: whether the image is there.
        why: it is not yet, where something is in its way.
        hopeless: nothing will come of it.
    """

    node: str
    done: bool = False
    why: Sentence = NOTHING
    hopeless: bool = False

    @classmethod
    def of(cls, pod: Mapping[str, Any]) -> NodePull:
        """As a pod on that node says it."""
        status, node = pod.get("status") or {}, _node_of(pod)
        if why := _unplaced(status):
            return cls(node, why=why)
        states = [
            *(status.get("initContainerStatuses") or ()),
            *(status.get("containerStatuses") or ()),
        ]
        if any(each["name"] == ENVIRONMENT and each.get("imageID") for each in states):
            return cls(node, done=True)
        refusals = (_refused(each) for each in states)
        why, hopeless = next((each for each in refusals if each), (NOTHING, False))
        return cls(node, why=why, hopeless=hopeless)


@dataclass(frozen=True)
class Pulled:
    """How far all of them are.

    Attributes:
        count: how many nodes there are.
        nodes: those that a pod is for.
        refused: whether the others get none, by a rule of the namespace.
    """

    count: int
    nodes: Sequence[NodePull] = ()
    refused: bool = False

    @property
    def done(self) -> int:
        return sum(each.done for each in self.nodes)

    @property
    def settled(self) -> bool:
        """Whether nothing more will come of it."""
        all_there = len(self.nodes) >= self.count
        return all_there and all(each.done or each.hopeless for each in self.nodes)

    @property
    def stuck(self) -> bool:
        """Whether something is in the way of every node that has not got it."""
        all_known = len(self.nodes) >= self.count or self.refused
        return all_known and all(each.done or each.why for each in self.nodes)

    @property
    def words(self) -> Sentence:
        """Where the image is, for a person."""
        if not self.count:
            return _NOWHERE
        if self.done >= self.count:
            return Sentence.counted(_ONE_NODE, _ALL_NODES, count=self.count)
        return Sentence(
            "It is on {done} of {count} nodes on which such servers may run; on the others the"
            " first server waits for it.",
            done=self.done,
            count=self.count,
        )

    def lacking(self, otherwise: Sentence) -> Iterator[Sentence]:
        """Why some nodes have not got it, a sentence for each of the first.

        Args:
            otherwise: why, where nothing else is known.
        """
        lack = [each for each in self.nodes if not each.done]
        for each in lack[:_NAMED]:
            yield on_node(each.node, each.why or otherwise)
        without = max(self.count - len(self.nodes), 0)
        if without and self.refused:
            yield REFUSED
        if more := len(lack[_NAMED:]) + without:
            yield Sentence.counted(_ONE_MORE, _MORE, count=more)


def on_node(node: str, why: Sentence) -> Sentence:
    """Why one node has not got it."""
    return Sentence("{node}: {why}", node=node, why=why)


def late(seconds: float) -> Sentence:
    """Why a node has not got it that was only too slow."""
    return Sentence("It did not pull it within {minutes:.0f} minutes.", minutes=seconds / 60)


def _node_of(pod: Mapping[str, Any]) -> str:
    """The node a pod is on, or meant for."""
    spec = pod["spec"]
    if spec.get("nodeName"):
        return str(spec["nodeName"])
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    fields = chain.from_iterable(
        each.get("matchFields") or () for each in required.get("nodeSelectorTerms") or ()
    )
    return next((str(each["values"][0]) for each in fields if each["key"] == "metadata.name"), "?")


def _unplaced(status: Mapping[str, Any]) -> Sentence:
    """Why its node does not take a pod; empty if it does."""
    for each in status.get("conditions") or ():
        if each["type"] == "PodScheduled" and each["status"] == "False":
            return _CROWDED if "Too many pods" in str(each.get("message")) else _UNUSABLE
    return NOTHING


def _refused(status: Mapping[str, Any]) -> tuple[Sentence, bool] | None:
    """Why a container's image does not come, and whether that is final."""
    waiting = (status.get("state") or {}).get("waiting") or {}
    said = str(waiting.get("message") or "")
    if waiting.get("reason") not in _REFUSED or _ONLY_WAITS.fullmatch(said):
        return None
    if NoSpace.in_text(said):
        return _FULL, False
    error = complaint(str(status["image"]), said)
    return error.message, error.status < 500 and error.status != 429
