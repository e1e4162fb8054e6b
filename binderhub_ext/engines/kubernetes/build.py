"""The builder of the `kubernetes` engine: one Job for each environment."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import aiohttp
from kubernetes_asyncio.client import ApiException
from kubernetes_asyncio.config import ConfigException

from ... import certificates
from ...core.errors import BinderError, BuildFailed, NotAllowed
from ...core.launch import Launch
from ...core.progress import Event, Phase, Tell
from ...core.sentences import Sentence
from ...core.using import UNKNOWN, Use
from ...housekeeping import alone, tidy_away
from ...locks import held_if_free
from ...programs import Log
from ...repos.base import Source
from ...storage import scratch
from ..base import Check, EngineDown, Environment, Image
from ..buildfolder import fill
from ..containers.caches import asks_for_caches
from ..containers.complaints import complaint
from ..containers.keys import Keys
from ..containers.lockfiles import place_lock
from ..containers.order import BuildOrder
from ..containers.planning import Recipe
from ..containers.trust import FILE
from . import health, images, jobs, labels, places, prepulling
from .api import Api, connected
from .endings import conditions, failure, timeout
from .following import Follower
from .metrics import uses_in
from .placement import Placement
from .podevents import PodEvents, PodRequest
from .pods import DataClaim
from .prepull import name_of
from .pulled import OFF, TOO_LARGE
from .registry import Name, Registry
from .rundir import RunDirectory
from .settings import Settings

RECIPE = "kubernetes 2"
"""Goes into every key: raise it when a build makes another environment of the same files."""

PREBUILT = "kubernetes prebuilt 2"
"""The same for images that somebody made elsewhere."""

_COMMIT = "binder-at-home.commit"

_PATIENCE = 1.0
"""Seconds for figures of what servers use."""

_DOWN = (ApiException, aiohttp.ClientError, OSError, ConfigException)


@dataclass(frozen=True)
class BuildInput:
    """What a build is given besides files.

    Attributes:
        labels: that the image gets.
        prebuilt: name of the image it is made of in place of a build, or empty.
        lock: what the order says of a lock file.
        made: whether what it makes beside the environment is to be kept.
        apart: whether steps may ask for caches, as of :mod:`..containers.caches`.
    """

    labels: dict[str, str] = field(default_factory=dict)
    prebuilt: str = ""
    lock: dict[str, str] = field(default_factory=dict)
    made: bool = False
    apart: bool = False


PrepareInput = Callable[[Path], Awaitable[BuildInput]]
"""Puts files into a build's folder."""


class KubernetesBuilder(Settings):
    """Builds container images in the cluster, and keeps them in a registry."""

    @property
    def data(self) -> DataClaim:
        return DataClaim(self.layout, self.cluster)

    @property
    def keys(self) -> Keys:
        return Keys(self.layout)

    @property
    def registry(self) -> Registry:
        return Registry(self.cluster)

    # --- the interface --------------------------------------------------------------------

    async def find(self, environment: Environment) -> Image | None:
        return await self._find(environment.key)

    async def build(self, environment: Environment, source: Source | None, tell: Tell) -> Image:
        """See :class:`Builder`. A Job that an earlier service began is followed to its end."""
        plan = await self.planned(source)
        if plan.environment.key != environment.key:
            raise BuildFailed("This hub changed since the build was planned. Launch again.")

        async def prepare(context: Path) -> BuildInput:
            if source is None:
                return BuildInput()
            commit = source.commit
            if binderhub := self.elsewhere(plan.detection, source):
                reference = await binderhub.build(commit, tell)
                return BuildInput(prebuilt=await self._pinned(reference))
            await fill(context, plan.detection, source, self.scratch)
            lock = await asyncio.to_thread(place_lock, context, plan.detection)
            marks = {"binder-at-home.repo": commit.repo.url, _COMMIT: commit.id}
            made = bool(plan.detection.file("postBuild"))
            apart = asks_for_caches(context, plan.detection)
            return BuildInput(marks, lock=asdict(lock) if lock else {}, made=made, apart=apart)

        return await self._get(environment.key, environment.tell, prepare, tell)

    async def prebuilt(self, reference: str, tell: Tell) -> Image:
        """See :class:`Builder`. It is examined like a built one and kept by its content."""
        pinned = await self._pinned(reference, by_link=True)
        digest = pinned.rpartition("@")[2]
        key = sha256(f"{PREBUILT}\n{digest}".encode()).hexdigest()[:32]

        async def prepare(context: Path) -> BuildInput:
            return BuildInput(prebuilt=pinned)

        def begins(tell: Tell) -> None:
            message = Sentence("Getting the image {image}", image=reference)
            tell(Event(Phase.BUILDING, message, {"progress": 1}))

        return await self._get(key, begins, prepare, tell)

    async def prepull(self, image: Image, size: str, tell: Tell) -> Sentence:
        """See :class:`Builder`. One that two services want is pulled for one after the other."""
        if not self.prepull_timeout:
            return OFF
        if 0 < self.prepull_size < image.size:
            return TOO_LARGE
        placement = Placement.of_size(self.config, size)
        async with (
            self.keys.locked(name_of(self.cluster.hub, image.name, placement)),
            self._connected() as api,
        ):
            pull = prepulling.Prepull(api, image.name, placement, self.cluster, tell)
            return await pull.run(self.prepull_timeout)

    async def images(self) -> list[Image]:
        repository = self.cluster.repository
        names = [f"{repository}:{tag}" for tag in await self.registry.tags(repository)]
        described = [await self._described(name) for name in names if self._key(name)]
        kept = [image for image in described if image]
        return sorted(kept, key=lambda image: self.keys.last_use(image.key))

    async def collect_garbage(self, keep: Collection[str] = ()) -> list[Image]:
        with alone("Removing what killed builds left"):
            await self.sweep()
        async with self._connected() as api:
            in_use = await self._in_use(api)
        kept = await self.images()
        # Another hub's, or of this one before its data directory was restored.
        unknown = [image for image in kept if not self.keys.last_use(image.key)]
        for image in unknown:
            self.keys.mark_used(image.key)
        used = {image.key for image in kept if image.name in in_use or image in unknown}
        return await self.remove_surplus(kept, self.keys, self._forget, used.union(keep))

    async def sweep(self) -> list[str]:
        """Remove what builds were given that have no Job any more, and Jobs nobody follows."""
        removed = await asyncio.to_thread(scratch.sweep, self.scratch)
        async with self._connected() as api:
            known = {each["metadata"]["labels"][labels.KEY]: each for each in await self._jobs(api)}
            below = places.folder(self.layout, "x").parent
            build_input = {path.name for path in below.iterdir()} if below.is_dir() else set()
            for key in sorted(build_input | known.keys()):
                if not _is_at_work(known.get(key)) and await self._sweep_key(api, key):
                    removed.append(key)
            return [*removed, *await prepulling.sweep(api, self.cluster.hub, self.keys)]

    async def checks(self) -> list[Check]:
        return await health.checks(self.cluster, self.build_daemon, self._connected())

    async def uses(self, launches: Sequence[Launch]) -> list[Use]:
        hub, found = self.cluster.hub, {}
        # not in words: nobody waits for it, and where there are no figures none are shown
        with suppress(*_DOWN):
            async with asyncio.timeout(_PATIENCE), connected(self.cluster.namespace) as api:
                found = uses_in(await api.metrics({labels.HUB: hub}))
        runs = (RunDirectory.of(self.layout, hub, each.user, each.server) for each in launches)
        return [found.get(run.name, UNKNOWN) for run in runs]

    # --- planning and finding -------------------------------------------------------------

    @property
    def recipe(self) -> Recipe:
        return self.recipe_named(RECIPE)

    def _key(self, name: str) -> str:
        return images.key_of(self.cluster, name)

    async def _find(self, key: str) -> Image | None:
        image = await self._described(images.name_of(self.cluster, key))
        if image:
            self.keys.mark_used(key)
        return image

    async def _described(self, name: str) -> Image | None:
        image = await self.registry.find(name)
        return Image(name, self._key(name), image.size) if image else None

    async def _pinned(self, reference: str, *, by_link: bool = False) -> str:
        """The name of exactly the image that somebody's name stands for now.

        Args:
            by_link: a person names it, and no BinderHub that the administrator names.

        Raises:
            NotAllowed: it is one of ours, or at an address that no link may name.
            ImageNotFound, RegistryUnavailable.
        """
        name = Name.of(reference)
        ours = self.cluster.repository, self.cluster.node_repository
        if any(name.is_of(Name.of(each)) for each in ours):
            raise NotAllowed(
                "Images of that name are of environments this hub built, perhaps of somebody's"
                " private repository. Launch the repository instead."
            )
        manifest = await self.registry.find(reference, by_link=by_link)
        if manifest is None:
            raise complaint(reference, "manifest unknown")
        return f"{name.repository}@{manifest.digest}"

    # --- building -------------------------------------------------------------------------

    async def _get(
        self, key: str, begins: Callable[[Tell], None], prepare: PrepareInput, tell: Tell
    ) -> Image:
        """The image of a key: as it is there, or made by the key's Job."""
        async with self.keys.locked(key):
            if image := await self._find(key):
                return image
            begins(tell)
            async with self._connected() as api:
                await self._build(api, key, prepare, tell)
        if image := await self._find(key):
            return image
        raise BuildFailed("The image was made, and was gone before it could be used.")

    async def _build(self, api: Api, key: str, prepare: PrepareInput, tell: Tell) -> None:
        log = Log(lambda line: tell(Event.log(Phase.BUILDING, line)))
        try:
            async with asyncio.timeout(self.build_timeout):
                await self._begin(api, key, prepare)
                await self._follow(api, key, log, tell)
        except TimeoutError:
            raise timeout(self.build_options, log.end) from None
        finally:
            # Also if nobody waits any more: then this ends all that the build began.
            await asyncio.shield(self._remove(api, key))

    async def _begin(self, api: Api, key: str, prepare: PrepareInput) -> None:
        """Have a Job for the key: the one an earlier service began, or a new one."""
        if _is_at_work(await api.job(jobs.name_of(self.cluster.hub, key))):
            return
        # Also one that somebody is removing already.
        await self._remove(api, key)
        self.check_space(self.layout.root)
        await self._prepare(key, prepare)
        image = images.name_of(self.cluster, key)
        await api.create_job(jobs.manifest(key, image, self.data, self.build_options))

    async def _prepare(self, key: str, prepare: PrepareInput) -> None:
        """Put what a build is given where its pod sees it: its order, and the files it may see."""
        folder = places.folder(self.layout, key)
        await asyncio.to_thread(tidy_away, folder)
        context = folder / "context"
        context.mkdir(parents=True)
        build_input = await prepare(context)
        order = BuildOrder(
            context=str(places.ORDER / "context"),
            image=f"localhost/{key}",
            labels={labels.KEY: key, **build_input.labels},
            buildpack=self.buildpack,
            base_image=self.base_image,
            engine="binder-writer" if self.build_daemon else "binder-buildah",
            lock=build_input.lock,
        )
        asked = {
            "order": asdict(order),
            "from": build_input.prebuilt,
            "insecure": self.insecure_registries,
            "made": build_input.made,
            # An image of others may have steps for whoever builds on it (ONBUILD).
            "apart": build_input.apart or bool(build_input.prebuilt),
            "variables": dict(self.environment),
        }
        (folder / "order.json").write_text(json.dumps(asked))
        (trusted := folder / "trusted").mkdir()
        if bundle := certificates.established():
            shutil.copy(bundle, trusted / FILE)
        for path in (folder, folder / "order.json", context, trusted, *trusted.iterdir()):
            path.chmod(0o755)

    async def _follow(self, api: Api, key: str, log: Log, tell: Tell) -> None:
        """Follow the key's Job to its end.

        Raises:
            BinderError: it failed; says why.
        """

        def say(message: Sentence) -> None:
            tell(Event(Phase.BUILDING, message))

        name = jobs.name_of(self.cluster.hub, key)
        least = jobs.requests(self.build_options)
        request = PodRequest(
            least["memory"], least["cpu"], own_image=self.cluster.image, what=Sentence("The build")
        )
        follower = Follower(api, name, log, PodEvents(request), say)
        status = await follower.until_ended()
        if status is None or "Complete" not in conditions(status):
            image = images.name_of(self.cluster, key)
            raise failure(status, follower.pod, log.end, image, self.build_options)

    async def _remove(self, api: Api, key: str) -> None:
        """Remove a build's Job, with all that runs of it, and what it was given."""
        await api.delete_job(jobs.name_of(self.cluster.hub, key))
        await asyncio.to_thread(tidy_away, places.folder(self.layout, key))

    # --- what is left over ----------------------------------------------------------------

    async def _jobs(self, api: Api) -> list[dict[str, Any]]:
        return await api.jobs(self.cluster.hub)

    async def _sweep_key(self, api: Api, key: str) -> bool:
        """Remove what is left of a build, unless somebody follows it; returns whether."""
        with held_if_free(self.keys.lock_path(key)) as free:
            if not free:
                return False
            with alone(f"Removing the build {key}"):
                await self._remove(api, key)
            return True

    async def _in_use(self, api: Api) -> set[str]:
        """Names of images that servers run from."""
        pods = await api.pods({labels.HUB: self.cluster.hub})
        run = (each["image"] for pod in pods for each in pod["spec"]["containers"])
        return {images.from_nodes(self.cluster, image) for image in run}

    async def _forget(self, image: Image) -> bool:
        """Have the registry forget an image; returns whether it is gone."""
        listed = await self.registry.find(image.name)
        gone = listed is None or await self.registry.remove(image.name, listed)
        if gone:
            self.keys.forget(image.key)
        return gone

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Api]:
        """The API server.

        Raises:
            EngineDown: it does not answer, or refuses.
        """
        try:
            async with connected(self.cluster.namespace) as api:
                yield api
        except BinderError:
            raise
        except _DOWN as error:
            raise EngineDown(
                "The cluster of this hub does not answer, or refuses. Try again in a moment; if it"
                " stays so, tell the administrator.",
                detail=str(getattr(error, "body", "") or error),
            ) from error


def _is_at_work(job: dict[str, Any] | None) -> bool:
    return job is not None and not conditions(job.get("status") or {}).keys() & {
        "Complete",
        "Failed",
    }
