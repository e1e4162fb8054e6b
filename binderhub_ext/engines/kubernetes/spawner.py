"""The spawner of the `kubernetes` engine: KubeSpawner, told by a launch alone what to run.

A pod outlives a Hub that crashes; the state the Hub stores is its name. A Hub killed in the middle
of a start has stored nothing, so the first start of every Hub sweeps.

What a start does with files is done by the first container of the server's own pod (`first.py`),
on the server's node and as the owner of the files. Only a part of the data directory that lies
directly in a folder of ours is mounted where somebody else may work at the same time: the kubelet
follows a link that a person puts in the place of a folder, as far as the claim goes (`alone.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from kubespawner import KubeSpawner
from traitlets import Float, default

from ...core.errors import BinderError, LaunchFailed
from ...core.launch import Launch
from ...core.secretnames import Secret
from ...core.sentences import Sentence
from ...programs import clean
from ...storage.homes import ensure_mount_points
from ...storage.sync.words import Request
from ..containers import quickstart
from ..containers.people import UID, ensure_person
from ..containers.sources import check_sources
from ..preparing import Prepared
from ..rundir import Owner
from ..spawner import ENDED, HOME, BinderSpawnerMixin
from . import labels
from .alone import refuse_side_by_side
from .cluster import Cluster
from .giving import GivingKubeSpawner
from .images import RegistryImage, at_nodes, find
from .manifest import add_launch, complete, literal, server_of
from .podevents import PodEvents, PodRequest, ended_words, evicted, pod_failed
from .pods import (
    FIRST,
    NOTEBOOK,
    DataClaim,
    ended,
    first_container,
    inside_projects,
    pod_name,
    restricted,
)
from .rundir import RunDirectory
from .sweep import sweep
from .unanswered import DOWN, in_words

T = TypeVar("T")

_LOG_LINES = 40
_LOOK = 0.1
"""Seconds between two looks at what the cluster says; they ask nobody."""


class BinderKubeSpawner(BinderSpawnerMixin, GivingKubeSpawner):
    """Runs a server in a pod, from an image of the `kubernetes` engine.

    What KubeSpawner offers for choosing an image by `user_options` has no effect: the image is the
    launch's. Its settings for volumes, labels and containers add to what a launch needs.
    """

    if TYPE_CHECKING:
        api: Any
        namespace: str
        pod_name: str
        image: str
        uid: Any
        mem_guarantee: Any
        cpu_guarantee: Any
        events: list[dict[str, Any]]
        pod_reflector: Any

    guaranteed_memory = Float(
        1.0,
        min=0,
        max=1,
        help="""Share of a server's memory limit that its node keeps for it (default 1: all of it).
        With less, more servers fit on a node, and are ended when they want their memory all at
        once.""",
    ).tag(config=True)

    guaranteed_cpu = Float(
        0.05,
        min=0,
        max=1,
        help="""Share of a server's processors that its node keeps for it (default 0.05): hardly
        anybody computes all the time.""",
    ).tag(config=True)

    @default("namespace")
    def _namespace_default(self) -> str:
        return self.cluster.namespace

    @default("pod_name_template")
    def _pod_name(self) -> str:
        return pod_name(self.user.name, self.run_directory.name)

    @default("delete_stopped_pods")
    def _keep_ended_pods(self) -> bool:
        # We remove them ourselves, after reading why they ended.
        return False

    @default("start_timeout")
    def _long_enough_for_a_node(self) -> int:
        # Until a node is there and has pulled the image.
        return 900

    @default("k8s_api_request_timeout")
    def _long_enough_for_a_busy_hub(self) -> int:
        # A Hub that many ask at once looks seconds later at what the cluster answered.
        return 10

    @default("delete_grace_period")
    def _grace(self) -> int:
        return self.end_timeout

    @default("container_security_context")
    def _restricted(self) -> dict[str, Any]:
        return restricted()

    @default("uid")
    def _uid(self) -> int:
        return UID

    @default("gid")
    def _gid(self) -> int:
        return UID

    _made = False
    _pod: asyncio.Future[Any] | None = None
    _first: dict[str, Any] | None = None
    _pod_events: PodEvents | None = None

    @property
    def cluster(self) -> Cluster:
        return Cluster(parent=self)

    @property
    def data(self) -> DataClaim:
        return DataClaim(self.layout, self.cluster)

    @property
    def run_directory(self) -> RunDirectory:
        return RunDirectory.of(self.layout, self.cluster.hub, self.user.name, self.name)

    @property
    def marks(self) -> dict[str, str]:
        """Labels by which we find what belongs to this server."""
        return {labels.HUB: self.cluster.hub, labels.RUN: self.run_directory.name}

    # --- before the pod -------------------------------------------------------------------

    async def begin(self) -> None:
        """See to what an earlier Hub left, and watch the pods from now on."""
        try:
            await self._start_watching_pods()
            for name in await sweep(self.api, self.cluster, self.layout):
                self.log.warning("Removed what a killed Hub left of %s", name)
        except DOWN as error:
            raise in_words(error) from error
        await asyncio.to_thread(quickstart.provide, self.layout)

    def check_launch(self, launch: Launch) -> None:
        """Refuse to show a folder that a server beside it could exchange."""
        others = [each for name, each in self.user.spawners.items() if name != self.name]
        refuse_side_by_side(launch, self.user.name, others, self.pod_reflector.pods)

    def check_secrets(self, given: tuple[Secret, ...]) -> None:
        """Refuse none: a pod can be given variables and files."""

    async def find_image(self, launch: Launch) -> RegistryImage | None:
        """The launch's image, as its registry describes it."""
        image = await find(self.cluster, launch.image)
        if image:
            self.image = at_nodes(self.cluster, image.name)
        return image

    async def ensure_person(self, launch: Launch) -> Owner:
        """One uid for everybody."""
        owner = await asyncio.to_thread(ensure_person, self.layout, launch.user)
        self.uid, self.gid = owner
        return owner

    # --- the pod --------------------------------------------------------------------------

    async def run_sync(self, prepared: Prepared, requests: tuple[Request, ...]) -> list[bytes]:
        """Run it as the first container of the server's pod; it makes places in projects too.

        The server follows it in that pod by itself, and :meth:`start_server` waits for that.
        """
        await asyncio.to_thread(self._make_other_places, prepared, requests)
        self._first = first_container(prepared.mounts, requests, prepared.owner, self.data)
        status = await self._while_telling(25, self._until_first_ended(self._begin_pod()))
        if not status.get("message"):
            raise LaunchFailed(
                "The project's files could not be put in place. Launch again; if it stays so,"
                " tell the administrator.",
                detail=await self._log_tail(FIRST),
            )
        if status["exitCode"]:
            await self._remove_pod()
        return str(status["message"]).encode().splitlines()

    def _make_other_places(self, prepared: Prepared, requests: tuple[Request, ...]) -> None:
        """Make the places that are not in what is brought: the server must find them all."""
        inside = inside_projects(prepared.mounts, requests)
        others = [each for each in prepared.mounts if each not in inside]
        ensure_mount_points(others, *prepared.owner)
        brought = {Path(request.root, request.into) for request in requests}
        check_sources([each for each in prepared.mounts if each.root / each.path not in brought])

    async def start_server(self) -> Any:
        """Start what was prepared, or what an administrator configured."""
        if self.prepared and self._pod is None:
            await asyncio.to_thread(check_sources, self.prepared.mounts)
        url = await self._while_telling(45, self._pod or self._begin_pod())
        self._pod = None
        return url

    def _begin_pod(self) -> asyncio.Future[Any]:
        """Have KubeSpawner make the pod and wait for it."""
        self._made = True
        self._pod_events = PodEvents(self._pod_request())
        self._pod = asyncio.ensure_future(super().start_server())
        return self._pod

    async def _until_first_ended(self, pod: asyncio.Future[Any]) -> dict[str, Any]:
        while not (status := ended(self.seen_pod(), FIRST)):
            if pod.done():
                await pod
            await asyncio.sleep(_LOOK)
        return dict(status)

    async def _while_telling(self, progress: int, work: Awaitable[T]) -> T:
        """Wait for a part of the start; tell what the cluster says, and give up where it says no.

        Raises:
            BinderError: nothing will come of it.
        """
        task = asyncio.ensure_future(work)
        try:
            while not task.done():
                await asyncio.wait([task], timeout=_LOOK)
                self._tell_pod_events(progress)
                if not task.done() and ended(self.seen_pod(), NOTEBOOK):
                    raise await self._failure(ENDED)
            return await task
        except DOWN as error:
            raise in_words(error) from error
        finally:
            task.cancel()

    def _tell_pod_events(self, progress: int) -> None:
        """Tell what is new of our pod.

        Raises:
            BinderError: it will never run.
        """
        pod = self.seen_pod()
        if pod is None or self._pod_events is None:
            return
        # Of this very pod: an earlier one had the same name.
        uid = pod["metadata"]["uid"]
        for event in (each for each in self.events if each["involvedObject"].get("uid") == uid):
            if words := self._pod_events.of(event):
                self.tell(progress, words)
        if error := pod_failed(pod.get("status") or {}):
            raise error

    def _pod_request(self) -> PodRequest:
        image = self.prepared.image if self.prepared else None
        sizes = {self.image: image.size} if image else {}
        guaranteed = self._guarantees()
        return PodRequest(guaranteed["memory"], guaranteed["cpu"], sizes, self.cluster.image)

    def _guarantees(self) -> dict[str, float]:
        """What the node keeps for the server: what an administrator says, or a share."""
        memory = self.mem_guarantee or int((self.mem_limit or 0) * self.guaranteed_memory)
        cpu = self.cpu_guarantee or round((self.cpu_limit or 0) * self.guaranteed_cpu, 3)
        return {"memory": memory, "cpu": cpu}

    async def get_pod_manifest(self) -> Any:
        """KubeSpawner's manifest, with what the launch needs."""
        with self.of_size(self.prepared.launch.size if self.prepared else ""):
            pod = await super().get_pod_manifest()
        complete(pod, self.marks, self._guarantees())
        if self.prepared:
            add_launch(pod, self.prepared, self.notebook_dir, self.data, self._first, self)
        self.refer_to_secrets(pod.spec, server_of(pod))
        return pod

    def get_env(self) -> dict[str, str]:
        """The server's environment; its home is ours whatever the image says."""
        ours = {"HOME": HOME, "NB_USER": "jovyan", "USER": "jovyan"}
        env = {**quickstart.trusted(), **literal(super().get_env()), **ours}
        if self.prepared:
            theirs = env.get("PYTHONPATH") or self.prepared.image.python_path
            env["PYTHONPATH"] = quickstart.python_path(theirs)
        return env

    # --- running --------------------------------------------------------------------------

    def get_state(self) -> dict[str, Any]:
        """What finds the server again; called when the Hub is about to store it."""
        state: dict[str, Any] = super().get_state()
        if self._made and not self._starting:
            self.run_directory.mark_stored()
        return state

    async def poll(self) -> Any:
        """`None` while the server runs, or while nobody can say."""
        try:
            status = await super().poll()
        except DOWN as error:
            self.log.error("%s: the cluster does not answer: %s", self._log_name, error)
            return None
        if status is not None and (pod := self.seen_pod()):
            self.last_words = await self._said(pod)
        if status is not None and not self._starting:
            await self.clean_up()
        return status

    async def stop(self, now: bool = False) -> None:
        """End the server and remove all that belonged to it."""
        await super().stop(now)
        if self.making_pod:
            # To go on would be to give up the start that makes room for itself.
            return
        self._made = False
        await self.clean_up()

    async def clean_up(self) -> None:
        """Remove its pod and its run directory."""
        await self._remove_pod()
        await self.run_directory.remove()

    async def _remove_pod(self) -> None:
        """Remove the pod of this server's name, whoever made it."""
        begun, self._pod, self._first = self._pod, None, None
        if begun:
            begun.cancel()
        if self._made or self.seen_pod():
            with suppress(*DOWN):
                await KubeSpawner.stop(self, now=True)
        self._made = False

    async def _failure(self, what: Sentence) -> BinderError:
        status = (self.seen_pod() or {}).get("status") or {}
        if status.get("phase") == "Pending" and self._pod_events and self._pod_events.last:
            return LaunchFailed(
                "Your server did not start in time. What the cluster said last:"
                " “{last}”. Launch again later, or a smaller one.",
                last=self._pod_events.last,
            )
        notebook = ended(self.seen_pod(), NOTEBOOK) or {}
        return await super()._failure(ended_words(notebook, float(self.mem_limit or 0)) or what)

    async def explain_failure(self) -> str:
        """The end of what the server said."""
        pod = self.seen_pod()
        return (await self._said(pod) if pod else "") or self.last_words

    async def _said(self, pod: dict[str, Any]) -> str:
        """Why a pod's server ended and the end of what it said."""
        status = ended(pod, NOTEBOOK) or {}
        why = ended_words(status, float(self.mem_limit or 0))
        if (pod.get("status") or {}).get("reason"):
            why = evicted(pod["status"]).message
        return "\n".join(filter(None, (why, await self._log_tail(NOTEBOOK))))

    async def _log_tail(self, container: str) -> str:
        try:
            said = await self.api.read_namespaced_pod_log(
                self.pod_name, self.namespace, container=container, tail_lines=_LOG_LINES
            )
        except DOWN:
            return ""
        lines = (clean(line.encode()) for line in str(said).splitlines())
        return "\n".join(line for line in lines if line)
