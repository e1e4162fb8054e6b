"""Have nodes pull an image, and follow how far they are."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import aiohttp
from kubernetes_asyncio.client import ApiException
from tornado.log import app_log

from ...core.progress import Event, Phase, Tell
from ...core.sentences import Sentence
from ...locks import held_if_free
from ..containers.keys import Keys
from .api import Api
from .cluster import Cluster
from .placement import Placement
from .prepull import manifest, marks_of, name_of
from .pulled import NOT_ALLOWED, REFUSED, UNCOUNTED, NodePull, Pulled, late, on_node

_LOOK = 1.0
_PATIENCE = 300
"""Seconds for an API server that is away, and for nodes all of which something is in the way of."""

_FORBIDDEN = 403
_AWAY = (ApiException, aiohttp.ClientError, OSError)


class Prepull:
    """One image on its way to the nodes on which servers of one kind may run.

    Args:
        api: of the cluster.
        image: its name.
        tell: is told how far the nodes are.
    """

    def __init__(
        self, api: Api, image: str, placement: Placement, cluster: Cluster, tell: Tell
    ) -> None:
        self._api, self._tell = api, tell
        self._image, self._placement, self._cluster = image, placement, cluster
        self._name = name_of(cluster.hub, image, placement)
        self._troubled: dict[str, NodePull] = {}
        self._told: set[tuple[object, ...]] = set()

    async def run(self, seconds: float) -> Sentence:
        """Have them pull it and wait for them; nothing is left of what made them.

        Args:
            seconds: that it may take.

        Returns:
            Where it is then, for a person.

        Raises:
            ApiException, aiohttp.ClientError, OSError: the cluster does not answer.
        """
        try:
            # what a killed service left might end at any moment
            await self._api.delete_daemon_set(self._name)
            made = manifest(self._image, self._placement, self._cluster)
            await self._api.create_daemon_set(made)
            pulled = await self._until_over(seconds)
        except ApiException as error:
            if error.status != _FORBIDDEN:
                raise
            app_log.warning("The cluster has no node pull %s: %s", self._image, error.body)
            return NOT_ALLOWED
        finally:
            # also if nobody waits any more: what has not come by then comes with a server
            await asyncio.shield(self._remove())
        if pulled is None:
            return UNCOUNTED
        for sentence in pulled.lacking(late(seconds)):
            self._tell(Event(Phase.BUILT, sentence, {"attention": sentence}))
        return pulled.words

    async def _remove(self) -> None:
        try:
            await self._api.delete_daemon_set(self._name)
        except _AWAY as error:
            app_log.warning("%s may be left until the next sweep: %s", self._name, error)

    async def _until_over(self, seconds: float) -> Pulled | None:
        """Wait until nothing more will come, or for so long; `None` if no node was ever counted."""
        clock = asyncio.get_running_loop().time
        pulled: Pulled | None = None
        end, answered, moved = clock() + seconds, clock(), clock()
        while clock() < end and clock() - moved < _PATIENCE:
            try:
                found = await self._api.daemon_set(self._name)
                if found is None:  # somebody removed it
                    break
                before, pulled = pulled, await self._look(found) or pulled
                answered = clock()
            except _AWAY:
                if clock() - answered > _PATIENCE:
                    raise
                before = pulled
            if pulled:
                self._say(pulled)
                if pulled.settled:
                    break
                if not pulled.stuck or not before or pulled.done != before.done:
                    moved = clock()
            await asyncio.sleep(_LOOK)
        return pulled

    async def _look(self, found: Mapping[str, Any]) -> Pulled | None:
        """How far the nodes are; `None` as long as the cluster has not counted them."""
        about, status = found["metadata"], found.get("status") or {}
        if status.get("observedGeneration", 0) < about["generation"]:
            return None
        pods = await self._api.pods(marks_of(self._cluster.hub, self._name))
        mine = (pod for pod in pods if _belongs(pod, about["uid"]))
        nodes = [self._remembered(NodePull.of(pod)) for pod in mine]
        count = int(status.get("desiredNumberScheduled") or 0)
        return Pulled(count, nodes, len(nodes) < count and await self._is_refused(about))

    def _remembered(self, node: NodePull) -> NodePull:
        """With what was in its way: a kubelet that waits to try again may not say it."""
        if node.why:
            self._troubled[node.node] = node
        return node if node.done else self._troubled.get(node.node, node)

    async def _is_refused(self, about: Mapping[str, Any]) -> bool:
        events = await self._api.events_of(about)
        return any(event.get("reason") == "FailedCreate" for event in events)

    def _say(self, pulled: Pulled) -> None:
        """Tell what is new."""
        for each in pulled.nodes:
            if each.why and not each.done and self._is_new(each.node, each.why):
                self._tell(Event(Phase.BUILT, on_node(each.node, each.why)))
        if pulled.refused and self._is_new("refused", True):
            self._tell(Event(Phase.BUILT, REFUSED))
        if pulled.count and self._is_new(pulled.done, pulled.count):
            words = Sentence(
                "The image is on {done} of {count} nodes.", done=pulled.done, count=pulled.count
            )
            progress = round(100 * pulled.done / pulled.count)
            figures = {"pulled": pulled.done, "nodes": pulled.count, "progress": progress}
            self._tell(Event(Phase.BUILT, words, figures))

    def _is_new(self, *what: object) -> bool:
        new = what not in self._told
        self._told.add(what)
        return new


async def sweep(api: Api, hub: str, keys: Keys) -> list[str]:
    """Remove what services that were killed meanwhile had nodes pull; gives their names."""
    try:
        left = await api.daemon_sets(hub)
    except ApiException as error:
        if error.status != _FORBIDDEN:
            raise
        return []
    removed = []
    for name in left:
        with held_if_free(keys.lock_path(name)) as free:
            if free:
                await api.delete_daemon_set(name)
                removed.append(name)
    return removed


def _belongs(pod: Mapping[str, Any], uid: str) -> bool:
    """Whether a pod is of this DaemonSet, and no remnant of one of the same name."""
    about = pod["metadata"]
    owners = {each["uid"] for each in about.get("ownerReferences") or ()}
    return uid in owners and not about.get("deletionTimestamp")
