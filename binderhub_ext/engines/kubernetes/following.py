"""Follow a Job: tell its log and what the cluster says, wait for its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp
from kubernetes_asyncio.client import ApiException

from ...core.sentences import Sentence
from ...programs import Log, clean
from .api import Api
from .endings import conditions
from .jobs import BUILD, PUSH
from .podevents import PodEvents
from .pods import ended

_LOOK = 0.5
_LOST = 300
"""Seconds without an answer of the API server until it is given up."""

_DOWN = (ApiException, aiohttp.ClientError, TimeoutError, OSError)


class Follower:
    """Follows one Job to its end, also over an API server that goes away for a while.

    Args:
        api: of the cluster.
        name: of the Job.
        log: gets the lines of its log.
        tell: told what the cluster says before there is a log.
    """

    def __init__(
        self, api: Api, name: str, log: Log, pod_events: PodEvents, tell: Callable[[Sentence], None]
    ) -> None:
        self._api, self._name, self._log, self._pod_events, self._tell = (
            api,
            name,
            log,
            pod_events,
            tell,
        )
        self._heard: dict[tuple[str, str], int] = {}
        self._over: set[tuple[str, str]] = set()
        self._pods = 0
        self.pod: dict[str, Any] | None = None
        """The last of its pods, as it was last seen."""

    async def until_ended(self) -> dict[str, Any] | None:
        """Wait for the end.

        Returns:
            The Job's status; `None` if the Job is gone.

        Raises:
            ApiException, aiohttp.ClientError, OSError: nobody answered for minutes.
            BinderError: nothing will come of it.
        """
        loop = asyncio.get_running_loop()
        answered = loop.time()
        while True:
            try:
                job = await self._api.job(self._name)
                if job is None:
                    return None
                status: dict[str, Any] = job.get("status") or {}
                over = conditions(status).keys() & {"Complete", "Failed"}
                await self._look(job)
                answered = loop.time()
                if over:
                    return status
            except _DOWN:
                if loop.time() - answered > _LOST:
                    raise
            await asyncio.sleep(_LOOK)

    async def _look(self, job: Mapping[str, Any]) -> None:
        """Tell what is new; as long as there is a log, all of it as it comes."""
        pods = await self._api.pods_of(self._name)
        if not pods:
            await self._tell_events(job)
            return
        self.pod = pods[-1]
        if len(pods) > self._pods > 0:
            self._tell(Sentence("The build's node gave it up; it begins anew on another"))
        self._pods = max(self._pods, len(pods))
        name = self.pod["metadata"]["name"]
        for container in (BUILD, PUSH):
            if (name, container) in self._over:
                continue
            if not _has_begun(self.pod, container):
                await self._tell_events(self.pod)
                return
            had_ended = ended(self.pod, container) is not None
            await self._hear(name, container)
            if not had_ended:
                # Its log may have been cut off: it is whole once the container has ended.
                return
            self._over.add((name, container))

    async def _tell_events(self, thing: Mapping[str, Any]) -> None:
        """Tell what is new of the Job itself, or of a pod."""
        for event in await self._api.events_of(thing["metadata"]):
            if words := self._pod_events.of(event):
                self._tell(words)

    async def _hear(self, pod: str, container: str) -> None:
        """Hear a container's log to its end; what was heard before is left out."""
        which = (pod, container)
        count = 0
        async for line in self._api.log(pod, container):
            count += 1
            if count > self._heard.get(which, 0):
                self._heard[which] = count
                if text := clean(line):
                    self._log.add(text)


def _has_begun(pod: dict[str, Any], container: str) -> bool:
    if ended(pod, container):
        return True
    status = pod.get("status") or {}
    both = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    return any(
        each["name"] == container and (each.get("state") or {}).get("running") for each in both
    )
