"""What the cluster says of a pod, in words for people. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...core.errors import BinderError, LaunchFailed
from ...core.quantities import write_bytes, write_cores
from ...core.sentences import NOTHING, Sentence, listing
from ..containers.complaints import complaint
from . import labels

_ASSIGNED = re.compile(r"to (\S+)$")
_IMAGE = re.compile(r'image "([^"]+)"')
_DENIED = ("errimagepull", "failed to pull image", "imagepullbackoff")
_SHORT = re.compile(r"Insufficient ([\w/-]+(?:\.[\w/-]+)*)")
_FULL = re.compile(r"ephemeral.storage|DiskPressure|disk-pressure", re.IGNORECASE)
# It is made after its pod; a quick node looks for it before.
_COMES = re.compile(rf'secret "{labels.GIVEN}\w+" not found')
_TELL = "If it stays so, tell the administrator."
_YOURS = Sentence("Your server")


@dataclass(frozen=True)
class PodRequest:
    """What a pod asks for, as far as words need it.

    Attributes:
        memory: bytes it is guaranteed; 0 if none.
        cpu: processors it is guaranteed.
        sizes: bytes of images by name, as far as they are known.
        own_image: name of our own image.
        what: the pod is, at the beginning of a sentence.
    """

    memory: float = 0
    cpu: float = 0
    sizes: Mapping[str, int] | None = None
    own_image: str = ""
    what: Sentence = _YOURS


@dataclass
class PodEvents:
    """Tells the events of one pod, each once and only what is new to a person.

    Attributes:
        request: the pod's.
        node: where it was put; empty until then.
        last: what was told last.
    """

    request: PodRequest
    node: str = ""
    last: str = ""
    _heard: set[tuple[str, Any]] = field(default_factory=set)

    def of(self, event: Mapping[str, Any]) -> Sentence:
        """What a person is told of an event; empty for nothing.

        Raises:
            BinderError: nothing will come of the pod.
        """
        which = (str(event["metadata"]["uid"]), event.get("count"))
        if which in self._heard:
            return NOTHING
        self._heard.add(which)
        reason, said = str(event.get("reason") or ""), str(event.get("message") or "")
        words = self._words(reason, said)
        if not words or words == self.last:
            return NOTHING
        self.last = words
        return words

    def _words(self, reason: str, said: str) -> Sentence:
        match reason:
            case "FailedScheduling":
                return unschedulable(said, self.request)
            case "TriggeredScaleUp":
                return Sentence("The cluster gets another node, which takes some minutes")
            case "Scheduled":
                return self._scheduled(said)
            case "Pulling":
                return self._pulling(said)
            case "Failed" | "BackOff" if _is_about_pulling(said):
                return self._not_pulled(said)
            case "FailedMount" if _COMES.search(said):
                return NOTHING
            case "FailedMount" | "FailedAttachVolume":
                return Sentence("Files cannot be attached to the node yet. " + _TELL)
            case "FailedCreate":
                return Sentence(
                    "{pod} waits: a rule or a quota of the administrator's namespace does not let "
                    "it run. " + _TELL,
                    pod=self.request.what,
                )
            case "Preempting" | "Preempted":
                return Sentence("Something less important makes room")
            case _:
                return NOTHING

    def _scheduled(self, said: str) -> Sentence:
        match = _ASSIGNED.search(said)
        self.node = match[1] if match else ""
        if not match:
            return NOTHING
        return Sentence("{pod} gets its place on {node}", pod=self.request.what, node=self.node)

    def _pulling(self, said: str) -> Sentence:
        found = _IMAGE.search(said)
        image = found[1] if found else ""
        size = (self.request.sizes or {}).get(image, 0)
        if image == self.request.own_image:
            what = Sentence("Pulling the hub's own image")
        elif size >= 1e8:
            what = Sentence("Pulling {size:.1f} GB", size=size / 1e9)
        else:
            what = Sentence("Pulling the image")
        return Sentence("{what} on {node}", what=what, node=self.node) if self.node else what

    def _not_pulled(self, said: str) -> Sentence:
        if "back-off" in said.lower():
            return Sentence("The image cannot be pulled yet; it is tried again. " + _TELL)
        found = _IMAGE.search(said)
        error = complaint(found[1] if found else Sentence("of this server"), said)
        if error.status < 500 and error.status != 429:
            raise error
        return Sentence("{why} It is tried again.", why=error.message)


def _is_about_pulling(said: str) -> bool:
    return any(sign in said.lower() for sign in _DENIED) or "back-off pulling" in said.lower()


def unschedulable(said: str, request: PodRequest) -> Sentence:
    """Why no node takes a pod, in words; nothing is final, since nodes and people come and go.

    Args:
        said: the scheduler's message.
    """
    if "persistentvolumeclaim" in said.lower():
        return Sentence(
            "Waiting for the storage of people's files, which the cluster does not have yet. "
            + _TELL
        )
    short = set(_SHORT.findall(said))
    if lacks := listing(_lacks(short, request), last="{these} and {this}"):
        return Sentence("Waiting: no node has {lacks} free", lacks=lacks)
    if "Too many pods" in said or "pods" in short:
        return Sentence("Waiting: every node runs as much as it may")
    if _FULL.search(said):
        return Sentence("Waiting: the nodes' disks are full. " + _TELL)
    return Sentence("Waiting for a node that may run it")


def _lacks(short: set[str], request: PodRequest) -> Iterator[Sentence]:
    """What no node has free, by the scheduler's names."""
    if "memory" in short:
        size = _gigabytes(request.memory)
        yield Sentence("{size} of memory", size=size) if request.memory else Sentence("memory")
    if "cpu" in short:
        count = write_cores(request.cpu)
        yield Sentence("{count} processors", count=count) if request.cpu else Sentence("processors")
    for name in sorted(name.rpartition("/")[2] for name in short - {"memory", "cpu", "pods"}):
        yield Sentence.verbatim(name)


def _gigabytes(size: float) -> str:
    return f"{write_bytes(round(size))}B" if size < 1 << 30 else f"{size / (1 << 30):g} GB"


def ended_words(status: Mapping[str, Any], memory: float) -> Sentence:
    """Why a server's container ended, in words, as far as the cluster knows.

    Args:
        status: how it ended, as the pod's status has it.
        memory: bytes it was allowed.
    """
    if status.get("reason") != "OOMKilled":
        return NOTHING
    if not memory:
        return Sentence("It used more memory than it may have and was ended.")
    limit = _gigabytes(memory)
    return Sentence("It used more memory than it may have ({limit}) and was ended.", limit=limit)


def pod_failed(status: Mapping[str, Any]) -> BinderError | None:
    """The error for a pod that will never run, as its status says; `None` while it may."""
    if status.get("phase") != "Failed" or not status.get("reason"):
        return None
    return evicted(status)


def evicted(status: Mapping[str, Any]) -> BinderError:
    """The error for a pod that the cluster ended."""
    why = {
        "Evicted": Sentence("its node ran out of memory or disk"),
        "NodeLost": Sentence("its node is gone"),
        "NodeShutdown": Sentence("its node was shut down"),
        "Terminated": Sentence("its node was shut down"),
        "Preempting": Sentence("a more important one needed its room"),
        "NodeAffinity": Sentence("its node may not run it"),
    }.get(str(status.get("reason") or ""), Sentence("the cluster gives no reason"))
    return LaunchFailed(
        "The cluster ended your server before it ran: {why}. Launch again.",
        why=why,
        detail=str(status.get("message") or ""),
    )
