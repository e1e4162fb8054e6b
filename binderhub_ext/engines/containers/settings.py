"""What builders of every engine with container images share, settings first."""

from __future__ import annotations

import re
import time
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from traitlets import Enum, List, TraitError, Unicode, default, validate

from ...housekeeping import alone
from ...repos.base import Source
from ..base import Builder, Environment, Image
from ..detect import DETECTION, Detection
from .binderhub import BinderHub
from .keys import Keys
from .planning import Plan, Recipe
from .trust import authorities


class ContainerBuilder(Builder):
    """What `DockerBuilder` and `KubernetesBuilder` share, and can be set as theirs too."""

    buildpack = Enum(
        ["stock", "uv"],
        "stock",
        help="""
        How Python repositories are built. `stock` (default): by repo2docker's own build pack,
        as on mybinder.org. `uv`: by ours, which installs the same in seconds and needs only
        the package index and the base image's packages, but takes the base image's Python
        unless runtime.txt names a version. Other repositories are built alike by both.
        """,
    ).tag(config=True)

    base_image = Unicode(
        help="""
        Image to build on, with apt and ending as root. Default: repo2docker's own. A change
        gives every environment a new key.
        """
    ).tag(config=True)

    binderhub_url = Unicode(
        help="""
        Address of a BinderHub in API-only mode, or of a service like this one, that builds in
        place of this hub: images of Git repositories that everybody can read are built there and
        pulled from its registry. Others are built here: private ones, archives, and those whose
        lock file or `devcontainer.json` counts, which repo2docker does not read. What is built
        there is an environment of that commit alone, whatever its files. A change gives every
        environment a new key. Default: none.
        """
    ).tag(config=True)

    binderhub_token_file = Unicode(
        help="""
        File with a token of that BinderHub's JupyterHub, if it has one; read for each build.
        """
    ).tag(config=True)

    pinned = List(
        Unicode(), help="Names of images that are never removed, however old. Default: none."
    ).tag(config=True)

    @default("max_total_size")
    def _max_total_size(self) -> str:
        return "200G"

    @property
    @abstractmethod
    def recipe(self) -> Recipe:
        """What its images depend on besides their repositories."""

    @property
    def binderhub(self) -> BinderHub | None:
        """What builds in place of this hub."""
        if not self.binderhub_url:
            return None
        return BinderHub(self.binderhub_url, self.binderhub_token_file)

    def elsewhere(self, detection: Detection, source: Source | None) -> BinderHub | None:
        """The BinderHub that builds this in place of this hub, if there is one that can."""
        if self.binderhub is None or source is None or detection.lock or detection.made:
            return None
        return self.binderhub if self.binderhub.takes(source) else None

    def recipe_named(self, name: str) -> Recipe:
        """The recipe of that name, as far as it follows from settings."""
        name = f"{name}, {self.binderhub_url}" if self.binderhub_url else name
        base = self.buildpack, self.base_image, authorities()
        return Recipe(name, *base, self.lock_files, self.devcontainers)

    @validate("binderhub_url")
    def _is_address(self, proposal: dict[str, Any]) -> str:
        url = str(proposal["value"])
        if url and not re.match(r"https?://[^/]", url):
            raise TraitError(f"binderhub_url {url!r} is not the address of a BinderHub")
        return url

    @property
    def scratch(self) -> Path:
        """Where builds have their folders."""
        return self.layout.run / "builds"

    async def basis(self) -> str:
        detected = f"{DETECTION} {self.lock_files} {self.devcontainers}"
        return f"{self.recipe.ingredients} {detected}"

    async def plan(self, source: Source) -> Environment:
        return (await self.planned(source)).environment

    async def plain(self) -> Environment:
        return (await self.planned(None)).environment

    async def planned(self, source: Source | None) -> Plan:
        """All that is decided before a build, also of no repository.

        Raises:
            BuildFailed: repo2docker cannot make sense of the configuration.
        """
        if source is None:
            return self.recipe.plain()
        plan = await self.recipe.plan(source, self.layout, self.scratch)
        if self.elsewhere(plan.detection, source):
            return self.recipe.handed(plan, source.whole)
        return plan

    async def remove_surplus(
        self,
        images: Sequence[Image],
        keys: Keys,
        remove: Callable[[Image], Awaitable[bool]],
        keep: Collection[str] = (),
    ) -> list[Image]:
        """Remove images over the configured age and total size; returns those that are gone.

        Args:
            images: all there are, least recently used first.
            remove: removes one unless something uses it; gives whether it is gone.
            keep: keys of images that are not removed, besides those that are pinned by name.
        """
        removed = []
        total = sum(image.size for image in images)
        for image in images:
            old = time.time() - keys.last_use(image.key) > self.max_age
            surplus = old or total > self.max_total_size
            if surplus and image.name not in self.pinned and image.key not in keep:
                with alone(f"Removing the image {image.name}"):
                    if await remove(image):
                        removed.append(image)
                        total -= image.size
        return removed
